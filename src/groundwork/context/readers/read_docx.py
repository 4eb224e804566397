"""DOCX: headings, paragraphs, lists with their numbers, tables, notes, text boxes, and images by what stands for them.

The text is what a reader sees when all changes are accepted: what was deleted, hidden or commented is left out, and so are the headers and
footers of pages. A file does not know its pages: the locator is `paragraph-12` or `table-2`, counted through the document.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundwork.context.readers.canonical import Canonical, image_text
from groundwork.context.readers.docx_numbering import Numbering, whole_number
from groundwork.context.readers.ooxml import Package, attribute, child, children, local
from groundwork.core.document import Document

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_LEFT_OUT = frozenset(
    {"del", "moveFrom", "rPr", "pPr", "sectPr", "instrText", "delText", "delInstrText", "fldChar", "txbxContent", "sdtPr", "tcPr", "tblPr"}
)
_LETTERS = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "‑"}
_DEEPEST = 60
"""Tables in tables, boxes in boxes: more than anybody makes."""


def read_docx(data: bytes, source: str) -> Document:
    """Read a DOCX. Raises InputError where it is encrypted, broken or beyond bounds, holds no text, or where the parser is not installed."""
    with Package(data, source) as package:
        main = package.main()
        body = child(package.xml(main), "body")
        if body is None:
            raise package.broken(f"{main} is no text document")
        canonical = Canonical()
        parts = {relation.kind: relation.target for relation in package.relations(main).values() if relation.target}
        _Body(canonical, package, parts).walk(body, 0)
        properties = package.properties()
        return canonical.document(source, title=properties.pop("title", ""), medium="docx", metadata=properties)


class _Style:
    """A paragraph style, with what it takes over from those it is based on."""

    def __init__(self, element: "Element") -> None:
        self.name = attribute(child(element, "name"), "val")
        self.based_on = attribute(child(element, "basedOn"), "val")
        self.outline = attribute(child(element, "pPr", "outlineLvl"), "val")
        self.number = child(element, "pPr", "numPr")


class _Body:
    """One walk over the blocks of a document."""

    def __init__(self, canonical: Canonical, package: Package, parts: dict[str, str]) -> None:
        self._canonical = canonical
        styles = package.xml(parts["styles"]) if "styles" in parts else None
        self._styles = {
            attribute(one, "styleId"): _Style(one) for one in children(styles, "style") if attribute(one, "type") == "paragraph"
        }
        self._numbering = Numbering(package.xml(parts["numbering"]) if "numbering" in parts else None)
        self._notes = {
            f"{kind}Reference": {attribute(note, "id"): note for note in package.xml(parts[f"{kind}s"]) if not attribute(note, "type")}
            for kind in ("footnote", "endnote")
            if f"{kind}s" in parts
        }
        self._noted = 0
        self._paragraphs = 0
        self._tables = 0
        self._in_list = False

    def walk(self, parent: "Element", depth: int) -> None:
        """Write the paragraphs and tables below an element, whatever wraps them."""
        if depth > _DEEPEST:
            return
        for element in parent:
            name = local(element)
            if name == "p":
                self._paragraph(element, depth)
            elif name == "tbl":
                self._table(element)
            elif name not in _LEFT_OUT:
                self.walk(element, depth + 1)  # content controls, accepted insertions, custom XML

    def _paragraph(self, element: "Element", depth: int) -> None:
        self._paragraphs += 1
        place = f"paragraph-{self._paragraphs}"
        if any(style.name.casefold().startswith("toc ") for style in self._style_and_above(element)):
            return  # a table of contents says nothing that the headings do not
        text = "\n".join(" ".join(line.split()) for line in "".join(self._text(element)).split("\n")).strip()
        level = self._level(element)
        marker = self._marker(element) if text else ""
        if text:
            if level is not None:
                text = " ".join(text.split())
            tight = bool(marker) and self._in_list and level is None
            self._canonical.add(marker + text, tight=tight, level=level, element=place)
            self._in_list = bool(marker) and level is None
        for box in _boxes(element):
            self.walk(box, depth + 1)
        self._write_notes(element, place)

    def _write_notes(self, element: "Element", place: str) -> None:
        """The footnotes and endnotes that a block refers to, right after it."""
        for inner in element.iter():
            note = self._notes.get(local(inner), {}).get(attribute(inner, "id"))
            said = " ".join("".join(self._text(note)).split()) if note is not None else ""
            if said:
                self._noted += 1
                self._canonical.add(f"Note {self._noted}: {said}", element=place)

    def _text(self, element: "Element") -> Iterator[str]:
        """The text of a paragraph, piece by piece. Of alternatives, only the first is read."""
        for inner in element:
            name = local(inner)
            if name == "t":
                yield inner.text or ""
            elif name in _LETTERS:
                yield "" if attribute(inner, "type") in {"page", "column"} else _LETTERS[name]
            elif name == "docPr":
                yield f" {image_text(attribute(inner, 'descr'), attribute(inner, 'title'))} "
            elif name == "shape" and attribute(inner, "alt"):
                yield f" {image_text(attribute(inner, 'alt'))} "
            elif name == "AlternateContent":
                chosen = child(inner, "Choice")
                yield from self._text(chosen if chosen is not None else inner)
            elif name == "r" and _is_hidden(inner):
                continue
            elif name == "p":
                yield from self._text(inner)
                yield " "
            elif name not in _LEFT_OUT:
                yield from self._text(inner)

    def _table(self, element: "Element") -> None:
        """Rows as lines. A cell that is merged with the one above says what that one says: each row is whole."""
        self._tables += 1
        place = f"table-{self._tables}"
        above: dict[int, str] = {}
        first = True
        for row in _rows(element):
            cells: list[str] = []
            column = 0
            for cell in _cells(row):
                properties = child(cell, "tcPr")
                merged = child(properties, "vMerge")
                text = " ".join("".join(self._text(cell)).split())
                if merged is not None and attribute(merged, "val") != "restart":
                    text = above.get(column, "")
                above[column] = text
                cells.append(text)
                column += whole_number(attribute(child(properties, "gridSpan"), "val"), 1)
            if any(cells):
                self._canonical.add(" | ".join(cells), tight=not first, row=True, element=place)
                first = False
        self._in_list = False
        self._write_notes(element, place)

    def _level(self, element: "Element") -> int | None:
        """The level of a heading: from the paragraph, its style, or a style that one is based on."""
        said = attribute(child(element, "pPr", "outlineLvl"), "val")
        for style in self._style_and_above(element):
            if said:
                break
            match = _HEADING.fullmatch(style.name)
            if match or style.name.casefold() == "title":
                return int(match[1]) if match else 1
            said = style.outline
        level = whole_number(said, 9)
        return level + 1 if 0 <= level < 9 else None

    def _marker(self, element: "Element") -> str:
        number = child(element, "pPr", "numPr")
        for style in self._style_and_above(element):
            number = style.number if number is None else number
        if number is None:
            return ""
        depth = whole_number(attribute(child(number, "ilvl"), "val"))
        return self._numbering.marker(attribute(child(number, "numId"), "val"), depth)

    def _style_and_above(self, element: "Element") -> Iterator[_Style]:
        name = attribute(child(element, "pPr", "pStyle"), "val")
        seen: set[str] = set()
        while name in self._styles and name not in seen:  # a broken file may base styles on each other in a circle
            seen.add(name)
            yield self._styles[name]
            name = self._styles[name].based_on


def _is_hidden(run: "Element") -> bool:
    hidden = child(run, "rPr", "vanish")
    return hidden is not None and attribute(hidden, "val", "true") not in {"0", "false", "off"}


def _rows(table: "Element") -> Iterator["Element"]:
    for inner in table:
        if local(inner) == "tr":
            if child(inner, "trPr", "del") is None:
                yield inner
        elif local(inner) in {"sdt", "sdtContent", "customXml"}:
            yield from _rows(inner)


def _cells(row: "Element") -> Iterator["Element"]:
    for inner in row:
        if local(inner) == "tc":
            yield inner
        elif local(inner) in {"sdt", "sdtContent", "customXml"}:
            yield from _cells(inner)


def _boxes(element: "Element") -> Iterator["Element"]:
    """Text boxes anchored in a paragraph: of alternatives, only the first."""
    for inner in element:
        if local(inner) == "txbxContent":
            yield inner
        elif local(inner) == "AlternateContent":
            chosen = child(inner, "Choice")
            yield from _boxes(chosen if chosen is not None else inner)
        elif local(inner) not in {"del", "moveFrom"}:
            yield from _boxes(inner)
