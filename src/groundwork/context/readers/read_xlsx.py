"""XLSX: every visible sheet, row by row, as a person who opens it sees the values: formulas by what they came to, dates as dates.

A row under a header is written with it (`Tea: Green | Degrees: 70`), so that no row is ever without its columns' names. The locator is the
sheet and the row's first cell (`Prices!A12`). Hidden sheets are left out and named in `unread`. Not covered: comments, pivot caches, and the
formats of numbers beyond dates and percentages.
"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from groundwork.context.readers.canonical import Canonical, image_text
from groundwork.context.readers.docx_numbering import whole_number
from groundwork.context.readers.ooxml import Package, attribute, child, children, local, relation_id
from groundwork.context.readers.table_rows import TableRows
from groundwork.core.document import Document
from groundwork.core.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MOST_CELLS = 1_000_000
_LAST_ROW = 1_048_576
_LAST_COLUMN = 16_384
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_BUILT_IN_PERCENT = frozenset({9, 10})
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  a sheet's dates have no zone
_EPOCH_1904 = dt.datetime(1904, 1, 1)  # noqa: DTZ001
_PARTS = frozenset({"row", "mergeCell"})


class _Sheet(NamedTuple):
    name: str
    part: str


def read_xlsx(data: bytes, source: str) -> Document:
    """Read an XLSX. Raises InputError where it is encrypted, broken or beyond bounds, holds no text, or where the parser is not installed."""
    with Package(data, source) as package:
        main = package.main()
        workbook = package.xml(main)
        if child(workbook, "sheets") is None:
            raise package.broken(f"{main} is no workbook")
        relations = package.relations(main)
        shown: list[_Sheet] = []
        hidden: list[str] = []
        for sheet in children(child(workbook, "sheets"), "sheet"):
            relation = relations.get(relation_id(sheet))
            if relation is None or relation.kind != "worksheet" or not relation.target:
                continue  # a sheet of one chart, or of macros
            if attribute(sheet, "state", "visible") != "visible":
                hidden.append(attribute(sheet, "name"))
            else:
                shown.append(_Sheet(attribute(sheet, "name"), relation.target))
        named = {relation.kind: relation.target for relation in relations.values() if relation.target}
        epoch = _EPOCH_1904 if attribute(child(workbook, "workbookPr"), "date1904") in {"1", "true"} else _EPOCH
        cells = _Cells(package, named.get("sharedStrings", ""), named.get("styles", ""), epoch)
        canonical = Canonical()
        for sheet in shown:
            cells.write(canonical, sheet, titled=len(shown) > 1)
        unread = (f"hidden sheets: {', '.join(hidden)}",) if hidden else ()
        properties = package.properties()
        metadata = {**properties, "sheets": [sheet.name for sheet in shown]}
        title = metadata.pop("title", "")
        return canonical.document(source, title=str(title), medium="xlsx", metadata=metadata, unread=unread)


class _Cells:
    """Turns cells into what they show. Shared by all sheets of a workbook, and so is its bound on how many there may be."""

    def __init__(self, package: Package, strings: str, styles: str, epoch: dt.datetime) -> None:
        self._package = package
        self._epoch = epoch
        self._left = _MOST_CELLS
        self._strings = [_rich_text(item) for item in package.rows(strings, frozenset({"si"}))] if strings else []
        self._formats = _formats(package.xml(styles)) if styles else []

    def write(self, canonical: Canonical, sheet: _Sheet, *, titled: bool) -> None:
        """A sheet: its name as a heading where there are several, its rows, and what stands for its images."""
        rows, merged = self._read(sheet)
        _spread(rows, merged)
        images = list(self._images(sheet.part))
        if titled and (rows or images):
            canonical.add(sheet.name, level=2, element=f"{sheet.name}!A1")
        writer = TableRows(canonical, has_header=False)
        last = 0
        for number, row in sorted(rows.items()):
            if number > last + 1:
                writer.end()
            first = min(row)
            writer.add(
                [row.get(column, "") for column in range(first, max(row) + 1)],
                element=f"{sheet.name}!{_letters(first)}{number}",
                offset=first,
            )
            last = number
        writer.end()
        for text in images:
            canonical.add(text, element=f"{sheet.name}!A1")

    def _read(self, sheet: _Sheet) -> tuple[dict[int, dict[int, str]], list[tuple[int, int, int, int]]]:
        """The cells that show something, by row and column from 1, and the ranges that are merged."""
        rows: dict[int, dict[int, str]] = {}
        merged: list[tuple[int, int, int, int]] = []
        following = 1
        for element in self._package.rows(sheet.part, _PARTS):
            if local(element) == "mergeCell":
                merged.extend(_range(attribute(element, "ref")))
                continue
            number = whole_number(attribute(element, "r")) or following
            following = number + 1
            column = 0
            for cell in children(element, "c"):
                match = _REFERENCE.fullmatch(attribute(cell, "r"))
                column = _column(match[1]) if match else column + 1
                text = self._shown(cell)
                if text and 0 < number <= _LAST_ROW and 0 < column <= _LAST_COLUMN:
                    rows.setdefault(number, {})[column] = text
                    self._count(1)
        return rows, merged

    def _count(self, cells: int) -> None:
        self._left -= cells
        if self._left < 0:
            raise InputError(
                f"{self._package.source} holds more than {_MOST_CELLS:,} cells", fix="split it, or export the tables that matter as CSV"
            )

    def _shown(self, cell: "Element") -> str:
        kind = attribute(cell, "t", "n")
        if kind == "inlineStr":
            return _rich_text(child(cell, "is"))
        value = child(cell, "v")
        text = (value.text or "").strip() if value is not None else ""
        if not text:
            formula = child(cell, "f")  # written by a program that does not calculate
            return f"={formula.text}" if formula is not None and formula.text and kind != "str" else ""
        if kind == "s":
            place = whole_number(text, -1)
            return self._strings[place] if 0 <= place < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        if kind == "n":
            style = whole_number(attribute(cell, "s"))
            return _number(text, self._formats[style] if 0 <= style < len(self._formats) else "", self._epoch)
        return " ".join(text.split())

    def _images(self, part: str) -> Iterator[str]:
        for relation in self._package.relations(part).values():
            if relation.kind == "drawing" and relation.target:
                for element in self._package.xml(relation.target).iter():
                    if local(element) == "cNvPr":
                        yield image_text(attribute(element, "descr"), attribute(element, "title"))


def _rich_text(item: "Element | None") -> str:
    """The text of a string, without the reading aids of Asian scripts."""
    pieces: list[str] = []
    for inner in item if item is not None else ():
        if local(inner) == "t":
            pieces.append(inner.text or "")
        elif local(inner) == "r":
            pieces.extend(text.text or "" for text in children(inner, "t"))
    return " ".join("".join(pieces).split())


def _formats(styles: "Element") -> list[str]:
    """For each style of a cell: `date`, `percent`, or nothing."""
    codes = {whole_number(attribute(one, "numFmtId")): attribute(one, "formatCode") for one in children(child(styles, "numFmts"), "numFmt")}

    def kind(number: int) -> str:
        if number in _BUILT_IN_DATES:
            return "date"
        if number in _BUILT_IN_PERCENT:
            return "percent"
        code = _QUOTED.sub("", codes.get(number, "").split(";")[0]).casefold()
        if code != "general" and re.search(r"[dmyhs]", code):
            return "date"
        return "percent" if code.endswith("%") else ""

    return [kind(whole_number(attribute(one, "numFmtId"))) for one in children(child(styles, "cellXfs"), "xf")]


def _number(text: str, kind: str, epoch: dt.datetime) -> str:
    """A number as a person reads it: without the last digits of its binary form, as a date or a percentage where its cell says so."""
    try:
        value = float(text)
    except ValueError:
        return text
    if kind == "date" and 0 <= value < 2_958_466:  # the day after 9999-12-31
        moment = epoch + dt.timedelta(seconds=round(value * 86_400))
        if value < 1:
            return moment.strftime("%H:%M:%S").removesuffix(":00")
        return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat(" ").removesuffix(":00")
    if kind == "percent":
        return f"{value * 100:.10g}%"
    return f"{value:.15g}" if abs(value) < 1e15 else text


def _range(reference: str) -> Iterator[tuple[int, int, int, int]]:
    """First row, first column, last row, last column of `A1:B3`; nothing where it is none."""
    first, _, last = reference.partition(":")
    one, two = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last)
    if one and two:
        yield int(one[2]), _column(one[1]), int(two[2]), _column(two[1])


def _spread(rows: dict[int, dict[int, str]], merged: list[tuple[int, int, int, int]]) -> None:
    """A cell that is merged downwards says what it says in each of its rows, where they hold anything else."""
    for top, left, bottom, right in merged:
        text = rows.get(top, {}).get(left)
        if text and left == right:
            for number in [number for number in rows if top < number <= bottom]:
                rows[number].setdefault(left, text)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
