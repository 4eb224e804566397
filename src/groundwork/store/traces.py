"""Traces and kept answers: the file that may lose its last 100 ms.

Narrow rows for lists and counts, the whole trace as compressed JSON beside them.
"""

import sqlite3
import time
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from groundwork.core.record import Trace
from groundwork.core.text import shorten
from groundwork.store.database import Database

_SHOWN = 400
"""Characters of question and answer that a list needs."""


class TraceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A trace as a list shows it."""

    id: str
    start: float
    seconds: float
    status: str
    route: str
    release: str
    cost: float | None
    question: str
    answer: str


class TraceOutline(NamedTuple):
    """A trace without its content."""

    id: str
    status: str
    route: str
    release: str
    episode: str


_ROW = "id, start, seconds, status, route, release, cost, question, answer"


class TraceStore:
    """Writes traces without waiting; reads them back whole."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def put(self, trace: Trace) -> None:
        """Queue a trace, whose secrets have been masked. Never blocks, never raises."""
        self.database.post(lambda connection: _insert(connection, trace))

    async def get(self, identifier: str) -> Trace | None:
        return await self.database.read(lambda connection: _get(connection, identifier))

    async def list(self, *, limit: int = 50, since: float = 0.0, **where: str) -> Sequence[TraceRow]:
        """The latest traces, newest first, narrowed by columns (`status`, `config`, `release`, `prompt`, `route`)."""
        clause = "".join(f" AND {column} = ?" for column in where)
        if not set(where) <= {"status", "config", "release", "prompt", "route", "session", "episode"}:
            raise ValueError(f"no such column among {sorted(where)}")
        sql = f"SELECT {_ROW} FROM trace WHERE start >= ?{clause} ORDER BY start DESC LIMIT ?"

        def work(connection: sqlite3.Connection) -> Sequence[TraceRow]:
            rows = connection.execute(sql, (since, *where.values(), limit)).fetchall()
            return [_row(row) for row in rows]

        return await self.database.read(work)

    async def outlines(self, *, since: float = 0.0) -> "Sequence[TraceOutline]":
        """Every trace since a moment, oldest first, without its content: what samples are drawn from."""
        sql = "SELECT id, status, route, release, coalesce(episode, '') FROM trace WHERE start >= ? ORDER BY start, id"

        def work(connection: sqlite3.Connection) -> "Sequence[TraceOutline]":
            return [TraceOutline(*row) for row in connection.execute(sql, (since,))]

        return await self.database.read(work)

    async def using(self, chunk: str, *, limit: int = 50) -> Sequence[TraceRow]:
        """The latest traces whose answer was built on a chunk."""
        sql = f"SELECT {_ROW} FROM trace JOIN used ON used.trace = trace.id WHERE used.chunk = ? ORDER BY start DESC LIMIT ?"

        def work(connection: sqlite3.Connection) -> Sequence[TraceRow]:
            return [_row(row) for row in connection.execute(sql, (chunk, limit)).fetchall()]

        return await self.database.read(work)

    async def count(self, **where: str) -> int:
        if not set(where) <= {"status", "config", "release", "prompt"}:
            raise ValueError(f"no such column among {sorted(where)}")
        clause = " AND ".join(f"{column} = ?" for column in where) or "1"
        return await self.database.read(
            lambda connection: int(connection.execute(f"SELECT count(*) FROM trace WHERE {clause}", tuple(where.values())).fetchone()[0])
        )


class AnswerCache:
    """Kept answers by key in the same file; what has expired is deleted as new ones come."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def get(self, key: str) -> bytes | None:
        def work(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute("SELECT value FROM kept_answer WHERE key = ? AND until > ?", (key, time.time())).fetchone()
            return None if row is None else zlib.decompress(row[0])

        return await self.database.read(work)

    def put(self, key: str, value: bytes, *, seconds: float) -> None:
        now = time.time()
        packed = zlib.compress(value, 1)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM kept_answer WHERE until <= ?", (now,))
            connection.execute("INSERT OR REPLACE INTO kept_answer (key, until, value) VALUES (?, ?, ?)", (key, now + seconds, packed))

        self.database.post(work)


def _row(row: tuple[Any, ...]) -> TraceRow:
    return TraceRow(**dict(zip(TraceRow.__struct_fields__, row, strict=True)))


def _insert(connection: sqlite3.Connection, trace: Trace) -> None:
    versions = trace.versions
    reply: dict[str, Any] = trace.reply or {}
    connection.execute(
        "INSERT OR REPLACE INTO trace (id, app, start, seconds, status, route, session, episode, tenant, config, release, prompt, model,"
        " index_generation, cost, question, answer) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            *(trace.id, trace.app, trace.start, trace.seconds, trace.status, trace.route, trace.session, trace.episode, trace.tenant),
            *(versions.config, versions.release, versions.prompt, versions.model, versions.index, reply.get("cost")),
            *(shorten(question_of(trace), _SHOWN), shorten(reply.get("text") or trace.error, _SHOWN)),
        ),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO span (trace, place, name, start, seconds, status) VALUES (?,?,?,?,?,?)",
        [(trace.id, place, span.name, span.start, span.seconds, span.status) for place, span in enumerate(trace.spans)],
    )
    connection.execute(
        "INSERT OR REPLACE INTO payload (trace, record) VALUES (?, ?)", (trace.id, zlib.compress(msgspec.json.encode(trace), 1))
    )
    hits: list[dict[str, Any]] = (trace.found or {}).get("hits", [])
    connection.executemany("INSERT OR IGNORE INTO used (chunk, trace) VALUES (?, ?)", [(hit["chunk"]["id"], trace.id) for hit in hits])


def _get(connection: sqlite3.Connection, identifier: str) -> Trace | None:
    row = connection.execute("SELECT record FROM payload WHERE trace = ?", (identifier,)).fetchone()
    return None if row is None else msgspec.json.decode(zlib.decompress(row[0]), type=Trace)


def question_of(trace: Trace) -> str:
    """The last user message's text of a stored request."""
    messages: list[dict[str, Any]] = (trace.request or {}).get("messages", [])
    for message in reversed(messages):
        if message.get("role") == "user":
            return "".join(part.get("text", "") for part in message.get("parts", []))
    return ""
