"""The offline quoting reader as a model: it reads the sources in the prompt and quotes them, cited.

Every answer says what it is and names the command that adds a language model; it is never passed off as one.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from groundwork.core.document import Citation
from groundwork.core.message import Message, Source, Text
from groundwork.core.reply import Delta, Usage
from groundwork.core.request import Request
from groundwork.core.text import shorten, words
from groundwork.engine.quoting import Passage, Quote, Quoter, Reading

NAME = "embedded/quoting-reader"
COMMAND = "groundwork model openai/gpt-4o-mini"
_PASSAGE_SHOWN = 360


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """Quotes the best sentences of the sources, lists passages where a quote cannot serve, or abstains."""

    quoter: Quoter
    name: str = NAME

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        question, sources = _read(request)
        passages = [Passage(source.hit.text, source.hit.chunk.prefix, source.hit.similarity) for source in sources]
        reading = await self.quoter.read(question, passages)
        text, citations = _write(reading, sources)
        yield Delta(text=text, model=self.name)
        spent = sum(len(words(passage.text)) for passage in passages) + len(words(question))
        yield Delta(
            finish="stop",
            citations=citations,
            abstained=reading.kind == "abstain",
            usage=Usage(input_tokens=spent, output_tokens=len(words(text))),
            extra={"groundwork.reader.kind": reading.kind, "groundwork.reader.support": round(reading.support, 4)},
        )


def _read(request: Request) -> tuple[str, list[Source]]:
    """The caller's own words and the sources of the last user message: parts keep their origin, so the prompt's text is not mistaken for either."""
    last = next((message for message in reversed(request.messages) if message.role == "user"), Message(role="user", parts=()))
    question = "".join(part.text for part in last.parts if isinstance(part, Text) and part.label == "user")
    return question.strip(), [part for part in last.parts if isinstance(part, Source)]


def _write(reading: Reading, sources: Sequence[Source]) -> tuple[str, tuple[Citation, ...]]:
    if reading.kind == "abstain":
        what = "The documents do not seem to hold the answer." if sources else "There are no documents to quote from here."
        return f"{what}\n\n{_footer(reading.why)}", ()
    citations = tuple(_cite(quote, sources[quote.passage]) for quote in reading.quotes)
    if reading.kind == "quote":
        lines = [f"“{_one_line(citation.quote)}” [{citation.number}]" for citation in citations]
        return "\n\n".join([*lines, _footer()]), citations
    lines = [f"[{citation.number}] {citation.title}: “{shorten(citation.quote, _PASSAGE_SHOWN)}”" for citation in citations]
    return "\n\n".join(
        ["_These passages fit best; the offline reader does not put them together:_", *lines, _footer(reading.why)]
    ), citations


def _cite(quote: Quote, source: Source) -> Citation:
    chunk = source.hit.chunk
    place = chunk.place(quote.start)
    return Citation(
        number=source.number,
        document=chunk.document,
        chunk=chunk.id,
        source=chunk.source,
        title=chunk.prefix,
        start=chunk.start + quote.start,
        end=chunk.start + quote.end,
        quote=chunk.text[quote.start : quote.end],
        line=place.line,
        page=place.page,
        element=place.element,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _footer(why: str = "") -> str:
    reason = f": {why}" if why else ", which quotes and does not explain"
    return f"_From groundwork's offline reader (22 M parameters, English){reason}. To add a language model: `{COMMAND}`_"
