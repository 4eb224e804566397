"""Order statistics of many numbers without a sorted copy of them: a million floats as objects are thirty megabytes, and numpy is as many."""

import math
from array import array
from collections.abc import Sequence

SORTED = 50_000
"""Up to so many numbers, sorting is quickest."""
_BUCKETS = 65_536
_NARROWEST = 1e-300
"""A spread that divides the number of buckets without overflow."""


def order_statistics(values: Sequence[float], ranks: Sequence[int]) -> list[float]:
    """The values that would stand at these ranks, from 0, were they sorted.

    Where there are many, they are counted into equal buckets, and only the buckets that the ranks fall into are sorted: two passes, and little
    memory unless nearly all values lie together.
    """
    low, high = min(values), max(values)
    spread = high - low
    if len(values) <= SORTED or not _NARROWEST < spread < math.inf:
        ordered = sorted(values)
        return [ordered[rank] for rank in ranks]
    scale = (_BUCKETS - 1) / spread
    counts = array("Q", bytes(8 * _BUCKETS))
    for value in values:
        counts[int((value - low) * scale)] += 1
    found = _buckets_of(counts, ranks)
    members: dict[int, list[float]] = {bucket: [] for bucket, _ in found}
    for value in values:
        bucket = int((value - low) * scale)
        if bucket in members:
            members[bucket].append(value)
    for inside in members.values():
        inside.sort()
    return [members[bucket][place] for bucket, place in found]


def _buckets_of(counts: Sequence[int], ranks: Sequence[int]) -> list[tuple[int, int]]:
    """For each rank its bucket, and its place among that bucket's values."""
    found: dict[int, tuple[int, int]] = {}
    left, before = sorted(set(ranks)), 0
    for bucket, count in enumerate(counts):
        while left and left[0] < before + count:
            rank = left.pop(0)
            found[rank] = (bucket, rank - before)
        before += count
    return [found[rank] for rank in ranks]
