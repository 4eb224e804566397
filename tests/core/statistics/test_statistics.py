import itertools
import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.statistics import (
    binomial_cdf,
    contrast,
    is_open,
    items_to_pass,
    items_to_tell,
    mcnemar,
    mean,
    non_inferiority,
    paired_difference,
    proportion,
    quantile,
    t_quantile,
)
from groundwork.core.statistics.tango import score_statistic

shares = st.floats(0, 1, allow_nan=False)


def pairs(gained: int, lost: int, same: int) -> tuple[list[float], list[float]]:
    return [0.0] * gained + [1.0] * lost + [1.0] * same, [1.0] * gained + [0.0] * lost + [1.0] * same


def differences(gained: int, lost: int, n: int) -> list[float]:
    return [1.0] * gained + [-1.0] * lost + [0.0] * (n - gained - lost)


# -- against the references


@pytest.mark.parametrize("p", [0.75, 0.9, 0.95, 0.975, 0.995])
@pytest.mark.parametrize("degrees", [1, 2, 5, 30, 1_000, 200_000])
def test_the_t_quantile_is_scipys(p: float, degrees: int) -> None:
    assert t_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), rel=2e-5 if degrees > 100_000 else 1e-9)


@given(n=st.integers(1, 3_000), q=st.floats(0.01, 0.99), at=st.floats(0, 1))
def test_the_binomial_distribution_is_scipys(n: int, q: float, at: float) -> None:
    k = int(at * n)
    assert binomial_cdf(k, n, q) == pytest.approx(stats.binom.cdf(k, n, q), abs=1e-9)


@given(successes=st.integers(0, 200), extra=st.integers(0, 200), level=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilsons_interval_is_scipys(successes: int, extra: int, level: float) -> None:
    n = successes + extra
    assume(n > 0)
    estimate = proportion(successes, n, level=level)
    reference = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert (estimate.low, estimate.high) == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@given(gained=st.integers(0, 60), lost=st.integers(0, 60))
def test_mcnemars_p_is_the_exact_binomial_one(gained: int, lost: int) -> None:
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, abs=1e-9)


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
def test_the_unbounded_mean_has_scipys_t_interval(values: list[float]) -> None:
    assume(max(values) - min(values) > 1e-3)
    estimate = mean(values, bounds=None)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=estimate.value, scale=stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)


def restricted_statistic(gained: int, lost: int, n: int, delta: float) -> float:
    """Tango's statistic from its definition: the discordance is found by maximising the likelihood, not by a formula."""

    def loss(share_lost: float) -> float:
        cells = ((gained, share_lost + delta), (lost, share_lost), (n - gained - lost, 1 - 2 * share_lost - delta))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

    low, high = max(0.0, -delta), (1 - delta) / 2
    share_lost = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (gained - lost - n * delta) / math.sqrt(n * (2 * share_lost + delta * (1 - delta)))


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 2, 50), (1, 0, 30), (0, 7, 40), (20, 18, 200), (0, 0, 25), (3, 3, 8)])
def test_tangos_limits_are_where_his_statistic_is_at_its_bound(gained: int, lost: int, n: int) -> None:
    estimate = paired_difference(*pairs(gained, lost, n - gained - lost))
    assert estimate.method == "tango"
    assert restricted_statistic(gained, lost, n, estimate.low) == pytest.approx(1.959964, abs=1e-3)
    assert restricted_statistic(gained, lost, n, estimate.high) == pytest.approx(-1.959964, abs=1e-3)


# -- properties


@given(gained=st.integers(0, 40), lost=st.integers(0, 40), same=st.integers(0, 40))
def test_a_paired_difference_lies_in_its_interval_and_turns_with_its_sides(gained: int, lost: int, same: int) -> None:
    assume(gained + lost + same)
    before, after = pairs(gained, lost, same)
    forth, back = paired_difference(before, after), paired_difference(after, before)
    assert -1 <= forth.low <= forth.value <= forth.high <= 1
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=1e-9)


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


@given(gained=st.integers(0, 30), lost=st.integers(0, 30), same=st.integers(0, 150))
def test_one_more_gained_item_never_turns_a_pass_into_less(gained: int, lost: int, same: int) -> None:
    n = gained + lost + same + 1
    order = ("fail", "undecided", "pass")
    worse, _, _ = non_inferiority(differences(gained, lost, n), 0.05)
    better, _, _ = non_inferiority(differences(gained + 1, lost, n), 0.05)
    assert order.index(better) >= order.index(worse)


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


# -- small n, honestly


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


def test_what_cannot_be_estimated_is_refused() -> None:
    for wrong in (
        lambda: proportion(0, 0),
        lambda: proportion(3, 2),
        lambda: mean([]),
        lambda: mean([1.5]),
        lambda: quantile([], 0.5),
        lambda: paired_difference([1.0], [1.0, 0.0]),
        lambda: non_inferiority([], 0.05),
        lambda: non_inferiority([0.0], 0.0),
        lambda: non_inferiority([3.0], 0.1),
        lambda: mean([math.nan]),
    ):
        with pytest.raises(InputError):
            wrong()


# -- error rates


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


def test_the_items_to_tell_are_those_of_the_paired_test() -> None:
    seen = differences(12, 6, 100)
    more = items_to_tell(seen)
    spread = sum((difference - 0.06) ** 2 for difference in seen) / 100
    assert more == math.ceil(((1.959964 + 0.841621) / 0.06) ** 2 * spread) - 100
    assert items_to_tell([0.0] * 10) is None


def test_bounded_means_hold_the_truth_as_often_as_they_say() -> None:
    chooser = random.Random(7)
    for n, chances in itertools.product((5, 20, 80), ((0.05, 0.15, 0.8), (0.3, 0.3, 0.4), (0.02, 0.0, 0.98))):
        truth = 0.5 * chances[1] + chances[2]
        held = 0
        for _ in range(400):
            estimate = mean(chooser.choices([0.0, 0.5, 1.0], chances, k=n))
            held += estimate.low <= truth <= estimate.high
        assert held / 400 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400), (n, chances, held / 400)
