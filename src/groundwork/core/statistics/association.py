"""Do two measures rise together (correlations), and does a score tell two groups apart (AUC)?

A correlation of a metric with human scores across systems is not the same as within one: look at both.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import normal_quantile
from groundwork.core.statistics.intervals import OPEN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def pearson(x: Sequence[float], y: Sequence[float], *, level: float = 0.95) -> Estimate:
    """Linear correlation with Fisher's interval, which holds for normal values and is rough for others.

    Where one side does not vary there is no correlation: 0, and the interval open; below four pairs the interval is open too.
    Source: R. A. Fisher, Biometrika 10 (1915), 507-521.
    """
    one, other = _pairs(x, y)
    return _fisher(_correlation(one, other), len(x), 1.0, "pearson", level)


def spearman(x: Sequence[float], y: Sequence[float], *, level: float = 0.95) -> Estimate:
    """Rank correlation, ties with their mean rank. Interval as for Pearson's, widened.

    Source: C. Spearman, American Journal of Psychology 15 (1904), 72-101; D. G. Bonett and T. A. Wright, Psychometrika 65 (2000), 23-28.
    """
    one, other = _pairs(x, y)
    value = _correlation(ranks(one), ranks(other))
    return _fisher(value, len(x), 1 + (0.0 if value is None else value * value / 2), "spearman", level)


def kendall(x: Sequence[float], y: Sequence[float], *, level: float = 0.95) -> Estimate:
    """Kendall's tau-b: pairs of items ranked alike less those ranked otherwise, ties taken off. For up to some thousand items: n² pairs.

    Interval by Fisher's transform with variance 0.437 / (n - 4), good below a tau of 0.8.
    Source: M. G. Kendall, Biometrika 33 (1945), 239-251; E. C. Fieller, H. O. Hartley and E. S. Pearson, Biometrika 44 (1957), 470-481.
    """
    import numpy as np

    one, other = _pairs(x, y)
    alike = tied = others = 0.0
    for place in range(len(one) - 1):
        up, across = np.sign(one[place + 1 :] - one[place]), np.sign(other[place + 1 :] - other[place])
        alike, tied, others = alike + float(up @ across), tied + float(up @ up), others + float(across @ across)
    value = alike / math.sqrt(tied * others) if tied and others else None
    return _fisher(value, len(x), 0.437, "kendall tau-b", level, spare=4)


def auc(scores: Sequence[float], labels: Sequence[bool | int], *, level: float = 0.95) -> Estimate:
    """How often a positive item scores above a negative one, ties as half: the area under the ROC curve, with DeLong's interval.

    The interval is taken on the log-odds, so that it stays within 0 and 1. Where the groups do not overlap, it is computed as if one more
    item of each group had been seen on the wrong side, so that perfect separation of few items gives a wide interval. Raises
    InputError where one group is empty. n counts the items.
    Source: E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44 (1988), 837-845.
    """
    import numpy as np

    found, marks = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=bool)
    if len(found) != len(marks) or marks.all() or not marks.any() or not np.isfinite(found).all():
        raise InputError(f"{int(marks.sum())} positive of {len(marks)} labels for {len(found)} scores", fix="score items of both groups")
    above, below = found[marks], found[~marks]
    value, variance = _delong(above, below)
    method, z = "delong", normal_quantile(0.5 + level / 2)
    if 0 < value < 1:
        centre, half = math.log(value / (1 - value)), z * math.sqrt(variance) / (value * (1 - value))
    else:
        # One more item of each group on the wrong side: the area is then never 0 or 1.
        top, bottom = float(found.max()) + 1, float(found.min()) - 1
        ends = (bottom, top) if value else (top, bottom)
        area, variance = _delong(np.append(above, ends[0]), np.append(below, ends[1]))
        centre, half = math.log(area / (1 - area)), z * math.sqrt(variance) / (area * (1 - area))
        method = "delong, augmented"
    low, high = (1 / (1 + math.exp(-max(-500.0, min(500.0, centre + side * half)))) for side in (-1, 1))
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=len(found), method=method, level=level)


def ranks(values: "Floats") -> "Floats":
    """Ranks from 1, equal values with the mean of theirs."""
    import numpy as np

    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[place]


def _delong(above: "Floats", below: "Floats") -> tuple[float, float]:
    """Area and its variance, from each item's share of the other group on its right side."""
    import numpy as np

    def beaten(values: "Floats", others: "Floats") -> "Floats":
        ordered = np.sort(others)
        return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(others))

    positives, negatives = beaten(above, below), 1 - beaten(below, above)
    spread: Callable[[Floats], float] = lambda found: float(found.var(ddof=1)) / len(found) if len(found) > 1 else 0.25  # noqa: E731
    return float(positives.mean()), spread(positives) + spread(negatives)


def _pairs(x: Sequence[float], y: Sequence[float]) -> "tuple[Floats, Floats]":
    import numpy as np

    one, other = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(one) != len(other) or len(one) < 2 or not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise InputError(f"{len(one)} and {len(other)} values have no correlation", fix="give two pairs of numbers or more")
    return one, other


def _correlation(x: "Floats", y: "Floats") -> float | None:
    one, other = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(one @ one) * float(other @ other))
    return max(-1.0, min(1.0, float(one @ other) / scale)) if scale > 0 else None


def _fisher(value: float | None, n: int, inflation: float, method: str, level: float, spare: int = 3) -> Estimate:
    if value is None or n <= spare:
        why = "one side does not vary" if value is None else f"{n} pairs"
        return Estimate(value=value or 0.0, low=-1.0, high=1.0, n=n, method=f"{method}, {OPEN}: {why}", level=level)
    centre = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, value)))
    half = normal_quantile(0.5 + level / 2) * math.sqrt(inflation / (n - spare))
    low, high = math.tanh(centre - half), math.tanh(centre + half)
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=f"{method}, fisher", level=level)
