"""The history of what serves, and the pointer to what serves now. Both move in one transaction."""

import sqlite3

import msgspec

from groundwork.core.errors import InputError, NotFound
from groundwork.core.measure import Release
from groundwork.store.database import Database
from groundwork.store.lineage import link

_AS_WRITTEN = "the application as written"


class ReleaseTable:
    """Releases in the order they were made; none is ever altered or removed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, release: Release) -> None:
        """Append a release and move the pointer to it.

        Raises InputError (409, `outdated_parent`) where another release has become current since its parent: it was judged against
        something that no longer serves.
        """
        record = msgspec.json.encode(release)
        evidence = release.evidence
        parents = (*release.changes, release.parent, release.rollback_to, *((evidence.run, evidence.current) if evidence else ()))

        def work(connection: sqlite3.Connection) -> None:
            current = _current(connection)
            serving = current.id if current else ""
            if serving != release.parent:
                raise InputError(
                    f"{serving or _AS_WRITTEN} serves now, and this release follows {release.parent or _AS_WRITTEN}",
                    fix="evaluate the change against what serves now, then release it again",
                    code="outdated_parent",
                    status=409,
                )
            connection.execute("INSERT INTO release (id, at, record) VALUES (?, ?, ?)", (release.id, release.at, record))
            sql = "INSERT INTO current_release (one, id) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET id = excluded.id"
            connection.execute(sql, (release.id,))
            link(connection, release.id, (parent for parent in parents if "_" in parent))

        await self.database.write(work)

    async def current(self) -> Release | None:
        """What serves now; None while the application runs as written, without any release."""
        return await self.database.read(_current)

    async def get(self, identifier: str) -> Release:
        """Raises NotFound."""
        rows = await self._select("WHERE id = ?", (identifier,))
        if not rows:
            raise NotFound(f"no release {identifier!r}", fix="see `groundwork list releases`")
        return rows[0]

    async def list(self, *, limit: int = 50) -> "list[Release]":
        """The latest releases, newest first."""
        return await self._select("ORDER BY number DESC LIMIT ?", (limit,))

    async def _select(self, clause: str, values: tuple[object, ...]) -> "list[Release]":
        def work(connection: sqlite3.Connection) -> "list[Release]":
            return [_decode(row) for row in connection.execute(f"SELECT record FROM release {clause}", values).fetchall()]

        return await self.database.read(work)


def _current(connection: sqlite3.Connection) -> Release | None:
    row = connection.execute("SELECT record FROM current_release JOIN release ON release.id = current_release.id").fetchone()
    return None if row is None else _decode(row)


def _decode(row: tuple[bytes]) -> Release:
    return msgspec.json.decode(row[0], type=Release)
