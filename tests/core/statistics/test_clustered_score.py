import math

import numpy as np
import pytest
from scipy import stats

from groundwork.core.statistics import clustered_difference, clustered_mean
from groundwork.core.statistics.clustered_score import UNSEEN, Cluster, score_limits
from groundwork.core.statistics.tango import null_variance

SIX = [Cluster(3, 0, 4), Cluster(4, 0, 4), Cluster(1, 0, 4), Cluster(2, 0, 4), Cluster(4, 0, 4), Cluster(0, 0, 4)]


def effective(sums: list[float], sizes: list[float], single: float) -> float:
    """Independent items that say as much, each varying by `single`: the CR2 variance written out, for clusters of any size."""
    totals, counts = np.array(sums), np.array(sizes)
    n = counts.sum()
    residuals = totals - counts * totals.sum() / n
    return float(single / (residuals**2 / (1 - counts / n)).sum() * n**2)


def test_the_limits_of_a_share_are_where_wilsons_statistic_is_at_its_bound() -> None:
    sums, t = [cluster.gained for cluster in SIX], stats.t.ppf(0.975, 5)
    share = sum(sums) / 24
    for limit, at_bound in zip(score_limits(SIX, paired=False, level=0.95), (0.0, 4 * UNSEEN), strict=True):
        widened = (sum(sums) + at_bound) / (24 + 4 * UNSEEN)
        n = min(
            effective(sums, [4.0] * 6, share * (1 - share)),
            effective([*sums, at_bound], [4.0] * 6 + [4 * UNSEEN], widened * (1 - widened)),
        )
        assert abs(share - limit) / math.sqrt(limit * (1 - limit) / n) == pytest.approx(t)


def test_the_limits_of_a_difference_are_where_tangos_statistic_is_at_its_bound() -> None:
    moves = [Cluster(2, 0, 4), Cluster(1, 1, 4), Cluster(0, 1, 4), Cluster(3, 0, 4), Cluster(1, 0, 4), Cluster(0, 0, 4)]
    sums, t = [cluster.gained - cluster.lost for cluster in moves], stats.t.ppf(0.975, 5)
    for limit, side in zip(score_limits(moves, paired=True, level=0.95), (-1, 1), strict=True):
        at_bound, n = 4 * UNSEEN, 24 + 4 * UNSEEN
        up, down = (7 + (at_bound if side > 0 else 0)) / n, (2 + (at_bound if side < 0 else 0)) / n
        items = min(
            effective(sums, [4.0] * 6, null_variance(7 / 24, 2 / 24, 1, 5 / 24)),
            effective([*sums, side * at_bound], [4.0] * 6 + [at_bound], null_variance(up, down, 1, up - down)),
        )
        assert abs(5 / 24 - limit) / math.sqrt(null_variance(7 / 24, 2 / 24, 1, limit) / items) == pytest.approx(t)


def test_what_never_varies_counts_each_cluster_once() -> None:
    t = stats.t.ppf(0.975, 11)
    every = clustered_mean([1.0] * 36, [k // 3 for k in range(36)])
    assert (every.low, every.high) == pytest.approx((12 / (12 + t * t), 1))
    same = clustered_difference([1.0] * 36, [1.0] * 36, [k // 3 for k in range(36)])
    assert same.low == pytest.approx(-same.high)
    assert same.high == pytest.approx(t * t / (12 + t * t))
    assert clustered_mean([0.7] * 36, [k // 3 for k in range(36)]).low < 0.67


def chances(r: np.random.Generator, clusters: int, mean: float, correlation: float) -> np.ndarray:
    if correlation == 1:
        return (r.random(clusters) < mean).astype(float)
    scale = 1 / correlation - 1
    return r.beta(mean * scale, (1 - mean) * scale, clusters)


@pytest.mark.parametrize("clusters", [5, 12, 40])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("correlation", [0.1, 0.5, 1])
def test_shares_and_gains_in_clusters_are_held_as_often_as_they_say(clusters: int, share: float, correlation: float) -> None:
    r, draws, size = np.random.default_rng(clusters), 300, 5
    names = np.repeat(np.arange(clusters), size).tolist()
    held, gains_held = 0, 0
    for _ in range(draws):
        values = (r.random(clusters * size) < chances(r, clusters, share, correlation)[names]).astype(float).tolist()
        found, gain = clustered_mean(values, names), clustered_difference([0.0] * len(values), values, names)
        held += found.low <= share <= found.high
        gains_held += gain.low <= share <= gain.high
    assert held / draws >= 0.94 - 3 * math.sqrt(0.05 * 0.95 / draws)
    assert gains_held / draws >= 0.94 - 3 * math.sqrt(0.05 * 0.95 / draws)


def test_bounds_cost_little_width_once_there_are_a_dozen_clusters() -> None:
    r = np.random.default_rng(3)
    names = np.repeat(np.arange(12), 6).tolist()
    bounded, free = 0.0, 0.0
    for _ in range(100):
        values = (r.random(72) < chances(r, 12, 0.6, 0.3)[names]).astype(float).tolist()
        one, other = clustered_mean(values, names), clustered_mean(values, names, bounds=None)
        bounded, free = bounded + one.high - one.low, free + other.high - other.low
    assert bounded < free
