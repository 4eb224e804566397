import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.statistics import anytime_non_inferiority, confidence_sequence


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=60), more=st.lists(st.floats(0, 1), max_size=20))
def test_limits_only_ever_close_in(values: list[float], more: list[float]) -> None:
    early, late = confidence_sequence(values), confidence_sequence(values + more)
    assert 0 <= early.low <= early.value <= early.high <= 1
    # The value itself always lies inside, so that a limit may follow it but nothing else.
    assert late.low >= min(early.low, late.value) - 1e-12
    assert late.high <= max(early.high, late.value) + 1e-12


@given(values=st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=50))
def test_the_sides_and_the_bounds_may_be_changed(values: list[float]) -> None:
    one, turned = confidence_sequence(values), confidence_sequence([1 - value for value in values])
    assert (one.low, one.high) == pytest.approx((1 - turned.high, 1 - turned.low), abs=2e-3)
    large = confidence_sequence([10 * value - 5 for value in values], bounds=(-5.0, 5.0))
    assert (large.low, large.high) == pytest.approx((10 * one.low - 5, 10 * one.high - 5), abs=2e-2)


def test_the_truth_lies_inside_at_all_times_together() -> None:
    chooser = np.random.default_rng(4)
    missed = 0
    for _ in range(300):
        found = confidence_sequence((chooser.random(150) < 0.9).astype(float).tolist())
        missed += not found.low <= 0.9 <= found.high
    assert missed <= 300 * 0.05 + 3 * (300 * 0.05 * 0.95) ** 0.5
    assert missed < 300 * 0.05


def test_it_may_be_asked_after_every_item() -> None:
    assert confidence_sequence([1.0]).low == 0
    assert confidence_sequence([1.0] * 100).low > 0.9
    assert anytime_non_inferiority([0.0] * 10, 0.05)[0] == "undecided"
    assert anytime_non_inferiority([0.0] * 300, 0.05)[0] == "pass"
    decision, estimate = anytime_non_inferiority([-1.0, 0.0] * 60, 0.05)
    assert decision == "fail"
    assert estimate.level == pytest.approx(0.9)


def test_what_has_no_bounds_or_no_items_is_refused() -> None:
    for wrong in (
        lambda: confidence_sequence([]),
        lambda: confidence_sequence([1.5]),
        lambda: confidence_sequence([float("nan")]),
        lambda: anytime_non_inferiority([0.0], 1.0),
    ):
        with pytest.raises(InputError):
            wrong()
