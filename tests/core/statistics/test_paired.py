import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import paired_difference


def pairs(gained: int, lost: int, same: int) -> tuple[list[float], list[float]]:
    return [0.0] * gained + [1.0] * lost + [1.0] * same, [1.0] * gained + [0.0] * lost + [1.0] * same


@given(gained=st.integers(0, 40), lost=st.integers(0, 40), same=st.integers(0, 40))
def test_a_paired_difference_lies_in_its_interval_and_turns_with_its_sides(gained: int, lost: int, same: int) -> None:
    assume(gained + lost + same)
    before, after = pairs(gained, lost, same)
    forth, back = paired_difference(before, after), paired_difference(after, before)
    assert -1 <= forth.low <= forth.value <= forth.high <= 1
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=1e-9)


def test_scores_between_the_bounds_widen_the_interval_of_whole_ones_only() -> None:
    halves = paired_difference([0.5] * 10 + [1.0] * 30, [1.0] * 10 + [1.0] * 30)
    wholes = paired_difference([0.0] * 5 + [1.0] * 35, [1.0] * 5 + [1.0] * 35)
    assert (halves.value, halves.low, halves.high) == pytest.approx((wholes.value, wholes.low, wholes.high))
    assert halves.method == "tango on fractions"


def test_other_bounds_scale_the_difference() -> None:
    small, large = paired_difference([0, 1, 1, 0], [1, 1, 1, 0]), paired_difference([0, 5, 5, 0], [5, 5, 5, 0], bounds=(0, 5))
    assert (large.value, large.low, large.high) == pytest.approx((5 * small.value, 5 * small.low, 5 * small.high))


def test_unbounded_pairs_have_a_t_interval() -> None:
    before, after = [1.0, 2.0, 4.0, 3.0], [1.5, 2.1, 4.9, 3.2]
    estimate = paired_difference(before, after, bounds=None)
    reference = stats.ttest_rel(after, before).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((reference.low, reference.high))
    assert estimate.method == "paired t"


def test_what_is_no_pair_of_scores_is_refused() -> None:
    for wrong in (
        lambda: paired_difference([1.0], [1.0, 0.0]),
        lambda: paired_difference([], []),
        lambda: paired_difference([1.0], [2.0]),
    ):
        with pytest.raises(InputError):
            wrong()
