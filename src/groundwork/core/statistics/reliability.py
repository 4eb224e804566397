"""How far a score depends on which items were asked: split halves, and consistency over several systems or runs.

Reliability is of the items among these systems: among systems that hardly differ, no item set is reliable.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import f_quantile
from groundwork.core.statistics.intervals import OPEN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class SplitHalf(msgspec.Struct, frozen=True, kw_only=True):
    """Correlation of the systems' scores on random halves of the items, stepped up to the whole set."""

    n: int
    systems: int
    reliability: float
    low: float
    high: float
    """The range that holds 95 % of the splits: what the split does, no interval over systems."""
    method: str


def cronbach_alpha(scores: Sequence[Sequence[float]], *, level: float = 0.95) -> Estimate:
    """Cronbach's alpha (KR-20 where scores are 0 or 1): one row a system or run, one column an item; n counts the systems.

    Near 1: the items rank the systems alike. Below two systems, or where none differ, it is not defined: 0, and the interval open.
    Source: L. J. Cronbach, Psychometrika 16 (1951), 297-334; L. S. Feldt, Psychometrika 30 (1965), 357-370, for the interval.
    """
    import numpy as np

    table = _table(scores)
    systems, items = table.shape
    whole = float(table.sum(axis=1).var(ddof=1)) if systems > 1 else 0.0
    if whole <= 0:
        return Estimate(value=0.0, low=-1.0, high=1.0, n=systems, method=f"cronbach alpha, {OPEN}: no systems that differ", level=level)
    value = items / (items - 1) * (1 - float(np.sum(table.var(axis=0, ddof=1))) / whole)
    tail = (1 - level) / 2
    degrees = systems - 1, (systems - 1) * (items - 1)
    low, high = (1 - (1 - value) * f_quantile(p, *degrees) for p in (1 - tail, tail))
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=systems, method="cronbach alpha, feldt", level=level)


def split_half(scores: Sequence[Sequence[float]], *, splits: int = 500, seed: int = 0) -> SplitHalf:
    """Split-half reliability over random halves, corrected after Spearman and Brown. Rows are systems (three or more), columns items.

    Source: C. Spearman, British Journal of Psychology 3 (1910), 271-295; W. Brown, ibid., 296-322.
    """
    import numpy as np

    table = _table(scores)
    systems, items = table.shape
    if systems < 3:
        raise InputError(f"{systems} systems have no correlation", fix="give the scores of three systems or more")
    chooser = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(splits):
        order = chooser.permutation(items)
        one, other = table[:, order[: items // 2]].mean(axis=1), table[:, order[items // 2 :]].mean(axis=1)
        if one.std() > 0 and other.std() > 0:
            correlation = float(np.corrcoef(one, other)[0, 1])
            found.append(2 * correlation / (1 + correlation) if correlation > -1 + 1e-9 else -math.inf)
    if not found:
        raise InputError("the systems do not differ", fix="reliability needs systems with different scores")
    low, middle, high = (float(one) for one in np.quantile(found, (0.025, 0.5, 0.975), method="nearest"))
    method = f"split half, median of {len(found)} splits, spearman-brown"
    return SplitHalf(n=items, systems=systems, reliability=middle, low=low, high=high, method=method)


def _table(scores: Sequence[Sequence[float]]) -> "Floats":
    import numpy as np

    if len({len(row) for row in scores}) != 1 or len(scores[0]) < 2:
        raise InputError("not every system has a score on each of two or more items", fix="keep the items that all systems were scored on")
    return np.asarray(scores, dtype=np.float64)
