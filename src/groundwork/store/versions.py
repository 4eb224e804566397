"""Configurations and prompts by their hashes, kept when first seen, so that a trace can name them for ever."""

import sqlite3
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from groundwork.core.errors import NotFound
from groundwork.store.database import Database


class StoredPrompt(NamedTuple):
    """A prompt as it stood: its id, name and text."""

    id: str
    name: str
    text: str


class VersionTable:
    """What answered, by name of content."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def remember(self, config: str, effective: Mapping[str, Any], prompts: Mapping[str, tuple[str, str]]) -> None:
        """Keep a configuration and its prompts (id → name, text); what is known already is left as it is."""
        if await self._known(config, prompts):
            return
        record = msgspec.json.encode(effective, order="sorted")
        now = time.time()

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO configuration (hash, first_seen, record) VALUES (?, ?, ?)", (config, now, record))
            rows = [(identifier, name, now, text) for identifier, (name, text) in prompts.items()]
            connection.executemany("INSERT OR IGNORE INTO prompt (id, name, first_seen, text) VALUES (?, ?, ?, ?)", rows)

        await self.database.write(work)

    async def _known(self, config: str, prompts: Mapping[str, tuple[str, str]]) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if connection.execute("SELECT 1 FROM configuration WHERE hash = ?", (config,)).fetchone() is None:
                return False
            return all(connection.execute("SELECT 1 FROM prompt WHERE id = ?", (identifier,)).fetchone() for identifier in prompts)

        return await self.database.read(work)

    async def configuration(self, config: str) -> dict[str, Any]:
        """Every value of a configuration by its dotted path. Raises NotFound."""
        row = await self.database.read(
            lambda connection: connection.execute("SELECT record FROM configuration WHERE hash = ?", (config,)).fetchone()
        )
        if row is None:
            raise NotFound(f"no configuration {config!r} has answered here", fix="see `groundwork traces`")
        return msgspec.json.decode(row[0], type=dict[str, Any])

    async def prompt(self, identifier: str) -> StoredPrompt:
        """A prompt as it stood. Raises NotFound."""
        row = await self.database.read(
            lambda connection: connection.execute("SELECT id, name, text FROM prompt WHERE id = ?", (identifier,)).fetchone()
        )
        if row is None:
            raise NotFound(f"no prompt {identifier!r} has answered here", fix="see `groundwork traces`")
        return StoredPrompt(*row)
