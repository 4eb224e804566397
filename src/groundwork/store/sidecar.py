"""The file of the approximate index, beside the index itself: made again at will, and used whole or not at all.

`index.db` names its file by the SHA-256 of the content (`meta`, key `sidecar`), with the state of the index, the encoder and the highest
chunk number it was made from. So a torn, damaged, older or foreign file is never taken for it: it is as if there were none. A new file is
written aside, synced, renamed to a name of its own and then named in `index.db`, and only then the one before goes: whoever is killed in
between leaves that one in use. A process that has an older file open goes on with it.

The file holds, one after another: the graph (as its library writes it, mapped from the file's beginning), and, each on a multiple of 64 bytes,
the numbers of the chunks in ascending order (int64) and their vectors in one byte a component, in the same order.
"""

import contextlib
import hashlib
import io
import mmap
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundwork.store.database import Database
from groundwork.store.files import guarding, sync_folder

_KEY = "sidecar"
_ALIGNED = 64
_MOST_BOUND = 500


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    """What `index.db` knows of its file."""

    sha256: str
    """Empty where there is no file, since it would find too little."""
    fingerprint: str
    """Of the encoder."""
    state: str
    """Of the index, when it was made."""
    mark: int
    """The highest number of a chunk then: those above are newer."""
    count: int
    dimensions: int
    graph: int
    """Bytes of the graph."""
    expansion: int
    """How many candidates a search of the graph keeps in view."""
    recall: float
    """Share of the ten nearest chunks that are found, measured when it was made."""
    sample: int
    """On how many stored vectors."""

    @property
    def numbers_at(self) -> int:
        """Where the numbers begin."""
        return _aligned(self.graph)

    @property
    def codes_at(self) -> int:
        """Where the vectors begin."""
        return _aligned(self.numbers_at + 8 * self.count)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.codes_at + self.count * self.dimensions


class Changes(NamedTuple):
    """What has happened to the index since its file was made, in chunks."""

    newer: int
    gone: int


def read_sidecar(connection: sqlite3.Connection) -> Sidecar | None:
    """What the index says of its file; None where it has none, or one of another version of groundwork."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    if row is None:
        return None
    try:
        return msgspec.json.decode(row[0], type=Sidecar)
    except msgspec.MsgspecError:
        return None


def map_sidecar(database: Database, sidecar: Sidecar) -> memoryview | None:
    """The file, read through once and mapped into memory; None where it is not there, or not the one that the index names."""
    try:
        with _path(database, sidecar).open("rb") as file:
            if os.fstat(file.fileno()).st_size != sidecar.size or _sha256(file) != sidecar.sha256:
                return None
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError:
        return None


def part_of(database: Database) -> Path:
    """Where a new file is written. Only who holds the lock of indexing may."""
    return database.path.with_name(".nearest.part")


def complete(part: Path, numbers: bytes, codes: Iterable[bytes]) -> tuple[int, str]:
    """Add numbers and vectors to the graph in `part`, and wait until the disk has it. Gives the graph's bytes and the SHA-256 of the whole.

    Raises StoreError, StoreFull where the disk is.
    """
    with guarding(part), part.open("r+b") as file:
        graph = file.seek(0, os.SEEK_END)
        file.write(bytes(_aligned(graph) - graph))
        file.write(numbers)
        file.write(bytes(_aligned(file.tell()) - file.tell()))
        file.writelines(codes)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return graph, _sha256(file)


def install(database: Database, part: Path | None, sidecar: Sidecar) -> None:
    """Make a completed `part` the file of the index; None: note what was found out, without one. Durable when it returns. Raises as `complete` does."""
    kept = None
    if part is not None:
        kept = _path(database, sidecar)
        with guarding(part):
            part.replace(kept)
            sync_folder(database.path.parent)
    value = msgspec.json.encode(sidecar).decode()
    sql = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    database.write_now(lambda connection: connection.execute(sql, (_KEY, value)).rowcount)
    _sweep(database, kept)


def drop_sidecar(database: Database) -> None:
    """The index has no such file any more."""
    if database.read_now(lambda connection: connection.execute("SELECT 1 FROM meta WHERE key = ?", (_KEY,)).fetchone()):
        database.write_now(lambda connection: connection.execute("DELETE FROM meta WHERE key = ?", (_KEY,)).rowcount)
    _sweep(database, None)


def tidy(database: Database, sidecar: Sidecar) -> None:
    """Remove what was left half done beside the file in use. For who holds the lock of indexing."""
    with contextlib.suppress(OSError):
        part_of(database).unlink(missing_ok=True)
    _sweep(database, _path(database, sidecar))


def changes(connection: sqlite3.Connection, sidecar: Sidecar) -> Changes:
    """Inside a transaction: what is newer than the file, and what it holds that is gone."""
    newer = connection.execute("SELECT count(*) FROM chunk WHERE number > ?", (sidecar.mark,)).fetchone()[0]
    return Changes(newer, sidecar.count - (count_chunks(connection) - newer))


def count_chunks(connection: sqlite3.Connection) -> int:
    """How many chunks there are now."""
    return connection.execute("SELECT count(*) FROM chunk").fetchone()[0]


def read_some_vectors(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
    """Numbers and vectors of those of these chunks that are current; see `from_blob`."""
    found: list[tuple[int, bytes]] = []
    for start in range(0, len(numbers), _MOST_BOUND):
        some = tuple(numbers[start : start + _MOST_BOUND])
        found += connection.execute(f"SELECT number, vector FROM chunk WHERE number IN ({','.join('?' * len(some))})", some)
    return found


def _path(database: Database, sidecar: Sidecar) -> Path:
    return database.path.with_name(f"nearest-{sidecar.sha256[:16]}")


def _sweep(database: Database, kept: Path | None) -> None:
    """Remove all files but one. One that cannot be removed is no fault: nobody uses it."""
    for path in database.path.parent.glob("nearest-*"):
        if path != kept:
            with contextlib.suppress(OSError):
                path.unlink()


def _sha256(file: io.BufferedReader | io.BufferedRandom) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _aligned(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED
