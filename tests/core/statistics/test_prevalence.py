import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.statistics import corrected_prevalence, mean, prediction_powered_mean, weighted_mean

shares = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=40)


@given(flagged=st.integers(0, 200), found=st.integers(30, 50), cleared=st.integers(30, 50))
def test_the_correction_turns_the_judges_errors_back(flagged: int, found: int, cleared: int) -> None:
    estimate = corrected_prevalence(flagged, 200, found=found, positives=50, cleared=cleared, negatives=50)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    if 0 < estimate.value < 1:
        told = estimate.value * found / 50 + (1 - estimate.value) * (1 - cleared / 50)
        assert told == pytest.approx(flagged / 200)


def test_a_perfect_judge_needs_next_to_no_correction() -> None:
    perfect = corrected_prevalence(60, 200, found=5_000, positives=5_000, cleared=5_000, negatives=5_000)
    assert perfect.value == pytest.approx(0.3)
    assert (perfect.low, perfect.high) == pytest.approx((0.2411, 0.3669), abs=3e-3)  # Wilson's, but for the smoothing
    poor = corrected_prevalence(60, 200, found=30, positives=50, cleared=40, negatives=50)
    assert poor.high - poor.low > 2 * (perfect.high - perfect.low)


def test_a_judge_that_helps_narrows_and_one_that_does_not_is_left_out() -> None:
    chooser = np.random.default_rng(3)
    truth = (chooser.random(2_100) < 0.4).astype(float)
    useful, useless = np.clip(0.3 + 0.5 * truth + chooser.normal(0, 0.1, 2_100), 0, 1), chooser.random(2_100)
    labels = truth[:100].tolist()
    alone = mean(labels)
    with_useful = prediction_powered_mean(labels, useful[:100].tolist(), useful[100:].tolist())
    with_useless = prediction_powered_mean(labels, useless[:100].tolist(), useless[100:].tolist())
    width = alone.high - alone.low
    assert with_useful.high - with_useful.low < 0.65 * width
    assert with_useful.low <= 0.4 <= with_useful.high
    assert with_useless.high - with_useless.low == pytest.approx(width, rel=0.05)
    constant = prediction_powered_mean(labels, [0.5] * 100, [0.5] * 900)
    assert (constant.value, constant.low, constant.high) == pytest.approx((alone.value, alone.low, alone.high))


@given(values=shares, probability=st.floats(0.1, 1))
def test_equal_chances_weigh_nothing(values: list[float], probability: float) -> None:
    found, plain = weighted_mean(values, [probability] * len(values)), mean(values)
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-6)


def test_rare_chances_count_for_more() -> None:
    assert weighted_mean([1.0, 0.0], [0.1, 1.0]).value == pytest.approx(10 / 11)
    whole = weighted_mean([1.0, 0.0, 1.0], [1.0, 1.0, 1.0], population=3)
    assert (whole.value, whole.low, whole.high) == pytest.approx((2 / 3,) * 3)  # all were looked at: nothing is left to chance
    assert weighted_mean([1.0, 0.0], [0.1, 0.5], population=20).value == 0.5


def test_one_value_is_wide() -> None:
    for single in (weighted_mean([1.0], [0.5]), prediction_powered_mean([1.0], [1.0], [0.2])):
        assert (single.low, single.high) == (0, 1)
        assert "open: one" in single.method


@given(found=st.integers(0, 50), cleared=st.integers(0, 50))
def test_a_judge_no_better_than_chance_is_refused(found: int, cleared: int) -> None:
    assume(found + cleared <= 50)
    with pytest.raises(InputError, match="no better than chance"):
        corrected_prevalence(60, 200, found=found, positives=50, cleared=cleared, negatives=50)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: corrected_prevalence(5, 0, found=1, positives=1, cleared=1, negatives=1),
        lambda: corrected_prevalence(5, 4, found=1, positives=1, cleared=1, negatives=1),
        lambda: prediction_powered_mean([], [], [1.0]),
        lambda: prediction_powered_mean([1.0], [1.0], []),
        lambda: prediction_powered_mean([1.0], [], [1.0]),
        lambda: weighted_mean([1.0], [0.0]),
        lambda: weighted_mean([1.0], []),
        lambda: weighted_mean([2.0], [0.5]),
    ],
)
def test_what_cannot_be_weighed_is_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()
