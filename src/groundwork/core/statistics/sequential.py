"""Looking before the end: boundaries for planned looks that together err no more often than one test would.

For looks that were not planned see confidence_sequence.py. Looking again and again at a plain interval errs far more often than it says.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from groundwork.core.errors import InputError
from groundwork.core.measure import Decision, Estimate
from groundwork.core.statistics.distributions import normal_cdf, normal_quantile, root_of
from groundwork.core.statistics.intervals import need_within
from groundwork.core.statistics.noninferiority import CORRECTION
from groundwork.core.statistics.tango import score_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Spending = Literal["obrien-fleming", "pocock"]
GRID = 1_001
WIDEST = 8.0
"""Deviations beyond which nothing is looked for: a chance of 6e-16."""


def spent(fraction: float, *, error: float = 0.05, spending: Spending = "obrien-fleming") -> float:
    """How much of a one-sided error rate may be used up when this fraction of the items is in.

    O'Brien-Fleming spends almost nothing early, Pocock about evenly.
    Source: K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983), 659-663.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"{fraction:g} is no fraction of the items", fix="give a number above 0 and at most 1")
    if spending == "pocock":
        return error * math.log(1 + (math.e - 1) * fraction)
    return 2 * normal_cdf(-normal_quantile(1 - error / 2) / math.sqrt(fraction))


def looks_at(looks: int) -> tuple[float, ...]:
    """Fractions of the items at evenly spaced looks."""
    if looks < 1:
        raise InputError(f"{looks} looks", fix="plan one look or more")
    return tuple(look / looks for look in range(1, looks + 1))


@lru_cache(64)
def boundaries(fractions: tuple[float, ...], *, error: float = 0.05, spending: Spending = "obrien-fleming") -> tuple[float, ...]:
    """The normal deviate at each look beyond which a one-sided test stops, for looks when these fractions of the items are in.

    Computed by carrying the distribution of the running sum, of those not stopped yet, from look to look. Later fractions do not change
    earlier boundaries, so looks may be moved as long as nobody moves them after seeing the scores.
    Source: P. Armitage, C. K. McPherson and B. C. Rowe, JRSS A 132 (1969), 235-244; C. Jennison and B. W. Turnbull, Group Sequential
    Methods (2000), chapters 7 and 19.
    """
    import numpy as np

    if list(fractions) != sorted(set(fractions)) or not fractions:
        raise InputError("the looks do not follow one another", fix="give rising fractions, the last at most 1")
    found: list[float] = []
    used, before = 0.0, 0.0
    places, weights = np.zeros(1), np.ones(1)  # where the running sum may stand, and with which probability, not having stopped
    for fraction in fractions:
        step, root = math.sqrt(fraction - before), math.sqrt(fraction)
        more = spent(fraction, error=error, spending=spending) - used
        bound = _bound(places / step, weights, root / step, more)
        found.append(bound)
        grid = np.linspace(min(-WIDEST * root, bound * root - 1), bound * root, GRID)
        width = grid[1] - grid[0]
        simpson = np.where(np.arange(GRID) % 2, 4.0, 2.0) * width / 3
        simpson[[0, -1]] = width / 3
        density = np.exp(-(((grid[:, None] - places[None, :]) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        places, weights = grid, simpson * (density @ weights)
        used, before = used + more, fraction
    return tuple(found)


def _bound(places: "Floats", weights: "Floats", stretch: float, more: float) -> float:
    """The boundary at which those who have not stopped, at `places`, stop with the chance that may be spent."""
    pairs = list(zip(places.tolist(), weights.tolist(), strict=True))
    return root_of(lambda bound: math.fsum(weight * normal_cdf(place - bound * stretch) for place, weight in pairs) - more, -WIDEST, WIDEST)


def sequential_non_inferiority(
    differences: Sequence[float],
    margin: float,
    *,
    look: int,
    looks: int = 5,
    fractions: Sequence[float] | None = None,
    level: float = 0.95,
    spending: Spending = "obrien-fleming",
) -> tuple[Decision, Estimate]:
    """The gate's test at one of several planned looks: over all looks, a change worse by `margin` passes at most 1 - level of the time.

    `differences` are all paired differences so far, `look` counts from 1; the looks are evenly spaced unless `fractions` says where the
    planned items stood. Stop at a pass or a fail; `undecided` means: go on to the next look. The Estimate holds the limits at this look's
    boundary: wide early, and its level is that of this look. Tango's score test, corrected, as in `non_inferiority`.
    """
    planned = tuple(fractions) if fractions is not None else looks_at(looks)
    if not 0 < margin < 1:
        raise InputError(f"a margin of {margin} cannot be tested", fix="choose a margin between 0 and 1, such as 0.05")
    if not 1 <= look <= len(planned):
        raise InputError(f"look {look} of {len(planned)} planned ones", fix="plan the looks before the first one")
    need_within(differences, (-1.0, 1.0))
    bound = boundaries(planned[:look], error=round(1 - level, 12), spending=spending)[-1]
    estimate = score_interval(differences, 1 - 2 * normal_cdf(-bound), CORRECTION)
    decision: Decision = "pass" if estimate.low > -margin else "fail" if estimate.high < -margin else "undecided"
    return decision, estimate
