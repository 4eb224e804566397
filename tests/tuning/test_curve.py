"""Loss curves of known shape, and what is said of them."""

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from groundwork.tuning.curve import advice, smooth, sparkline


def noisy(values: list[float], spread: float, seed: int = 0) -> list[float]:
    source = random.Random(seed)
    return [value + source.gauss(0, spread) for value in values]


def decay(n: int, *, start: float = 2.0, end: float = 0.4, time: float = 0.1) -> list[float]:
    return [end + (start - end) * math.exp(-step / (time * n)) for step in range(n)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("n", [60, 300, 2000])
@pytest.mark.parametrize("spread", [0.01, 0.1, 0.3])
def test_noise_of_steps_is_not_taken_for_fluctuation(n: int, spread: float, seed: int) -> None:
    found = advice(noisy(decay(n), spread, seed), rate=1e-4)
    assert found.shape in {"fine", "falling"}
    assert found.noise == pytest.approx(spread, rel=0.6)


def test_a_curve_that_wanders_asks_for_a_smaller_rate() -> None:
    waves = [level + 0.5 * math.sin(step / 12) for step, level in enumerate(decay(300, end=0.8))]
    found = advice(noisy(waves, 0.05), rate=3e-4)
    assert found.shape == "fluctuates"
    assert "0.0001" in found.fix


def test_a_spike_that_lasts_is_a_fluctuation() -> None:
    losses = noisy(decay(300), 0.05)
    losses[200:230] = [2.0] * 30
    assert advice(losses, rate=1e-3).shape == "fluctuates"


def test_a_loss_that_swings_with_every_step_fluctuates() -> None:
    """Gradient descent on a parabola with a rate just below the bound: it overshoots each time."""
    losses = [1.0 + (0.9 if step % 2 else 0.0) * 0.999**step for step in range(200)]
    found = advice(losses, rate=0.1)
    assert found.shape == "fluctuates"
    assert "every step" in found.sentence


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_a_loss_that_is_no_number_diverges(bad: float | None) -> None:
    losses: list[float | None] = [1.0] * 30
    losses[7] = bad
    found = advice(losses, rate=1e-3)
    assert found.shape == "diverges"
    assert "step 8" in found.sentence
    assert "0.0001" in found.fix


def test_a_loss_that_ends_higher_than_it_began_diverges() -> None:
    assert advice(noisy([0.7 + step / 50 for step in range(100)], 0.05), rate=1e-2).shape == "diverges"


def test_a_stable_slow_curve_asks_for_a_larger_rate() -> None:
    found = advice(noisy([2.0 - 0.4 * step / 300 for step in range(300)], 0.05), rate=1e-5)
    assert found.shape == "crawls"
    assert "3e-05" in found.fix


def test_a_schedule_that_goes_to_zero_does_not_hide_a_crawl() -> None:
    """With a rate that falls to 0 every curve flattens at its end; measured in learning rate it does not."""
    n = 300
    rates = [1 - step / n for step in range(n)]
    way = [sum(rates[: step + 1]) / sum(rates) for step in range(n)]
    losses = noisy([2.0 - 0.5 * done for done in way], 0.02)
    assert advice(losses, rate=1e-5, rates=rates).shape == "crawls"
    assert advice(losses, rate=1e-5).shape == "fine"


def test_a_curve_that_does_not_fall_is_flat() -> None:
    found = advice(noisy([0.69] * 200, 0.05), rate=1e-6)
    assert found.shape == "flat"
    assert "labels" in found.fix


def test_a_fast_curve_that_is_not_done_yet_wants_more_epochs() -> None:
    assert advice(noisy([2.0 - 1.7 * step / 300 for step in range(300)], 0.05), rate=1e-4).shape == "falling"


def test_a_dev_part_that_turns_is_overfitting() -> None:
    found = advice(noisy(decay(300), 0.05), rate=1e-4, dev=[1.2, 0.8, 0.7, 0.9])
    assert found.shape == "overfits"
    assert "3 of 4" in found.sentence


def test_few_steps_say_nothing() -> None:
    assert advice([1.0] * 19, rate=1e-4).shape == "short"
    assert advice([], rate=1e-4).shape == "short"


def test_smoothing_starts_at_the_first_value_and_passes_over_gaps() -> None:
    assert smooth([3.0, 3.0, None, 3.0]) == pytest.approx([3.0] * 4)
    assert smooth([None, 2.0]) == [None, 2.0]
    steep = smooth([0.0] * 50 + [1.0] * 50, span=10)
    assert steep[49] == 0.0
    assert 0.1 < (steep[50] or 0) < 0.3
    assert (steep[99] or 0) > 0.99


def test_a_sparkline_shows_the_way_down() -> None:
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁"
    assert len(sparkline(decay(1000), width=40)) == 40
    assert sparkline([1.0, 1.0]) == "▁▁"
    assert sparkline([1.0, None, 2.0]) == "▁×█"
    assert sparkline([]) == ""
    assert sparkline([math.nan]) == "×"


@given(st.lists(st.none() | st.floats(), max_size=80), st.integers(1, 70))
@example([6.7e295, -1.7976931348623157e308], 2)
def test_no_list_of_losses_breaks_it(losses: list[float | None], width: int) -> None:
    advice(losses, rate=1e-4)
    assert len(smooth(losses)) == len(losses)
    assert len(sparkline(losses, width)) == min(width, len(losses))
