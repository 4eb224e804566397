from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.statistics import pass_all, pass_at


@given(made=st.integers(1, 8), at=st.floats(0, 1), k=st.integers(1, 8))
def test_the_estimators_are_means_over_all_choices_of_k_attempts(made: int, at: float, k: int) -> None:
    if k > made:
        with pytest.raises(InputError):
            pass_at(k, [(made, 0)])
        return
    succeeded = round(at * made)
    outcomes = [1] * succeeded + [0] * (made - succeeded)
    assert pass_at(k, [(made, succeeded)]).value == pytest.approx(fmean(max(some) for some in combinations(outcomes, k)))
    assert pass_all(k, [(made, succeeded)]).value == pytest.approx(fmean(min(some) for some in combinations(outcomes, k)))


def test_the_interval_is_over_items() -> None:
    few, many = pass_at(1, [(100, 50)] * 3), pass_at(1, [(2, 1)] * 150)
    assert few.n == 3
    assert few.high - few.low > 3 * (many.high - many.low)
    assert pass_at(1, [(4, 1), (4, 3)]).value == pass_all(1, [(4, 1), (4, 3)]).value == 0.5


def test_what_was_not_tried_is_refused() -> None:
    for wrong in (lambda: pass_at(1, []), lambda: pass_at(0, [(1, 1)]), lambda: pass_all(2, [(3, 4)])):
        with pytest.raises(InputError):
            wrong()
