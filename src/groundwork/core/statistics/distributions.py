"""Distributions and quantiles in pure Python, and the searches that invert them: light to import, exact to about 1e-12."""

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist


def normal_cdf(z: float) -> float:
    """Probability that a standard normal value lies at or below z; exact in the lower tail too."""
    return math.erfc(-z / math.sqrt(2)) / 2


def normal_quantile(p: float) -> float:
    """Quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(p)


@lru_cache(256)
def t_quantile(p: float, degrees: float) -> float:
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


def beta_quantile(p: float, a: float, b: float) -> float:
    """Quantile of the beta distribution: where I_x(a, b) = p."""
    return -root_of(lambda negative: incomplete_beta(-negative, a, b) - p, -1.0, 0.0)


def f_quantile(p: float, above: float, below: float) -> float:
    """Quantile of Fisher's F distribution with `above` and `below` degrees of freedom."""
    share = beta_quantile(p, above / 2, below / 2)
    return math.inf if share >= 1 else below * share / (above * (1 - share))


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


def root_of(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0 between `low` and `high`; the nearer end where it does not."""
    if falling(low) <= 0:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return low


def last_where(holds: Callable[[int], bool], n: int) -> int:
    """The largest k of 1..n for which a condition holds that holds up to some k only; 0 where it holds for none."""
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
