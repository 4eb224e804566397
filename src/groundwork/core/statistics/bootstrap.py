"""Intervals by resampling: for any statistic of items, of paired items, and of items in clusters.

Not for few items: of 30 skewed values a 95 % interval misses the mean 8 % of the time, of 100 about 5 % (`python -m benchmarks.tests`). An
extreme quantile or a maximum has no bootstrap interval at all. Shares and means have better intervals in intervals.py and clusters.py.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import normal_cdf, normal_quantile
from groundwork.core.statistics.intervals import OPEN, need_items

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]
    Statistic = Callable[[Floats], Floats]

Kind = Literal["bca", "percentile"]
AT_ONCE = 2_000_000
"""Numbers resampled at a time: 16 MB."""


def bootstrap(
    values: "Sequence[float] | Sequence[Sequence[float]] | Floats",
    statistic: "Statistic | None" = None,
    *,
    clusters: Sequence[Hashable] | None = None,
    kind: Kind = "bca",
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """A statistic of items (default: the mean) with a bootstrap interval.

    `values`: one number an item, or a row of them (so that what belongs together stays together). `statistic` maps an array of samples,
    shape (samples, items) or (samples, items, columns), to one number each. With `clusters` (a name an item) whole clusters are drawn.
    `bca` corrects bias and skewness; where only one item or cluster is given, there is no interval, and the method says `open`.
    Raises InputError for no values, unequal lengths, or a statistic that is not a number for the values themselves.
    Source: B. Efron, JASA 82 (1987), 171-185 (BCa); A. C. Davison and D. V. Hinkley, Bootstrap Methods (1997), section 3.8 (clusters).
    """
    import numpy as np

    rows = np.asarray(values, dtype=np.float64)
    n = len(rows)
    need_items(n)
    groups = _groups(clusters, n)
    measure = _mean if statistic is None else statistic
    value = float(measure(rows[None])[0])
    if not np.isfinite(value):
        raise InputError("the statistic of these values is not a number", fix="check the values, or choose another statistic")
    units = n if groups is None else len(groups)
    method = f"bootstrap {kind}, {draws} draws" + ("" if groups is None else f", {units} clusters")
    if units == 1:
        only = "one value" if groups is None else "one cluster"
        return Estimate(value=value, low=value, high=value, n=n, method=f"{method}, {OPEN}: {only}", level=level)
    drawn = np.concatenate(list(_resampled(rows, measure, groups, draws, seed)))
    drawn = np.sort(drawn[np.isfinite(drawn)])
    if len(drawn) < draws:
        method += f", {draws - len(drawn)} without a value"
    if not len(drawn) or drawn[0] == drawn[-1]:
        return Estimate(value=value, low=value, high=value, n=n, method=f"{method}, equal values", level=level)
    ends = ((1 - level) / 2, (1 + level) / 2)
    if kind == "bca":
        ends = _corrected(ends, _bias(drawn, value), _acceleration(rows, measure, groups))
    low, high = np.quantile(drawn, ends)
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value), n=n, method=method, level=level)


def paired_bootstrap(
    before: Sequence[float],
    after: Sequence[float],
    statistic: "Statistic | None" = None,
    *,
    clusters: Sequence[Hashable] | None = None,
    kind: Kind = "bca",
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """`statistic(after) - statistic(before)` over the same items, drawn together, with a bootstrap interval.

    Arguments as in `bootstrap`.
    """
    import numpy as np

    if len(before) != len(after):
        raise InputError(f"{len(before)} values before and {len(after)} after are no pairs", fix="compare the items that both runs scored")
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if statistic is None:
        return bootstrap(new - old, clusters=clusters, kind=kind, draws=draws, seed=seed, level=level)

    def difference(samples: "Floats") -> "Floats":
        return statistic(samples[..., 1]) - statistic(samples[..., 0])

    return bootstrap(np.stack([old, new], axis=1), difference, clusters=clusters, kind=kind, draws=draws, seed=seed, level=level)


def _mean(samples: "Floats") -> "Floats":
    return samples.mean(axis=1)


def _groups(clusters: Sequence[Hashable] | None, n: int) -> "list[Places] | None":
    """The places of each cluster's items."""
    import numpy as np

    if clusters is None:
        return None
    if len(clusters) != n:
        raise InputError(f"{n} values and {len(clusters)} cluster names are no pairs", fix="name the cluster of each value")
    found: dict[Hashable, list[int]] = {}
    for place, cluster in enumerate(clusters):
        found.setdefault(cluster, []).append(place)
    return [np.asarray(places) for places in found.values()]


def _resampled(rows: "Floats", measure: "Statistic", groups: "list[Places] | None", draws: int, seed: int) -> "Iterator[Floats]":
    """The statistic of resampled items; whole clusters one sample at a time, unless a mean needs no more than their sums."""
    import numpy as np

    chooser = np.random.default_rng(seed)
    n = len(rows)
    if groups is None:
        at_once = max(1, AT_ONCE // max(1, rows.size))
        for start in range(0, draws, at_once):
            yield measure(rows[chooser.integers(0, n, (min(at_once, draws - start), n), dtype=np.int32)])
        return
    sums, sizes = np.array([rows[places].sum() for places in groups]), np.array([len(places) for places in groups])
    for _ in range(draws):
        drawn = chooser.integers(0, len(groups), len(groups))
        if measure is _mean:
            yield np.asarray([sums[drawn].sum() / sizes[drawn].sum()])
        else:
            yield measure(rows[np.concatenate([groups[place] for place in drawn])][None])


def _bias(drawn: "Floats", value: float) -> float:
    """How far the median of the draws lies from the value, in normal deviates; draws equal to it count half."""
    import numpy as np

    below = (np.searchsorted(drawn, value, "left") + np.searchsorted(drawn, value, "right")) / 2
    return normal_quantile(min(max(float(below) / len(drawn), 0.5 / len(drawn)), 1 - 0.5 / len(drawn)))


def _acceleration(rows: "Floats", measure: "Statistic", groups: "list[Places] | None") -> float:
    """The skewness of the statistic, from leaving out one item or cluster at a time."""
    import numpy as np

    n = len(rows)
    if groups is None and measure is _mean:
        left = (rows.sum() - rows) / (n - 1)
    elif groups is None:
        left = np.concatenate([measure(np.delete(rows, place, axis=0)[None]) for place in range(n)])
    else:
        left = np.concatenate([measure(np.delete(rows, places, axis=0)[None]) for places in groups])
    pull = left.mean() - left
    scale = float((pull**2).sum()) ** 1.5
    return float((pull**3).sum()) / (6 * scale) if scale > 0 else 0.0


def _corrected(ends: tuple[float, float], bias: float, acceleration: float) -> tuple[float, float]:
    """The shares of the draws at which the corrected limits stand."""
    moved = [bias + normal_quantile(end) for end in ends]
    low, high = (normal_cdf(bias + move / max(1e-9, 1 - acceleration * move)) for move in moved)
    return low, high
