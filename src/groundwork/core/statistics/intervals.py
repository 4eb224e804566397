"""Shares, means, quantiles and differences of independent items, each with its interval. Clustered items: see clusters.py."""

import math
from collections.abc import Sequence

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import binomial_cdf, last_where, normal_quantile, t_quantile
from groundwork.core.statistics.selection import order_statistics

OPEN = "open"
"""In an Estimate's method: the side named has no bound at this level; what stands there is the outermost value seen."""

Bounds = tuple[float, float]
UNIT: Bounds = (0.0, 1.0)


def proportion(successes: float, n: int, *, level: float = 0.95) -> Estimate:
    """Share of successes with Wilson's score interval.

    Good for small n and for shares near 0 or 1, where the normal interval fails. Raises InputError where n is 0.
    Source: E. B. Wilson, JASA 22 (1927), 209-212.
    """
    need_items(n)
    if not 0 <= successes <= n:
        raise InputError(f"{successes} successes of {n} items", fix="count each item at most once")
    z = normal_quantile(0.5 + level / 2)
    share, z2n = successes / n, z * z / n
    centre = (share + z2n / 2) / (1 + z2n)
    half = z * math.sqrt(share * (1 - share) / n + z2n / (4 * n)) / (1 + z2n)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Estimate(value=share, low=min(share, low), high=max(share, high), n=n, method="wilson", level=level)


def mean(values: Sequence[float], *, bounds: Bounds | None = UNIT, level: float = 0.95) -> Estimate:
    """Mean of independent values with a t interval.

    Where the values are bounded, each limit is computed as if one more value had been seen at that bound (single augmentation), so that
    n = 1 and equal values give a wide interval and not a point. Without bounds, one value or only equal ones have no interval: the limits
    are the value, and the method says so; and of 30 very skewed values (lognormal: seconds, costs) it misses the mean 11 % of the time.
    Raises InputError for no values, or a value outside the bounds.
    Source: C. B. Borkowf, Statistics in Medicine 25 (2006), 3679-3695, for shares; the same step for any bounded value.
    """
    n = len(values)
    need_items(n)
    value = math.fsum(values) / n
    if bounds is not None:
        need_within(values, bounds)
        low = _t_limit([*values, bounds[0]], n, -1, level)
        high = _t_limit([*values, bounds[1]], n, 1, level)
        low, high = max(bounds[0], min(low, value)), min(bounds[1], max(high, value))
        return Estimate(value=value, low=low, high=high, n=n, method="t, augmented", level=level)
    if n == 1 or min(values) == max(values):
        method = f"t, {OPEN}: one value" if n == 1 else "t, equal values"
        return Estimate(value=value, low=value, high=value, n=n, method=method, level=level)
    return Estimate(value=value, low=_t_limit(values, n, -1, level), high=_t_limit(values, n, 1, level), n=n, method="t", level=level)


def quantile(values: Sequence[float], q: float, *, level: float = 0.95) -> Estimate:
    """The q-quantile (linear between order statistics) with a distribution-free interval from the binomial distribution.

    With few values an extreme quantile has no upper limit at the level (p95 needs 72 values for 95 %): then the largest value stands there
    and the method says `open above`. Raises InputError for no values.
    Source: H. A. David and H. N. Nagaraja, Order Statistics (2003), section 7.1.
    """
    n = len(values)
    need_items(n)
    place = q * (n - 1)
    below = math.floor(place)
    above = min(below + 1, n - 1)
    tail = (1 - level) / 2
    lower = last_where(lambda k: binomial_cdf(k - 1, n, q) <= tail, n)  # the quantile lies below the k-th value at most this often
    upper = n - last_where(lambda k: binomial_cdf(k - 1, n, 1 - q) <= tail, n) + 1
    sides = [side for side, is_open in (("below", lower == 0), ("above", upper == n + 1)) if is_open]
    first, second, low, high = order_statistics(values, (below, above, max(lower, 1) - 1, min(upper, n) - 1))
    value = first + (place - below) * (second - first)
    method = "order statistics" + (f", {OPEN} {' and '.join(sides)}" if sides else "")
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=method, level=level)


def contrast(after: Estimate, before: Estimate, *, factor: float = 1.0) -> Estimate:
    """`after - factor * before` for two estimates of the same level, its limits from theirs; too wide where the two rise and fall together.

    Source: G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008), 1693-1702 (recovery of variances).
    """
    value = after.value - factor * before.value
    down = math.hypot(after.value - after.low, factor * (before.high - before.value))
    up = math.hypot(after.high - after.value, factor * (before.value - before.low))
    sides = [
        side
        for side, one, other in (("below", after, before), ("above", before, after))
        if is_open(one, "below") or is_open(other, "above")
    ]
    method = "recovered variances" + (f", {OPEN} {' and '.join(sides)}" if sides else "")
    return Estimate(value=value, low=value - down, high=value + up, n=min(after.n, before.n), method=method, level=after.level)


def is_open(estimate: Estimate, side: str) -> bool:
    """Whether an estimate has no limit on this side (`below` or `above`)."""
    _, is_marked, rest = estimate.method.partition(f", {OPEN}")
    return bool(is_marked) and (rest.startswith(":") or side in rest)


def _t_limit(values: Sequence[float], n: int, side: int, level: float) -> float:
    """One limit of the t interval; `n` and its degrees of freedom are those of the real values, also where one was added."""
    centre = math.fsum(values) / len(values)
    variance = math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    return centre + side * t_quantile(0.5 + level / 2, max(1, n - 1)) * math.sqrt(variance / n)


def need_items(n: int) -> None:
    if n < 1:
        raise InputError("no items to estimate from", fix="check the filter of the slice")


def need_within(values: Sequence[float], bounds: Bounds) -> None:
    for value in values:
        if not bounds[0] <= value <= bounds[1]:
            raise InputError(
                f"the score {value} lies outside [{bounds[0]:g}, {bounds[1]:g}]",
                fix="give the bounds of the score, or None",
            )
