"""Score intervals of bounded values in clusters: those of independent items, with the effective number of items and a t quantile.

The effective number is that of the independent items whose mean would vary as much. How it allows for what few clusters cannot show (see
UNSEEN) is our own. Not covered: clusters whose size tells their mean, and weights.
Sources: E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998), 193-201, for effective number and t quantile (there with an exact
interval); E. B. Wilson, JASA 22 (1927), 209-212, and T. Tango, Statistics in Medicine 17 (1998), 891-908, for the intervals; R. M. Bell and
D. F. McCaffrey, Survey Methodology 28 (2002), 169-181, for the clusters' variance and its degrees of freedom.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from groundwork.core.statistics.distributions import root_of, t_quantile
from groundwork.core.statistics.tango import null_variance

UNSEEN = 0.5
"""The part of a cluster of average size, at the bound, that is added for the limit on that side; the smaller effective number counts.

Few clusters seldom show the rare one that lies far off. Where one score of ten is 0 and the others are near 0.9 (correlation 0.3), the
interval of 12 clusters of six misses 13 % of the time without it and 1 % with it; a whole cluster would widen it by another fifth."""

TINY = 1e-12


class Cluster(NamedTuple):
    """What one cluster adds up to, each value being at most 1. Shares: `lost` is 0. Differences: losses count as positive."""

    gained: float
    lost: float
    size: float


def score_limits(clusters: Sequence[Cluster], *, paired: bool, level: float) -> tuple[float, float]:
    """Both limits of the mean: of values in [0, 1], or of differences in [-1, 1] where `paired`. Needs two clusters or more."""
    n = math.fsum(cluster.size for cluster in clusters)
    t = t_quantile(0.5 + level / 2, degrees([cluster.size / n for cluster in clusters]))
    if paired:
        turned = [Cluster(lost, gained, size) for gained, lost, size in clusters]
        return _lower(clusters, t, paired=True), -_lower(turned, t, paired=True)
    turned = [Cluster(size - gained, 0.0, size) for gained, _, size in clusters]
    return _lower(clusters, t, paired=False), 1 - _lower(turned, t, paired=False)


def robust(sums: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Mean and its CR2 variance from each cluster's sum and size: a cluster's residuals, enlarged for its own pull on the mean."""
    n = math.fsum(size for _, size in sums)
    centre = math.fsum(total for total, _ in sums) / n
    return centre, math.fsum((total - size * centre) ** 2 / (1 - size / n) for total, size in sums) / n**2


def degrees(shares: Sequence[float]) -> float:
    """Satterthwaite's degrees of freedom of the CR2 variance; `shares` are the clusters' shares of the items.

    The smaller of those for independent items and for items that are equal within a cluster.
    """
    pulls = [share * share / (1 - share) for share in shares]
    square = math.fsum(share * share for share in shares)
    # Independent items: the traces of Bell and McCaffrey's matrix and of its square, in closed form for a mean.
    apart = math.fsum(pulls) ** 2 - math.fsum(pull * pull for pull in pulls)
    independent = 1 / (square + apart)
    # Items equal within clusters: the same with a cluster's sum varying as the square of its size.
    zeroth, first, second = (math.fsum(pull * share**power for pull, share in zip(pulls, shares, strict=True)) for power in (0, 1, 2))
    trace = zeroth * (1 + square) - 2 * first
    everywhere = square**2 * zeroth**2 + 2 * second * zeroth + 2 * first**2 - 4 * square * first * zeroth
    own = math.fsum(
        pull**2 * ((1 - 2 * share + square) ** 2 - (square - 2 * share) ** 2) for pull, share in zip(pulls, shares, strict=True)
    )
    return max(1.0, min(independent, trace**2 / (everywhere + own)))


def _lower(clusters: Sequence[Cluster], t: float, *, paired: bool) -> float:
    """Where the mean lies t standard errors above; the errors are those that a true mean of that size would have."""
    gained, lost, n = _shares(clusters)
    unseen = UNSEEN * n / len(clusters)
    at_bound = Cluster(0.0, unseen if paired else 0.0, unseen)
    effective = min(_effective(clusters, paired=paired), _effective([*clusters, at_bound], paired=paired))
    value = gained - lost

    def excess(mean: float) -> float:
        return value - mean - t * math.sqrt(_variance(gained, lost, mean, paired=paired) / effective)

    return root_of(excess, -1.0 if paired else 0.0, value)


def _effective(clusters: Sequence[Cluster], *, paired: bool) -> float:
    """How many independent items (right or wrong; of scores in between, which vary less, it may be more than there are) say as much."""
    gained, lost, n = _shares(clusters)
    value, variance = robust([(one.gained - one.lost, one.size) for one in clusters])
    single = _variance(gained, lost, value, paired=paired)
    if single <= TINY:  # every value at one bound, or every difference 0, shows nothing within clusters: each counts as one item
        return n * n / math.fsum(one.size * one.size for one in clusters)
    return single / variance if variance > 0 else math.inf


def _shares(clusters: Sequence[Cluster]) -> tuple[float, float, float]:
    """What all clusters gained and lost, as shares of all items, and how many these are."""
    gained, lost, n = (math.fsum(column) for column in zip(*clusters, strict=True))
    return gained / n, lost / n, n


def _variance(gained: float, lost: float, mean: float, *, paired: bool) -> float:
    """Variance of one item that is right or wrong, or of one difference of two such, were its true mean this."""
    return null_variance(gained, lost, 1.0, mean) if paired else max(0.0, mean * (1 - mean))
