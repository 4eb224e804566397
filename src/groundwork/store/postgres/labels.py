"""Fields and readers of documents as tables of PostgreSQL: a `Selection` becomes a condition inside the statements that search."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from groundwork.core.where import Compare, Every, Not, Some, Where
from groundwork.store.labels import Labels, Selection, row_of
from groundwork.store.postgres.connecting import Connection

INDEXED = 64
"""Characters of a text that the index of fields holds; see `document_of_text`."""


class Condition(NamedTuple):
    """SQL over the columns of `document`, and what is bound in it by name. Nothing that somebody wrote becomes part of the statement."""

    sql: str
    bound: dict[str, Any]


def condition(selection: Selection) -> Condition:
    """The documents of a selection."""
    made = _Made()
    parts: list[str] = []
    if selection.readers is not None:
        readers = made.bind([plain(reader) for reader in selection.readers])
        parts.append(
            f"number IN (SELECT document FROM document_reader WHERE reader = ANY({readers}) GROUP BY document"
            " HAVING count(DISTINCT rule) = max(rules))"
        )
    if selection.where is not None:
        parts.append(made.filter(selection.where))
    return Condition(" AND ".join(parts) or "true", made.bound)


class _Made:
    """One condition while it is written."""

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}

    def bind(self, value: Any) -> str:
        name = f"value{len(self.bound)}"
        self.bound[name] = value
        return f"%({name})s"

    def filter(self, where: Where) -> str:
        match where:
            case Compare():
                return f"number IN (SELECT document FROM document_value WHERE {self.compare(where)})"
            case Not():
                return f"NOT {self.filter(where.part)}"
            case Every() | Some():
                joint = " AND " if isinstance(where, Every) else " OR "
                return f"({joint.join(self.filter(part) for part in where.parts)})"

    def compare(self, one: Compare) -> str:
        name = f"name = {self.bind(plain(one.field))}"
        if one.sign == "~":
            return f"{name} AND text LIKE {self.bind(_like(plain(str(one.value))))}"
        kind, text, number = row_of(one.value)
        name += f" AND kind = {self.bind(one.kind)}"
        if kind == "number":
            return f"{name} AND number {one.sign} {self.bind(number)}"
        beginning = f"left(text, {INDEXED}) {one.sign} {self.bind(plain(text)[:INDEXED])}"
        return f"{name} AND {beginning} AND text {one.sign} {self.bind(plain(text))}" if one.sign == "=" else f"{name} AND {beginning}"


def _like(glob: str) -> str:
    """A glob as LIKE reads it: `*` crosses folders, `?` is one character, brackets mean themselves."""
    escaped = glob.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("**/", "*").replace("**", "*").replace("*", "%").replace("?", "_")


def plain(text: str) -> str:
    """A text as PostgreSQL can hold it: without NUL, which becomes the sign for what cannot be shown."""
    return text.replace("\0", "\ufffd")


def write_labels(connection: Connection, document: int, labels: Labels) -> None:
    """Make these the labels of a document."""
    connection.execute("DELETE FROM document_value WHERE document = %s", (document,))
    connection.execute("DELETE FROM document_reader WHERE document = %s", (document,))
    values = [(name, *row_of(value)) for name, held in labels.values.items() for value in (held if isinstance(held, list) else [held])]
    rows = [(document, place, plain(name), kind, plain(text), number) for place, (name, kind, text, number) in enumerate(values)]
    readers = sorted({(plain(reader), document, at, len(labels.rules)) for at, rule in enumerate(labels.rules) for reader in rule})
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO document_value (document, place, name, kind, text, number) VALUES (%s, %s, %s, %s, %s, %s)", rows)
        cursor.executemany("INSERT INTO document_reader (reader, document, rule, rules) VALUES (%s, %s, %s, %s)", readers)


def read_rules(connection: Connection, document: int) -> Sequence[Sequence[str]]:
    """The readers that each rule of a document allows."""
    rules: dict[int, list[str]] = {}
    sql = "SELECT rule, reader FROM document_reader WHERE document = %s ORDER BY rule, reader"
    for rule, reader in connection.execute(sql, (document,)):
        rules.setdefault(rule, []).append(reader)
    return list(rules.values())
