"""Two small regressions: a line (does the score rise with length?) and a logistic one (who wins, at equal length?).

Not for many columns, nor for choosing among them.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import normal_quantile, t_quantile
from groundwork.core.statistics.intervals import OPEN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEPARATED = 15.0
"""A coefficient of a standardised column beyond this means that the outcomes are separated: no finite one is the likeliest."""
RIDGE = 0.5
"""The penalty then put on the squares of all standardised coefficients."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A straight line through pairs, and what one step of x is worth."""

    n: int
    intercept: Estimate
    slope: Estimate
    method: str


class Logistic(msgspec.Struct, frozen=True, kw_only=True):
    """Log-odds as a sum: `coefficients` has the intercept first. `covariance` is theirs, row by row."""

    n: int
    coefficients: tuple[Estimate, ...]
    covariance: tuple[tuple[float, ...], ...]
    is_ridged: bool
    method: str


def line(x: Sequence[float], y: Sequence[float], *, level: float = 0.95) -> Line:
    """Least squares with t intervals that hold for unequal spread too (HC3); at 40 items of very unequal spread they miss 6 % of the time.

    Raises InputError below three pairs, or where x does not vary.

    Source: J. G. MacKinnon and H. White, Journal of Econometrics 29 (1985), 305-325.
    """
    import numpy as np

    n = len(x)
    if n != len(y) or n < 3 or min(x) == max(x):
        raise InputError(f"no line through {n} and {len(y)} values", fix="give three pairs or more, with different x")
    design = np.column_stack([np.ones(n), x])
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ np.asarray(y, dtype=np.float64)
    pulls = np.minimum(np.einsum("ij,jk,ik->i", design, inverse, design), 1 - 1e-9)
    residuals = (np.asarray(y) - design @ coefficients) / (1 - pulls)
    covariance = inverse @ (design.T * residuals**2) @ design @ inverse
    method = "least squares, hc3"
    t = t_quantile(0.5 + level / 2, n - 2)
    intercept, slope = (
        _around(float(coefficients[place]), t * math.sqrt(float(covariance[place, place])), n, method, level) for place in (0, 1)
    )
    return Line(n=n, intercept=intercept, slope=slope, method=method)


def logistic(rows: Sequence[Sequence[float]], outcomes: Sequence[float], *, level: float = 0.95) -> Logistic:
    """Logistic regression of outcomes between 0 and 1 (a tie is 0.5) on columns, by Newton's method, with sandwich errors.

    Where the outcomes are separated (one column tells all of them apart, or all are equal) no finite coefficients are the likeliest: then
    the standardised coefficients get a ridge penalty of 0.5, the method says so, and the intervals are open. Raises InputError where there
    are no more rows than columns, where a column does not vary, or for an outcome outside [0, 1].
    Source: P. McCullagh and J. A. Nelder, Generalized Linear Models (1989), chapter 4; H. White, Econometrica 50 (1982), 1-25.
    """
    import numpy as np

    columns = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1 if len(rows) else 0)
    y = np.asarray(outcomes, dtype=np.float64)
    n, k = columns.shape
    if n != len(y) or n <= k + 1 or (y < 0).any() or (y > 1).any():
        raise InputError(
            f"{n} rows and {len(y)} outcomes make no regression", fix="give an outcome from 0 to 1 for each row, and more rows"
        )
    centre, scale = columns.mean(axis=0), columns.std(axis=0)
    if not (scale > 0).all():
        raise InputError("a column has the same value everywhere", fix="leave it out")
    design = np.column_stack([np.ones(n), (columns - centre) / scale])
    if np.linalg.matrix_rank(design) <= k:
        raise InputError("some columns say the same", fix="leave out one of them")
    found = _newton(design, y, 0.0)
    is_ridged = found is None
    if found is None:
        found = _newton(design, y, RIDGE)
    if found is None:
        raise InputError("no coefficients were found", fix="leave out a column, or rescale what lies far out")
    coefficients, covariance = found
    back = np.eye(k + 1)
    back[1:, 1:] /= scale[:, None]
    back[0, 1:] = -centre / scale
    coefficients, covariance = back @ coefficients, back @ covariance @ back.T
    method = "logistic, sandwich" + (f", separated: ridge {RIDGE:g}, {OPEN} below and above" if is_ridged else "")
    z = normal_quantile(0.5 + level / 2)
    return Logistic(
        n=n,
        coefficients=tuple(
            _around(float(value), z * math.sqrt(max(0.0, float(covariance[place, place]))), n, method, level)
            for place, value in enumerate(coefficients)
        ),
        covariance=tuple(tuple(float(cell) for cell in row) for row in covariance),
        is_ridged=is_ridged,
        method=method,
    )


def predicted(fit: Logistic, row: Sequence[float]) -> Estimate:
    """The predicted share at a row of columns; its interval from that of the log-odds, so that it stays within 0 and 1."""
    place = [1.0, *row]
    level = fit.coefficients[0].level
    odds = math.fsum(one.value * at for one, at in zip(fit.coefficients, place, strict=True))
    variance = math.fsum(fit.covariance[i][j] * one * other for i, one in enumerate(place) for j, other in enumerate(place))
    half = normal_quantile(0.5 + level / 2) * math.sqrt(max(0.0, variance))
    low, value, high = (_share(odds + step) for step in (-half, 0.0, half))
    return Estimate(value=value, low=low, high=high, n=fit.n, method=fit.method, level=level)


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > 0 else math.exp(odds) / (1 + math.exp(odds))


def _around(value: float, half: float, n: int, method: str, level: float) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half, n=n, method=method, level=level)


def _newton(design: "Floats", y: "Floats", ridge: float) -> "tuple[Floats, Floats] | None":
    """Coefficients and their sandwich covariance; None where they run away or the columns say the same."""
    import numpy as np

    beta = np.zeros(design.shape[1])
    penalty = 2 * ridge * np.eye(len(beta))
    for _ in range(100):
        shares = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        hessian = (design.T * (shares * (1 - shares))) @ design + penalty
        if np.linalg.cond(hessian) > 1e12:
            return None
        step = np.linalg.solve(hessian, design.T @ (y - shares) - penalty @ beta)
        beta = beta + step * min(1.0, 5 / max(1e-12, float(np.abs(step).max())))
        if np.abs(beta).max() > SEPARATED:
            return None
        if np.abs(step).max() < 1e-10:
            inverse = np.linalg.inv(hessian)
            residuals = y - shares
            n, k = design.shape
            return beta, inverse @ (design.T * residuals**2) @ design @ inverse * (n / (n - k))
    return None
