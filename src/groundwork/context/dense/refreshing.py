"""Keeping the approximate index in step: made where there are enough chunks, made again where too much has changed, dropped where it does not pay.

A change of a few documents makes nothing: newer chunks are compared beside it, and removed ones are left out of what it finds. How much of the
ten nearest it finds is measured each time it is made, on stored vectors as queries, and on mixtures of three of them: a question lies farther
from all passages than these from each other, and is harder. The lower of the two counts; where it is too little, it is made with more effort,
and where that does not help, not used. Whatever goes wrong here leaves the exact search.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from groundwork.context.config import ApproximateSection
from groundwork.context.dense.approximate import Approximate
from groundwork.context.dense.graph import Graph, blocks, build, codes_of, installed
from groundwork.context.dense.nearest import Dense, Exact
from groundwork.context.dense.nearest_in_database import InDatabase
from groundwork.core.errors import StoreError
from groundwork.core.ports import Embedder
from groundwork.store.database import Database
from groundwork.store.index import IndexStore
from groundwork.store.index_port import Index
from groundwork.store.index_reading import read_fingerprint, read_state, read_vectors, snapshot
from groundwork.store.sidecar import (
    Changes,
    Sidecar,
    changes,
    complete,
    count_chunks,
    drop_sidecar,
    install,
    map_sidecar,
    part_of,
    read_sidecar,
    tidy,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Halves = NDArray[np.float16]
    Numbers = NDArray[np.int64]
    Codes = NDArray[np.int8]

_NEWER = 20_000
"""Newer chunks beside a graph, at most; of a small graph a tenth."""
_GONE = 0.2
"""Share of a graph's chunks that may be gone."""
_SAMPLE = 200
_TEN = 10
_EXPANSIONS = (256, 512, 1024)
_EFFORTS = (2, 4)
_BLOCK = 16_384


class Approximation(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the approximate index in a run."""

    outcome: Literal["off", "few", "made", "kept", "missing", "poor", "failed"]
    """`few`: there are not enough chunks. `missing`: the extra is. `poor`: it finds too little, and is not used. `failed`: see `reason`."""
    chunks: int = 0
    """That it holds, or (where it is missing) would hold."""
    newer: int = 0
    """Chunks compared beside it."""
    recall: float | None = None
    seconds: float = 0.0
    reason: str = ""


class Content(NamedTuple):
    """The vectors of one moment."""

    state: str
    fingerprint: str
    mark: int
    numbers: "Numbers"
    vectors: "Halves"


class Asked(NamedTuple):
    """What a graph is measured on: queries, the row of each that does not count, and the rows of its ten nearest."""

    queries: "Vectors"
    own: "Numbers"
    nearest: "Numbers"


class Measured(NamedTuple):
    """How good a graph is, and how many candidates it keeps in view for that."""

    expansion: int
    recall: float


def dense_of(store: Index, embedder: Embedder, config: ApproximateSection) -> Dense:
    """Dense search of this store, as it is configured."""
    if not isinstance(store, IndexStore):
        return InDatabase(embedder)
    return Exact(embedder) if config.above == "off" else Approximate(store.database, embedder)


def refreshed(store: Index, config: ApproximateSection, alive: Callable[[], None]) -> Approximation:
    """What `refresh` does, for whatever store: one whose database compares vectors has no file beside it."""
    return refresh(store.database, config, alive) if isinstance(store, IndexStore) else Approximation(outcome="off")


def refresh(database: Database, config: ApproximateSection, alive: Callable[[], None]) -> Approximation:
    """Make, keep or drop the approximate index. For who holds the lock of indexing. `alive` is called again and again, and may raise."""
    sidecar, changed, total = database.read_now(_now)
    if config.above == "off" or total <= config.above:
        drop_sidecar(database)
        return Approximation(outcome="off" if config.above == "off" else "few", chunks=total)
    if not installed():
        return Approximation(outcome="missing", chunks=total)
    if sidecar is not None and changed.newer <= min(_NEWER, sidecar.count // 10) and changed.gone <= _GONE * sidecar.count:
        if not sidecar.sha256 and sidecar.recall < config.recall:
            return Approximation(outcome="poor", chunks=sidecar.count, newer=changed.newer, recall=sidecar.recall)
        if sidecar.recall >= config.recall and map_sidecar(database, sidecar) is not None:
            tidy(database, sidecar)
            return Approximation(outcome="kept", chunks=sidecar.count, newer=changed.newer, recall=sidecar.recall)
    try:
        return _make(database, config, alive)
    except StoreError as error:
        return Approximation(outcome="failed", chunks=total, reason=error.what)
    finally:
        with contextlib.suppress(OSError):
            part_of(database).unlink(missing_ok=True)


def _now(connection: sqlite3.Connection) -> tuple[Sidecar | None, Changes, int]:
    with snapshot(connection):
        sidecar = read_sidecar(connection)
        if sidecar is not None and sidecar.fingerprint != read_fingerprint(connection):
            sidecar = None
        return sidecar, changes(connection, sidecar) if sidecar else Changes(0, 0), count_chunks(connection)


def _make(database: Database, config: ApproximateSection, alive: Callable[[], None]) -> Approximation:
    started = time.monotonic()
    content = database.read_now(_read)
    part = part_of(database)
    part.unlink(missing_ok=True)
    codes = _codes(content.vectors)
    queries, own = _questions(content.vectors)
    asked = Asked(queries, own, _truth(content.vectors, queries, own))
    measured = Measured(0, 0.0)
    for effort in _EFFORTS:
        _build(part, content.numbers, codes, effort, alive)
        measured = _measure(part, content, asked, config.recall)
        if measured.recall >= config.recall:
            break
    enough = measured.recall >= config.recall
    graph, sha256 = complete(part, content.numbers.tobytes(), blocks(codes)) if enough else (0, "")
    sidecar = Sidecar(
        sha256=sha256,
        fingerprint=content.fingerprint,
        state=content.state,
        mark=content.mark,
        count=len(codes),
        dimensions=codes.shape[1],
        graph=graph,
        expansion=measured.expansion,
        recall=measured.recall,
        sample=len(own) // 2,
    )
    install(database, part if enough else None, sidecar)
    seconds = time.monotonic() - started
    return Approximation(outcome="made" if enough else "poor", chunks=len(codes), recall=measured.recall, seconds=seconds)


def _read(connection: sqlite3.Connection) -> Content:
    """All vectors, as they are stored."""
    import numpy as np

    with snapshot(connection):
        state, count = read_state(connection), count_chunks(connection)
        numbers, vectors = np.empty(count, np.int64), np.empty((0, 0), np.float16)
        for row, (number, blob) in enumerate(read_vectors(connection, above=0)):
            if not row:
                vectors = np.empty((count, len(blob) // 2), np.float16)
            numbers[row] = number
            vectors[row] = np.frombuffer(blob, "<f2")
        return Content(state, read_fingerprint(connection), int(state.rpartition(":")[2]), numbers, vectors)


def _codes(vectors: "Halves") -> "Codes":
    import numpy as np

    codes = np.empty(vectors.shape, np.int8)
    for start in range(0, len(vectors), _BLOCK):
        codes[start : start + _BLOCK] = codes_of(vectors[start : start + _BLOCK].astype(np.float32))
    return codes


def _build(part: Path, numbers: "Numbers", codes: "Codes", effort: int, alive: Callable[[], None]) -> None:
    """The graph, in a file of its own. Raises StoreError where it cannot be written."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        build(part, numbers, codes, effort=effort, workers=workers, alive=alive)
    except (RuntimeError, OSError, MemoryError) as error:  # the library knows no finer ones
        raise StoreError(
            f"the approximate index cannot be made: {error}", fix="free memory and disk, then run `groundwork index`"
        ) from error


def _questions(vectors: "Halves") -> tuple["Vectors", "Numbers"]:
    """Vectors to search with, and for each the row that does not count (its own; -1 where it has none)."""
    import numpy as np

    random = np.random.default_rng(0)
    count = min(_SAMPLE, len(vectors))
    sample = random.choice(len(vectors), count, replace=False)
    mixed = vectors[random.choice(len(vectors), (count, 3))].astype(np.float32).sum(axis=1)
    queries = np.concatenate([vectors[sample].astype(np.float32), mixed / np.linalg.norm(mixed, axis=1, keepdims=True)])
    return queries, np.concatenate([sample, np.full(count, -1)])


def _truth(vectors: "Halves", queries: "Vectors", own: "Numbers") -> "Numbers":
    """The rows of the ten nearest of each query but its own, by comparing all."""
    import numpy as np

    best = np.full((len(queries), _TEN), -2.0, np.float32)
    rows = np.full((len(queries), _TEN), -1)
    for start in range(0, len(vectors), _BLOCK):
        cosines = queries @ vectors[start : start + _BLOCK].astype(np.float32).T
        inside = (own >= start) & (own < start + _BLOCK)
        cosines[inside, own[inside] - start] = -2.0
        both = np.concatenate([best, cosines], axis=1)
        places = np.argpartition(-both, _TEN - 1, axis=1)[:, :_TEN]
        best = np.take_along_axis(both, places, axis=1)
        found = np.concatenate([rows, np.broadcast_to(np.arange(start, start + cosines.shape[1]), cosines.shape)], axis=1)
        rows = np.take_along_axis(found, places, axis=1)
    return rows


def _measure(part: Path, content: Content, asked: Asked, floor: float) -> Measured:
    """The least expansion that finds enough, with what it finds; else the greatest."""
    mapped = memoryview(part.read_bytes())
    measured = Measured(0, 0.0)
    for expansion in _EXPANSIONS:
        graph = Graph(mapped, content.vectors.shape[1], expansion)
        measured = Measured(expansion, _recall(graph, content, asked))
        if measured.recall >= floor:
            break
    return measured


def _recall(graph: Graph, content: Content, asked: Asked) -> float:
    """Of the ten nearest, the share that is found on stored vectors or on mixtures, whichever is less: candidates by the graph, their order by
    the stored vectors.
    """
    import numpy as np

    found = np.zeros(len(asked.own))
    for place, (vector, own, nearest) in enumerate(zip(*asked, strict=True)):
        rows = np.searchsorted(content.numbers, graph.nearest(vector, 2 * _TEN + 1))
        rows = rows[rows != own]
        order = np.argsort(-np.vecdot(content.vectors[rows].astype(np.float32), vector))[:_TEN]
        found[place] = len(np.intersect1d(rows[order], nearest)) / _TEN
    return float(min(found[asked.own >= 0].mean(), found[asked.own < 0].mean()))
