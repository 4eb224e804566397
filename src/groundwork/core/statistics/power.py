"""How many items a comparison needs, and how small a difference a number of items can show."""

import math
from collections.abc import Sequence

from groundwork.core.statistics.distributions import normal_quantile
from groundwork.core.statistics.intervals import need_items
from groundwork.core.statistics.noninferiority import POWER


def items_to_tell(differences: Sequence[float], *, level: float = 0.95, power: float = POWER) -> int | None:
    """How many more items would show the observed difference, if it is the true one, with this probability; None where it is 0."""
    n = len(differences)
    need_items(n)
    observed = math.fsum(differences) / n
    spread = math.fsum((difference - observed) ** 2 for difference in differences) / n
    if observed == 0 or spread == 0:
        return None
    needed = ((normal_quantile(0.5 + level / 2) + normal_quantile(power)) / observed) ** 2 * spread
    return max(1, math.ceil(needed) - n)
