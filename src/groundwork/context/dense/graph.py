"""The approximate index itself: a graph of near vectors (HNSW: Malkov and Yashunin, 2016) by usearch, and the scan of one-byte vectors by numkong.

Vectors are kept in one byte a component, each scaled to its own greatest one: a cosine of two such moves by about 0.001, so what is found
here is compared once more by the stored vectors. Where usearch is not installed, nothing here may be called.
"""

import importlib.util
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Numbers = NDArray[np.int64]
    Codes = NDArray[np.int8]

_BLOCK = 16_384
"""Vectors that are added or compared in one go."""


def installed() -> bool:
    """Whether the extra `approximate` is there."""
    return all(importlib.util.find_spec(name) is not None for name in ("usearch", "numkong"))


def codes_of(vectors: "Vectors") -> "Codes":
    """Vectors in one byte a component, shape as given. Their lengths differ; their directions are what is kept."""
    import numpy as np

    greatest = np.abs(vectors).max(axis=-1, keepdims=True)
    return np.rint(vectors * (127 / np.maximum(greatest, 1e-9))).astype(np.int8)


class Graph:
    """A graph that lies in memory or is mapped from a file. Safe from several threads: they take turns."""

    def __init__(self, content: memoryview, dimensions: int, expansion: int) -> None:
        self._content = content  # the library reads from it for as long as the graph lives
        self._index = _empty(dimensions)
        self._index.view(content)
        self._index.expansion_search = expansion
        self._turn = threading.Lock()

    def nearest(self, vector: "Vectors", most: int) -> "Numbers":
        """The numbers of up to `most` chunks that are probably the nearest, best first."""
        import numpy as np

        with self._turn:
            return self._index.search(codes_of(vector), most, threads=1).keys.astype(np.int64)


def build(path: Path, numbers: "Numbers", codes: "Codes", *, effort: int, workers: int, alive: Callable[[], None]) -> None:
    """Write the graph of these vectors to `path`. `effort` 1 is the usual, 2 has twice the neighbours and is made with twice the care.

    `alive` is called again and again, and may raise to end it.
    """
    index = _empty(codes.shape[1], effort)
    for start in range(0, len(numbers), _BLOCK):
        alive()
        index.add(numbers[start : start + _BLOCK], codes[start : start + _BLOCK], threads=workers)
    index.save(str(path))


def scan_codes(codes: "Codes", rows: "Numbers", vector: "Vectors", most: int) -> "Numbers":
    """Those `most` of the rows whose codes are nearest to the vector, in no order. All are compared."""
    import numpy as np
    from numkong import cdist

    query = codes_of(vector).reshape(1, -1)
    kept_rows, kept = np.empty(0, np.int64), np.empty(0, np.float32)
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        distances = np.asarray(cdist(query, np.ascontiguousarray(codes[some]), "angular"), dtype=np.float32).reshape(-1)
        kept_rows, kept = np.concatenate([kept_rows, some]), np.concatenate([kept, distances])
        if len(kept) > most:
            best = np.argpartition(kept, most - 1)[:most]
            kept_rows, kept = kept_rows[best], kept[best]
    return kept_rows


def blocks(codes: "Codes") -> Iterator[bytes]:
    """The bytes of codes, a part at a time."""
    for start in range(0, len(codes), _BLOCK):
        yield codes[start : start + _BLOCK].tobytes()


def _empty(dimensions: int, effort: int = 1) -> Any:
    from usearch.index import Index

    return Index(ndim=dimensions, metric="cos", dtype="i8", connectivity=16 * effort, expansion_add=128 * effort, enable_key_lookups=False)
