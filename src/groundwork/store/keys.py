"""API keys: only their SHA-256 is kept. A key has 256 random bits, so a plain hash is enough: there is nothing to guess."""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Sequence

import msgspec

from groundwork.core.errors import InputError, NotFound
from groundwork.core.ids import event_id
from groundwork.core.request import Principal
from groundwork.store.database import Database


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as a list shows it; the key itself is shown once, when it is made."""

    id: str
    name: str
    made: float
    revoked: float | None
    principal: Principal


class KeyTable:
    """Keys by their hash."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def create(
        self,
        name: str,
        *,
        tenant: str = "local",
        user: str | None = None,
        groups: Sequence[str] = (),
        internal: bool = False,
        on_behalf_of: bool = False,
    ) -> tuple[str, ApiKey]:
        """Make a key; returns it in clear (the only time it is) and its record. `on_behalf_of` lets its holder say for whom it asks.

        Raises InputError where the name is in use.
        """
        clear = f"gw-{secrets.token_urlsafe(32)}"
        identifier = event_id("key")
        principal = Principal(
            tenant=tenant, user=user or name, groups=tuple(groups), key=identifier, internal=internal, on_behalf_of=on_behalf_of
        )
        record = ApiKey(id=identifier, name=name, made=time.time(), revoked=None, principal=principal)

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM api_key WHERE name = ? AND revoked IS NULL", (name,)).fetchone():
                raise InputError(f"there is a key named {name!r} already", fix="choose another name, or revoke the old key first")
            connection.execute(
                "INSERT INTO api_key (id, name, sha256, principal, made) VALUES (?, ?, ?, ?, ?)",
                (record.id, record.name, _digest(clear), msgspec.json.encode(principal), record.made),
            )

        await self.database.write(work)
        return clear, record

    async def find(self, clear: str) -> Principal | None:
        """Who holds this key; None for an unknown or revoked one."""

        def work(connection: sqlite3.Connection) -> Principal | None:
            row = connection.execute("SELECT principal FROM api_key WHERE sha256 = ? AND revoked IS NULL", (_digest(clear),)).fetchone()
            return None if row is None else msgspec.json.decode(row[0], type=Principal)

        return await self.database.read(work)

    async def list(self) -> list[ApiKey]:
        def work(connection: sqlite3.Connection) -> list[ApiKey]:
            rows = connection.execute("SELECT id, name, made, revoked, principal FROM api_key ORDER BY made").fetchall()
            return [
                ApiKey(id=row[0], name=row[1], made=row[2], revoked=row[3], principal=msgspec.json.decode(row[4], type=Principal))
                for row in rows
            ]

        return await self.database.read(work)

    async def revoke(self, name: str) -> None:
        """Take a key back; from the next request on it opens nothing."""

        def work(connection: sqlite3.Connection) -> None:
            sql = "UPDATE api_key SET revoked = ? WHERE (name = ? OR id = ?) AND revoked IS NULL"
            if connection.execute(sql, (time.time(), name, name)).rowcount == 0:
                raise NotFound(f"no key named {name!r} is in force", fix="see `groundwork keys list`")

        await self.database.write(work)


def _digest(clear: str) -> bytes:
    return hashlib.sha256(clear.encode()).digest()
