"""Applications written to a folder, and every byte they leave behind."""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.live import Live
from groundwork.core.record import Trace
from tests.apps import write_docs


@pytest.fixture(scope="session")
def handbook_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two indexed documents and the embedded reader; never opened, only copied."""
    return write_docs(tmp_path_factory.mktemp("source") / "handbook")


async def traces(live: Live) -> list[Trace]:
    """What was stored, newest first."""
    await live.folder.traces.flush()
    found = [await live.folder.trace_store.get(row.id) for row in await live.folder.trace_store.list()]
    return [trace for trace in found if trace is not None]


def everything_in(folder: Path) -> Iterator[bytes]:
    """Every byte of a state folder as it lies there, and every column of every table, unpacked where it is packed."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
        if path.suffix == ".db":
            yield from _columns(path)


def _columns(path: Path) -> Iterator[bytes]:
    connection = sqlite3.connect(path)
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        try:
            rows: list[tuple[Any, ...]] = connection.execute(f'SELECT * FROM "{table}"').fetchall()
        except sqlite3.OperationalError:
            continue
        for value in (value for row in rows for value in row):
            data = value.encode() if isinstance(value, str) else value
            if isinstance(data, bytes):
                yield data
                with contextlib.suppress(zlib.error):
                    yield zlib.decompress(data)
    connection.close()
