"""A text's runs of words and letters as numbered features: what a linear model reads where the wording itself gives a text away.

Runs are hashed into a fixed number of buckets (K. Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009), so there
is no vocabulary to keep. The hashes are the same on every machine and in every process: weights that were fitted on them can be shipped.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.errors import InputError

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
_Hashes = npt.NDArray[np.uint64]

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]")
_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying by it modulo 2^64 loses nothing
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SEPARATOR = 0x110000  # no code point


class Runs(NamedTuple):
    """Which runs are counted: of `words` words (and marks), of `letters` letters (blanks included), in 2 to the power of `bits` buckets."""

    bits: int = 15
    words: tuple[int, ...] = (1, 2, 3)
    letters: tuple[int, ...] = (3, 4, 5)


USUAL = Runs()


class Sparse(NamedTuple):
    """Rows of few features: row i has `values[starts[i] : starts[i + 1]]` in the columns `columns[starts[i] : starts[i + 1]]`."""

    starts: Integers
    columns: Integers
    values: Floats
    width: int

    def times(self, weight: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """The rows' products with one weight for each column, float64 [rows]."""
        sums = np.concatenate([[0.0], np.cumsum(weight[self.columns] * self.values, dtype=np.float64)])
        return sums[self.starts[1:]] - sums[self.starts[:-1]]

    def transposed_times(self, slopes: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """The columns' products with one number for each row, float64 [width]."""
        spread = np.repeat(slopes, np.diff(self.starts)) * self.values
        return np.bincount(self.columns, weights=spread, minlength=self.width).astype(np.float64)

    def rows(self, places: npt.NDArray[np.integer]) -> "Sparse":
        """Some of the rows, in the order asked for."""
        sizes = np.diff(self.starts)[places]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        take = np.repeat(self.starts[:-1][places] - starts[:-1], sizes) + np.arange(starts[-1])
        return Sparse(starts, self.columns[take], self.values[take], self.width)


def featurise(texts: Sequence[str], runs: Runs = USUAL) -> Sparse:
    """The texts' features; each row has length 1 (an empty text has none), words and letters weigh half of it each.

    Raises InputError where the numbers of `runs` count nothing.
    """
    if not (runs.words or runs.letters) or not 8 <= runs.bits <= 24 or min((*runs.words, *runs.letters)) < 1:
        raise InputError(f"{runs} count nothing", fix="count runs of one word or more, or of one letter or more, in 2^8 to 2^24 buckets")
    columns: list[Integers] = []
    values: list[Floats] = []
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    for place, text in enumerate(texts):
        found, weights = _row(text.casefold(), runs)
        columns.append(found)
        values.append(weights)
        starts[place + 1] = starts[place] + len(found)
    none = not texts
    return Sparse(
        starts,
        np.empty(0, dtype=np.int64) if none else np.concatenate(columns),
        np.empty(0, dtype=np.float32) if none else np.concatenate(values),
        1 << runs.bits,
    )


def _row(text: str, runs: Runs) -> tuple[Integers, Floats]:
    """One text's buckets, ascending, and what stands in them."""
    parts: list[tuple[Integers, npt.NDArray[np.float64]]] = []
    listed = _TOKEN.findall(text)
    for hashes, lengths, seed in ((_words(listed), runs.words, 1), (_letters(" ".join(listed)), runs.letters, 2)):
        grams = [_grams(hashes, length, seed) for length in lengths if len(hashes) >= length]
        if not grams:
            continue
        mixed = np.concatenate(grams)
        buckets, counts = np.unique((mixed >> np.uint64(64 - runs.bits)).astype(np.int64), return_counts=True)
        weights = np.sqrt(counts)
        parts.append((buckets, weights / np.linalg.norm(weights)))
    if not parts:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    buckets, inverse = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
    summed = np.bincount(inverse, weights=np.concatenate([part[1] for part in parts]))
    return buckets, (summed / np.linalg.norm(summed)).astype(np.float32)


def _words(listed: Sequence[str]) -> _Hashes:
    """One hash for each word: a polynomial of its code points, modulo 2^64."""
    if not listed:
        return np.empty(0, dtype=np.uint64)
    codes = np.fromiter((ord(letter) for word in listed for letter in word), dtype=np.uint64)
    sizes = np.fromiter(map(len, listed), dtype=np.int64, count=len(listed))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    position = np.arange(len(codes)) - np.repeat(starts, sizes)
    powers = np.cumprod(np.full(int(sizes.max()), _STEP, dtype=np.uint64))
    return _mixed(np.add.reduceat((codes + np.uint64(1)) * powers[position], starts))


def _letters(text: str) -> _Hashes:
    return np.fromiter(map(ord, f" {text} "), dtype=np.uint64) if text else np.empty(0, dtype=np.uint64)


def _grams(hashes: _Hashes, length: int, seed: int) -> _Hashes:
    """The hash of each run, well mixed in its upper bits."""
    count = len(hashes) - length + 1
    sums = np.full(count, _SEPARATOR * seed + length, dtype=np.uint64)
    for place in range(length):
        sums = sums * _STEP + hashes[place : place + count]
    return _mixed(sums)


def _mixed(values: _Hashes) -> _Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), shortened."""
    values = (values ^ (values >> np.uint64(30))) * _MIX
    return values ^ (values >> np.uint64(27))
