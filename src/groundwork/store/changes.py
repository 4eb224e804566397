"""Proposed changes. A change is kept once and never altered: another proposal is another change."""

import sqlite3

import msgspec

from groundwork.core.errors import NotFound
from groundwork.core.measure import Change
from groundwork.store.database import Database
from groundwork.store.lineage import link


class ChangeTable:
    """Changes by id."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(self, change: Change) -> None:
        """Keep a change, linked to the datasets, runs and traces it was proposed from and the configuration it was proposed against."""
        record = msgspec.json.encode(change)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO change (id, made, record) VALUES (?, ?, ?)", (change.id, change.made, record))
            link(connection, change.id, (*change.parents, change.base))

        await self.database.write(work)

    async def remove(self, identifier: str) -> None:
        """Take back a change that turned out not to load: it was never more than a draft."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM change WHERE id = ?", (identifier,))
            connection.execute("DELETE FROM lineage WHERE child = ?", (identifier,))

        await self.database.write(work)

    async def get(self, identifier: str) -> Change:
        """Raises NotFound."""
        rows = await self._select("WHERE id = ?", (identifier,))
        if not rows:
            raise NotFound(f"no change {identifier!r}", fix="see `groundwork list changes`")
        return rows[0]

    async def list(self, *, limit: int = 50) -> "list[Change]":
        """The latest changes, newest first."""
        return await self._select("ORDER BY made DESC, id DESC LIMIT ?", (limit,))

    async def _select(self, clause: str, values: tuple[object, ...]) -> "list[Change]":
        def work(connection: sqlite3.Connection) -> "list[Change]":
            rows = connection.execute(f"SELECT record FROM change {clause}", values).fetchall()
            return [msgspec.json.decode(row[0], type=Change) for row in rows]

        return await self.database.read(work)
