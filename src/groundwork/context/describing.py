"""Contexts written by a model: for each chunk a sentence that situates it in its document, and questions that it answers.

What is written is embedded and searched with the chunk, and never shown, quoted or cited: offsets stay those of the document. It is data that
a model made of a stranger's document, so it never reaches another model's prompt either. The document stands first in the prompt and is the
same for all of its chunks, so that providers' prompt caches serve it; the first chunk is asked for alone, the others side by side. A text is
kept as soon as it is written, by the hash of chunk, prompt and model: nobody pays for it twice, and a process that is killed loses those that
were being written. Source: Anthropic, Introducing Contextual Retrieval (2024); questions: Nogueira et al., doc2query (2019).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from groundwork.context.packing import SPECIAL, Measure
from groundwork.core.document import NOTHING, Chunk, Document
from groundwork.core.errors import GroundworkError, UpstreamError
from groundwork.core.ids import content_id
from groundwork.core.loop_thread import LoopThread
from groundwork.core.ports import Model
from groundwork.core.request import Request
from groundwork.core.whole import gather, together
from groundwork.prompts.counting import count_tokens
from groundwork.prompts.front_matter import Prompt
from groundwork.prompts.render import render
from groundwork.store.written import WrittenTable

_BLOCK = 60_000
"""Characters of a document that are sent at once: a longer one goes in parts, each the same for all chunks that begin in it."""
_SIDE_BY_SIDE = 4
_SECONDS = 120.0
_HOPELESS = 5
"""Failures in a row after which nothing more is asked in a run."""
_LONGEST = 2_000
"""Characters of a written text that are kept."""
_PIECES = 8
"""A chunk that leaves less room than this in the encoder's window gets no text."""


class Outstanding(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be written, and what that takes at most, by the embedded encoder's count of tokens."""

    chunks: int
    documents: int
    input_tokens: int
    output_tokens: int


@dataclass(slots=True)
class Tally:
    """What a run has written so far."""

    written: int = 0
    failed: int = 0
    cost: float | None = 0.0
    last_failure: str = ""
    failures_in_a_row: int = 0


class Describer:
    """Writes texts for chunks with one model. `most` bounds what a run may cost, in US dollars; 0 writes nothing and takes what is kept."""

    def __init__(
        self,
        model: Model,
        named: str,
        prompt: Prompt,
        table: WrittenTable,
        thread: LoopThread,
        *,
        questions: int,
        most: float | None = None,
    ) -> None:
        self._model = model
        self._named = named
        self._prompt = prompt
        self._table = table
        self._thread = thread
        self._questions = questions
        self.most = most
        self.tally = Tally()

    @property
    def fingerprint(self) -> str:
        """What a text depends on beside its chunk: the prompt, the model, how many questions."""
        return content_id("wr", self._prompt.id, self._named, str(self._questions))

    def missing(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The chunks that no text is kept for."""
        known = self._table.known([self._key(chunk) for chunk in chunks])
        return [chunk for chunk in chunks if self._key(chunk) not in known]

    def tokens(self, document: Document, chunks: Sequence[Chunk]) -> tuple[int, int]:
        """How many tokens the texts for these chunks take, in and out at most, by the embedded encoder's count."""
        requests = [self._request(document, chunk) for chunk in chunks]
        shared = {start: count_tokens(_block(document.text, start)) for start in {_start(chunk) for chunk in chunks}}
        around = count_tokens(self._prompt.system) + count_tokens(self._prompt.user)
        asked = sum(around + shared[_start(chunk)] + count_tokens(chunk.text) for chunk in chunks)
        return asked, sum(request.parameters.max_tokens or 0 for request in requests)

    def describe(
        self, document: Document, chunks: Sequence[Chunk], encoder: Measure, window: int, alive: Callable[[], None]
    ) -> tuple[list[Chunk], int]:
        """The chunks with what was written for them, cut to what the encoder's window holds beside the chunk, and how many have no text.

        Raises UpstreamError where the provider refuses the key; any other failure leaves its chunk as it is, and is counted.
        """
        missing = self.missing(chunks)
        if missing and self.most != 0:
            for start in sorted({_start(chunk) for chunk in missing}):
                group = [chunk for chunk in missing if _start(chunk) == start]
                for some in (group[:1], *(group[at : at + _SIDE_BY_SIDE] for at in range(1, len(group), _SIDE_BY_SIDE))):
                    if not self._goes_on:
                        break
                    self._thread.run(self._write_all(document, some))
                    alive()
        known = self._table.known([self._key(chunk) for chunk in chunks])
        made = [_with(chunk, known.get(self._key(chunk), ""), encoder, window) for chunk in chunks]
        return made, sum(self._key(chunk) not in known for chunk in chunks)

    @property
    def _goes_on(self) -> bool:
        tally = self.tally
        spent = self.most is not None and (tally.cost is None or tally.cost >= self.most)
        return not spent and tally.failures_in_a_row < _HOPELESS

    async def _write_all(self, document: Document, chunks: Sequence[Chunk]) -> None:
        await together([self._write(document, chunk) for chunk in chunks])

    async def _write(self, document: Document, chunk: Chunk) -> None:
        tally = self.tally
        try:
            async with asyncio.timeout(_SECONDS):
                whole = await gather(self._model.stream(self._request(document, chunk)))
        except UpstreamError as error:
            if error.cause == "auth":
                raise
            self._failed(error.what)
            return
        except (GroundworkError, TimeoutError) as error:
            self._failed(str(error) or "it was not written in time")
            return
        tally.cost = None if whole.cost is None or tally.cost is None else tally.cost + whole.cost
        text = " ".join(whole.text.split()).strip()[:_LONGEST]
        if whole.finish not in {"stop", "length"} or whole.refusal or not text:
            self._failed("the model wrote nothing of use")
            return
        tally.failures_in_a_row = 0
        tally.written += 1
        await self._table.keep(self._key(chunk), text, model=whole.model or self._model.name, usage=whole.usage, cost=whole.cost)

    def _failed(self, reason: str) -> None:
        self.tally.failed += 1
        self.tally.failures_in_a_row += 1
        self.tally.last_failure = reason

    def _request(self, document: Document, chunk: Chunk) -> Request:
        variables = {
            "title": document.title,
            "document": _block(document.text, _start(chunk)),
            "passage": chunk.text,
            "questions": self._questions,
        }
        return render(self._prompt, Request(messages=(), variables=variables), NOTHING)

    def _key(self, chunk: Chunk) -> str:
        return content_id("wr", self.fingerprint, chunk.prefix, chunk.text)


def _start(chunk: Chunk) -> int:
    """Where the part of the document begins that a chunk is shown in."""
    return chunk.start // _BLOCK * _BLOCK


def _block(text: str, start: int) -> str:
    return text[start : start + _BLOCK]


def _with(chunk: Chunk, text: str, encoder: Measure, window: int) -> Chunk:
    """The chunk with a written text, as much of it as the window holds. Its id names the text: another one is another chunk to the index."""
    room = window - SPECIAL - encoder.count(f"{chunk.prefix}\n{chunk.text}") - 1
    pieces = encoder.pieces(text)
    if not text or room < _PIECES:
        return chunk
    written = text[: pieces[room - 1][1]] if len(pieces) > room else text
    while written and encoder.count(f"{chunk.prefix}\n{written}\n{chunk.text}") + SPECIAL > window:
        written = written[: -max(1, len(written) // 8)]
    written = written.strip()
    return msgspec.structs.replace(chunk, id=content_id("ch", chunk.id, written), written=written) if written else chunk
