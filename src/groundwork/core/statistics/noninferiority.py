"""The gate's test: is a change worse by less than a margin?

Not covered: testing again and again while items are added, which lets a bad change through more often than the level says.
"""

import math
from collections.abc import Sequence

from groundwork.core.errors import InputError
from groundwork.core.measure import Decision, Estimate
from groundwork.core.statistics.distributions import normal_quantile
from groundwork.core.statistics.intervals import need_within
from groundwork.core.statistics.tango import null_variance, score_interval

CORRECTION = 0.3
"""Items taken off the difference in the gate's test. Without it, Tango's test passes up to 7.2 % of changes that are worse by the margin;
with it at most 5.0 % for margins to 0.1 and n from 12 to 300, by enumeration (`python -m benchmarks.gate`)."""

POWER = 0.8


def non_inferiority(differences: Sequence[float], margin: float, *, level: float = 0.95) -> tuple[Decision, Estimate, int | None]:
    """Is a change worse by less than `margin`? From paired differences `after - before` of scores in [0, 1], where more is better.

    Pass: the one-sided lower limit at `level` is above -margin. Fail: the one-sided upper limit is below it. Else undecided, with how many
    more items would give an equal change (true difference 0) of the observed discordance an 80 % chance to pass; None where the observed
    difference is itself at or beyond the margin, since more items are then more likely to show that. The Estimate holds both one-sided
    limits, so its level is 2 * level - 1. Tango's score test, corrected by 0.3 items (see CORRECTION), fractions as in `paired_difference`.
    """
    if not 0 < margin < 1:
        raise InputError(f"a margin of {margin} cannot be tested", fix="choose a margin between 0 and 1, such as 0.05")
    need_within(differences, (-1.0, 1.0))
    n = len(differences)
    estimate = score_interval(differences, round(2 * level - 1, 12), CORRECTION)
    if estimate.low > -margin:
        return "pass", estimate, None
    if estimate.high < -margin:
        return "fail", estimate, None
    if estimate.value <= -margin:
        return "undecided", estimate, None
    discordance = math.fsum(abs(difference) for difference in differences) / n
    return "undecided", estimate, max(1, items_to_pass(discordance, margin, level=level) - n)


def items_to_pass(discordance: float, margin: float, *, level: float = 0.95, power: float = POWER) -> int:
    """Items with which an equal change, for which a share `discordance` of the items changes sides, passes with this probability.

    Solves n * margin - CORRECTION = z_level * sqrt(n * v0) + z_power * sqrt(n * v1) for n; v0 and v1 are the variances of one item's
    difference where the change is worse by the margin, and where it is equal.
    """
    variance = null_variance(discordance / 2, discordance / 2, 1.0, -margin)
    slope = normal_quantile(level) * math.sqrt(variance) + normal_quantile(power) * math.sqrt(discordance)
    root = (slope + math.sqrt(slope * slope + 4 * margin * CORRECTION)) / (2 * margin)
    return math.ceil(root * root)
