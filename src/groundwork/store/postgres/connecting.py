"""Connections to the server: opened with time-outs, lent one at a time, and what goes wrong with them in words that help.

No error shows a password: neither the address nor what the server says of it is repeated as it stands.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from groundwork.core.errors import ConfigError, Overloaded, StoreBusy, StoreError, StoreFull
from groundwork.core.units import without_password
from groundwork.store.config import Address, check_url

R = TypeVar("R")
READERS = 4
"""Searches that read at once in one process."""
_CONNECT_SECONDS = 5
_GRACE_SECONDS = 5.0
"""How much longer than its own time-out a silent server is waited for."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that knows since when it has been waiting for the server."""

    since: float | None = None

    def wait(self, gen: PQGen[R], *interval: float) -> R:
        self.since = time.monotonic()
        try:
            return super().wait(gen, *interval)
        finally:
            self.since = None

    def cut(self) -> None:
        """End it from another thread: whoever waits gets an error at once."""
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


def connect(address: Address, *, statements: float) -> Connection:
    """A connection whose statements may take so many seconds (0: any time). Raises ConfigError for a malformed address, StoreError."""
    check_url(address.url, address.where)
    try:
        given: dict[str, Any] = dict(conninfo_to_dict(address.url))
    except psycopg.ProgrammingError:  # its text repeats the address
        raise ConfigError(
            f"`index.url` cannot be read: {without_password(address.url)!r}",
            where=address.where,
            fix="write it like postgresql://user@host:5432/database, with options of libpq after `?`",
        ) from None
    usual: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "groundwork",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": int(1_000 * address.timeout),
    }
    try:
        # Nothing is prepared on the server: each search is planned for its own words, and poolers between us and it stay happy.
        connection = Connection.connect(
            make_conninfo(**{**usual, **given, "client_encoding": "utf8"}), autocommit=True, prepare_threshold=None
        )
    except psycopg.Error as error:
        raise unreachable(error, address, given) from None
    try:
        connection.execute(sql.SQL("SET statement_timeout = {}").format(int(1_000 * statements)))
        connection.execute("SET jit = off")  # compiling a search takes longer than running it
        connection.execute(sql.SQL("SET search_path = {}, {}").format(sql.Identifier(address.namespace), sql.Identifier(home(connection))))
    except psycopg.Error as error:
        connection.close()
        raise explain(error, address) from None
    return connection


def home(connection: Connection) -> str:
    """The schema that pgvector's types stand in; `public` where it is not installed yet."""
    found = connection.execute(
        "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'"
    ).fetchone()
    return str(found[0]) if found else "public"


def unreachable(error: psycopg.Error, address: Address, given: dict[str, Any]) -> StoreError:
    """Why there is no connection."""
    text = " ".join(str(error).split())
    if password := given.get("password"):
        text = text.replace(str(password), "***")
    where = f"{address.where}: " if address.where else ""
    server = f"{given.get('host') or 'the local server'}{':' + str(given['port']) if given.get('port') else ''}"
    if "authentication failed" in text or "no password supplied" in text:
        return StoreError(
            f"{where}PostgreSQL at {server} refuses the password of {given.get('user') or 'this user'!r}",
            fix="correct the user or the password of `index.url`",
        )
    if "does not exist" in text:
        return StoreError(f"{where}PostgreSQL at {server}: {text.rpartition('FATAL:')[2].strip()}", fix="make it, or correct `index.url`")
    if "too many clients" in text or "remaining connection slots" in text:
        return StoreBusy(f"{where}PostgreSQL at {server} takes no more connections", fix="raise max_connections, or run fewer servers")
    return StoreError(
        f"{where}PostgreSQL at {server} cannot be reached: {text}",
        fix="check that it runs and that its address, port and firewall let this machine in",
    )


def is_broken(error: psycopg.Error) -> bool:
    """Whether the connection is gone, rather than a statement refused."""
    if isinstance(error, psycopg.InterfaceError):
        return True
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(("08", "57P")))


def explain(error: psycopg.Error, address: Address) -> StoreError:
    """What an error of the database means for whoever runs groundwork."""
    said = error.diag.message_primary or " ".join(str(error).split())
    match error:
        case errors.QueryCanceled():
            return StoreBusy(
                f"the index did not answer within {address.timeout:g} s",
                fix="ask again; if it goes on, raise `index.timeout` or the server's memory",
            )
        case errors.LockNotAvailable():
            return StoreBusy("another process has been writing to the index for a long time", fix="let it finish, then try again")
        case errors.DiskFull() | errors.OutOfMemory():
            return StoreFull(f"PostgreSQL has no room left: {said}", fix="free some, then try again: nothing of this write was kept")
        case errors.InsufficientPrivilege():
            return StoreError(f"PostgreSQL refuses: {said}", fix=f"grant the user of `index.url` rights on schema {address.namespace}")
        case errors.UndefinedTable() | errors.InvalidSchemaName():
            return StoreError(
                f"the index is not in schema {address.namespace} any more: {said}", fix="start anew, and run `groundwork index`"
            )
        case errors.DataException() if "dimensions" in said:
            return StoreError(
                "the index holds vectors of another length than its encoder makes", fix="rebuild it with `groundwork index --rebuild`"
            )
        case _ if is_broken(error):
            return StoreError(
                f"the connection to PostgreSQL broke: {said}", fix="check that the server runs, then try again: nothing was left half done"
            )
        case _:
            return StoreError(f"PostgreSQL: {said}", fix="check the server's log; nothing of this was kept")


class Pool:
    """Connections for reading, opened when they are needed, at most `READERS` at a time. One whose server has been silent for longer than a
    statement may take is cut: the server's own time-outs do not run while it hangs.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._room = threading.Semaphore(READERS)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._lent: set[Connection] = set()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watch-index", daemon=True)
        self._watcher.start()

    @contextlib.contextmanager
    def lent(self, *, fresh: bool = False) -> Generator[Connection]:
        """A connection for one piece of work; `fresh` is one that nobody has used. Raises Overloaded, StoreError."""
        if not self._room.acquire(timeout=self._address.timeout):
            raise Overloaded("all connections to the index are in use", fix="ask again in a moment")
        try:
            connection = self._taken(fresh)
            self._lent.add(connection)
            try:
                yield connection
            finally:
                self._lent.discard(connection)
                self._back(connection)
        finally:
            self._room.release()

    def _taken(self, fresh: bool) -> Connection:
        with self._lock:
            if self._ended.is_set():
                raise StoreError("the index is closed", fix="open the store again")
            if fresh:  # where one connection broke, the others have most likely broken too
                self._drop()
            if self._idle:
                return self._idle.pop()
        connection = connect(self._address, statements=self._address.timeout)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return connection

    def _back(self, connection: Connection) -> None:
        with self._lock:
            if connection.closed or self._ended.is_set() or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.close()
            else:
                self._idle.append(connection)

    def _drop(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _watch(self) -> None:
        patience = self._address.timeout + _GRACE_SECONDS
        while not self._ended.wait(min(1.0, patience / 4)):
            for connection in tuple(self._lent):
                since = connection.since
                if since is not None and time.monotonic() - since > patience:
                    connection.cut()

    def close(self) -> None:
        with self._lock:
            self._ended.set()
            self._drop()
        self._watcher.join()
