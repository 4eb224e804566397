"""PPTX: slide by slide, with the slide's number as its page: title, text, tables, the words of diagrams and charts, images by what stands
for them, and the speaker's notes. Dates, footers and slide numbers are left out; hidden slides are read, because whoever opens the file sees them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundwork.context.readers.canonical import Canonical, image_text
from groundwork.context.readers.docx_numbering import whole_number
from groundwork.context.readers.ooxml import Package, Relation, attribute, child, children, local, relation_id
from groundwork.core.document import Document

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LEFT_OUT = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
_TITLES = frozenset({"title", "ctrTitle"})
_LISTS = frozenset({"", "body", "obj"})
"""Placeholders whose paragraphs are points of a list, unless they say otherwise."""


def read_pptx(data: bytes, source: str) -> Document:
    """Read a PPTX. Raises InputError where it is encrypted, broken or beyond bounds, holds no text, or where the parser is not installed."""
    with Package(data, source) as package:
        main = package.main()
        slides = child(package.xml(main), "sldIdLst")
        relations = package.relations(main)
        canonical = Canonical()
        number = 0
        for entry in children(slides, "sldId"):
            number += 1
            relation = relations.get(relation_id(entry))
            if relation is None or not relation.target:
                raise package.broken(f"slide {number} is missing")
            _Slide(canonical, package, relation.target, number).write()
        properties = package.properties()
        title = properties.pop("title", "")
        default = title.casefold() == "powerpoint presentation"  # what the program calls every file
        return canonical.document(source, title="" if default else title, medium="pptx", metadata={**properties, "slides": number})


class _Slide:
    """One slide, written in the order of its shapes, the title first."""

    def __init__(self, canonical: Canonical, package: Package, name: str, number: int) -> None:
        self._canonical = canonical
        self._package = package
        self._name = name
        self._number = number
        self._relations: dict[str, Relation] = package.relations(name)

    def write(self) -> None:
        tree = child(self._package.xml(self._name), "cSld", "spTree")
        shapes = list(_shapes(tree))
        shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)  # stable: the others keep their order
        for shape in shapes:
            self._shape(shape)
        for relation in self._relations.values():
            if relation.kind == "notesSlide" and relation.target:
                self._notes(relation.target)

    def _add(self, text: str, *, tight: bool = False, row: bool = False, level: int | None = None) -> None:
        self._canonical.add(text, tight=tight, row=row, level=level, page=self._number)

    def _shape(self, shape: "Element") -> None:
        kind = _placeholder(shape)
        if kind in _LEFT_OUT:
            return
        properties = next((child(part, "cNvPr") for part in shape if local(part).startswith("nv")), None)
        self._add(image_text(attribute(properties, "descr"), attribute(properties, "title")))
        paragraphs = list(_paragraphs(child(shape, "txBody"), listed=kind in _LISTS))
        if kind in _TITLES:
            self._add(" ".join(" ".join(paragraphs).split()), level=1)
        else:
            self._write(paragraphs)
        data = child(shape, "graphic", "graphicData")
        for part in data if data is not None else ():
            self._graphic(part)

    def _write(self, paragraphs: list[str]) -> None:
        """Points of a list as lines of one block, other paragraphs as blocks of their own."""
        listed = False
        for text in paragraphs:
            item = text.lstrip().startswith("- ")
            self._add(text, tight=listed and item)
            listed = item

    def _graphic(self, part: "Element") -> None:
        """What a frame holds: a table, a diagram (its words lie in a part of their own) or a chart (its titles, names and values)."""
        if local(part) == "tbl":
            self._table(part)
        named = {"relIds": relation_id(part, "dm"), "chart": relation_id(part)}.get(local(part), "")
        relation = self._relations.get(named)
        if relation is None or not relation.target:
            return
        root = self._package.xml(relation.target)
        if local(part) == "relIds":
            self._write([f"- {text}" for text in _texts(root)])
        else:
            self._chart(root)

    def _table(self, table: "Element") -> None:
        above: dict[int, str] = {}
        first = True
        for row in children(table, "tr"):
            cells: list[str] = []
            for column, cell in enumerate(children(row, "tc")):
                text = " ".join(" ".join(_paragraphs(child(cell, "txBody"), listed=False)).split())
                if attribute(cell, "vMerge") in {"1", "true"}:
                    text = above.get(column, "")
                above[column] = text
                if attribute(cell, "hMerge") not in {"1", "true"}:
                    cells.append(text)
            if any(cells):
                self._add(" | ".join(cells), tight=not first, row=True)
                first = False

    def _chart(self, chart: "Element") -> None:
        """A chart's title, and its data as a table: one row for each category, one column for each series."""
        title = next((inner for inner in chart.iter() if local(inner) == "title"), None)
        self._add(" ".join(_texts(title)) if title is not None else "")
        series = [element for element in chart.iter() if local(element) == "ser"]
        names = [" ".join(_values(child(one, "tx")).values()) or f"series {place}" for place, one in enumerate(series, start=1)]
        categories = _values(child(series[0], "cat")) if series else {}
        columns = [_values(child(one, "val")) for one in series]
        points = sorted({point for column in columns for point in column})
        if not points:
            return
        self._add(" | ".join(["", *names]).strip(), row=True)
        for point in points:
            self._add(
                " | ".join([categories.get(point, str(point + 1)), *(column.get(point, "") for column in columns)]), tight=True, row=True
            )

    def _notes(self, name: str) -> None:
        tree = child(self._package.xml(name), "cSld", "spTree")
        said = [
            text
            for shape in _shapes(tree)
            if _placeholder(shape) not in _LEFT_OUT
            for text in _paragraphs(child(shape, "txBody"), listed=False)
        ]
        if said:
            said[0] = f"Notes: {said[0]}"
        self._write(said)


def _shapes(tree: "Element | None") -> Iterator["Element"]:
    """The shapes of a slide, those in groups too; of alternatives, only the first."""
    for shape in tree if tree is not None else ():
        name = local(shape)
        if name == "grpSp":
            yield from _shapes(shape)
        elif name == "AlternateContent":
            chosen = child(shape, "Choice")
            yield from _shapes(chosen if chosen is not None else child(shape, "Fallback"))
        elif name in {"sp", "pic", "graphicFrame", "cxnSp"}:
            yield shape


def _placeholder(shape: "Element") -> str | None:
    """The kind of placeholder a shape is: empty for the plain one, None for a shape that is none."""
    for part in shape:
        if local(part).startswith("nv"):
            found = child(part, "nvPr", "ph")
            return attribute(found, "type") if found is not None else None
    return None


def _paragraphs(body: "Element | None", *, listed: bool) -> Iterator[str]:
    """The paragraphs of a text body; `listed` marks points of a list, indented by their level, unless there is only one."""
    paragraphs = [(one, "".join(_runs(one))) for one in children(body, "p")]
    paragraphs = [(one, " ".join(text.split())) for one, text in paragraphs if text.strip()]
    for element, text in paragraphs:
        properties = child(element, "pPr")
        bullet = child(properties, "buChar") is not None or child(properties, "buAutoNum") is not None
        plain = child(properties, "buNone") is not None
        depth = min(8, whole_number(attribute(properties, "lvl")))
        yield f"{'  ' * depth}- {text}" if bullet or (listed and len(paragraphs) > 1 and not plain) else text


def _runs(paragraph: "Element") -> Iterator[str]:
    for inner in paragraph:
        name = local(inner)
        if name == "br":
            yield " "
        elif name in {"r", "fld"}:
            yield from (text.text or "" for text in children(inner, "t"))
        elif name not in {"pPr", "endParaRPr"}:
            yield "".join(text.text or "" for text in inner.iter() if local(text) == "t")  # formulas


def _texts(element: "Element") -> list[str]:
    """Every paragraph of text below an element."""
    found = ("".join(text.text or "" for text in one.iter() if local(text) == "t") for one in element.iter() if local(one) == "p")
    return [" ".join(text.split()) for text in found if text.strip()]


def _values(element: "Element | None") -> dict[int, str]:
    """What a chart keeps of a range of cells, by the point's number."""
    found: dict[int, str] = {}
    for point in element.iter() if element is not None else ():
        if local(point) == "pt":
            value = child(point, "v")
            found[whole_number(attribute(point, "idx"))] = " ".join((value.text or "").split()) if value is not None else ""
    if element is not None and not found:
        value = child(element, "v")
        return {0: value.text or ""} if value is not None else {}
    return found
