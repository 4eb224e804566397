"""Texts that models wrote for chunks, kept in `.groundwork/written.db`: an index can be built anew from its documents, these cost money."""

import time
from collections.abc import Sequence

from groundwork.core.reply import Usage
from groundwork.store.database import Database

_MOST_NAMES = 500


class WrittenTable:
    """Written texts by the hash of what was asked for them. Durable when `keep` returns."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        """The texts that there are, by their keys."""
        found: dict[str, str] = {}
        for start in range(0, len(keys), _MOST_NAMES):
            some = tuple(keys[start : start + _MOST_NAMES])
            sql = f"SELECT key, text FROM written WHERE key IN ({','.join('?' * len(some))})"
            found |= dict(self.database.read_now(lambda connection, sql=sql, some=some: connection.execute(sql, some).fetchall()))
        return found

    async def keep(self, key: str, text: str, *, model: str, usage: Usage, cost: float | None) -> None:
        """Keep a text; the latest for its key."""
        row = (key, text, model, usage.input_tokens, usage.output_tokens, cost, time.time())
        sql = "INSERT OR REPLACE INTO written (key, text, model, input_tokens, output_tokens, cost, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        await self.database.write(lambda connection: connection.execute(sql, row) and None)
