"""The one generator of every pipeline: the embedded reader as the product's model, over the passages that a pipeline hands over."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from groundwork.core.document import Chunk, Hit
from groundwork.core.message import Message, Source, Text
from groundwork.core.request import Request
from groundwork.engine.batching import Batcher
from groundwork.engine.quoting import Quoter
from groundwork.engine.reader import READER, Reader
from groundwork.engine.reading import SpanFound
from groundwork.engine.trained import read_trained
from groundwork.gateway.providers.embedded import EmbeddedModel


class Passage(NamedTuple):
    """What a pipeline retrieved: its text, the file, its score (a cosine, with all of these pipelines), and what it is called in the prompt."""

    text: str
    source: str
    score: float | None
    heading: str


class Said(NamedTuple):
    """An answer, as text and as what it rests on."""

    text: str
    quotes: list[tuple[int, str]]
    """Which passage, and the words of it."""
    abstained: bool
    span: str
    """The surest span of all passages."""
    sure: bool
    """Whether the reader's own threshold lets it be said."""
    cpu_s: float


class Kept:
    """The reader, which keeps what it found last."""

    def __init__(self) -> None:
        self._reader = Reader()
        self.last: list[SpanFound] = []

    async def spans(self, question: str, passages: Sequence[str], /) -> list[SpanFound]:
        self.last = await self._reader.spans(question, passages)
        return self.last

    async def close(self) -> None:
        await self._reader.close()


class Generator:
    """Answers questions from passages. To be closed."""

    def __init__(self) -> None:
        self._embedder = Batcher()
        self._reader = Kept()
        self._model = EmbeddedModel(Quoter(self._embedder, reader=self._reader))
        self._threshold = read_trained(READER).thresholds["answerable"]

    async def answer(self, question: str, passages: Sequence[Passage]) -> Said:
        started = time.process_time()
        self._reader.last = []
        deltas = [delta async for delta in self._model.stream(asked(question, passages))]
        spent = time.process_time() - started
        last = deltas[-1]
        text = "".join(delta.text for delta in deltas).rpartition("\n\n_From groundwork")[0]
        best = self._reader.last[0] if self._reader.last else None
        return Said(
            text,
            [(one.number - 1, one.quote) for one in last.citations],
            last.abstained,
            passages[best.passage].text[best.start : best.end] if best else "",
            best is not None and best.answerable >= self._threshold,
            spent,
        )

    async def close(self) -> None:
        await self._reader.close()
        await self._embedder.close()


def asked(question: str, passages: Sequence[Passage]) -> Request:
    """A request as the application renders it: numbered sources, then the question."""
    sources = tuple(Source(number=number, hit=_hit(one, number)) for number, one in enumerate(passages, start=1))
    return Request(messages=(Message(role="user", parts=(*sources, Text(text=question))),))


def _hit(one: Passage, number: int) -> Hit:
    chunk = Chunk(
        id=f"ch_{number}", document=one.source, source=one.source, title=one.heading, headings=(), start=0, end=len(one.text), text=one.text
    )
    return Hit(chunk=chunk, score=one.score or 0.0, similarity=one.score)
