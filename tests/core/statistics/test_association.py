import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import auc, is_open, kendall, pearson, spearman

pairs = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=5, max_size=40)


@given(found=pairs)
def test_the_correlations_are_scipys(found: list[tuple[int, int]]) -> None:
    x, y = zip(*found, strict=True)
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    for ours, theirs in ((pearson, stats.pearsonr), (spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        estimate = ours(x, y)
        assert estimate.value == pytest.approx(theirs(x, y).statistic, abs=1e-9)
        assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_fishers_interval_is_scipys() -> None:
    x = np.random.default_rng(1).normal(size=(2, 40))
    found, reference = pearson(x[0], x[1]), stats.pearsonr(x[0], x[1]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-6)


@given(above=st.lists(st.integers(0, 9), min_size=1, max_size=30), below=st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_the_area_is_that_of_mann_and_whitney(above: list[int], below: list[int]) -> None:
    found = auc([*above, *below], [1] * len(above) + [0] * len(below))
    assert found.value == pytest.approx(stats.mannwhitneyu(above, below).statistic / (len(above) * len(below)))
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_areas_interval_is_about_delongs() -> None:
    chooser = np.random.default_rng(2)
    above, below = chooser.normal(1, 1, 300), chooser.normal(0, 1, 200)
    tops, bottoms = [(one > below).mean() for one in above], [(above > one).mean() for one in below]
    error = math.sqrt(np.var(tops, ddof=1) / 300 + np.var(bottoms, ddof=1) / 200)
    found = auc([*above, *below], [True] * 300 + [False] * 200)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.06)


def test_small_or_constant_data_is_open_or_wide() -> None:
    assert is_open(pearson([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]), "below")
    assert is_open(spearman([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), "above")
    assert is_open(kendall([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]), "above")
    separated = auc([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    assert separated.value == 1
    assert separated.low < 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: pearson([1.0], [1.0]),
        lambda: spearman([1.0, 2.0], [1.0]),
        lambda: kendall([1.0, math.nan], [1.0, 2.0]),
        lambda: auc([1.0, 2.0], [1, 1]),
        lambda: auc([1.0, math.inf], [1, 0]),
        lambda: auc([], []),
    ],
)
def test_what_has_no_association_is_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()
