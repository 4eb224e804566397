"""The index in one SQLite file: documents with their labels, chunks, their terms (FTS5) and their vectors.

Whatever happens to one source happens in one transaction: a reader sees the document before or after, never between. A replaced or removed
document leaves the search at once; its text stays readable by id, because old traces cite it. (Erasure for good is not covered yet.)
"""

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import NotFound, StoreError
from groundwork.store.config import Address, index_address
from groundwork.store.database import Database
from groundwork.store.generations import content_of, share
from groundwork.store.index_port import Entry, Index
from groundwork.store.index_reading import SqliteSnapshot, read_access, read_made_with, snapshot
from groundwork.store.index_writing import mark, put_chunks, retire, set_meta
from groundwork.store.labels import UNLABELLED, Labels, write_labels
from groundwork.store.lock import holding
from groundwork.store.vectors import from_blob, to_blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FOLDER = Path(".groundwork") / "index"
FILE = FOLDER / "index.db"
"""Of the collection without a name; another's is called like it."""
T = TypeVar("T")


def open_index(root: Path, *, name: str = "", rebuild: bool = False, address: Address | None = None) -> Index:
    """The index of the application in `root`, or of its collection `name`: where its `[index]` says (or at the address given), else in the
    folder. Made where there is none.
    `rebuild` sets a damaged file aside, as `index.db.damaged`.
    """
    address = address or index_address(root)
    if address is None:
        return open_sqlite(root, name=name, rebuild=rebuild)
    from groundwork.store.postgres.index import open_postgres

    return open_postgres(address.of(name) if name else address)


def open_sqlite(root: Path, *, name: str = "", rebuild: bool = False) -> "IndexStore":
    """The index in the folder itself."""
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
    """The port `Index` on SQLite. Its methods are documented there."""

    compares_vectors = False

    def __init__(self, database: Database) -> None:
        self.database = database

    async def read(self, work: Callable[[SqliteSnapshot], T]) -> T:
        return await self.database.read(lambda connection: _on_snapshot(connection, work))

    def read_now(self, work: Callable[[SqliteSnapshot], T]) -> T:
        return self.database.read_now(lambda connection: _on_snapshot(connection, work))

    def indexing(self) -> AbstractContextManager[None]:
        return holding(self.database.path.parent / "lock", what="indexing here")

    def close(self) -> None:
        self.database.close()

    # -- what it holds

    def documents(self) -> list[Entry]:
        sql = """SELECT id, source, record, (SELECT count(*) FROM chunk WHERE chunk.document = document.number) FROM document ORDER BY source"""
        rows = self.database.read_now(lambda connection: connection.execute(sql).fetchall())
        return [Entry(identifier, source, json.loads(record)["title"], chunks) for identifier, source, record, chunks in rows]

    def document(self, identifier: str) -> Document:
        return self.read_now(lambda index: index.document(identifier))

    def chunk(self, identifier: str) -> Chunk:
        found = self.read_now(lambda index: index.chunks("id", [identifier]))
        if not found:
            raise NotFound(f"no chunk {identifier} in the index", fix="it may have been replaced: search again")
        return next(iter(found.values()))

    def generation(self) -> str:
        return self.read_now(SqliteSnapshot.generation)

    # -- what the indexer does

    def made_with(self) -> dict[str, str]:
        return self.database.read_now(read_made_with)

    def prepare(self, made_with: Mapping[str, str], *, clear: bool, stale: bool = False) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if clear:
                for (source,) in connection.execute("SELECT source FROM document").fetchall():
                    mark(connection, retire(connection, source, remove=True), "")
            if stale:
                connection.execute("UPDATE document SET digest = ''")
            set_meta(connection, "made_with", json.dumps(dict(made_with), sort_keys=True))
            mark(connection, "", "")

        self.database.write_now(work)

    def digests(self) -> dict[str, str]:
        return dict(self.database.read_now(lambda connection: connection.execute("SELECT source, digest FROM document").fetchall()))

    def chunk_ids(self, source: str) -> set[str]:
        sql = "SELECT chunk.id FROM chunk JOIN document ON document.number = chunk.document WHERE source = ?"
        return {identifier for (identifier,) in self.database.read_now(lambda connection: connection.execute(sql, (source,)).fetchall())}

    def known_vectors(self, chunks: Sequence[Chunk]) -> dict[str, "Vectors"]:
        ids: dict[str, list[str]] = {}
        for chunk in chunks:
            ids.setdefault(content_of(chunk), []).append(chunk.id)

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
        sql = "SELECT coalesce(max(length(vector)) / 2, 0) FROM (SELECT vector FROM chunk LIMIT 1)"
        return self.database.read_now(lambda connection: connection.execute(sql).fetchone()[0])

    def put(
        self, document: Document, chunks: Sequence[Chunk], vectors: Mapping[str, "Vectors"], *, digest: str, labels: Labels = UNLABELLED
    ) -> None:
        added = {identifier: to_blob(vector) for identifier, vector in vectors.items()}
        record = msgspec.json.encode(msgspec.structs.replace(document, text=""))
        new = share(record, [chunk.id for chunk in chunks], labels)
        packed = zlib.compress(document.text.encode(), 6)

        def work(connection: sqlite3.Connection) -> None:
            old = retire(connection, document.source, remove=False, unless=document.id)
            number = connection.execute(
                """INSERT INTO document (id, source, digest, mark, record, text) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (source) DO UPDATE SET id = excluded.id, digest = excluded.digest, mark = excluded.mark, record = excluded.record,
                text = excluded.text RETURNING number""",
                (document.id, document.source, digest, new, record, packed),
            ).fetchone()[0]
            put_chunks(connection, number, chunks, added)
            write_labels(connection, number, labels)
            mark(connection, old, new)

        self.database.write_now(work)

    def relabel(self, source: str, labels: Labels) -> None:
        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT number, mark, record FROM document WHERE source = ?", (source,)).fetchone()
            if row is None:
                return
            number, old, record = row
            chunks = [name for (name,) in connection.execute("SELECT id FROM chunk WHERE document = ? ORDER BY number", (number,))]
            new = share(record, chunks, labels)
            connection.execute("UPDATE document SET mark = ? WHERE number = ?", (new, number))
            write_labels(connection, number, labels)
            mark(connection, old, new)

        self.database.write_now(work)

    def begin(self, *, access: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if read_access(connection) != access:
                set_meta(connection, "access", "changing")

        self.database.write_now(work)

    def conclude(self, *, access: str, skipped: Sequence[tuple[str, str]]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            set_meta(connection, "access", access)
            connection.execute("DELETE FROM skipped")
            connection.executemany("INSERT OR REPLACE INTO skipped (source, reason) VALUES (?, ?)", skipped)

        self.database.write_now(work)

    def remove(self, source: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            mark(connection, retire(connection, source, remove=True), "")

        self.database.write_now(work)


def _on_snapshot(connection: sqlite3.Connection, work: Callable[[SqliteSnapshot], T]) -> T:
    with snapshot(connection):
        return work(SqliteSnapshot(connection))
