"""Tango's score interval for the difference of paired proportions, and of paired scores between 0 and 1 taken as fractions.

Source: T. Tango, Statistics in Medicine 17 (1998), 891-908.
"""

import math
from collections.abc import Sequence

from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import normal_quantile, root_of
from groundwork.core.statistics.intervals import need_items


def score_interval(differences: Sequence[float], level: float, correction: float) -> Estimate:
    n = len(differences)
    need_items(n)
    gained = math.fsum(difference for difference in differences if difference > 0)
    lost = -math.fsum(difference for difference in differences if difference < 0)
    z = normal_quantile(0.5 + level / 2)
    value = (gained - lost) / n
    low = root_of(lambda delta: score_statistic(gained, lost, n, delta, correction) - z, -1.0, value)
    high = -root_of(lambda delta: score_statistic(lost, gained, n, delta, correction) - z, -1.0, -value)
    whole = all(difference in {-1, 0, 1} for difference in differences)
    method = ("tango" if whole else "tango on fractions") + (f", corrected by {correction:g}" if correction else "")
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=method, level=level)


def score_statistic(gained: float, lost: float, n: float, delta: float, correction: float) -> float:
    """Tango's statistic: how many standard errors (under a true difference of `delta`) the observed difference lies above `delta`."""
    excess = gained - lost - n * delta - correction
    variance = n * null_variance(gained, lost, n, delta)
    return excess / math.sqrt(variance) if variance > 1e-12 else math.copysign(math.inf, excess)


def null_variance(gained: float, lost: float, n: float, delta: float) -> float:
    """Variance of one item's difference, with the discordance estimated by maximum likelihood under a true difference of `delta`."""
    b = -gained - lost + (2 * n - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    share_lost = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return max(0.0, 2 * share_lost + delta * (1 - delta))
