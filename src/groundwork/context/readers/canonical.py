"""The canonical text of a document while it is written, block by block, with the map back to its original.

Blocks are separated by a blank line; lines of one list, table or listing by a newline. Every reader writes through here, so that offsets,
landmarks and headings mean the same for every medium.
"""

import re
from collections.abc import Mapping
from typing import Any

from groundwork.core.document import Document, Heading, Landmark, Medium, Table
from groundwork.core.errors import InputError
from groundwork.core.ids import content_id
from groundwork.core.text import shorten

_TITLE = 200
_ANY_IMAGE = re.compile(r"(?:an? )?(?:graphic|icon|image|img|logo|name|photo|picture)(?: ?\d+)?", re.IGNORECASE)  # programs write these
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|emf|wmf)", re.IGNORECASE)


class Canonical:
    """Grows by `add`, ends in `document`."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._landmarks: list[Landmark] = []
        self._headings: list[Heading] = []
        self._tables: list[Table] = []
        self.first_heading = ""

    @property
    def empty(self) -> bool:
        return not self._parts

    def add(
        self,
        text: str,
        *,
        tight: bool = False,
        row: bool = False,
        level: int | None = None,
        line: int | None = None,
        page: int | None = None,
        element: str | None = None,
    ) -> None:
        """Append a block. `tight` joins it to the block before as its next line; `row` makes it a row of a table, whose first is the one that
        is not tight; `level` makes it a heading. Blank blocks are left out.
        """
        text = text.strip("\n").rstrip()
        if not text.strip():
            return
        if self._parts:
            self._write("\n" if tight else "\n\n")
        start = self._length
        self._write(text)
        last = self._landmarks[-1] if self._landmarks else None
        if (last is None and (line or page or element)) or (last and (last.line, last.page, last.element) != (line, page, element)):
            self._landmarks.append(Landmark(start=start, line=line, page=page, element=element))
        if row and tight and self._tables:
            self._tables[-1] = Table(start=self._tables[-1].start, header=self._tables[-1].header, end=self._length)
        elif row:
            self._tables.append(Table(start=start, header=self._length, end=self._length))
        if level is not None:
            self._headings.append(Heading(level=level, start=start, end=self._length))
            if level == 1 and not self.first_heading:
                self.first_heading = text

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def document(
        self, source: str, *, title: str, medium: Medium, metadata: Mapping[str, Any] | None = None, unread: tuple[str, ...] = ()
    ) -> Document:
        """The finished document. Without a title, its first heading or the file's name is one. Raises InputError where no text was found."""
        text = "".join(self._parts)
        if not text:
            raise InputError(f"{source} holds no text", fix="remove the file, or leave it out of `sources`")
        return Document(
            id=content_id("doc", source, text),
            source=source,
            title=shorten(title or self.first_heading, _TITLE) or title_of(source),
            medium=medium,
            text=text,
            landmarks=tuple(self._landmarks),
            headings=tuple(self._headings),
            tables=tuple(table for table in self._tables if table.end > table.header),
            metadata=dict(metadata or {}),
            unread=unread,
        )


def image_text(alternative: str, title: str = "") -> str:
    """An image in a text: what its author wrote to stand for it, in brackets. Nothing where that is nothing, a mark, the name of its file, or the
    mere word that it is one.
    """
    parts = [" ".join(part.split()) for part in (alternative, title)]
    said = [part for place, part in enumerate(parts) if _says(part) and part not in parts[:place]]
    return f"[image: {'; '.join(said)}]" if said else ""


def _says(alternative: str) -> bool:
    return sum(map(str.isalnum, alternative)) > 1 and not _FILE_NAME.fullmatch(alternative) and not _ANY_IMAGE.fullmatch(alternative)


def title_of(source: str) -> str:
    """A title from a file's name: `release_notes.txt` is called `release notes`."""
    name = source.rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] or name
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or name
