"""The index in one SQLite file: documents with their labels, chunks, their terms (FTS5) and their vectors.

Whatever happens to one source happens in one transaction: a reader sees the document before or after, never between. A replaced or removed
document leaves the search at once; its text stays readable by id, because old traces cite it. (Erasure for good is not covered yet.)
"""

import contextlib
import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import NotFound, StoreError
from groundwork.core.ids import canonical, content_id
from groundwork.store.database import Database
from groundwork.store.labels import UNLABELLED, Labels, write_labels
from groundwork.store.vectors import from_blob, to_blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FOLDER = Path(".groundwork") / "index"
FILE = FOLDER / "index.db"
_MARKS = 1 << 256
_MOST_NAMES = 500
"""Bound values in one statement; SQLite's own limit is higher."""


class Entry(NamedTuple):
    """A document as lists show it."""

    id: str
    source: str
    title: str
    chunks: int


def open_index(root: Path, *, name: str = "", rebuild: bool = False) -> "IndexStore":
    """The index of an application's collection, made where there is none. `rebuild` sets a damaged file aside, as `index.db.damaged`."""
    path = root / FOLDER / f"{name}.db" if name else root / FILE
    try:
        store = IndexStore(Database(path, schema="index", durable=True))
    except StoreError as error:
        if not rebuild or not _is_damage(error.__cause__):
            raise
    else:
        if not rebuild or _is_sound(store.database):
            return store
        store.close()
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(path.with_name(f"{path.name}.damaged{suffix}"))
    return IndexStore(Database(path, schema="index", durable=True))


def _is_damage(error: BaseException | None) -> bool:
    """SQLite names a broken file by DatabaseError itself; a locked or unwritable one by its child."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _is_sound(database: Database) -> bool:
    try:
        return database.read_now(lambda connection: connection.execute("PRAGMA quick_check(1)").fetchone()[0]) == "ok"
    except StoreError as error:
        if _is_damage(error.__cause__):
            return False
        raise


class IndexStore:
    """The index. Functions that take a connection run inside `database.read` or `database.write`; the others are for callers without a loop."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def close(self) -> None:
        self.database.close()

    def documents(self) -> list[Entry]:
        """Every current document, by source."""
        sql = """SELECT id, source, record, (SELECT count(*) FROM chunk WHERE chunk.document = document.number) FROM document ORDER BY source"""
        rows = self.database.read_now(lambda connection: connection.execute(sql).fetchall())
        return [Entry(identifier, source, json.loads(record)["title"], chunks) for identifier, source, record, chunks in rows]

    def document(self, identifier: str) -> Document:
        """A document by its id, current or retired. Raises NotFound."""
        return self.database.read_now(lambda connection: find_document(connection, identifier))

    def chunk(self, identifier: str) -> Chunk:
        """A current chunk by its id. Raises NotFound."""
        found = self.database.read_now(lambda connection: read_chunks(connection, "id", [identifier]))
        if not found:
            raise NotFound(f"no chunk {identifier} in the index", fix="it may have been replaced: search again")
        return next(iter(found.values()))

    def generation(self) -> str:
        """What the index holds, as a hash: another one exactly when its documents, chunks or encoder are others. Empty where it holds nothing."""
        return self.database.read_now(read_generation)

    def made_with(self) -> dict[str, str]:
        """How the index was made: the encoder's fingerprint and the chunking, as `prepare` wrote them. Empty before the first time."""
        return self.database.read_now(_made_with)

    def prepare(self, made_with: Mapping[str, str], *, clear: bool, stale: bool = False) -> None:
        """Note how the index is made. `clear` retires every document first (another encoder: vectors are never mixed); `stale` forgets what
        is up to date, so that every source is done again, each in its turn.
        """

        def work(connection: sqlite3.Connection) -> None:
            if clear:
                for (source,) in connection.execute("SELECT source FROM document").fetchall():
                    _mark(connection, _retire(connection, source, remove=True), "")
            if stale:
                connection.execute("UPDATE document SET digest = ''")
            _set(connection, "made_with", json.dumps(dict(made_with), sort_keys=True))
            _mark(connection, "", "")

        self.database.write_now(work)

    def digests(self) -> dict[str, str]:
        """The digest of every current source."""
        return dict(self.database.read_now(lambda connection: connection.execute("SELECT source, digest FROM document").fetchall()))

    def chunk_ids(self, source: str) -> set[str]:
        """The ids of a source's current chunks: those need no new vector."""
        sql = "SELECT chunk.id FROM chunk JOIN document ON document.number = chunk.document WHERE source = ?"
        return {identifier for (identifier,) in self.database.read_now(lambda connection: connection.execute(sql, (source,)).fetchall())}

    def known_vectors(self, chunks: Sequence[Chunk]) -> dict[str, "Vectors"]:
        """The vectors of those chunks, by id, whose very text stands in the index already, in whatever document: one that was moved, say."""
        ids: dict[str, list[str]] = {}
        for chunk in chunks:
            ids.setdefault(_content(chunk), []).append(chunk.id)

        def work(connection: sqlite3.Connection) -> dict[str, bytes]:
            found: dict[str, bytes] = {}
            for content in ids:
                row = connection.execute("SELECT vector FROM chunk WHERE content = ? LIMIT 1", (content,)).fetchone()
                if row is not None:
                    found[content] = row[0]
            return found

        found = self.database.read_now(work)
        return {name: from_blob([blob], len(blob) // 2)[0] for content, blob in found.items() for name in ids[content]}

    def dimensions(self) -> int:
        """The length of the vectors that it holds; 0 where it holds none."""
        sql = "SELECT coalesce(max(length(vector)) / 2, 0) FROM (SELECT vector FROM chunk LIMIT 1)"
        return self.database.read_now(lambda connection: connection.execute(sql).fetchone()[0])

    def put(
        self, document: Document, chunks: Sequence[Chunk], vectors: Mapping[str, "Vectors"], *, digest: str, labels: Labels = UNLABELLED
    ) -> None:
        """Make this the current document of its source. `vectors` has one for every chunk id that the source does not hold yet; a vector
        given for one that it holds replaces it. Durable when it returns.
        """
        added = {identifier: to_blob(vector) for identifier, vector in vectors.items()}
        record = msgspec.json.encode(msgspec.structs.replace(document, text=""))
        mark = _share(record, [chunk.id for chunk in chunks], labels)
        packed = zlib.compress(document.text.encode(), 6)

        def work(connection: sqlite3.Connection) -> None:
            old = _retire(connection, document.source, remove=False, unless=document.id)
            number = connection.execute(
                """INSERT INTO document (id, source, digest, mark, record, text) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (source) DO UPDATE SET id = excluded.id, digest = excluded.digest, mark = excluded.mark, record = excluded.record,
                text = excluded.text RETURNING number""",
                (document.id, document.source, digest, mark, record, packed),
            ).fetchone()[0]
            _put_chunks(connection, number, chunks, added)
            write_labels(connection, number, labels)
            _mark(connection, old, mark)

        self.database.write_now(work)

    def relabel(self, source: str, labels: Labels) -> None:
        """Give a source's current document other labels; nothing where there is none. Durable when it returns."""

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT number, mark, record FROM document WHERE source = ?", (source,)).fetchone()
            if row is None:
                return
            number, old, record = row
            chunks = [name for (name,) in connection.execute("SELECT id FROM chunk WHERE document = ? ORDER BY number", (number,))]
            mark = _share(record, chunks, labels)
            connection.execute("UPDATE document SET mark = ? WHERE number = ?", (mark, number))
            write_labels(connection, number, labels)
            _mark(connection, old, mark)

        self.database.write_now(work)

    def begin(self, *, access: str) -> None:
        """Note at the beginning of a run that documents are being labelled under other permissions: until it has concluded, the labels are
        of neither.
        """

        def work(connection: sqlite3.Connection) -> None:
            if read_access(connection) != access:
                _set(connection, "access", "changing")

        self.database.write_now(work)

    def conclude(self, *, access: str, skipped: Sequence[tuple[str, str]]) -> None:
        """Note at the end of a run under which permissions every document was labelled, and what was left out."""

        def work(connection: sqlite3.Connection) -> None:
            _set(connection, "access", access)
            connection.execute("DELETE FROM skipped")
            connection.executemany("INSERT OR REPLACE INTO skipped (source, reason) VALUES (?, ?)", skipped)

        self.database.write_now(work)

    def remove(self, source: str) -> None:
        """Retire a source's document: search does not find it from now on. Durable when it returns."""

        def work(connection: sqlite3.Connection) -> None:
            _mark(connection, _retire(connection, source, remove=True), "")

        self.database.write_now(work)


# -- reading, inside a transaction


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[None]:
    """Everything read inside is of one moment, whatever an indexer commits meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def read_generation(connection: sqlite3.Connection) -> str:
    return _get(connection, "generation")


def read_state(connection: sqlite3.Connection) -> str:
    """The generation, and how many chunks there ever were: content that comes back has its old generation, and chunks of new numbers."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'").fetchone()
    return f"{read_generation(connection)}:{row[0] if row else 0}"


def read_fingerprint(connection: sqlite3.Connection) -> str:
    """The fingerprint of the encoder whose vectors the index holds."""
    return _made_with(connection).get("fingerprint", "")


def read_access(connection: sqlite3.Connection) -> str:
    """The fingerprint of the permissions that the whole index was labelled under; empty where it was without."""
    return _get(connection, "access")


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


def read_chunks_of(connection: sqlite3.Connection, source: str) -> list[Chunk]:
    """A source's current chunks without their texts, in the order of the document."""
    sql = "SELECT chunk.record FROM chunk JOIN document ON document.number = chunk.document WHERE source = ?"
    return sorted((msgspec.json.decode(record, type=Chunk) for (record,) in connection.execute(sql, (source,))), key=lambda one: one.start)


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


# -- writing, inside a transaction


def _put_chunks(connection: sqlite3.Connection, document: int, chunks: Sequence[Chunk], vectors: Mapping[str, bytes]) -> None:
    """Leave exactly these chunks: kept ones stay where they are with their vectors, new ones get new numbers."""
    kept = {identifier for (identifier,) in connection.execute("SELECT id FROM chunk WHERE document = ?", (document,)).fetchall()}
    gone = kept - {chunk.id for chunk in chunks} | kept & vectors.keys()
    connection.executemany("DELETE FROM chunk WHERE id = ?", [(identifier,) for identifier in gone])
    for chunk in chunks:
        record = msgspec.json.encode(msgspec.structs.replace(chunk, text=""))
        if chunk.id in kept - gone:
            connection.execute("UPDATE chunk SET record = ? WHERE id = ?", (record, chunk.id))
        else:
            connection.execute(
                "INSERT INTO chunk (id, document, record, prefix, text, content, vector) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (chunk.id, document, record, chunk.lead, chunk.text, _content(chunk), vectors[chunk.id]),
            )


def _content(chunk: Chunk) -> str:
    return content_id("tx", chunk.lead, chunk.text)


def _retire(connection: sqlite3.Connection, source: str, *, remove: bool, unless: str = "") -> str:
    """Keep the text of a source's current document by its id (but for `unless`), and remove the document where asked. Returns its mark."""
    row = connection.execute("SELECT mark FROM document WHERE source = ?", (source,)).fetchone()
    if row is None:
        return ""
    connection.execute(
        """INSERT OR REPLACE INTO retired_document (id, source, record, text, retired)
        SELECT id, source, record, text, ? FROM document WHERE source = ? AND id != ?""",
        (time.time(), source, unless),
    )
    if remove:
        connection.execute("DELETE FROM chunk WHERE document = (SELECT number FROM document WHERE source = ?)", (source,))
        connection.execute("DELETE FROM document WHERE source = ?", (source,))
    return str(row[0])


def _share(record: bytes, chunks: Sequence[str], labels: Labels) -> str:
    """A document's share of the generation. Chunks count as a set: a kept one keeps its place in the table where the text moves."""
    digest = hashlib.sha256(record)
    for identifier in sorted(chunks):
        digest.update(identifier.encode())
    if labels.values or labels.rules:
        digest.update(canonical([labels.values, labels.rules]))
    return digest.hexdigest()


def _mark(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Bring the generation forward. It hashes the sum of all documents' shares, so a change costs the same however large the index is."""
    total = (int(_get(connection, "sum") or "0", 16) - int(old or "0", 16) + int(new or "0", 16)) % _MARKS
    _set(connection, "sum", f"{total:x}")
    made = _get(connection, "made_with")
    empty = connection.execute("SELECT 1 FROM document LIMIT 1").fetchone() is None
    _set(connection, "generation", "" if empty else content_id("ix", f"{total:x}", made))


def _made_with(connection: sqlite3.Connection) -> dict[str, str]:
    return json.loads(_get(connection, "made_with") or "{}")


def _get(connection: sqlite3.Connection, key: str) -> str:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


def _set(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))
