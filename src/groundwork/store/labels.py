"""What documents are found by beside their text: their fields, and who may see them. Everything here runs inside a transaction of the index.

A `Selection` becomes the chunks that a search looks at, so that a list is never filled with what is left out afterwards.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from groundwork.core.where import Compare, Every, Kind, Not, Some, Value, Values, Where, kind_of

Condition = tuple[str, tuple[Any, ...]]
"""SQL over the columns of `document`, with its bound values."""


_MOST_BOUND = 500


class Selection(NamedTuple):
    """Which documents are looked at. None: permissions are not in use, or nothing is filtered."""

    readers: tuple[str, ...] | None = None
    where: Where | None = None

    @property
    def is_everything(self) -> bool:
        return self.readers is None and self.where is None


EVERYTHING = Selection()


class Labels(NamedTuple):
    """A document's fields, and the readers that each of its rules allows."""

    values: Mapping[str, Values] = {}
    rules: Sequence[Sequence[str]] = ()


UNLABELLED = Labels()


def write_labels(connection: sqlite3.Connection, document: int, labels: Labels) -> None:
    """Make these the labels of a document."""
    connection.execute("DELETE FROM document_value WHERE document = ?", (document,))
    connection.execute("DELETE FROM document_reader WHERE document = ?", (document,))
    rows = [
        (document, name, *row_of(value)) for name, held in labels.values.items() for value in (held if isinstance(held, list) else [held])
    ]
    connection.executemany("INSERT INTO document_value (document, name, kind, text, number) VALUES (?, ?, ?, ?, ?)", rows)
    readers = {(reader, document, place, len(labels.rules)) for place, rule in enumerate(labels.rules) for reader in rule}
    connection.executemany("INSERT INTO document_reader (reader, document, rule, rules) VALUES (?, ?, ?, ?)", sorted(readers))


def row_of(value: Value) -> tuple[str, str, float | None]:
    """A value as it is kept: its kind, its text, and the number where it is one."""
    kind = kind_of(value)
    text = str(value).lower() if kind == "bool" else str(value)
    return kind, text, float(value) if kind == "number" else None


def condition(selection: Selection) -> Condition:
    """A selection as SQL. Every value is bound: nothing that somebody wrote becomes part of the statement."""
    parts: list[str] = []
    bound: tuple[Any, ...] = ()
    if selection.readers is not None:
        holes = ",".join("?" * len(selection.readers))
        parts.append(
            f"number IN (SELECT document FROM document_reader WHERE reader IN ({holes}) GROUP BY document"
            " HAVING count(DISTINCT rule) = max(rules))"
        )
        bound += selection.readers
    if selection.where is not None:
        sql, values = _filter(selection.where)
        parts.append(sql)
        bound += values
    return " AND ".join(parts) or "1", bound


def _filter(where: Where) -> Condition:
    match where:
        case Compare():
            return _compare(where)
        case Not():
            sql, bound = _filter(where.part)
            return f"NOT {sql}", bound
        case Every() | Some():
            made = [_filter(part) for part in where.parts]
            joint = " AND " if isinstance(where, Every) else " OR "
            return f"({joint.join(sql for sql, _ in made)})", tuple(value for _, bound in made for value in bound)


def _compare(one: Compare) -> Condition:
    if one.sign == "~":
        glob = str(one.value).replace("[", "[[]").replace("**/", "*").replace("**", "*")
        return "number IN (SELECT document FROM document_value WHERE name = ? AND text GLOB ?)", (one.field, glob)
    kind, text, number = row_of(one.value)
    column, value = ("number", number) if kind == "number" else ("text", text)
    sql = f"number IN (SELECT document FROM document_value WHERE name = ? AND kind = ? AND {column} {one.sign} ?)"
    return sql, (one.field, one.kind, value)


def count_documents(connection: sqlite3.Connection, selection: Selection) -> tuple[int, int]:
    """How many documents and chunks a selection holds."""
    sql, bound = condition(selection)
    documents = connection.execute(f"SELECT count(*) FROM document WHERE {sql}", bound).fetchone()[0]
    chunks = connection.execute(f"SELECT count(*) FROM chunk WHERE document IN (SELECT number FROM document WHERE {sql})", bound)
    return documents, chunks.fetchone()[0]


def select_documents(connection: sqlite3.Connection, selection: Selection) -> list[int]:
    """The numbers of the documents that a selection holds."""
    sql, bound = condition(selection)
    return [number for (number,) in connection.execute(f"SELECT number FROM document WHERE {sql} ORDER BY number", bound)]


def select_chunks(connection: sqlite3.Connection, selection: Selection) -> bytes:
    """A 1 at the number of every chunk of the selected documents, and a 0 at all others."""
    sql, bound = condition(selection)
    mask = bytearray((connection.execute("SELECT max(number) FROM chunk").fetchone()[0] or 0) + 1)
    for (number,) in connection.execute(f"SELECT number FROM chunk WHERE document IN (SELECT number FROM document WHERE {sql})", bound):
        mask[number] = 1
    return bytes(mask)


def read_fields(connection: sqlite3.Connection, selection: Selection) -> dict[str, set[Kind]]:
    """The fields of the selected documents, and the kinds of their values: what a person may not see, they cannot learn the fields of."""
    sql, bound = condition(selection)
    rows = connection.execute(
        f"SELECT DISTINCT name, kind FROM document_value WHERE document IN (SELECT number FROM document WHERE {sql})", bound
    )
    fields: dict[str, set[Kind]] = {}
    for name, kind in rows:
        fields.setdefault(name, set()).add(kind)
    return fields


def read_labels(connection: sqlite3.Connection, source: str) -> Labels:
    """The labels of a source's current document; none where there is no such source."""
    row = connection.execute("SELECT number FROM document WHERE source = ?", (source,)).fetchone()
    if row is None:
        return Labels()
    rules: dict[int, list[str]] = {}
    for rule, reader in connection.execute("SELECT rule, reader FROM document_reader WHERE document = ? ORDER BY rule, reader", row):
        rules.setdefault(rule, []).append(reader)
    return Labels(values_by_document(connection, [row[0]]).get(row[0], {}), list(rules.values()))


def read_skipped(connection: sqlite3.Connection) -> dict[str, str]:
    """What the last run left out, by source, and why."""
    return dict(connection.execute("SELECT source, reason FROM skipped").fetchall())


def values_by_document(connection: sqlite3.Connection, documents: Sequence[int]) -> dict[int, dict[str, Values]]:
    """The fields of some documents. Of a field with several values, a list."""
    sql = "SELECT document, name, kind, text, number FROM document_value WHERE document IN ({}) ORDER BY rowid"
    return gathered(_in_parts(connection, sql, documents))


def gathered(rows: Iterable[tuple[Any, ...]]) -> dict[int, dict[str, Values]]:
    """Rows of document, name, kind, text and number as the fields of each document."""
    found: dict[int, dict[str, Values]] = {}
    for document, name, kind, text, number in rows:
        value: Value = _number(number) if kind == "number" else text == "true" if kind == "bool" else text
        held = found.setdefault(document, {})
        before = held.get(name)
        if before is None:
            held[name] = value
        else:
            held[name] = [*(before if isinstance(before, list) else [cast(str, before)]), str(value)]
    return found


def documents_of(connection: sqlite3.Connection, chunks: Sequence[int]) -> dict[int, int]:
    """The document of each of these chunks."""
    return dict(_in_parts(connection, "SELECT number, document FROM chunk WHERE number IN ({})", chunks))


def _in_parts(connection: sqlite3.Connection, sql: str, numbers: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement over many numbers, a part of them at a time."""
    for start in range(0, len(numbers), _MOST_BOUND):
        some = tuple(numbers[start : start + _MOST_BOUND])
        yield from connection.execute(sql.format(",".join("?" * len(some))), some)


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
