import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import bootstrap, is_open, paired_bootstrap

SKEWED = np.random.default_rng(3).exponential(size=60)


@pytest.mark.parametrize(("kind", "theirs"), [("bca", "BCa"), ("percentile", "percentile")])
@pytest.mark.parametrize("statistic", [np.mean, np.median])
def test_the_interval_is_scipys_but_for_chance(kind: str, theirs: str, statistic) -> None:
    found = bootstrap(SKEWED, lambda samples: statistic(samples, axis=1), kind=kind, draws=20_000)
    reference = stats.bootstrap((SKEWED,), statistic, method=theirs, n_resamples=20_000, rng=1).confidence_interval
    assert found.value == pytest.approx(statistic(SKEWED))
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=0.03)


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=30), shift=st.floats(-5, 5))
def test_the_interval_moves_with_the_values_and_comes_back_from_the_seed(values: list[float], shift: float) -> None:
    found, again = bootstrap(values, draws=200), bootstrap(values, draws=200)
    assert found == again
    moved = bootstrap([value + shift for value in values], draws=200, kind="percentile")
    still = bootstrap(values, draws=200, kind="percentile")
    assert (moved.low, moved.high) == pytest.approx((still.low + shift, still.high + shift), abs=1e-9)
    assert found.low <= found.value <= found.high


def test_clusters_are_drawn_whole() -> None:
    values = [0.0] * 50 + [1.0] * 50
    alone, together = bootstrap(values, draws=500), bootstrap(values, clusters=[place // 25 for place in range(100)], draws=500)
    assert together.high - together.low > 3 * (alone.high - alone.low)
    assert together.n == 100
    assert "4 clusters" in together.method
    # The same through a statistic of one's own.
    own = bootstrap(values, lambda x: x.mean(axis=1), clusters=[place // 25 for place in range(100)], draws=500)
    assert (own.low, own.high) == pytest.approx((together.low, together.high))


def test_pairs_stay_together() -> None:
    before = np.arange(100) % 2
    found = paired_bootstrap(before.tolist(), (before + 1).tolist(), draws=200)
    assert (found.low, found.value, found.high) == (1, 1, 1)
    assert "equal values" in found.method
    ratio = paired_bootstrap([1.0, 2.0, 3.0] * 10, [2.0, 2.0, 5.0] * 10, lambda x: np.median(x, axis=1), draws=300)
    assert ratio.value == 0
    assert ratio.low <= 0 <= ratio.high


def test_what_has_no_interval_says_so() -> None:
    assert is_open(bootstrap([0.5]), "above")
    assert "open: one cluster" in bootstrap([0.1, 0.9], clusters=["a", "a"]).method
    gaps = bootstrap([1.0] + [0.0] * 5, lambda x: np.where(x.sum(axis=1) > 0, 1.0, math.nan), draws=200)
    assert "without a value" in gaps.method


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: bootstrap([]),
        lambda: bootstrap([math.nan, 1.0]),
        lambda: bootstrap([1.0, 2.0], clusters=["a"]),
        lambda: paired_bootstrap([1.0], [1.0, 2.0]),
    ],
)
def test_what_cannot_be_resampled_is_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()
