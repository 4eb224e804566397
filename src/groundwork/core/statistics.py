"""Numbers that may be reported: each with its interval, its n and the name of its method. Pure Python, light to import.

Items are taken as independent. Not covered: clustered items (several questions about one document), and testing again and again while
items are added, which lets a bad change through more often than the level says.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Decision, Estimate

OPEN = "open"
"""In an Estimate's method: the side named has no bound at this level; what stands there is the outermost value seen."""

CORRECTION = 0.3
"""Items taken off the difference in the gate's test. Without it, Tango's test passes up to 7.2 % of changes that are worse by the margin;
with it at most 5.0 % for margins to 0.1 and n from 12 to 300, by enumeration (`python -m benchmarks.gate`)."""

POWER = 0.8

Bounds = tuple[float, float]
UNIT: Bounds = (0.0, 1.0)


def proportion(successes: float, n: int, *, level: float = 0.95) -> Estimate:
    """Share of successes with Wilson's score interval.

    Good for small n and for shares near 0 or 1, where the normal interval fails. Raises InputError where n is 0.
    Source: E. B. Wilson, JASA 22 (1927), 209-212.
    """
    _need(n)
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
    are the value, and the method says so. Raises InputError for no values, or a value outside the bounds.
    Source: C. B. Borkowf, Statistics in Medicine 25 (2006), 3679-3695, for shares; the same step for any bounded value.
    """
    n = len(values)
    _need(n)
    value = math.fsum(values) / n
    if bounds is not None:
        _within(values, bounds)
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
    _need(n)
    ordered = sorted(values)
    place = q * (n - 1)
    below = math.floor(place)
    above = min(below + 1, n - 1)
    value = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    tail = (1 - level) / 2
    lower = _last(lambda k: binomial_cdf(k - 1, n, q) <= tail, n)  # the quantile lies below the k-th value at most this often
    upper = n - _last(lambda k: binomial_cdf(k - 1, n, 1 - q) <= tail, n) + 1
    sides = [side for side, is_open in (("below", lower == 0), ("above", upper == n + 1)) if is_open]
    low, high = ordered[max(lower, 1) - 1], ordered[min(upper, n) - 1]
    method = "order statistics" + (f", {OPEN} {' and '.join(sides)}" if sides else "")
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=method, level=level)


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
    _within([*before, *after], bounds)
    width = bounds[1] - bounds[0]
    estimate = _tango([difference / width for difference in differences], level, 0.0)
    return msgspec.structs.replace(estimate, value=estimate.value * width, low=estimate.low * width, high=estimate.high * width)


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test: are items gained and items lost equally likely?

    Source: Q. McNemar, Psychometrika 12 (1947), 153-157, with the exact binomial distribution.
    """
    return min(1.0, 2 * binomial_cdf(min(gained, lost), gained + lost, 0.5)) if gained + lost else 1.0


def non_inferiority(differences: Sequence[float], margin: float, *, level: float = 0.95) -> tuple[Decision, Estimate, int | None]:
    """Is a change worse by less than `margin`? From paired differences `after - before` of scores in [0, 1], where more is better.

    Pass: the one-sided lower limit at `level` is above -margin. Fail: the one-sided upper limit is below it. Else undecided, with how many
    more items would give an equal change (true difference 0) of the observed discordance an 80 % chance to pass; None where the observed
    difference is itself at or beyond the margin, since more items are then more likely to show that. The Estimate holds both one-sided
    limits, so its level is 2 * level - 1. Tango's score test, corrected by 0.3 items (see CORRECTION), fractions as in `paired_difference`.
    """
    if not 0 < margin < 1:
        raise InputError(f"a margin of {margin} cannot be tested", fix="choose a margin between 0 and 1, such as 0.05")
    _within(differences, (-1.0, 1.0))
    n = len(differences)
    estimate = _tango(differences, round(2 * level - 1, 12), CORRECTION)
    if estimate.low > -margin:
        return "pass", estimate, None
    if estimate.high < -margin:
        return "fail", estimate, None
    if estimate.value <= -margin:
        return "undecided", estimate, None
    discordance = math.fsum(abs(difference) for difference in differences) / n
    return "undecided", estimate, max(1, items_to_pass(discordance, margin, level=level) - n)


def items_to_pass(discordance: float, margin: float, *, level: float = 0.95, power: float = POWER) -> int:
    """Items with which an equal change, for which a share `discordance` of the items changes sides, passes with this probability.

    Solves n * margin - CORRECTION = z_level * sqrt(n * v0) + z_power * sqrt(n * v1) for n; v0 and v1 are the variances of one item's
    difference where the change is worse by the margin, and where it is equal.
    """
    variance = _null_variance(discordance / 2, discordance / 2, 1.0, -margin)
    slope = normal_quantile(level) * math.sqrt(variance) + normal_quantile(power) * math.sqrt(discordance)
    root = (slope + math.sqrt(slope * slope + 4 * margin * CORRECTION)) / (2 * margin)
    return math.ceil(root * root)


def items_to_tell(differences: Sequence[float], *, level: float = 0.95, power: float = POWER) -> int | None:
    """How many more items would show the observed difference, if it is the true one, with this probability; None where it is 0."""
    n = len(differences)
    _need(n)
    observed = math.fsum(differences) / n
    spread = math.fsum((difference - observed) ** 2 for difference in differences) / n
    if observed == 0 or spread == 0:
        return None
    needed = ((normal_quantile(0.5 + level / 2) + normal_quantile(power)) / observed) ** 2 * spread
    return max(1, math.ceil(needed) - n)


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


# -- Tango's score interval


def _tango(differences: Sequence[float], level: float, correction: float) -> Estimate:
    n = len(differences)
    _need(n)
    gained = math.fsum(difference for difference in differences if difference > 0)
    lost = -math.fsum(difference for difference in differences if difference < 0)
    z = normal_quantile(0.5 + level / 2)
    value = (gained - lost) / n
    low = _root(lambda delta: _score(gained, lost, n, delta, correction) - z, -1.0, value)
    high = -_root(lambda delta: _score(lost, gained, n, delta, correction) - z, -1.0, -value)
    whole = all(difference in {-1, 0, 1} for difference in differences)
    method = ("tango" if whole else "tango on fractions") + (f", corrected by {correction:g}" if correction else "")
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=method, level=level)


def _score(gained: float, lost: float, n: float, delta: float, correction: float) -> float:
    """Tango's statistic: how many standard errors (under a true difference of `delta`) the observed difference lies above `delta`."""
    excess = gained - lost - n * delta - correction
    variance = n * _null_variance(gained, lost, n, delta)
    return excess / math.sqrt(variance) if variance > 1e-12 else math.copysign(math.inf, excess)


def _null_variance(gained: float, lost: float, n: float, delta: float) -> float:
    """Variance of one item's difference, with the discordance estimated by maximum likelihood under a true difference of `delta`."""
    b = -gained - lost + (2 * n - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    share_lost = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return max(0.0, 2 * share_lost + delta * (1 - delta))


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0 between `low` and `high`; the nearer end where it does not."""
    if falling(low) <= 0:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return low


# -- distributions


def normal_quantile(p: float) -> float:
    """Quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(p)


@lru_cache(256)
def t_quantile(p: float, degrees: int) -> float:
    """Quantile of Student's t distribution with `degrees` degrees of freedom, for p from 0.5 up."""
    if degrees > 100_000:
        return normal_quantile(p)
    # P(T > t) is half of I_x(degrees / 2, 1 / 2) at x = degrees / (degrees + t²): DLMF 8.17 and Abramowitz and Stegun 26.7.1.
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if incomplete_beta(middle, degrees / 2, 0.5) / 2 < 1 - p else (low, middle)
        if high - low <= 1e-16 * high:
            break
    return math.sqrt(degrees * (1 - high) / high)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """Probability of at most `k` successes of `n`."""
    if k < 0:
        return 0.0
    return 1.0 if k >= n else incomplete_beta(1 - p, n - k, k + 1)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b). Source: DLMF 8.17.22 (continued fraction), evaluated by Lentz's method."""
    if x <= 0 or x >= 1:
        return float(x > 0)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    fraction, numerator, denominator = 1.0, 1.0, 0.0
    for step in range(100_000):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + term * denominator or tiny)
        numerator = 1 + term / numerator or tiny
        fraction *= numerator * denominator
        if abs(numerator * denominator - 1) < 1e-15:
            break
    return front * (fraction - 1)


def _t_limit(values: Sequence[float], n: int, side: int, level: float) -> float:
    """One limit of the t interval; `n` and its degrees of freedom are those of the real values, also where one was added."""
    centre = math.fsum(values) / len(values)
    variance = math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    return centre + side * t_quantile(0.5 + level / 2, max(1, n - 1)) * math.sqrt(variance / n)


def _last(holds: Callable[[int], bool], n: int) -> int:
    """The largest k of 1..n for which a condition holds that holds up to some k only; 0 where it holds for none."""
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _need(n: int) -> None:
    if n < 1:
        raise InputError("no items to estimate from", fix="check the filter of the slice")


def _within(values: Sequence[float], bounds: Bounds) -> None:
    for value in values:
        if not bounds[0] <= value <= bounds[1]:
            raise InputError(
                f"the score {value} lies outside [{bounds[0]:g}, {bounds[1]:g}]",
                fix="give the bounds of the score, or None",
            )
