"""Rows of a table with their columns' names: `Tea: Green | Degrees: 70`. For tables that may be long, in CSV files and spreadsheets.

Whether the first row names the columns is judged by the rows below it. Where that is not clear the rows are written as they are, and the
first one goes with them as a table's header does.
"""

import re
from typing import NamedTuple

from groundwork.context.readers.canonical import Canonical

_NUMBER = re.compile(r"[-+(]?[€$£]?\s?\d[\d.,:/ T-]*\s?[)%€$£]?|TRUE|FALSE", re.IGNORECASE)
_LONGEST_NAME = 80
_LOOKED_AT = 20
"""Rows that are looked at before it is decided what the first one is."""


class _Row(NamedTuple):
    cells: list[str]
    line: int | None
    element: str | None
    offset: int


class TableRows:
    """Takes rows one by one and writes them. Cells are texts, empty where there is nothing; their place in the row is their column.

    `has_header` says what holds where the rows leave it open.
    """

    def __init__(self, canonical: Canonical, *, has_header: bool) -> None:
        self._canonical = canonical
        self._has_header = has_header
        self._waiting: list[_Row] = []
        self._decided = False
        self._names: dict[int, str] | None = None
        self._tight = False

    def add(self, cells: list[str], *, line: int | None = None, element: str | None = None, offset: int = 0) -> None:
        """The next row. `offset` is the column of its first cell."""
        row = _Row([" ".join(cell.split()) for cell in cells], line, element, offset)
        if not any(row.cells):
            self.end()
        elif self._decided:
            self._write(row)
        elif not self._waiting and sum(map(bool, row.cells)) == 1 and not _NUMBER.fullmatch("".join(row.cells)):
            self._canonical.add("".join(row.cells), line=line, element=element)  # a title above the table, or a list of one column
        else:
            self._waiting.append(row)
            if len(self._waiting) > _LOOKED_AT:
                self._decide()

    def end(self) -> None:
        """An empty row, or none at all: what follows is another table."""
        self._decide()
        self._decided, self._names, self._tight = False, None, False

    def _decide(self) -> None:
        rows, self._waiting, self._decided = self._waiting, [], True
        if len(rows) > 1 and _names_columns(rows, otherwise=self._has_header):
            self._names = {rows[0].offset + place: name for place, name in enumerate(rows[0].cells)}
            rows = rows[1:]
        for row in rows:
            self._write(row)

    def _write(self, row: _Row) -> None:
        if self._names is None:
            text = " | ".join(row.cells)
        else:
            named = ((self._names.get(row.offset + place, ""), cell) for place, cell in enumerate(row.cells))
            text = " | ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)
        self._canonical.add(text, tight=self._tight, row=self._names is None, line=row.line, element=row.element)
        self._tight = True


def _names_columns(rows: list[_Row], *, otherwise: bool) -> bool:
    """Whether the first row names the columns: different short texts, none a number, over a column of numbers; not where one of them
    comes again below.
    """
    header = {rows[0].offset + place: cell for place, cell in enumerate(rows[0].cells) if cell}
    short = all(len(name) <= _LONGEST_NAME and not _NUMBER.fullmatch(name) for name in header.values())
    if len(header) < 2 or len(set(header.values())) < len(header) or not short:
        return False
    columns: dict[int, list[str]] = {column: [] for column in header}
    for row in rows[1:]:
        for place, cell in enumerate(row.cells):
            if cell and row.offset + place in columns:
                columns[row.offset + place].append(cell)
    if any(name in columns[column] for column, name in header.items()):
        return False
    numbers = (sum(_NUMBER.fullmatch(cell) is not None for cell in cells) * 2 > len(cells) for cells in columns.values())
    return otherwise or any(numbers)
