"""What may be known: documents, the chunks they are split into, and the hits a search returns.

Offsets are code points in a document's stored canonical text. `Landmark`s map them back to the original: line, page or element.
"""

from typing import Any, Literal

import msgspec

Medium = Literal["markdown", "html", "text"]


class Landmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From `start` on (until the next landmark), the canonical text stems from this place of the original."""

    start: int
    line: int | None = None
    page: int | None = None
    element: str | None = None
    """The id or anchor name of the nearest element above, so that `page.html#element` opens there."""


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """A heading of the document: its level (1 is the highest) and where its text starts and ends in the canonical text."""

    level: int
    start: int
    end: int


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source read into canonical text. `id` is the hash of source name and text: another text is another document."""

    id: str
    source: str
    """Path relative to the application's folder, with `/`: what a person calls the document."""
    title: str
    medium: Medium
    text: str
    landmarks: tuple[Landmark, ...] = ()
    headings: tuple[Heading, ...] = ()
    metadata: dict[str, Any] = {}
    """Its own fields: texts, numbers, true or false, lists of texts; a date is a text like `2024-01-31`."""


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

    @property
    def prefix(self) -> str:
        """Title and heading path, as one line: context that the text alone lacks."""
        path = [part for part in self.headings if part != self.title]
        return " > ".join([self.title, *path])


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A chunk that a search found, with its final score and its rank (from 1) in each list that held it."""

    chunk: Chunk
    score: float
    ranks: dict[str, int] = {}
    similarity: float | None = None
    """Cosine of question and chunk, where the dense list or the scorer computed it."""

    @property
    def text(self) -> str:
        return self.chunk.text


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What context construction gathered for one request, and from which generation of the index."""

    hits: tuple[Hit, ...] = ()
    generation: str = ""
    query: str = ""


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
