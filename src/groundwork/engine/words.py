"""The encoder's word table, read in place from the encoder's own file: every model of one base shares it, in memory and on disk.

The table is int8 with one scale a word. It is mapped, not loaded: only pages that are read take memory, and processes share them.
"""

import functools
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from groundwork.core.errors import StoreError
from groundwork.engine.encoder import REINSTALL, WEIGHTS, Vectors, check, read_manifest

FILE = "model.onnx"


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the table lies in the encoder's file. It holds for one fingerprint of the encoder only."""

    values: int
    """The byte at which the int8 values begin, `count` rows of the encoder's width."""
    scales: int
    """The byte at which the scales begin, float32, little endian."""
    count: int


class WordTable:
    """Word vectors by piece number."""

    def __init__(self, values: npt.NDArray[np.int8], scales: Vectors) -> None:
        self._values = values
        self._scales = scales

    def rows(self, ids: npt.NDArray[np.int64]) -> Vectors:
        """The pieces' vectors, float32 of `ids`' shape and the width."""
        return self._values[ids].astype(np.float32) * self._scales[ids]


@functools.lru_cache(maxsize=4)
def word_table(words: Words, folder: Path = WEIGHTS) -> WordTable:
    """The table of the encoder in `folder`, whose file is checked first. Raises `StoreError` where it is damaged or has no such place."""
    manifest = read_manifest(folder)
    path = folder / FILE
    check(path, manifest.files[FILE])
    width = manifest.dimensions
    size = path.stat().st_size
    if (
        words.count < 1
        or min(words.values, words.scales) < 0
        or max(words.values + words.count * width, words.scales + 4 * words.count) > size
    ):
        raise StoreError(f"there is no word table at byte {words.values} of {path}", fix=REINSTALL)
    values = np.memmap(path, dtype=np.int8, mode="r", offset=words.values, shape=(words.count, width))
    scales = np.fromfile(path, dtype="<f4", count=words.count, offset=words.scales).astype(np.float32)
    return WordTable(values, scales[:, None])
