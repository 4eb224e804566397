"""Configurations and prompts by their hashes, kept when first seen, so that a trace can name them for ever."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from groundwork.core.errors import NotFound
from groundwork.store.database import Database
from groundwork.store.lineage import link


class StoredPrompt(NamedTuple):
    """A version of a prompt: its id, name and text, the files that its front matter names, and when it was first seen (Unix seconds)."""

    id: str
    name: str
    text: str
    files: Mapping[str, str] = {}
    first_seen: float = 0.0


class VersionTable:
    """What answered, by name of content."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def remember(self, config: str, effective: Mapping[str, Any], prompts: Sequence[StoredPrompt]) -> None:
        """Keep a configuration and its prompts, linked to each other; what is known already is left as it is."""
        if await self._known(config, prompts):
            return
        record = msgspec.json.encode(effective, order="sorted")
        now = time.time()

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO configuration (hash, first_seen, record) VALUES (?, ?, ?)", (config, now, record))
            rows = [(one.id, one.name, now, one.text, msgspec.json.encode(one.files).decode()) for one in prompts]
            connection.executemany("INSERT OR IGNORE INTO prompt (id, name, first_seen, text, files) VALUES (?, ?, ?, ?, ?)", rows)
            link(connection, config, (one.id for one in prompts))

        await self.database.write(work)

    async def _known(self, config: str, prompts: Sequence[StoredPrompt]) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if connection.execute("SELECT 1 FROM configuration WHERE hash = ?", (config,)).fetchone() is None:
                return False
            return all(connection.execute("SELECT 1 FROM prompt WHERE id = ?", (one.id,)).fetchone() for one in prompts)

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
        rows = await self._prompts("WHERE id = ?", (identifier,))
        if not rows:
            raise NotFound(f"no prompt {identifier!r} has answered here", fix="see `groundwork prompts list --all`")
        return rows[0]

    async def prompts(self, name: str | None = None) -> list[StoredPrompt]:
        """Every version of one prompt, or of all, newest first."""
        return await self._prompts("WHERE name = ?" if name is not None else "", () if name is None else (name,))

    async def _prompts(self, clause: str, values: tuple[str, ...]) -> list[StoredPrompt]:
        sql = f"SELECT id, name, text, files, first_seen FROM prompt {clause} ORDER BY first_seen DESC, rowid DESC"

        def work(connection: sqlite3.Connection) -> list[StoredPrompt]:
            rows = connection.execute(sql, values).fetchall()
            return [
                StoredPrompt(identifier, name, text, msgspec.json.decode(files, type=dict[str, str]), at)
                for identifier, name, text, files, at in rows
            ]

        return await self.database.read(work)
