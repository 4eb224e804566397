import math

import numpy as np
import pytest
from scipy import optimize, stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import is_open, line, logistic, predicted

CHOOSER = np.random.default_rng(6)
X = CHOOSER.normal(2, 3, (120, 2))
Y = (CHOOSER.random(120) < 1 / (1 + np.exp(-(X[:, 0] / 2 - X[:, 1] / 4)))).astype(float)


def test_the_line_is_scipys_and_its_errors_those_of_even_spread_where_it_is_even() -> None:
    x = np.linspace(0, 10, 400)
    y = 3 - 0.5 * x + CHOOSER.normal(size=400)
    found, reference = line(x.tolist(), y.tolist()), stats.linregress(x, y)
    assert (found.slope.value, found.intercept.value) == pytest.approx((reference.slope, reference.intercept))
    assert (found.slope.high - found.slope.value) / stats.t.ppf(0.975, 398) == pytest.approx(reference.stderr, rel=0.1)


def test_the_coefficients_are_the_likeliest_ones() -> None:
    design = np.column_stack([np.ones(120), X])
    best = optimize.minimize(lambda beta: float(np.sum(np.logaddexp(0, design @ beta) - Y * (design @ beta))), np.zeros(3), tol=1e-12)
    found = logistic(X.tolist(), Y.tolist())
    assert [one.value for one in found.coefficients] == pytest.approx(best.x.tolist(), abs=1e-4)
    errors = [(one.high - one.value) / 1.959964 for one in found.coefficients]
    assert errors == pytest.approx(np.sqrt(np.diag(best.hess_inv)).tolist(), rel=0.35)
    assert not found.is_ridged


def test_a_prediction_stays_a_share_and_is_surest_in_the_middle() -> None:
    fit = logistic(X.tolist(), Y.tolist())
    middle, far = predicted(fit, X.mean(axis=0).tolist()), predicted(fit, [40.0, -40.0])
    assert 0 < middle.low < middle.value < middle.high < 1
    odds = [math.log(end / (1 - end)) for end in (middle.low, middle.high)]
    assert odds[1] - odds[0] < 1.5
    assert far.low <= far.value <= far.high <= 1


@pytest.mark.parametrize("outcomes", [[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [1.0] * 6])
def test_separated_outcomes_are_ridged_and_say_so(outcomes: list[float]) -> None:
    found = logistic([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]], outcomes)
    assert found.is_ridged
    assert "ridge 0.5" in found.method
    assert all(math.isfinite(one.value) and is_open(one, "above") for one in found.coefficients)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: line([1.0, 2.0], [1.0, 2.0]),
        lambda: line([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]),
        lambda: line([1.0, 2.0, 3.0], [1.0]),
        lambda: logistic([], []),
        lambda: logistic([[1.0]] * 5, [0.0, 1.0, 0.0, 1.0, 0.5]),
        lambda: logistic([[1.0], [2.0], [3.0]], [0.0, 1.0, 2.0]),
        lambda: logistic([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [5.0, 10.0]], [0.0, 1.0, 0.0, 1.0]),
    ],
)
def test_what_has_no_regression_is_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()
