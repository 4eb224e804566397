"""What was made from what: one table of child and parent, walked both ways."""

import sqlite3
from collections.abc import Iterable

from groundwork.store.database import Database


def link(connection: sqlite3.Connection, child: str, parents: Iterable[str]) -> None:
    """Note the parents of a record, inside the transaction that keeps it. Empty ids are left out."""
    rows = [(child, parent) for parent in parents if parent and parent != child]
    connection.executemany("INSERT OR IGNORE INTO lineage (child, parent) VALUES (?, ?)", rows)


class LineageTable:
    """Ids and the ids they were made from. Every other table links its records by itself as it keeps them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def link(self, child: str, parents: Iterable[str]) -> None:
        """Say that `child` was made from `parents`; saying it twice changes nothing."""
        kept = tuple(parents)
        await self.database.write(lambda connection: link(connection, child, kept))

    async def parents(self, identifier: str) -> list[str]:
        """What it was made from, in the order of the ids (which, for events, is the order of time)."""
        return await self._column("SELECT parent FROM lineage WHERE child = ? ORDER BY parent", identifier)

    async def children(self, identifier: str) -> list[str]:
        """What was made from it."""
        return await self._column("SELECT child FROM lineage WHERE parent = ? ORDER BY child", identifier)

    async def ancestors(self, identifier: str) -> list[str]:
        """Everything behind it, over all steps."""
        return await self._column(_walk("parent", "child"), identifier)

    async def descendants(self, identifier: str) -> list[str]:
        """Everything that rests on it, over all steps."""
        return await self._column(_walk("child", "parent"), identifier)

    async def _column(self, sql: str, identifier: str) -> list[str]:
        return await self.database.read(lambda connection: [row[0] for row in connection.execute(sql, (identifier,)).fetchall()])


def _walk(to: str, by: str) -> str:
    return (
        f"WITH RECURSIVE walk (id) AS (SELECT {to} FROM lineage WHERE {by} = ?"
        f" UNION SELECT lineage.{to} FROM lineage JOIN walk ON lineage.{by} = walk.id) SELECT id FROM walk ORDER BY id"
    )
