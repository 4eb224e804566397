import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import detectable_difference, items_to_detect, items_to_pass, items_to_tell, power_to_pass


@given(n=st.integers(5, 5_000), spread=st.floats(0.05, 1), kind=st.sampled_from(["deviation", "discordance"]))
def test_what_n_items_show_needs_n_items(n: int, spread: float, kind: str) -> None:
    found = detectable_difference(n, **{kind: spread})
    if math.isinf(found.difference):
        assert kind == "discordance"
        assert n * spread < 16
    else:
        assert items_to_detect(found.difference, **{kind: spread}).n == n


@pytest.mark.parametrize("paired", [True, False])
def test_the_textbook_example(*, paired: bool) -> None:
    # Half a standard deviation at 5 % and 80 %: 31.4 pairs, or 62.8 on each side.
    assert items_to_detect(0.5, deviation=1, paired=paired).n == (32 if paired else 63)


def test_the_promised_power_is_about_the_true_one() -> None:
    n = items_to_detect(0.1, discordance=0.2).n
    moves = np.random.default_rng(2).multinomial(n, [0.15, 0.05, 0.8], size=4_000)
    excess = (moves[:, 0] - moves[:, 1]) / np.sqrt(np.maximum(1, moves[:, 0] + moves[:, 1]))
    assert (np.abs(excess) > stats.norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.03)


@given(discordance=st.floats(0.02, 0.5), margin=st.floats(0.02, 0.2))
def test_the_gates_power_is_what_its_items_were_counted_for(discordance: float, margin: float) -> None:
    n = items_to_pass(discordance, margin)
    assert power_to_pass(n, discordance, margin) >= 0.8
    assert n == 1 or power_to_pass(n - 1, discordance, margin) <= 0.8
    assert power_to_pass(n, discordance, margin, difference=-min(margin, discordance) / 2) < 0.8


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: detectable_difference(0, deviation=1),
        lambda: detectable_difference(10),
        lambda: detectable_difference(10, deviation=0),
        lambda: detectable_difference(10, discordance=1.5),
        lambda: detectable_difference(10, discordance=0.5, paired=False),
        lambda: items_to_detect(0, deviation=1),
        lambda: items_to_detect(0.3, discordance=0.2),
        lambda: power_to_pass(10, 0.1, 0.05, difference=-0.2),
    ],
)
def test_what_cannot_be_planned_is_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()


def test_the_items_to_tell_are_those_of_the_paired_test() -> None:
    seen = [1.0] * 12 + [-1.0] * 6 + [0.0] * 82
    more = items_to_tell(seen)
    spread = sum((difference - 0.06) ** 2 for difference in seen) / 100
    assert more == math.ceil(((1.959964 + 0.841621) / 0.06) ** 2 * spread) - 100
    assert items_to_tell([0.0] * 10) is None
