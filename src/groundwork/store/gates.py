"""What the gate has said, in order; nothing is ever altered."""

import sqlite3

import msgspec

from groundwork.core.measure import GateResult
from groundwork.store.database import Database


class GateTable:
    """Decisions by change."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, result: GateResult) -> None:
        record = msgspec.json.encode(result)
        sql = "INSERT INTO gate (change, run, at, record) VALUES (?, ?, ?, ?)"
        await self.database.write(lambda connection: connection.execute(sql, (result.change, result.run, result.at, record)) and None)

    async def looks(self, change: str, suite: str, split: str) -> list[GateResult]:
        """Everything decided on a change on one suite and split, in order; decisions of before suites were kept count for any."""

        def work(connection: sqlite3.Connection) -> list[GateResult]:
            rows = connection.execute("SELECT record FROM gate WHERE change = ? ORDER BY number", (change,)).fetchall()
            return [msgspec.json.decode(row[0], type=GateResult) for row in rows]

        found = await self.database.read(work)
        return [one for one in found if not one.suite or (one.suite, one.split) == (suite, split)]

    async def latest(self, change: str) -> GateResult | None:
        """The last decision on a change, None where the gate was never asked."""

        def work(connection: sqlite3.Connection) -> GateResult | None:
            row = connection.execute("SELECT record FROM gate WHERE change = ? ORDER BY number DESC LIMIT 1", (change,)).fetchone()
            return None if row is None else msgspec.json.decode(row[0], type=GateResult)

        return await self.database.read(work)
