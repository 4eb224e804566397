"""Feedback: durable before it is acknowledged."""

import sqlite3
from collections.abc import Sequence

import msgspec

from groundwork.core.record import Feedback
from groundwork.store.database import Database


class FeedbackTable:
    """Opinions on answers, found by trace."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, feedback: Feedback) -> None:
        """Keep an opinion; on the disk when this returns."""
        record = msgspec.json.encode(feedback)
        sql = "INSERT OR REPLACE INTO feedback (id, trace, at, record) VALUES (?, ?, ?, ?)"
        await self.database.write(lambda connection: connection.execute(sql, (feedback.id, feedback.trace, feedback.at, record)) and None)

    async def get(self, identifier: str) -> Feedback | None:
        found = await self._select("WHERE id = ?", (identifier,))
        return found[0] if found else None

    async def of(self, traces: Sequence[str]) -> list[Feedback]:
        """All opinions on these traces, oldest first."""
        marks = ",".join("?" * len(traces))
        return await self._select(f"WHERE trace IN ({marks}) ORDER BY at", tuple(traces))

    async def since(self, moment: float = 0.0) -> list[Feedback]:
        """All opinions from a moment (Unix seconds) on, oldest first."""
        return await self._select("WHERE at >= ? ORDER BY at", (moment,))

    async def _select(self, clause: str, values: tuple[object, ...]) -> list[Feedback]:
        def work(connection: sqlite3.Connection) -> list[Feedback]:
            rows = connection.execute(f"SELECT record FROM feedback {clause}", values).fetchall()
            return [msgspec.json.decode(row[0], type=Feedback) for row in rows]

        return await self.database.read(work)
