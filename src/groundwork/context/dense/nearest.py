"""Dense search: the chunks whose vectors have the greatest cosine with a query's.

`Dense` is what a search asks for; a store whose database compares vectors by itself gives its own. `Exact` keeps the vectors in memory and
scans them all: 16 ms of CPU for 100,000 chunks. Each search compares states, so a running server sees what the command line indexes.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from groundwork.core.errors import StoreError
from groundwork.core.ports import Embedder
from groundwork.store.index_reading import read_fingerprint, read_numbers, read_vectors
from groundwork.store.vectors import from_blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Numbers = NDArray[np.int64]


class Neighbours(NamedTuple):
    """Chunks by their numbers: the nearest with their cosines, best first (of equal ones the lower number), and the cosines of these and of
    those that were asked for beside.
    """

    ranked: list[tuple[int, float]]
    cosines: dict[int, float]
    how: str = ""
    """How they were found, for whoever asks why."""


NOBODY = Neighbours([], {})


class Dense(Protocol):
    """Finds the nearest chunks. Called on reader threads, several at once, each with a connection of the store that is inside a snapshot;
    `state` names that snapshot (see `read_state`).
    """

    def nearest(
        self, connection: Any, state: str, vector: "Vectors", most: int, also: Iterable[int], looked_at: bytes | None
    ) -> Neighbours:
        """The `most` nearest chunks, and the cosines of `also`, whatever these are. `looked_at` has a 1 at the number of every chunk that may
        be ranked (see `select_chunks`), None stands for all: the list is filled from those. Raises StoreError where the index is of another
        encoder.
        """
        ...

    def alike(self, connection: Any, state: str, numbers: Sequence[int]) -> Callable[[int, int], float]:
        """A function that gives the cosine of two of these chunks, 0 at least. Raises as `nearest` does."""
        ...


@dataclass(frozen=True, slots=True)
class Matrix:
    """All vectors of one state of the index: row i belongs to the chunk `numbers[i]`, ascending."""

    state: str
    numbers: "Numbers"
    vectors: "Vectors"

    def alike(self, one: int, other: int) -> float:
        """Cosine of two chunks, 0 at least."""
        import numpy as np

        rows = np.searchsorted(self.numbers, [one, other])
        return max(0.0, float(np.vecdot(self.vectors[rows[0]], self.vectors[rows[1]])))


class Exact:
    """Every vector in memory (1.5 kB a chunk), and every one compared; with `above`, of the chunks that are numbered higher."""

    def __init__(self, embedder: Embedder, *, above: int = 0) -> None:
        self._embedder = embedder
        self._above = above
        self._loading = threading.Lock()
        self.matrix: Matrix | None = None

    def nearest(
        self, connection: sqlite3.Connection, state: str, vector: "Vectors", most: int, also: Iterable[int], looked_at: bytes | None
    ) -> Neighbours:
        """See `Dense`."""
        return scan(self._current(connection, state), vector, most, also, looked_at)

    def alike(self, connection: sqlite3.Connection, state: str, numbers: Sequence[int]) -> Callable[[int, int], float]:
        """See `Dense`."""
        return self._current(connection, state).alike

    def _current(self, connection: sqlite3.Connection, state: str) -> Matrix:
        """The vectors of this state: what is in memory, less what is gone, and what is new."""
        matrix = self.matrix
        if matrix is not None and matrix.state == state:
            return matrix
        with self._loading:
            if self.matrix is not None and self.matrix.state == state:  # another thread was quicker
                return self.matrix
            if read_fingerprint(connection) != self._embedder.fingerprint:
                raise StoreError(
                    "the index was made by another encoder, and vectors of two encoders cannot be compared",
                    fix="run `groundwork index --rebuild`",
                )
            matrix = load_matrix(connection, state, self.matrix, self._embedder.dimensions, above=self._above)
            self.matrix = matrix
            return matrix


def load_matrix(connection: sqlite3.Connection, state: str, old: Matrix | None, dimensions: int, *, above: int = 0) -> Matrix:
    """Read the vectors of the snapshot's chunks numbered higher than `above`. Numbers are never given twice and a number's vector never changes,
    so known rows are taken over.
    """
    import numpy as np

    numbers = np.array(read_numbers(connection, above=above), dtype=np.int64)
    if old is None:
        old = Matrix("", np.empty(0, np.int64), np.empty((0, dimensions), np.float32))
    newest = int(old.numbers[-1]) if len(old.numbers) else above
    rows = list(read_vectors(connection, above=newest))
    kept = np.isin(old.numbers, numbers)
    known = np.concatenate([old.numbers[kept], np.array([number for number, _ in rows], dtype=np.int64)])
    if not np.array_equal(known, numbers):  # `old` is of a later moment than this snapshot: begin from nothing
        return load_matrix(connection, state, None, dimensions, above=above)
    return Matrix(state, numbers, np.concatenate([old.vectors[kept], from_blob([blob for _, blob in rows], dimensions)]))


def scan(matrix: Matrix, vector: "Vectors", most: int, also: Iterable[int], looked_at: bytes | None) -> Neighbours:
    """The rows with the greatest cosine among those that are looked at, and the cosines of these and of the chunks in `also`."""
    import numpy as np

    cosines = np.vecdot(matrix.vectors, vector)  # not `@`: for a product this thin BLAS takes twice the time, and a second core
    among = None if looked_at is None else np.flatnonzero(np.frombuffer(looked_at, np.uint8)[matrix.numbers])
    near = cosines if among is None else cosines[among]
    most = min(most, len(near))
    best = np.argpartition(-near, most - 1)[:most] if most else np.empty(0, np.int64)
    if among is not None:
        best = among[best]
    best = best[np.lexsort((matrix.numbers[best], -cosines[best]))]
    ranked = [(int(matrix.numbers[row]), float(cosines[row])) for row in best]
    others = np.array(sorted(also), dtype=np.int64)
    rows = np.searchsorted(matrix.numbers, others)
    beside = {int(number): float(cosines[row]) for number, row in zip(others, rows, strict=True)}
    return Neighbours(ranked, beside | dict(ranked), f"all {len(near)} compared")
