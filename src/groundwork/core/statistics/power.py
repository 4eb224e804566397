"""How many items a comparison needs, and how small a difference a number of items can show.

All by the normal approximation: for a planned comparison, not for judging one that was made.
"""

import math
from collections.abc import Sequence

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.statistics.distributions import normal_cdf, normal_quantile, root_of
from groundwork.core.statistics.intervals import need_items
from groundwork.core.statistics.noninferiority import CORRECTION, POWER
from groundwork.core.statistics.tango import null_variance


class Power(msgspec.Struct, frozen=True, kw_only=True):
    """n items (of each side, where they are not paired) show a true `difference` with probability `power` in a two-sided test at
    `level`.
    """

    n: int
    difference: float
    power: float
    level: float
    method: str


def detectable_difference(
    n: int,
    *,
    deviation: float | None = None,
    discordance: float | None = None,
    paired: bool = True,
    level: float = 0.95,
    power: float = POWER,
) -> Power:
    """The smallest true difference that n items show with this probability.

    Give `deviation`, the standard deviation of one item's difference (paired) or value (unpaired: n items on each side), or `discordance`,
    the share of items that change sides (paired and 0/1). A difference above the discordance cannot be: then it is infinite.
    Source: R. J. Connor, Biometrics 43 (1987), 207-211, for discordance; the textbook formula else.
    """
    need_items(n)
    first, second = normal_quantile(0.5 + level / 2), normal_quantile(power)
    spread = _spread(deviation, discordance, paired=paired)
    if discordance is None:
        return Power(
            n=n, difference=(first + second) * spread / math.sqrt(n), power=power, level=level, method=_method(None, paired=paired)
        )

    def short(difference: float) -> float:
        """How much the test's distance falls short of what the probability needs."""
        return first * spread + second * math.sqrt(max(0.0, discordance - difference**2)) - difference * math.sqrt(n)

    reached = short(discordance) <= 0
    difference = root_of(short, 0.0, discordance) if reached else math.inf
    return Power(n=n, difference=difference, power=power, level=level, method=_method(discordance, paired=paired))


def items_to_detect(
    difference: float,
    *,
    deviation: float | None = None,
    discordance: float | None = None,
    paired: bool = True,
    level: float = 0.95,
    power: float = POWER,
) -> Power:
    """How many items show a true difference with this probability. Arguments and sources as in `detectable_difference`."""
    size = abs(difference)
    if not size or (discordance is not None and size > discordance):
        raise InputError(
            f"no number of items shows a difference of {difference:g}" + (f" at a discordance of {discordance:g}" if size else ""),
            fix="give a difference that is not 0 and at most the discordance",
        )
    first, second = normal_quantile(0.5 + level / 2), normal_quantile(power)
    spread = _spread(deviation, discordance, paired=paired)
    under = spread if discordance is None else math.sqrt(max(0.0, discordance - size**2))
    n = math.ceil(((first * spread + second * under) / size) ** 2 - 1e-6)  # so that what n items show needs n items
    return Power(n=max(1, n), difference=difference, power=power, level=level, method=_method(discordance, paired=paired))


def power_to_pass(n: int, discordance: float, margin: float, *, difference: float = 0.0, level: float = 0.95) -> float:
    """The chance that the gate passes a change whose true difference is `difference`: what `items_to_pass` solves for n.

    Rough below about 50 items; exact chances come from the trinomial distribution (`python -m benchmarks.gate`).
    """
    need_items(n)
    if abs(difference) > discordance:
        raise InputError(f"a difference of {difference:g} needs a discordance as large", fix="give the share of items that change sides")
    null = null_variance((discordance + difference) / 2, (discordance - difference) / 2, 1.0, -margin)
    excess = n * (margin + difference) - CORRECTION - normal_quantile(level) * math.sqrt(n * null)
    spread = math.sqrt(n * max(0.0, discordance - difference**2))
    return normal_cdf(excess / spread) if spread > 0 else float(excess > 0)


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


def _spread(deviation: float | None, discordance: float | None, *, paired: bool) -> float:
    """The standard deviation that one item adds to the difference, where there is none."""
    if (deviation is None) == (discordance is None) or (discordance is not None and not paired):
        raise InputError(
            "the spread of one item is not known", fix="give either deviation, or (for paired items that are right or wrong) discordance"
        )
    if discordance is not None:
        if not 0 < discordance <= 1:
            raise InputError(f"{discordance:g} is no discordance", fix="give the share of items that change sides, above 0 and at most 1")
        return math.sqrt(discordance)
    if deviation is None or not deviation > 0:
        raise InputError(f"{deviation} is no standard deviation", fix="give a number above 0")
    return deviation if paired else deviation * math.sqrt(2)


def _method(discordance: float | None, *, paired: bool) -> str:
    return "normal, paired discordance" if discordance is not None else f"normal, {'paired' if paired else 'unpaired'}"
