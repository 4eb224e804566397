"""What may be known: documents, the chunks they are split into, and the hits a search returns.

Offsets are code points in a document's stored canonical text. `Landmark`s map them back to the original: line, page or element.
"""

from typing import Any, Literal

import msgspec

Medium = Literal["markdown", "html", "text", "pdf", "docx", "pptx", "xlsx", "csv", "json", "code"]


class Landmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From `start` on (until the next landmark), the canonical text stems from this place of the original."""

    start: int
    line: int | None = None
    page: int | None = None
    """From 1: a page of a PDF, a slide of a presentation."""
    element: str | None = None
    """What stands after `#` in a link to the place: the id or anchor name of the nearest element above (`page.html#element`), a sheet's cell
    (`Prices!A12`), a JSON pointer (`/items/3`), a paragraph or table of a text document (`paragraph-12`)."""


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """A heading of the document: its level (1 is the highest) and where its text starts and ends in the canonical text."""

    level: int
    start: int
    end: int


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, one a line, in the canonical text: where the first begins and ends (most often the header), and where the last ends."""

    start: int
    header: int
    end: int


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source read into canonical text. `id` is the hash of source name and text: another text is another document."""

    id: str
    source: str
    """What a person calls the document: its path relative to the application's folder, with `/`; the URL of a page; `module:function/name` of
    what a function gave."""
    title: str
    medium: Medium
    text: str
    landmarks: tuple[Landmark, ...] = ()
    headings: tuple[Heading, ...] = ()
    tables: tuple[Table, ...] = ()
    metadata: dict[str, Any] = {}
    """Its own fields: texts, numbers, true or false, lists of texts; a date is a text like `2024-01-31`."""
    unread: tuple[str, ...] = ()
    """What of the original is not in the text, in sentences: pages that are pictures, sheets that are hidden."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of a document: `text == document.text[start:end]`. `prefix` (title and heading path) is embedded and searched with it."""

    id: str
    document: str
    source: str
    title: str
    headings: tuple[str, ...]
    start: int
    end: int
    text: str
    line: int | None = None
    page: int | None = None
    element: str | None = None
    landmarks: tuple[Landmark, ...] = ()
    """Those of the document that lie inside: a quote from the chunk's end may stand on the next page."""
    parent: tuple[int, int] | None = None
    """From where to where the passage reaches that is given in its place, where small chunks are searched for larger passages."""
    written: str = ""
    """What a model wrote of it, where that is configured: embedded and searched with it, never shown, quoted or cited."""

    def place(self, offset: int) -> Landmark:
        """Where in the original an offset of `text` stems from."""
        first = Landmark(start=self.start, line=self.line, page=self.page, element=self.element)
        return next((mark for mark in reversed(self.landmarks) if mark.start <= self.start + offset), first)

    @property
    def prefix(self) -> str:
        """Title and heading path, as one line: context that the text alone lacks."""
        path = [part for part in self.headings if part != self.title]
        return " > ".join([self.title, *path])

    @property
    def lead(self) -> str:
        """What is embedded and searched before the text: the prefix, and what was written."""
        return f"{self.prefix}\n{self.written}" if self.written else self.prefix


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A chunk that a search found, with its final score and its rank (from 1) in each list that held it."""

    chunk: Chunk
    score: float
    ranks: dict[str, int] = {}
    similarity: float | None = None
    """Cosine of question and chunk, where the dense list or the scorer computed it."""
    rerank: float | None = None
    """The reranker's score on its own scale, where it has read the chunk."""

    @property
    def text(self) -> str:
        return self.chunk.text


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What context construction gathered for one request, and from which generation of the index."""

    hits: tuple[Hit, ...] = ()
    generation: str = ""
    query: str = ""
    evidence: float | None = None
    """How likely the hits hold the answer, by the search's own signals (0 to 1, at even odds); None where nothing can be said."""
    doubtful: bool = False
    """Whether that is so little that a prompt had better say so."""
    at_ends: bool = False
    """Whether a prompt shows the best passages first and last, and the weakest in the middle."""

    @property
    def shown(self) -> list[tuple[int, Hit]]:
        """The hits with their numbers (from 1, by rank), in the order in which a prompt shows them: 1, 3, 5, … 4, 2 where `at_ends`."""
        numbered = list(enumerate(self.hits, start=1))
        return [*numbered[::2], *reversed(numbered[1::2])] if self.at_ends else numbered


class Citation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A claim's evidence: `quote` is verbatim `document.text[start:end]`."""

    number: int
    """The n of the `[n]` in the answer."""
    document: str
    chunk: str
    source: str
    title: str
    start: int
    end: int
    quote: str
    line: int | None = None
    page: int | None = None
    element: str | None = None


NOTHING = Found()
