"""CSV and TSV: a line for each row, with the columns' names where there is a header, and the line of the file it stands in.

The separator is the one that cuts the file's beginning into the most even columns: comma, semicolon, tab or bar.
"""

import csv
import io
from collections import Counter

from groundwork.context.readers.canonical import Canonical
from groundwork.context.readers.table_rows import TableRows
from groundwork.core.document import Document
from groundwork.core.errors import InputError

_SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 50
_EVEN = 0.6
_MOST_ROWS = 1_000_000


def read_csv(text: str, source: str) -> Document:
    """Read a table of separated values. Raises InputError where no text remains, and for a cell or a table beyond bounds."""
    canonical = Canonical()
    writer = TableRows(canonical, has_header=True)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    line = 1
    try:
        for number, cells in enumerate(rows, start=1):
            if number > _MOST_ROWS:
                raise InputError(f"{source} has more than {_MOST_ROWS:,} rows", fix="split it into several files")
            if any(map(str.strip, cells)):
                writer.add(cells, line=line)
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{source} is no table of separated values (line {line}: {error})", fix="check its quotation marks") from None
    writer.end()
    return canonical.document(source, title="", medium="csv")


def _separator(text: str) -> str:
    """Of the separators, the one that most rows agree on; a comma where few agree on any: a sentence may hold a semicolon."""
    lines = text.splitlines()[:_LOOKED_AT]

    def evenness(separator: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            return 0.0, 0
        width, rows = Counter(widths).most_common(1)[0] if widths else (1, 0)
        even = rows / len(widths) if width > 1 else 0.0
        return (even, width) if even >= _EVEN else (0.0, 0)

    return max(_SEPARATORS, key=evenness)
