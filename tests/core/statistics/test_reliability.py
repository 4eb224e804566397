import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.core.statistics import cronbach_alpha, is_open, split_half

CHOOSER = np.random.default_rng(8)
ABLE = (CHOOSER.random((12, 100)) < np.linspace(0.3, 0.8, 12)[:, None]).astype(float)


def test_alpha_is_that_of_the_definition_and_kr20_on_right_and_wrong() -> None:
    found = cronbach_alpha(ABLE.tolist())
    shares = ABLE.mean(axis=0)
    kr20 = 100 / 99 * (1 - (shares * (1 - shares)).sum() / ABLE.sum(axis=1).var())
    assert found.value == pytest.approx(kr20)
    assert found.low < found.value < found.high <= 1
    same = [[k, k, k] for k in range(5)]
    assert cronbach_alpha(same).value == pytest.approx(1)


def test_halves_of_a_good_set_rank_the_systems_alike() -> None:
    good, noise = split_half(ABLE.tolist()), split_half((CHOOSER.random((12, 100)) < 0.5).astype(float).tolist())
    assert good.reliability > 0.9 > noise.reliability
    assert good.low <= good.reliability <= good.high
    assert good.reliability == pytest.approx(cronbach_alpha(ABLE.tolist()).value, abs=0.05)
    assert good == split_half(ABLE.tolist())


def test_systems_that_do_not_differ_say_nothing() -> None:
    assert is_open(cronbach_alpha([[1, 0], [0, 1]]), "below")
    assert is_open(cronbach_alpha([[1, 0]]), "above")
    for wrong in (
        lambda: split_half([[1, 0], [0, 1]]),
        lambda: split_half([[1, 1], [1, 1], [1, 1]]),
        lambda: cronbach_alpha([[1], [0]]),
        lambda: cronbach_alpha([[1, 0], [1]]),
        lambda: cronbach_alpha([]),
    ):
        with pytest.raises(InputError):
            wrong()
