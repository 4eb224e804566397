"""Datasets by their manifests. Their rows are files in `.groundwork/datasets/`, which never change."""

import sqlite3

import msgspec

from groundwork.core.errors import NotFound
from groundwork.core.measure import Dataset
from groundwork.store.database import Database
from groundwork.store.lineage import link


class ManifestTable:
    """Manifests by dataset id, linked to everything they were made from."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(self, dataset: Dataset) -> None:
        """Keep a manifest and its lineage."""
        record = msgspec.json.encode(dataset)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO dataset (id, name, made, record) VALUES (?, ?, ?, ?)", (dataset.id, dataset.name, dataset.made, record)
            )
            link(connection, dataset.id, dataset.parents)

        await self.database.write(work)

    async def get(self, identifier: str) -> Dataset:
        """Raises NotFound."""
        rows = await self._select("WHERE id = ?", (identifier,))
        if not rows:
            raise NotFound(f"no dataset {identifier!r}", fix="see `groundwork list datasets`")
        return rows[0]

    async def list(self, *, limit: int = 50) -> "list[Dataset]":
        """The latest datasets, newest first."""
        return await self._select("ORDER BY made DESC, id DESC LIMIT ?", (limit,))

    async def _select(self, clause: str, values: tuple[object, ...]) -> "list[Dataset]":
        def work(connection: sqlite3.Connection) -> "list[Dataset]":
            rows = connection.execute(f"SELECT record FROM dataset {clause}", values).fetchall()
            return [msgspec.json.decode(row[0], type=Dataset) for row in rows]

        return await self.database.read(work)
