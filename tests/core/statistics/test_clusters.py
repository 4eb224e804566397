import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import clustered_difference, clustered_mean, clustering, is_open, mean

shares = st.floats(0, 1)


@given(values=st.lists(shares, min_size=2, max_size=40), bounds=st.sampled_from([None, (0.0, 1.0)]))
def test_clusters_of_one_item_are_independent_items(values: list[float], bounds: tuple[float, float] | None) -> None:
    one, other = clustered_mean(values, range(len(values)), bounds=bounds), mean(values, bounds=bounds)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-9)


@given(values=st.lists(st.floats(-5, 5), min_size=3, max_size=12), size=st.integers(2, 5))
def test_repeats_that_say_the_same_add_nothing(values: list[float], size: int) -> None:
    repeated = clustered_mean(
        [value for value in values for _ in range(size)], [k for k in range(len(values)) for _ in range(size)], bounds=None
    )
    once = mean(values, bounds=None)
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high), abs=1e-6)


def test_degrees_of_freedom_and_variance_are_those_of_bell_and_mccaffrey() -> None:
    sizes = [8, 4, 4, 2, 2, 1]
    r = np.random.default_rng(5)
    values, names = r.normal(size=sum(sizes)), np.repeat(np.arange(len(sizes)), sizes)
    n = len(values)
    hat = np.full((n, n), 1 / n)
    variance, pulls = 0.0, []
    for cluster in range(len(sizes)):
        inside = names == cluster
        own, vectors = np.linalg.eigh(np.eye(inside.sum()) - hat[np.ix_(inside, inside)])
        root = vectors @ np.diag(own**-0.5) @ vectors.T
        variance += float((np.ones(inside.sum()) / n @ root @ (values - values.mean())[inside]) ** 2)
        pulls.append((np.eye(n) - hat)[:, inside] @ root @ np.ones(inside.sum()) / n)
    degrees = []
    for working in (np.eye(n), (names[:, None] == names[None, :]).astype(float)):
        gram = np.array([[a @ working @ b for b in pulls] for a in pulls])
        degrees.append(np.trace(gram) ** 2 / np.trace(gram @ gram))
    half = stats.t.ppf(0.975, min(degrees)) * math.sqrt(variance)
    found = clustered_mean(values.tolist(), names.tolist(), bounds=None)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-6)
    assert "6 clusters (few)" in found.method


def test_the_cost_of_clusters_is_that_of_the_textbook() -> None:
    values = [0.1, 0.1, 0.3, 0.3, 0.8, 0.8, 0.5, 0.5]
    found = clustering(values, [0, 0, 1, 1, 2, 2, 3, 3])
    assert found.intraclass.value == pytest.approx(1)
    assert found.effective_n == pytest.approx(24 / 7)  # (k - 1) / (n - 1) of n items: what four values say of their mean
    spread = clustering([0.0, 1.0] * 4, [0, 0, 1, 1, 2, 2, 3, 3])
    assert spread.intraclass.value == pytest.approx(-1)
    assert spread.design_effect == pytest.approx(0)
    assert spread.effective_n == 8


def test_the_intraclass_correlation_has_the_interval_of_the_f_distribution() -> None:
    # P. E. Shrout and J. L. Fleiss, Psychological Bulletin 86 (1979), 420-428, table 2: ICC(1,1) = .17, from -.13 to .72 at 95 %.
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = clustering([value for row in table for value in row], [k for k, row in enumerate(table) for _ in row]).intraclass
    assert (found.value, found.low, found.high) == pytest.approx((0.1657, -0.1329, 0.7226), abs=2e-3)


def test_one_cluster_is_open_and_wrong_shapes_are_refused() -> None:
    single = clustered_mean([0.0, 1.0, 1.0], ["a"] * 3)
    assert (single.low, single.high) == (0, 1)
    assert is_open(single, "below")
    assert is_open(clustered_mean([3.0, 4.0], ["a"] * 2, bounds=None), "above")
    assert is_open(clustering([0.0, 1.0], ["a", "a"]).intraclass, "above")
    assert clustered_mean([1.0] * 12, [k // 2 for k in range(12)]).low < 0.9
    assert "equal values" in clustered_mean([2.0] * 4, [0, 0, 1, 1], bounds=None).method
    assert clustered_difference([0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0], [0, 0, 1, 1]).value == 0.25
    for wrong in (
        lambda: clustered_mean([], []),
        lambda: clustered_mean([0.5], []),
        lambda: clustered_mean([2.0, 0.0], [1, 2]),
        lambda: clustered_difference([0.5], [0.5, 0.6], [1, 2]),
    ):
        with pytest.raises(InputError):
            wrong()
