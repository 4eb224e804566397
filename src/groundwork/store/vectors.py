"""Vectors as they lie on disk: half precision, little endian."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundwork.core.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


def to_blob(vector: "Vectors") -> bytes:
    """Half precision: a cosine moves by less than 0.001, and the file is half as large."""
    return vector.astype("<f2").tobytes()


def from_blob(blobs: Sequence[bytes], dimensions: int) -> "Vectors":
    """Float32 of shape [len(blobs), dimensions]. Raises StoreError where a vector has another length."""
    import numpy as np

    if any(len(blob) != 2 * dimensions for blob in blobs):
        raise StoreError(
            "the index holds vectors of another length than its encoder makes", fix="rebuild it with `groundwork index --rebuild`"
        )
    return np.frombuffer(b"".join(blobs), dtype="<f2").reshape(len(blobs), dimensions).astype(np.float32)
