"""One SQLite file: one writer thread with group commit, readers beside it, numbered migrations.

The event loop never waits for a disk: `write` is awaited and durable when it returns; `post` queues and may lose what a crash or a full
disk takes (and counts it). Command line and server may have the same file open: SQLite's WAL and a busy time-out see to that.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

from groundwork.core.errors import Overloaded, StoreBusy, StoreError, StoreFull

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

_BUSY_SECONDS = 30.0
_QUEUE = 10_000
_GROUP_SECONDS = 0.1


@dataclass(slots=True)
class _Job:
    work: Work
    done: Future[Any] | None


class Database:
    """A SQLite file with its schema. `durable` files acknowledge only what survives a power cut; others may lose the last 100 ms."""

    def __init__(self, path: Path, *, schema: Literal["state", "traces", "index", "written"], durable: bool) -> None:
        self.path = path
        self.schema = schema
        self.durable = durable
        self.lost = 0
        """Posted writes that were dropped: queue full, disk full, or the file broken."""
        self._jobs: queue.Queue[_Job | None] = queue.Queue(_QUEUE)
        self._readers = ThreadPoolExecutor(2, thread_name_prefix=f"read-{path.stem}")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._closed = False
        with raising(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            migrate(path, schema)
            connection = connect(path, durable=durable)
        self._writer = threading.Thread(target=self._write_loop, args=(connection,), name=f"write-{path.stem}", daemon=True)
        self._writer.start()

    # -- writing

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction on the writer thread; when this returns, the change is committed."""
        return await asyncio.wrap_future(self._submit(work))

    def write_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same for code that has no event loop (the command line's own steps)."""
        return self._submit(work).result()

    def post(self, work: Work) -> None:
        """Queue a write that nobody waits for. A full queue drops it and counts it in `lost`."""
        if self._closed:
            self.lost += 1
            return
        try:
            self._jobs.put_nowait(_Job(work, None))
        except queue.Full:
            self.lost += 1

    async def flush(self) -> None:
        """Wait until everything queued before this call is written or counted as lost."""
        with contextlib.suppress(StoreError):  # the transaction that it shared has failed: what was in it is counted by now
            await self.write(lambda _: None)

    def _submit(self, work: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        done: Future[T] = Future()
        if self._closed:
            raise StoreError(f"{self.path.name} is closed", fix="open the store again")
        try:
            self._jobs.put_nowait(_Job(work, done))
        except queue.Full:
            raise Overloaded(f"the write queue of {self.path.name} is full", fix="ask again in a moment") from None
        return done

    def _write_loop(self, connection: sqlite3.Connection) -> None:
        try:
            while True:
                batch, ended = self._next_batch()
                if batch:
                    self._commit(connection, batch)
                if ended:
                    return
        finally:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """At least one job. Those nobody waits for are gathered for up to 100 ms; one that is awaited commits at once, with all before it."""
        first = self._jobs.get()
        if first is None:
            return [], True
        batch = [first]
        until = time.monotonic() + _GROUP_SECONDS
        while True:
            left = until - time.monotonic() if batch[-1].done is None else 0.0
            try:
                job = self._jobs.get(timeout=left) if left > 0 else self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
            if job is None:
                return batch, True
            batch.append(job)
            if len(batch) >= 1_000:
                return batch, False

    def _commit(self, connection: sqlite3.Connection, batch: list[_Job]) -> None:
        """One transaction for the batch, a savepoint for each job: one that fails takes nobody with it."""
        results: list[tuple[_Job, Any, BaseException | None]] = []
        # Who left before its turn wants nothing any more; who leaves from now on no longer changes the future that is answered below.
        batch = [job for job in batch if job.done is None or job.done.set_running_or_notify_cancel()]
        try:
            connection.execute("BEGIN IMMEDIATE")
            results.extend((job, *self._run(connection, job)) for job in batch)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            failure = explain(error, self.path)
            results = [(job, None, failure) for job in batch]
        for job, value, error in results:
            if job.done is None:
                self.lost += error is not None
            elif error is not None:
                job.done.set_exception(error)
            else:
                job.done.set_result(value)

    def _run(self, connection: sqlite3.Connection, job: _Job) -> tuple[Any, BaseException | None]:
        connection.execute("SAVEPOINT job")
        try:
            value = job.work(connection)
        except sqlite3.Error as error:
            # A full disk rolls the whole transaction back by itself: then there is no savepoint left, and the batch fails as one.
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO job")
            return None, explain(error, self.path)
        except Exception as error:  # noqa: BLE001  whatever the job raised belongs to its caller, who gets it from the future
            connection.execute("ROLLBACK TO job")
            return None, error
        connection.execute("RELEASE job")
        return value, None

    # -- reading

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a reader thread, on a snapshot of what is committed."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same in the calling thread."""
        with raising(self.path):
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = connect(self.path, durable=False)
                connection.execute("PRAGMA query_only = 1")
                self._local.connection = connection
                self._opened.append(connection)
            return work(connection)

    def close(self) -> None:
        """Write what is queued, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown(wait=True)
        for connection in self._opened:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    """A connection in autocommit mode with our settings; any thread may use it, one at a time."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    _use_wal(connection)
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    connection.execute("PRAGMA foreign_keys = 1")
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite's own time-out does not cover the switch, so where another process is just making the file, this waits for it."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)


def migrate(path: Path, schema: str) -> None:
    """Bring a file's schema forward, one numbered script at a time, each in a transaction of its own. Two processes may try at once."""
    scripts = sorted(
        (entry for entry in resources.files("groundwork.store").joinpath("migrations", schema).iterdir()), key=lambda entry: entry.name
    )
    with contextlib.closing(connect(path, durable=True)) as connection:
        if _version(connection) > len(scripts):
            raise StoreError(
                f"{path} was written by a newer groundwork (schema {_version(connection)}, this one knows {len(scripts)})",
                fix="upgrade groundwork-ai",
            )
        for number, script in enumerate(scripts, start=1):
            if _version(connection) >= number:
                continue
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) < number:
                for statement in _statements(script.read_text(encoding="utf-8")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def raising(path: Path) -> Generator[None]:
    """Turn what SQLite and the file system raise into errors that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", fix="check that the folder exists, is writable and has space left") from error


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """What a SQLite error means for whoever runs groundwork."""
    text = str(error)
    if "full" in text:
        return StoreFull(f"no space left for {path}", fix="free some space on the disk, then try again: nothing of this write was kept")
    if "locked" in text or "busy" in text:
        return StoreBusy(
            f"{path} is locked by another process for more than {_BUSY_SECONDS:.0f} s", fix="let the other command finish, then try again"
        )
    if "malformed" in text or "not a database" in text:
        return StoreError(
            f"{path} is damaged: {text}", fix="restore it from a backup; an index can be rebuilt with `groundwork index --rebuild`"
        )
    return StoreError(f"{path}: {text}", fix="check that the disk is writable; nothing of this write was kept")
