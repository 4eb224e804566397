"""The index in a schema of a PostgreSQL database: the port `Index` for applications that outgrow one machine.

Each application has a schema of its own (see docs/decisions/016). Every write locks one row first, so writers follow each other and a reader
sees a document before or after a change. A search reads one snapshot on a connection of its own; one that broke is replaced, and the search begun
again, once.
"""

import asyncio
import contextlib
import json
import threading
import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import msgspec

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import ConfigError, NotFound, StoreBusy
from groundwork.store.config import Address
from groundwork.store.generations import content_of, share
from groundwork.store.index_port import Entry
from groundwork.store.labels import UNLABELLED, Labels
from groundwork.store.vectors import from_blob

try:
    import psycopg
except ImportError:
    raise ConfigError("`psycopg` is not installed, which speaks to PostgreSQL", fix="pip install 'groundwork-ai[postgres]'") from None

from groundwork.store.postgres.connecting import READERS, Connection, Pool, connect, explain, is_broken
from groundwork.store.postgres.labels import plain, write_labels
from groundwork.store.postgres.migrating import migrate
from groundwork.store.postgres.snapshot import PostgresSnapshot
from groundwork.store.postgres.vectors import SCANNED, build, to_half
from groundwork.store.postgres.words import Tokenizer
from groundwork.store.postgres.writing import lock, mark, put_chunks, put_document, retire

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

T = TypeVar("T")
_WAIT_SECONDS = 60
"""How long a write waits for another writer."""


def open_postgres(address: Address) -> "PostgresIndex":
    """The index at an address; its schema is made where there is none. Raises StoreError, ConfigError for an address that cannot be one."""
    migrate(address)
    return PostgresIndex(address)


class PostgresIndex:
    """The port `Index` on PostgreSQL. Its methods are documented there."""

    compares_vectors = True

    def __init__(self, address: Address) -> None:
        self.address = address
        self._tokenizer = Tokenizer()
        self._pool = Pool(address)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read-index")
        self._writing = threading.RLock()
        self._writer: Connection | None = None
        self._indexing = threading.Lock()
        self._generation = ""
        """What the index held when the run at hand began."""

    # -- reading

    async def read(self, work: Callable[[PostgresSnapshot], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[PostgresSnapshot], T]) -> T:
        with self._explained():
            try:
                return self._on_snapshot(work, fresh=False)
            except psycopg.Error as error:
                if not is_broken(error):
                    raise
            return self._on_snapshot(work, fresh=True)

    def _on_snapshot(self, work: Callable[[PostgresSnapshot], T], *, fresh: bool) -> T:
        with self._pool.lent(fresh=fresh) as connection, connection.transaction():
            return work(PostgresSnapshot(connection, self._tokenizer))

    def documents(self) -> list[Entry]:
        sql = """SELECT document.id, source, document.record, count(chunk.number) FROM document LEFT JOIN chunk ON chunk.document = document.number
        GROUP BY document.number ORDER BY source"""
        rows = self.read_now(lambda snapshot: snapshot.rows(sql))
        return [Entry(identifier, source, json.loads(record)["title"], chunks) for identifier, source, record, chunks in rows]

    def document(self, identifier: str) -> Document:
        return self.read_now(lambda snapshot: snapshot.document(identifier))

    def chunk(self, identifier: str) -> Chunk:
        found = self.read_now(lambda snapshot: snapshot.chunks("id", [identifier.replace("\0", "")]))
        if not found:
            raise NotFound(f"no chunk {identifier} in the index", fix="it may have been replaced: search again")
        return next(iter(found.values()))

    def generation(self) -> str:
        return self.read_now(PostgresSnapshot.generation)

    def made_with(self) -> dict[str, str]:
        return self.read_now(PostgresSnapshot.made_with)

    def digests(self) -> dict[str, str]:
        return dict(self.read_now(lambda snapshot: snapshot.rows("SELECT source, digest FROM document")))

    def chunk_ids(self, source: str) -> set[str]:
        sql = "SELECT chunk.id FROM chunk JOIN document ON document.number = chunk.document WHERE source = %s"
        return {identifier for (identifier,) in self.read_now(lambda snapshot: snapshot.rows(sql, source))}

    def known_vectors(self, chunks: Sequence[Chunk]) -> dict[str, "Vectors"]:
        ids: dict[str, list[str]] = {}
        for chunk in chunks:
            ids.setdefault(content_of(chunk), []).append(chunk.id)
        found = self.read_now(lambda snapshot: snapshot.vectors_by_content(list(ids))) if ids else {}
        return {name: from_blob([blob], len(blob) // 2)[0] for content, blob in found.items() for name in ids[content]}

    def dimensions(self) -> int:
        rows = self.read_now(lambda snapshot: snapshot.rows("SELECT vector_dims(value) FROM chunk_vector LIMIT 1"))
        return int(rows[0][0]) if rows else 0

    # -- writing

    @contextlib.contextmanager
    def indexing(self) -> Generator[None]:
        """A lock of the session that writes: where that is lost, so is the right to write, and the run ends."""
        busy = StoreBusy("another process is indexing here", fix="wait until it has finished, then try again")
        if not self._indexing.acquire(blocking=False):
            raise busy
        key = f"groundwork indexing {self.address.namespace}"
        try:
            with self._writing, self._explained():
                self._dismiss()
                writer = self._connected()
                row = writer.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 2))", (key,)).fetchone()
                if row is None or not row[0]:
                    raise busy
                state = writer.execute("SELECT generation FROM state").fetchone()
                self._generation = str(state[0]) if state else ""
            yield
        finally:
            with self._writing:
                self._dismiss()  # with its session the lock ends
            self._indexing.release()

    def prepare(self, made_with: Mapping[str, str], *, clear: bool, stale: bool = False) -> None:
        def work(connection: Connection) -> None:
            if clear:
                for (source,) in connection.execute("SELECT source FROM document").fetchall():
                    mark(connection, retire(connection, source, remove=True), "")
                connection.execute("DROP INDEX IF EXISTS chunk_vector_hnsw")
                connection.execute("UPDATE state SET approximate = 0")
            if stale:
                connection.execute("UPDATE document SET digest = ''")
            connection.execute("UPDATE state SET made_with = %s", (json.dumps(dict(made_with), sort_keys=True),))
            mark(connection, "", "")

        self._write(work)

    def put(
        self, document: Document, chunks: Sequence[Chunk], vectors: Mapping[str, "Vectors"], *, digest: str, labels: Labels = UNLABELLED
    ) -> None:
        added = {identifier: to_half(vector) for identifier, vector in vectors.items()}
        record = msgspec.json.encode(msgspec.structs.replace(document, text=""))
        new = share(record, [chunk.id for chunk in chunks], labels)
        packed = zlib.compress(document.text.encode(), 6)

        def work(connection: Connection) -> None:
            old = retire(connection, document.source, remove=False, unless=document.id)
            number = put_document(connection, document.id, document.source, digest, new, record, packed)
            put_chunks(connection, number, chunks, added, self._tokenizer)
            write_labels(connection, number, labels)
            mark(connection, old, new)

        self._write(work)

    def relabel(self, source: str, labels: Labels) -> None:
        def work(connection: Connection) -> None:
            row = connection.execute("SELECT number, mark, record FROM document WHERE source = %s", (source,)).fetchone()
            if row is None:
                return
            number, old, record = row
            chunks = [name for (name,) in connection.execute("SELECT id FROM chunk WHERE document = %s", (number,))]
            new = share(record, chunks, labels)
            connection.execute("UPDATE document SET mark = %s WHERE number = %s", (new, number))
            write_labels(connection, number, labels)
            mark(connection, old, new)

        self._write(work)

    def begin(self, *, access: str) -> None:
        self._write(lambda connection: connection.execute("UPDATE state SET access = 'changing' WHERE access != %s", (access,)))

    def conclude(self, *, access: str, skipped: Sequence[tuple[str, str]]) -> None:
        def work(connection: Connection) -> None:
            connection.execute("UPDATE state SET access = %s", (access,))
            connection.execute("DELETE FROM skipped")
            rows = [(plain(source), plain(reason)) for source, reason in dict(skipped).items()]
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO skipped (source, reason) VALUES (%s, %s)", rows)
            if (
                lock(connection).generation != self._generation
            ):  # the planner should know of what has come before the server looks by itself
                connection.execute("ANALYZE document, chunk, chunk_vector, posting, document_value, document_reader")

        self._write(work)
        self._write(self._approximate)

    @staticmethod
    def _approximate(connection: Connection) -> None:
        """Make the HNSW index once the vectors are too many to compare them all."""
        state = lock(connection)
        if state.chunks > SCANNED and not state.approximate:
            connection.execute("UPDATE state SET approximate = %s", (build(connection),))

    def remove(self, source: str) -> None:
        self._write(lambda connection: mark(connection, retire(connection, source, remove=True), ""))

    def _write(self, work: Callable[[Connection], object]) -> None:
        """One change, in one transaction, behind whoever writes now; committed when this returns."""
        with self._writing, self._explained():
            connection = self._awake()
            with connection.transaction():
                lock(connection)
                work(connection)

    def _awake(self) -> Connection:
        """The writer's connection, another one where it broke while nobody used it. In the midst of a run it stays broken: with it, the run's
        lock is lost.
        """
        if self._writer is not None and not self._indexing.locked():
            try:
                self._writer.execute("SELECT")
            except psycopg.OperationalError:
                self._dismiss()
        return self._connected()

    def _connected(self) -> Connection:
        if self._writer is None:
            self._writer = connect(self.address, statements=0)
            self._writer.execute(f"SET lock_timeout = '{_WAIT_SECONDS}s'".encode())
        return self._writer

    def _dismiss(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise explain(error, self.address) from None

    def close(self) -> None:
        """Let go of every connection."""
        with self._writing:
            self._dismiss()
        self._readers.shutdown(wait=True)
        self._pool.close()
        self._tokenizer.close()
