"""Reading the index on SQLite: functions over a connection that is inside a transaction, and the snapshot that is made of them."""

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Generator, Iterator, Sequence
from typing import Literal

import msgspec

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import NotFound
from groundwork.core.where import Kind, Values
from groundwork.store import labels as stored
from groundwork.store.labels import Selection

_MOST_NAMES = 500
"""Bound values in one statement; SQLite's own limit is higher."""


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[None]:
    """Everything read inside is of one moment, whatever an indexer commits meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def read_generation(connection: sqlite3.Connection) -> str:
    return get_meta(connection, "generation")


def read_state(connection: sqlite3.Connection) -> str:
    """The generation, and how many chunks there ever were: content that comes back has its old generation, and chunks of new numbers."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'").fetchone()
    return f"{read_generation(connection)}:{row[0] if row else 0}"


def read_made_with(connection: sqlite3.Connection) -> dict[str, str]:
    """How the index was made."""
    return json.loads(get_meta(connection, "made_with") or "{}")


def read_fingerprint(connection: sqlite3.Connection) -> str:
    """The fingerprint of the encoder whose vectors the index holds."""
    return read_made_with(connection).get("fingerprint", "")


def read_access(connection: sqlite3.Connection) -> str:
    """The fingerprint of the permissions that the whole index was labelled under; empty where it was without."""
    return get_meta(connection, "access")


def search_terms(
    connection: sqlite3.Connection, terms: Sequence[str], *, most: int, among: Sequence[int] | None = None
) -> list[tuple[int, float]]:
    """Numbers and scores (higher is better) of the chunks that hold any of the terms, by BM25. Each term is matched as a phrase of words:
    nothing in it is read as query syntax. Source: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009).

    `among` has a 1 at the number of every chunk that is looked at (see `select_chunks`): the list is filled from those, however far down they
    stand. The rarity of a word is counted over all chunks.
    """
    phrases = ['"' + term.replace('"', '""').replace("\0", " ") + '"' for term in terms]
    if not phrases:
        return []
    query = " OR ".join(phrases)
    sql = "SELECT rowid, -bm25(chunk_terms) AS score FROM chunk_terms WHERE chunk_terms MATCH ? ORDER BY score DESC, rowid LIMIT ?"
    if among is None:
        return connection.execute(sql, (query, most)).fetchall()
    for limit in (4 * most, -1):  # mostly the first is enough; -1 is no limit
        rows = connection.execute(sql, (query, limit)).fetchall()
        found = [row for row in rows if among[row[0]]][:most]
        if len(found) == most or len(rows) < limit:
            break
    return found


def read_numbers(connection: sqlite3.Connection) -> list[int]:
    """The numbers of all current chunks, ascending."""
    return [number for (number,) in connection.execute("SELECT number FROM chunk ORDER BY number")]


def read_vectors(connection: sqlite3.Connection, *, above: int) -> Iterator[tuple[int, bytes]]:
    """Numbers and vectors of the chunks numbered higher than `above`, ascending; see `from_blob`."""
    return connection.execute("SELECT number, vector FROM chunk WHERE number > ? ORDER BY number", (above,))


def read_chunks(connection: sqlite3.Connection, key: str, values: Sequence[int | str]) -> dict[int, Chunk]:
    """Current chunks by `number` or `id`; those that do not exist are left out."""
    column = {"number": "number", "id": "id"}[key]
    found: dict[int, Chunk] = {}
    for start in range(0, len(values), _MOST_NAMES):
        some = values[start : start + _MOST_NAMES]
        holes = ",".join("?" * len(some))
        for number, record, text in connection.execute(f"SELECT number, record, text FROM chunk WHERE {column} IN ({holes})", tuple(some)):
            found[number] = msgspec.structs.replace(msgspec.json.decode(record, type=Chunk), text=text)
    return found


def read_chunks_of(connection: sqlite3.Connection, source: str) -> dict[int, Chunk]:
    """A source's current chunks without their texts, in the order of the document."""
    sql = "SELECT chunk.number, chunk.record FROM chunk JOIN document ON document.number = chunk.document WHERE source = ?"
    found = [(number, msgspec.json.decode(record, type=Chunk)) for number, record in connection.execute(sql, (source,))]
    return dict(sorted(found, key=lambda one: one[1].start))


def find_document(connection: sqlite3.Connection, identifier: str) -> Document:
    """A document by its id, current or retired. Raises NotFound."""
    for table in ("document", "retired_document"):
        row = connection.execute(f"SELECT record, text FROM {table} WHERE id = ?", (identifier,)).fetchone()
        if row:
            return msgspec.structs.replace(msgspec.json.decode(row[0], type=Document), text=zlib.decompress(row[1]).decode())
    raise NotFound(f"no document {identifier} in the index", fix="check the id; a new search gives the ids of today's documents")


def find_source(connection: sqlite3.Connection, source: str) -> Document | None:
    """The current document of a source; None where it has none."""
    row = connection.execute("SELECT id FROM document WHERE source = ?", (source,)).fetchone()
    return None if row is None else find_document(connection, row[0])


def find_number(connection: sqlite3.Connection, source: str) -> int | None:
    """The number of a source's current document."""
    row = connection.execute("SELECT number FROM document WHERE source = ?", (source,)).fetchone()
    return None if row is None else int(row[0])


def get_meta(connection: sqlite3.Connection, key: str) -> str:
    """A fact about the whole index; empty where it was never noted."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


class SqliteSnapshot:
    """A connection inside a transaction, as the port's `Snapshot`: each method is the function of its name."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.handle = connection

    def generation(self) -> str:
        return read_generation(self.handle)

    def state(self) -> str:
        return read_state(self.handle)

    def fingerprint(self) -> str:
        return read_fingerprint(self.handle)

    def access(self) -> str:
        return read_access(self.handle)

    def looked_at(self, selection: Selection) -> bytes | None:
        return None if selection.is_everything else stored.select_chunks(self.handle, selection)

    def search_terms(self, terms: Sequence[str], *, most: int, looked_at: bytes | None = None) -> list[tuple[int, float]]:
        return search_terms(self.handle, terms, most=most, among=looked_at)

    def chunks(self, key: Literal["number", "id"], values: Sequence[int | str]) -> dict[int, Chunk]:
        return read_chunks(self.handle, key, values)

    def chunks_of(self, source: str) -> dict[int, Chunk]:
        return read_chunks_of(self.handle, source)

    def document(self, identifier: str) -> Document:
        return find_document(self.handle, identifier)

    def current(self, source: str) -> Document | None:
        return find_source(self.handle, source)

    def number_of(self, source: str) -> int | None:
        return find_number(self.handle, source)

    def documents_of(self, chunks: Sequence[int]) -> dict[int, int]:
        return stored.documents_of(self.handle, chunks)

    def select_documents(self, selection: Selection) -> list[int]:
        return stored.select_documents(self.handle, selection)

    def count_documents(self, selection: Selection) -> tuple[int, int]:
        return stored.count_documents(self.handle, selection)

    def fields(self, selection: Selection) -> dict[str, set[Kind]]:
        return stored.read_fields(self.handle, selection)

    def values(self, documents: Sequence[int]) -> dict[int, dict[str, Values]]:
        return stored.values_by_document(self.handle, documents)

    def labels(self, source: str) -> stored.Labels:
        return stored.read_labels(self.handle, source)

    def skipped(self) -> dict[str, str]:
        return stored.read_skipped(self.handle)

    def vectors(self) -> dict[int, bytes]:
        return dict(read_vectors(self.handle, above=-1))
