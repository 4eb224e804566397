"""Connections to the server: opened with time-outs, lent one at a time, and what goes wrong with them in words that help.

No error shows a password: neither the address nor what the server says of it is repeated as it stands.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from groundwork.core.errors import ConfigError, Overloaded, StoreBusy, StoreError, StoreFull
from groundwork.core.units import without_password
from groundwork.store.config import Address, check_url

Connection = psycopg.Connection[tuple[Any, ...]]
READERS = 4
"""Searches that read at once in one process."""
_CONNECT_SECONDS = 5
_GRACE_SECONDS = 5.0
"""How much longer than its own time-out a silent server is waited for."""


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
        connection = psycopg.connect(
            make_conninfo(**{**usual, **given, "client_encoding": "utf8"}), autocommit=True, prepare_threshold=None
        )
    except psycopg.OperationalError as error:
        raise unreachable(error, address, given) from None
    try:
        connection.execute(sql.SQL("SET statement_timeout = {}").format(int(1_000 * statements)))
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
    """Connections for reading, opened when they are needed, at most `READERS` at a time."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._room = threading.Semaphore(READERS)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False

    @contextlib.contextmanager
    def lent(self, *, fresh: bool = False) -> Generator[Connection]:
        """A connection for one piece of work; `fresh` is one that nobody has used. Raises Overloaded, StoreError."""
        if not self._room.acquire(timeout=self._address.timeout):
            raise Overloaded("all connections to the index are in use", fix="ask again in a moment")
        try:
            connection = self._taken(fresh)
            try:
                yield connection
            finally:
                self._back(connection)
        finally:
            self._room.release()

    def _taken(self, fresh: bool) -> Connection:
        with self._lock:
            if self._closed:
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
            if connection.closed or self._closed or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.close()
            else:
                self._idle.append(connection)

    def _drop(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._drop()


@contextlib.contextmanager
def deadline(connection: Connection, seconds: float) -> Generator[None]:
    """Cut the connection where a server stays silent for longer than this: its own time-outs do not run while it hangs."""
    ended = threading.Event()
    until = time.monotonic() + seconds + _GRACE_SECONDS

    def cut() -> None:
        if not ended.wait(max(0.0, until - time.monotonic())):
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    watcher = threading.Thread(target=cut, name="index-deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
