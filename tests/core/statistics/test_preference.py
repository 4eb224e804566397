import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.statistics import length_controlled_win_rate, win_rate, win_rate_by_length

preferences = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), min_size=2, max_size=50)


@given(found=preferences)
def test_a_tie_is_half_and_the_other_side_wins_the_rest(found: list[float]) -> None:
    mine, theirs = win_rate(found), win_rate([1 - preference for preference in found])
    assert mine.rate.value + theirs.rate.value == pytest.approx(1)
    assert (mine.wins, mine.ties, mine.losses) == (theirs.losses, theirs.ties, theirs.wins)
    assert mine.discrete.value == pytest.approx((mine.wins + mine.ties / 2) / mine.n)
    assert mine.standard_error == pytest.approx(np.std(found, ddof=1) / math.sqrt(len(found)), abs=1e-12)


def test_both_orders_of_a_pair_are_one_item() -> None:
    found = [1.0, 1.0, 0.0, 0.0] * 20
    plain, together = win_rate(found), win_rate(found, clusters=[place // 2 for place in range(80)])
    assert together.rate.high - together.rate.low > 1.3 * (plain.rate.high - plain.rate.low)
    assert win_rate([1.0]).standard_error is None


def test_a_judge_who_likes_length_is_seen_through() -> None:
    chooser = np.random.default_rng(1)
    longer = chooser.normal(250, 300, 4_000)
    wins = (chooser.random(4_000) < 1 / (1 + np.exp(-1.5 * np.tanh(longer / 300)))).astype(float).tolist()
    lengths, others = (1_000 + longer).tolist(), [1_000.0] * 4_000
    assert win_rate(wins).rate.value > 0.62
    controlled = length_controlled_win_rate(wins, lengths, others)
    assert controlled.low <= 0.5 <= controlled.high
    strata = win_rate_by_length(wins, lengths, others)
    assert list(strata) == ["shorter", "alike", "longer"]
    assert strata["shorter"].high < 0.5 < strata["longer"].low
    assert sum(stratum.n for stratum in strata.values()) == 4_000


def test_an_extrapolation_says_so() -> None:
    found = length_controlled_win_rate([0.0, 1.0, 0.0, 1.0, 0.5, 0.2], [10, 20, 30, 15, 25, 12], [100.0] * 6)
    assert "extrapolated" in found.method
    equal = length_controlled_win_rate([0.0, 1.0, 0.5], [10, 20, 30], [10, 20, 30])
    assert equal.value == 0.5
    assert "equally long" in equal.method
    assert "ridge" in length_controlled_win_rate([0.0, 0.0, 1.0, 1.0], [10, 20, 130, 140], [100.0] * 4).method


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: win_rate([]),
        lambda: win_rate([1.7]),
        lambda: length_controlled_win_rate([0.0, 1.0], [10, 20], [5, 15]),
        lambda: length_controlled_win_rate([0.0], [10, 20], [5]),
        lambda: win_rate_by_length([], [], []),
    ],
)
def test_what_is_no_preference_is_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()
