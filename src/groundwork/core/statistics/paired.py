"""Two runs over the same items: their difference with its interval. Tests of no difference: see significance.py."""

from collections.abc import Sequence

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.intervals import UNIT, Bounds, mean, need_within
from groundwork.core.statistics.tango import score_interval


def paired_difference(before: Sequence[float], after: Sequence[float], *, bounds: Bounds | None = UNIT, level: float = 0.95) -> Estimate:
    """The mean of `after - before` over the same items, with its interval.

    Bounded scores: Tango's score interval for the difference of paired proportions. Scores between the bounds count as the fractions they
    are: the variance of 0/1 pairs with the same sums is an upper limit for theirs, so the interval is then wider than it need be.
    Scores without bounds: the paired t interval. Raises InputError for no pairs or unequal lengths.
    Source: T. Tango, Statistics in Medicine 17 (1998), 891-908.
    """
    if len(before) != len(after):
        raise InputError(f"{len(before)} values before and {len(after)} after are no pairs", fix="compare the items that both runs scored")
    differences = [new - old for old, new in zip(before, after, strict=True)]
    if bounds is None:
        estimate = mean(differences, bounds=None, level=level)
        return msgspec.structs.replace(estimate, method=f"paired {estimate.method}")
    need_within([*before, *after], bounds)
    width = bounds[1] - bounds[0]
    estimate = score_interval([difference / width for difference in differences], level, 0.0)
    return msgspec.structs.replace(estimate, value=estimate.value * width, low=estimate.low * width, high=estimate.high * width)
