"""Approximate dense search: a graph finds candidates among most chunks, the stored vectors decide between them, and what is newer than the
graph is scanned.

In memory are the vectors of the newer chunks alone; the file is mapped, and the system keeps of it what is used. Whatever is wrong with the
file, every vector is compared as if there were none. Permissions and filters hold before anything is ranked: where they leave few chunks, those
are compared one by one, else the graph is asked for more, and where it brings too few all that they leave are compared. Not covered: lists
of more than 1,000 chunks, which are made exactly, from all vectors.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundwork.context.dense.graph import Graph, installed, scan_codes
from groundwork.context.dense.nearest import Exact, Neighbours
from groundwork.core.ports import Embedder
from groundwork.store.database import Database
from groundwork.store.index_reading import read_fingerprint, read_numbers
from groundwork.store.sidecar import Sidecar, map_sidecar, read_sidecar, read_some_vectors
from groundwork.store.vectors import from_blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Numbers = NDArray[np.int64]
    Codes = NDArray[np.int8]

Found = list[tuple[int, float]]

_LONGEST = 1_000
"""The longest list that is made approximately."""
_SPARE = 2
"""Candidates to each place of the list: their order by one-byte vectors is not quite that of the stored ones."""
_SCANNED = 20_000
"""Chunks that a filter leaves, up to which comparing each is cheaper than asking the graph for more (`benchmarks.index`)."""
_WIDEST = 5_000
"""The most candidates the graph is asked for before everything is compared."""


@dataclass(slots=True)
class Opened:
    """A file in use."""

    sidecar: Sidecar
    graph: Graph
    numbers: "Numbers"
    codes: "Codes"
    newer: Exact
    alive: "tuple[str, Numbers] | None" = None
    """A state, and the rows whose chunks it still has; where that was needed."""


class Approximate:
    """`Dense` over a SQLite index with a file beside it. Exact as long as there is none that can be used."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._exact = Exact(embedder)
        self._opening = threading.Lock()
        self._opened: Opened | None = None
        self._refused: Sidecar | None = None
        self._usable = installed()

    def nearest(
        self, connection: sqlite3.Connection, state: str, vector: "Vectors", most: int, also: Iterable[int], looked_at: bytes | None
    ) -> Neighbours:
        """See `Dense`."""
        opened = self._current(connection)
        if opened is None:
            return self._exact.nearest(connection, state, vector, most, also, looked_at)
        if most > _LONGEST:  # asked for by who explains a search: not worth keeping every vector in memory from then on
            return Exact(self._embedder).nearest(connection, state, vector, most, also, looked_at)
        mark = opened.sidecar.mark
        others = list(also)
        newer = opened.newer.nearest(connection, state, vector, most, [number for number in others if number > mark], looked_at)
        older, how = _older(connection, state, opened, vector, most, looked_at)
        known = {number for number, _ in older}
        beside = _compared(connection, [number for number in others if number <= mark and number not in known], vector)
        ranked = sorted([*older, *newer.ranked], key=lambda one: (-one[1], one[0]))[:most]
        return Neighbours(ranked, dict(beside) | newer.cosines | dict(ranked), f"{how}; newer: {newer.how}")

    def alike(self, connection: sqlite3.Connection, state: str, numbers: Sequence[int]) -> Callable[[int, int], float]:
        """See `Dense`."""
        if self._current(connection) is None:
            return self._exact.alike(connection, state, numbers)
        import numpy as np

        rows = read_some_vectors(connection, numbers)
        vectors = dict(zip((number for number, _ in rows), from_blob([blob for _, blob in rows], self._embedder.dimensions), strict=True))
        return lambda one, other: max(0.0, float(np.vecdot(vectors[one], vectors[other])))

    def _current(self, connection: sqlite3.Connection) -> Opened | None:
        """The file that this snapshot names, where it can be used."""
        sidecar = read_sidecar(connection) if self._usable else None
        if sidecar is None or not sidecar.sha256 or sidecar == self._refused:
            return None
        opened = self._opened
        if opened is not None and opened.sidecar == sidecar:
            return opened
        with self._opening:
            if self._opened is not None and self._opened.sidecar == sidecar:  # another thread was quicker
                return self._opened
            fingerprint = self._embedder.fingerprint
            fits = sidecar.fingerprint == fingerprint == read_fingerprint(connection) and sidecar.dimensions == self._embedder.dimensions
            content = map_sidecar(self._database, sidecar) if fits else None
            if content is None:
                self._refused = sidecar
                return None
            self._opened = open_mapped(sidecar, content, Exact(self._embedder, above=sidecar.mark))
            self._exact = Exact(self._embedder)  # its vectors are no longer needed
            return self._opened


def open_mapped(sidecar: Sidecar, content: memoryview, newer: Exact) -> Opened:
    """What lies in a file."""
    import numpy as np

    numbers = np.frombuffer(content, np.int64, sidecar.count, sidecar.numbers_at)
    codes = np.frombuffer(content, np.int8, sidecar.count * sidecar.dimensions, sidecar.codes_at)
    graph = Graph(content[: sidecar.graph], sidecar.dimensions, sidecar.expansion)
    return Opened(sidecar, graph, numbers, codes.reshape(sidecar.count, sidecar.dimensions), newer)


def _older(
    connection: sqlite3.Connection, state: str, opened: Opened, vector: "Vectors", most: int, looked_at: bytes | None
) -> tuple[Found, str]:
    """The nearest of the chunks that the file holds, and how they were found."""
    import numpy as np

    held = opened.sidecar.count
    looked = None if looked_at is None else np.frombuffer(looked_at, np.bool_)
    left = held if looked is None else int(np.count_nonzero(looked[: opened.sidecar.mark + 1]))
    if not left:
        return [], "none of the graph's"
    wanted = _SPARE * most * held // left
    if left > _SCANNED:
        while wanted <= min(_WIDEST, held):
            numbers = opened.graph.nearest(vector, wanted)
            candidates = numbers if looked is None else _looked(numbers, looked)
            found = _compared(connection, candidates[: 2 * _SPARE * most].tolist(), vector)
            if len(found) >= most:
                return found[:most], f"{wanted} candidates from a graph of {held} (recall@10 {opened.sidecar.recall:.3f} when it was made)"
            wanted *= 4
    rows = _alive(connection, state, opened) if looked is None else _rows(opened, looked)
    numbers = opened.numbers[scan_codes(opened.codes, rows, vector, _SPARE * most)]
    return _compared(connection, numbers.tolist(), vector)[:most], f"all {len(rows)} compared"


def _looked(numbers: "Numbers", looked: "NDArray[np.bool_]") -> "Numbers":
    """Those of the numbers that are looked at. One above the mask's end was there once."""
    numbers = numbers[numbers < len(looked)]
    return numbers[looked[numbers]]


def _rows(opened: Opened, looked: "NDArray[np.bool_]") -> "Numbers":
    """The rows of the file that are looked at."""
    import numpy as np

    return np.searchsorted(opened.numbers, np.flatnonzero(looked[: opened.sidecar.mark + 1]))


def _alive(connection: sqlite3.Connection, state: str, opened: Opened) -> "Numbers":
    """The rows of the file whose chunks are still there."""
    import numpy as np

    if opened.alive is None or opened.alive[0] != state:
        opened.alive = state, np.flatnonzero(np.isin(opened.numbers, np.array(read_numbers(connection), np.int64)))
    return opened.alive[1]


def _compared(connection: sqlite3.Connection, numbers: Sequence[int], vector: "Vectors") -> Found:
    """Those of the chunks that are still there, with their cosines, best first."""
    import numpy as np

    rows = read_some_vectors(connection, numbers)
    if not rows:
        return []
    cosines = np.vecdot(from_blob([blob for _, blob in rows], len(vector)), vector)
    return sorted(((number, float(cosine)) for (number, _), cosine in zip(rows, cosines, strict=True)), key=lambda one: (-one[1], one[0]))
