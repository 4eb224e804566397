import itertools
import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import contrast, is_open, mean, proportion, quantile

shares = st.floats(0, 1, allow_nan=False)


@given(successes=st.integers(0, 200), extra=st.integers(0, 200), level=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilsons_interval_is_scipys(successes: int, extra: int, level: float) -> None:
    n = successes + extra
    assume(n > 0)
    estimate = proportion(successes, n, level=level)
    reference = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert (estimate.low, estimate.high) == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
def test_the_unbounded_mean_has_scipys_t_interval(values: list[float]) -> None:
    assume(max(values) - min(values) > 1e-3)
    estimate = mean(values, bounds=None)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=estimate.value, scale=stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)


@given(values=st.lists(shares, min_size=1, max_size=60))
def test_a_bounded_mean_is_never_certain_and_stays_in_its_bounds(values: list[float]) -> None:
    estimate = mean(values)
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1
    assert estimate.high - estimate.low > 0.5 / len(values)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), q=st.floats(0.01, 0.99))
def test_a_quantile_lies_in_its_interval(values: list[float], q: float) -> None:
    estimate = quantile(values, q)
    assert min(values) <= estimate.low <= estimate.value <= estimate.high <= max(values)
    narrower = quantile(values, q, level=0.8)
    assert estimate.low <= narrower.low
    assert narrower.high <= estimate.high


def test_one_value_or_equal_values_say_so() -> None:
    assert mean([1.0]).low == 0
    assert mean([1.0] * 10).low < 0.75
    single = mean([3.0], bounds=None)
    assert (single.low, single.high) == (3, 3)
    assert is_open(single, "above")
    assert is_open(single, "below")
    assert mean([3.0, 3.0], bounds=None).method == "t, equal values"


def test_an_extreme_quantile_of_few_values_is_open_above() -> None:
    assert is_open(quantile(range(71), 0.95), "above")
    assert not is_open(quantile(range(72), 0.95), "above")
    assert not is_open(quantile(range(71), 0.95), "below")
    assert is_open(quantile([1.0], 0.5), "below")


def test_a_contrast_is_open_where_one_side_of_it_is() -> None:
    few, many = quantile(range(40), 0.95), quantile(range(200), 0.95)
    assert is_open(contrast(few, many), "above")
    assert not is_open(contrast(few, many), "below")
    assert is_open(contrast(many, few), "below")


def test_bounded_means_hold_the_truth_as_often_as_they_say() -> None:
    chooser = random.Random(7)
    for n, chances in itertools.product((5, 20, 80), ((0.05, 0.15, 0.8), (0.3, 0.3, 0.4), (0.02, 0.0, 0.98))):
        truth = 0.5 * chances[1] + chances[2]
        held = 0
        for _ in range(400):
            estimate = mean(chooser.choices([0.0, 0.5, 1.0], chances, k=n))
            held += estimate.low <= truth <= estimate.high
        assert held / 400 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400), (n, chances, held / 400)


def test_what_cannot_be_estimated_is_refused() -> None:
    for wrong in (
        lambda: proportion(0, 0),
        lambda: proportion(3, 2),
        lambda: mean([]),
        lambda: mean([1.5]),
        lambda: mean([math.nan]),
        lambda: quantile([], 0.5),
    ):
        with pytest.raises(InputError):
            wrong()
