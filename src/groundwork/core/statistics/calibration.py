"""Are stated confidences true, and how much can be answered at a required precision?"""

import math
from collections.abc import Sequence

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.intervals import mean, need_items, need_within, proportion


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Items of similar confidence: what they claimed on average, and how many were right."""

    confidence: float
    right: Estimate


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """`error` is the expected calibration error: the bins' mean distance between confidence and share right. It has no simple interval and
    is never 0 by chance alone: compare it at equal n and bins only.
    """

    n: int
    error: float
    brier: Estimate
    bins: tuple[Bin, ...]
    method: str


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """The largest share of items that can be answered, the surest first, at a required precision; and from which confidence on."""

    n: int
    coverage: Estimate
    precision: Estimate | None
    threshold: float | None
    """None where no threshold reaches the precision."""


def calibration(confidences: Sequence[float], right: Sequence[bool | int], *, bins: int = 10, level: float = 0.95) -> Calibration:
    """Reliability over bins of equal count (equal confidences stay in one bin), expected calibration error and Brier score.

    Source: M. P. Naeini, G. F. Cooper and M. Hauskrecht, AAAI 2015; G. W. Brier, Monthly Weather Review 78 (1950), 1-3.
    """
    pairs = _ordered(confidences, right)
    n = len(pairs)
    groups: list[list[tuple[float, int]]] = []
    for place, pair in enumerate(pairs):
        if place and (pair[0] == pairs[place - 1][0] or place * bins // n == (place - 1) * bins // n):
            groups[-1].append(pair)
        else:
            groups.append([pair])
    found = [
        Bin(
            confidence=math.fsum(one for one, _ in group) / len(group),
            right=proportion(sum(one for _, one in group), len(group), level=level),
        )
        for group in groups
    ]
    error = math.fsum(abs(one.confidence - one.right.value) * one.right.n for one in found) / n
    brier = mean([(confidence - one) ** 2 for confidence, one in pairs], level=level)
    return Calibration(n=n, error=error, brier=brier, bins=tuple(found), method=f"{len(found)} bins of equal count")


def coverage_at(precision: float, confidences: Sequence[float], right: Sequence[bool | int], *, level: float = 0.95) -> Coverage:
    """How much can be answered at this precision. The threshold is chosen on these very items: measure what it gives on others.

    Source: R. El-Yaniv and Y. Wiener, JMLR 11 (2010), 1605-1641 (selective prediction).
    """
    if not 0 < precision <= 1:
        raise InputError(f"{precision:g} is no precision", fix="give a share above 0 and at most 1, such as 0.9")
    pairs = _ordered(confidences, right)[::-1]
    n, hits, best = len(pairs), 0, (0, 0)
    for place, (confidence, one) in enumerate(pairs, start=1):
        hits += one
        ends = place == n or pairs[place][0] != confidence  # a threshold cannot part equal confidences
        if ends and hits >= precision * place:
            best = (place, hits)
    answered, found = best
    return Coverage(
        n=n,
        coverage=proportion(answered, n, level=level),
        precision=proportion(found, answered, level=level) if answered else None,
        threshold=pairs[answered - 1][0] if answered else None,
    )


def _ordered(confidences: Sequence[float], right: Sequence[bool | int]) -> list[tuple[float, int]]:
    need_items(len(confidences))
    if len(confidences) != len(right):
        raise InputError(
            f"{len(confidences)} confidences and {len(right)} outcomes are no pairs", fix="give an outcome for each confidence"
        )
    need_within(confidences, (0.0, 1.0))
    return sorted(zip(confidences, (int(bool(one)) for one in right), strict=True))
