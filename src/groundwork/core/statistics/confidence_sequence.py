"""Intervals that hold at every moment at once: look as often as you like, stop when you like. For means of bounded scores.

The price is width: at 800 items about twice that of the t interval. Where the looks are planned, sequential.py costs less.
"""

import math
from collections.abc import Sequence

from groundwork.core.errors import InputError
from groundwork.core.measure import Decision, Estimate
from groundwork.core.statistics.intervals import UNIT, Bounds, need_items, need_within

GRID = 1_001
"""Candidate means that are tried: the limits are rounded outwards to a thousandth of the width of the bounds."""
AT_ONCE = 1_000_000
TRUNCATION = 0.5
"""A bet never risks more than this share of what is left."""


def confidence_sequence(values: Sequence[float], *, bounds: Bounds = UNIT, level: float = 0.95) -> Estimate:
    """The mean of values in the order they came, with limits that hold at all times up to now together.

    A gambler bets against each candidate mean; what made the gambler rich is left out for good (hedged capital). Values need not be equally
    spread or independent, only of one mean whatever came before: items in random order. n = 1 gives a wide interval, never a point.
    Raises InputError for no values, or one outside the bounds.
    Source: I. Waudby-Smith and A. Ramdas, JRSS B 86 (2024), 1-27, theorem 3.
    """
    import numpy as np

    n = len(values)
    need_items(n)
    need_within(values, bounds)
    width = bounds[1] - bounds[0]
    x = (np.asarray(values, dtype=np.float64) - bounds[0]) / width
    # The size of each bet rests on what came before it only; hence the shifts by one.
    count = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(x)) / (count + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (count + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    error = 1 - level
    bets = np.sqrt(2 * math.log(2 / error) / (before * count * np.log(count + 1)))
    left: list[float] = []
    candidates = np.linspace(0, 1, GRID)
    for some in np.array_split(candidates, max(1, GRID * n // AT_ONCE)):
        with np.errstate(divide="ignore"):
            up = np.minimum(bets[:, None], TRUNCATION / some[None, :])
            down = np.minimum(bets[:, None], TRUNCATION / (1 - some[None, :]))
        gain = x[:, None] - some[None, :]
        rise = np.cumsum(np.log1p(up * gain), axis=0).max(axis=0)
        fall = np.cumsum(np.log1p(-down * gain), axis=0).max(axis=0)
        left.extend(some[np.maximum(rise, fall) < math.log(2 / error)].tolist())
    value = math.fsum(values) / n
    step = 1 / (GRID - 1)
    low, high = (max(0.0, left[0] - step), min(1.0, left[-1] + step)) if left else ((value - bounds[0]) / width,) * 2
    low, high = bounds[0] + width * low, bounds[0] + width * high
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method="confidence sequence, betting", level=level)


def anytime_non_inferiority(differences: Sequence[float], margin: float, *, level: float = 0.95) -> tuple[Decision, Estimate]:
    """The gate's question under unplanned looks: however often it is asked, a change worse by `margin` passes at most 1 - level of the
    time.

    Paired differences in [-1, 1], in the order they came. As `non_inferiority`, the Estimate holds both one-sided limits.
    """
    if not 0 < margin < 1:
        raise InputError(f"a margin of {margin} cannot be tested", fix="choose a margin between 0 and 1, such as 0.05")
    estimate = confidence_sequence(differences, bounds=(-1.0, 1.0), level=round(2 * level - 1, 12))
    decision: Decision = "pass" if estimate.low > -margin else "fail" if estimate.high < -margin else "undecided"
    return decision, estimate
