"""Win rates: how often one system's answer is preferred to another's. A tie is half a win.

Judges like long answers: read a win rate beside `length_controlled_win_rate` and `win_rate_by_length`. Rates against several opponents:
see ratings.py.
"""

import math
from collections.abc import Hashable, Sequence

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.clusters import clustered_mean
from groundwork.core.statistics.intervals import mean, need_items, need_within
from groundwork.core.statistics.regression import logistic, predicted

ALIKE = 0.1
"""Answers whose lengths differ by at most this share of the longer one count as equally long."""
FEW = 0.1


class WinRate(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` is the mean preference; `discrete` counts each item as won (above 0.5), tied or lost."""

    n: int
    rate: Estimate
    standard_error: float | None
    """The sample standard deviation over √n, as leaderboards print it; None for one item."""
    discrete: Estimate
    wins: int
    ties: int
    losses: int


def win_rate(preferences: Sequence[float], *, clusters: Sequence[Hashable] | None = None, level: float = 0.95) -> WinRate:
    """From preferences in [0, 1]: 1 where this system won, 0 where it lost, 0.5 for a tie, or the judge's probability.

    Preferences written as 1 to 2 (AlpacaEval) are those less 1. Both orders of one pair are a cluster: name it, or average them first.
    `standard_error` is AlpacaEval's definition, whose win rates and errors this reproduces.
    """
    need_items(len(preferences))
    need_within(preferences, (0.0, 1.0))
    n = len(preferences)
    marks = [0.5 if preference == 0.5 else float(preference > 0.5) for preference in preferences]

    def rate(values: Sequence[float]) -> Estimate:
        return mean(values, level=level) if clusters is None else clustered_mean(values, clusters, level=level)

    found = rate(preferences)
    spread = math.fsum((preference - found.value) ** 2 for preference in preferences)
    return WinRate(
        n=n,
        rate=found,
        standard_error=math.sqrt(spread / (n - 1) / n) if n > 1 else None,
        discrete=rate(marks),
        wins=marks.count(1.0),
        ties=marks.count(0.5),
        losses=marks.count(0.0),
    )


def length_controlled_win_rate(
    preferences: Sequence[float],
    lengths: Sequence[float],
    opponent_lengths: Sequence[float],
    *,
    level: float = 0.95,
) -> Estimate:
    """The win rate that a logistic regression on the difference in length predicts for answers of equal length.

    The difference enters as tanh(difference / its standard deviation), so that very long answers weigh no more than long ones. It says what
    the judge would prefer only as far as length moves it like this, and where under a tenth of the answers are longer (or shorter) it is an
    extrapolation, which the method says: the interval does not hold that error. Unlike AlpacaEval's, the regression holds no difficulty of
    instructions shared across systems: it needs one system's preferences only. Where all lengths differ alike, length cannot be told from
    the systems: InputError.
    Source: Y. Dubois, B. Galambosi, P. Liang and T. B. Hashimoto, Length-Controlled AlpacaEval, arXiv 2404.04475 (2024).
    """
    need_within(preferences, (0.0, 1.0))
    differences = _differences(preferences, lengths, opponent_lengths)
    n = len(differences)
    centre = math.fsum(differences) / n
    deviation = math.sqrt(math.fsum((difference - centre) ** 2 for difference in differences) / n)
    if deviation == centre == 0:
        return msgspec.structs.replace(mean(preferences, level=level), method="length-controlled: all pairs equally long, t, augmented")
    if deviation == 0:
        raise InputError("all answers differ equally in length", fix="report the win rate itself, or add answers of other lengths")
    fit = logistic([[math.tanh(difference / deviation)] for difference in differences], preferences, level=level)
    found = predicted(fit, [0.0])
    longer = sum(difference > 0 for difference in differences) / n
    beyond = (
        ", extrapolated: few answers are longer" if longer < FEW else ", extrapolated: few answers are shorter" if longer > 1 - FEW else ""
    )
    return msgspec.structs.replace(found, method=f"length-controlled, {found.method}{beyond}")


def win_rate_by_length(
    preferences: Sequence[float],
    lengths: Sequence[float],
    opponent_lengths: Sequence[float],
    *,
    level: float = 0.95,
) -> dict[str, Estimate]:
    """The win rate where this system's answer is `shorter`, `alike` (within 10 % of the longer one) and `longer`; empty strata left out."""
    differences = _differences(preferences, lengths, opponent_lengths)
    strata: dict[str, list[float]] = {"shorter": [], "alike": [], "longer": []}
    for preference, difference, length, other in zip(preferences, differences, lengths, opponent_lengths, strict=True):
        alike = abs(difference) <= ALIKE * max(length, other)
        strata["alike" if alike else "longer" if difference > 0 else "shorter"].append(preference)
    return {name: mean(values, level=level) for name, values in strata.items() if values}


def _differences(preferences: Sequence[float], lengths: Sequence[float], opponent_lengths: Sequence[float]) -> list[float]:
    need_items(len(preferences))
    if not len(preferences) == len(lengths) == len(opponent_lengths):
        raise InputError(
            f"{len(preferences)} preferences, {len(lengths)} and {len(opponent_lengths)} lengths do not belong together",
            fix="give both lengths for each preference",
        )
    return [length - other for length, other in zip(lengths, opponent_lengths, strict=True)]
