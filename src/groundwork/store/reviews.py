"""Reviews and their notes: a note is on the disk before the next item is shown."""

import sqlite3
from collections.abc import Sequence

import msgspec

from groundwork.core.errors import NotFound
from groundwork.core.review import Note, Review
from groundwork.store.database import Database


class ReviewTable:
    """Reviews by id, notes by review."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(self, review: Review) -> None:
        """Keep a sample; it is never altered."""
        record = msgspec.json.encode(review)
        sql = "INSERT INTO review (id, made, record) VALUES (?, ?, ?)"
        await self.database.write(lambda connection: connection.execute(sql, (review.id, review.made, record)) and None)

    async def get(self, identifier: str) -> Review:
        """Raises NotFound."""
        found = await self._select("WHERE id = ?", (identifier,))
        if not found:
            raise NotFound(f"no review {identifier!r}", fix="see `groundwork review list`")
        return found[0]

    async def list(self, *, limit: int = 50) -> "list[Review]":
        """The latest reviews, newest first."""
        return await self._select("ORDER BY made DESC, id DESC LIMIT ?", (limit,))

    async def add(self, notes: Sequence[Note]) -> None:
        """Keep notes; on the disk when this returns, all or none."""
        rows = [(note.review, note.item, note.at, msgspec.json.encode(note)) for note in notes]
        sql = "INSERT INTO review_note (review, item, at, record) VALUES (?, ?, ?, ?)"
        await self.database.write(lambda connection: connection.executemany(sql, rows) and None)

    async def notes(self, review: str) -> "list[Note]":
        """The note that counts of each item, in the order in which items were first read."""
        sql = "SELECT record FROM review_note WHERE review = ? ORDER BY number"

        def work(connection: sqlite3.Connection) -> "list[Note]":
            latest: dict[str, Note] = {}
            for (record,) in connection.execute(sql, (review,)):
                note = msgspec.json.decode(record, type=Note)
                latest[note.item] = note
            return list(latest.values())

        return await self.database.read(work)

    async def _select(self, clause: str, values: tuple[object, ...]) -> "list[Review]":
        def work(connection: sqlite3.Connection) -> "list[Review]":
            rows = connection.execute(f"SELECT record FROM review {clause}", values).fetchall()
            return [msgspec.json.decode(row[0], type=Review) for row in rows]

        return await self.database.read(work)
