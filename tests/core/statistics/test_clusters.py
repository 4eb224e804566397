import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import clustered_difference, clustered_mean, clustering, is_open, mean, proportion

shares = st.floats(0, 1)


@given(values=st.lists(shares, min_size=2, max_size=40))
def test_clusters_of_one_item_are_independent_items(values: list[float]) -> None:
    one, other = clustered_mean(values, range(len(values)), bounds=None), mean(values, bounds=None)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-9)


@given(successes=st.integers(0, 60), failures=st.integers(0, 60))
def test_clusters_of_one_item_have_about_wilsons_interval(successes: int, failures: int) -> None:
    n = successes + failures
    assume(n >= 20)
    clustered, alone = clustered_mean([1.0] * successes + [0.0] * failures, range(n)), proportion(successes, n)
    assert clustered.low <= alone.low + 1e-9
    assert alone.high - 1e-9 <= clustered.high
    assert clustered.high - clustered.low <= 1.25 * (alone.high - alone.low)


@given(values=st.lists(shares, min_size=3, max_size=12), size=st.integers(2, 5), bounds=st.sampled_from([None, (0.0, 1.0), (-5.0, 5.0)]))
def test_repeats_that_say_the_same_add_nothing(values: list[float], size: int, bounds: tuple[float, float] | None) -> None:
    names = [k for k in range(len(values)) for _ in range(size)]
    repeated = clustered_mean([value for value in values for _ in range(size)], names, bounds=bounds)
    once = clustered_mean(values, range(len(values)), bounds=bounds)
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high), abs=1e-6)


@given(items=st.lists(st.tuples(shares, shares, st.integers(0, 6)), min_size=2, max_size=30))
def test_bounded_intervals_hold_their_value_and_turn_with_their_sides(items: list[tuple[float, float, int]]) -> None:
    before, after, names = (list(column) for column in zip(*items, strict=True))
    one, turned = clustered_mean(before, names), clustered_mean([1 - value for value in before], names)
    forth, back = clustered_difference(before, after, names), clustered_difference(after, before, names)
    assert 0 <= one.low <= one.value + 1e-12
    assert one.value - 1e-12 <= one.high <= 1
    assert -1 <= forth.low <= forth.value <= forth.high <= 1
    assert (turned.low, turned.high) == pytest.approx((1 - one.high, 1 - one.low), abs=1e-9)
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low), abs=1e-9)


def test_other_bounds_scale_means_and_differences() -> None:
    before, after, names = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.5, 0.0, 1.0, 0.5], [0, 0, 1, 1, 2, 2]
    small, large = clustered_mean(after, names), clustered_mean([1 + 4 * value for value in after], names, bounds=(1, 5))
    assert (large.value, large.low, large.high) == pytest.approx((1 + 4 * small.value, 1 + 4 * small.low, 1 + 4 * small.high))
    narrow = clustered_difference(before, after, names)
    wide = clustered_difference([4 * value for value in before], [4 * value for value in after], names, bounds=(0, 4))
    assert (wide.value, wide.low, wide.high) == pytest.approx((4 * narrow.value, 4 * narrow.low, 4 * narrow.high))


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
    assert is_open(clustered_difference([0.0, 1.0], [1.0, 1.0], ["a"] * 2), "below")
    assert "equal values" in clustered_mean([2.0] * 4, [0, 0, 1, 1], bounds=None).method
    for wrong in (
        lambda: clustered_mean([], []),
        lambda: clustered_mean([0.5], []),
        lambda: clustered_mean([2.0, 0.0], [1, 2]),
        lambda: clustered_difference([], [], []),
        lambda: clustered_difference([0.5, 2.0], [0.5, 0.5], [1, 2]),
        lambda: clustered_difference([0.5], [0.5, 0.6], [1, 2]),
    ):
        with pytest.raises(InputError):
            wrong()


def test_the_method_names_its_interval_and_the_clusters() -> None:
    names = [k // 2 for k in range(24)]
    assert clustered_mean([0.0, 1.0] * 12, names).method == "cluster-robust wilson, 12 clusters"
    assert clustered_mean([0.0, 1.0] * 3, names[:6]).method == "cluster-robust wilson, 3 clusters (few)"
    assert clustered_difference([0.0] * 24, [0.0, 1.0] * 12, names).method == "paired cluster-robust tango, 12 clusters"
    assert clustered_difference([0.0] * 24, [0.0, 1.0, 3.0] * 8, names, bounds=None).method == "paired cluster-robust t, 12 clusters"
