import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.statistics import items_to_pass, non_inferiority
from groundwork.core.statistics.tango import score_statistic


def differences(gained: int, lost: int, n: int) -> list[float]:
    return [1.0] * gained + [-1.0] * lost + [0.0] * (n - gained - lost)


@given(gained=st.integers(0, 30), lost=st.integers(0, 30), same=st.integers(0, 150))
def test_one_more_gained_item_never_turns_a_pass_into_less(gained: int, lost: int, same: int) -> None:
    n = gained + lost + same + 1
    order = ("fail", "undecided", "pass")
    worse, _, _ = non_inferiority(differences(gained, lost, n), 0.05)
    better, _, _ = non_inferiority(differences(gained + 1, lost, n), 0.05)
    assert order.index(better) >= order.index(worse)


def passes(gained: int, lost: int, n: int, margin: float) -> bool:
    """The gate's decision from the counts alone: the statistic at -margin against its bound (the same thing, and 60 times faster)."""
    return score_statistic(gained, lost, n, -margin, statistics.CORRECTION) > statistics.normal_quantile(0.95)


@given(gained=st.integers(0, 20), lost=st.integers(0, 30), same=st.integers(0, 150), margin=st.sampled_from([0.02, 0.05, 0.1]))
def test_the_fast_decision_is_the_gates(gained: int, lost: int, same: int, margin: float) -> None:
    n = gained + lost + same
    assume(n)
    assert passes(gained, lost, n, margin) == (non_inferiority(differences(gained, lost, n), margin)[0] == "pass")


def chance(n: int, margin: float, discordance: float, difference: float) -> float:
    """Exact chance to pass, by enumeration of the trinomial distribution."""
    up, down = (discordance + difference) / 2, (discordance - difference) / 2
    lost_at_most = (max((lost for lost in range(n - gained + 1) if passes(gained, lost, n, margin)), default=-1) for gained in range(n + 1))
    total = 0.0
    for gained, most in zip(range(n + 1), lost_at_most, strict=True):
        weight = stats.binom.pmf(gained, n, up)
        if weight > 1e-12 and most >= 0:
            total += weight * stats.binom.cdf(most, n - gained, down / (1 - up))
    return float(total)


@pytest.mark.parametrize("n", [20, 40, 52, 80, 200])
@pytest.mark.parametrize("margin", [0.02, 0.05, 0.1])
def test_a_change_worse_by_the_margin_passes_at_most_one_time_in_twenty(n: int, margin: float) -> None:
    for extra in (0.0, 0.01, 0.05, 0.15, 0.3):
        assert chance(n, margin, margin + extra, -margin) <= 0.05


@pytest.mark.parametrize(("n", "discordance"), [(40, 0.1), (80, 0.2), (200, 0.1)])
def test_simulated_changes_agree_with_the_enumeration(n: int, discordance: float) -> None:
    chooser = random.Random(n)
    weights = [(discordance - 0.05) / 2, (discordance + 0.05) / 2, 1 - discordance]
    draws = 1_000
    passed = sum(non_inferiority(chooser.choices([1, -1, 0], weights, k=n), 0.05)[0] == "pass" for _ in range(draws))
    expected = chance(n, 0.05, discordance, -0.05)
    assert passed / draws == pytest.approx(expected, abs=4 * math.sqrt(expected / draws))
    assert passed / draws <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


@pytest.mark.parametrize("n", [60, 200])
@pytest.mark.parametrize("weights", [(0.04, 0.02, 0.94, 0.0), (0.0, 0.1, 0.9, 0.0), (0.03, 0.1, 0.81, 0.06)])
def test_scores_between_the_bounds_keep_the_error_rate(n: int, weights: tuple[float, ...]) -> None:
    values = (-1.0, -0.5, 0.0, 0.5)
    assert sum(weight * value for weight, value in zip(weights, values, strict=True)) == pytest.approx(-0.05)
    chooser = random.Random(n)
    passed = sum(non_inferiority(chooser.choices(values, weights, k=n), 0.05)[0] == "pass" for _ in range(600))
    assert passed / 600 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize("discordance", [0.05, 0.1, 0.2, 0.4])
def test_the_items_asked_for_give_an_equal_change_its_chance(discordance: float) -> None:
    n = items_to_pass(discordance, 0.05)
    assert 0.77 <= chance(n, 0.05, discordance, 0.0) <= 0.85


def test_undecided_says_how_many_more_items() -> None:
    decision, estimate, more = non_inferiority(differences(4, 5, 80), 0.05)
    assert decision == "undecided"
    assert more == items_to_pass(9 / 80, 0.05) - 80
    assert estimate.level == 0.9
    assert non_inferiority(differences(0, 9, 80), 0.05)[2] is None
    assert non_inferiority(differences(0, 40, 80), 0.05)[0] == "fail"
    assert non_inferiority(differences(0, 0, 80), 0.05)[0] == "pass"
    assert non_inferiority(differences(0, 0, 20), 0.05)[0] == "undecided"


def test_what_the_gate_cannot_test_is_refused() -> None:
    for wrong in (
        lambda: non_inferiority([], 0.05),
        lambda: non_inferiority([0.0], 0.0),
        lambda: non_inferiority([3.0], 0.1),
    ):
        with pytest.raises(InputError):
            wrong()
