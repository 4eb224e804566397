"""Dense search by the database that keeps the vectors: it chooses, and the cosines are computed here, so that they are those of every other index."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from groundwork.context.dense.nearest import Matrix, Neighbours, scan
from groundwork.core.errors import StoreError
from groundwork.core.ports import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class Compares(Protocol):
    """A snapshot whose database compares vectors."""

    def fingerprint(self) -> str: ...

    def nearest(self, vector: "Vectors", most: int, looked_at: Any = None, /) -> list[int]: ...

    def vectors_of(self, numbers: Sequence[int], dimensions: int, /) -> "tuple[list[int], Vectors]": ...


class InDatabase:
    """See `nearest.Dense`; nothing is held in memory."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def nearest(self, connection: Compares, state: str, vector: "Vectors", most: int, also: Iterable[int], looked_at: Any) -> Neighbours:
        """See `Dense`."""
        if connection.fingerprint() != self._embedder.fingerprint:
            raise StoreError(
                "the index was made by another encoder, and vectors of two encoders cannot be compared",
                fix="run `groundwork index --rebuild`",
            )
        near, also = connection.nearest(vector, most, looked_at), list(also)
        matrix = self._matrix(connection, state, {*near, *also})
        mask = bytearray(int(matrix.numbers[-1]) + 1 if len(matrix.numbers) else 1)
        for number in near:
            mask[number] = 1
        return scan(matrix, vector, most, also, bytes(mask))

    def alike(self, connection: Compares, state: str, numbers: Sequence[int]) -> Callable[[int, int], float]:
        """See `Dense`."""
        return self._matrix(connection, state, set(numbers)).alike

    def _matrix(self, connection: Compares, state: str, numbers: set[int]) -> Matrix:
        import numpy as np

        found, vectors = connection.vectors_of(sorted(numbers), self._embedder.dimensions)
        return Matrix(state, np.array(found, dtype=np.int64), vectors)
