"""Evaluations by id. The single results of a run are lines of its file in `.groundwork/runs/`; here stands what came out."""

import sqlite3

import msgspec

from groundwork.core.errors import NotFound
from groundwork.core.measure import Run
from groundwork.store.database import Database
from groundwork.store.lineage import link


class RunTable:
    """Runs, found by id and by suite."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(self, run: Run) -> None:
        """Keep a run, or what has become of it since; linked to the configuration, change and release it evaluated."""
        record = msgspec.json.encode(run)

        def work(connection: sqlite3.Connection) -> None:
            sql = "INSERT OR REPLACE INTO run (id, suite, started, record) VALUES (?, ?, ?, ?)"
            connection.execute(sql, (run.id, run.suite, run.started, record))
            link(connection, run.id, (run.config, run.change, run.release))

        await self.database.write(work)

    async def get(self, identifier: str) -> Run:
        """Raises NotFound."""
        rows = await self._select("WHERE id = ?", (identifier,))
        if not rows:
            raise NotFound(f"no run {identifier!r}", fix="see `groundwork list runs`")
        return rows[0]

    async def list(self, *, suite: str = "", limit: int = 50) -> "list[Run]":
        """The latest runs, newest first, of one suite or of all."""
        if suite:
            return await self._select("WHERE suite = ? ORDER BY started DESC, id DESC LIMIT ?", (suite, limit))
        return await self._select("ORDER BY started DESC, id DESC LIMIT ?", (limit,))

    async def _select(self, clause: str, values: tuple[object, ...]) -> "list[Run]":
        def work(connection: sqlite3.Connection) -> "list[Run]":
            rows = connection.execute(f"SELECT record FROM run {clause}", values).fetchall()
            return [msgspec.json.decode(row[0], type=Run) for row in rows]

        return await self.database.read(work)
