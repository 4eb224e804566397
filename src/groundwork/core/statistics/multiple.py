"""Several comparisons at once: p-values and levels adjusted so that many looks do not make a finding out of chance."""

from collections.abc import Callable, Sequence

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the order given: rejecting those below 0.05 errs anywhere at most 5 % of the time, however they depend.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.
    """
    found, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(_by_size(ps)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        found[place] = highest
    return tuple(found)


def benjamini_hochberg(ps: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the order given: of those below 0.05, at most 5 % are false on average (the false discovery rate).

    For independent or positively dependent tests. Weaker than `holm`: for finding candidates, not for a claim about each.
    Source: Y. Benjamini and Y. Hochberg, JRSS B 57 (1995), 289-300.
    """
    found, lowest = [0.0] * len(ps), 1.0
    for rank, place in reversed(list(enumerate(_by_size(ps), start=1))):
        lowest = min(lowest, len(ps) * ps[place] / rank)
        found[place] = lowest
    return tuple(found)


def simultaneous_level(level: float, comparisons: int) -> float:
    """The level at which each of several intervals must stand so that all of them hold together at `level`.

    Source: C. E. Bonferroni (1936); O. J. Dunn, JASA 56 (1961), 52-64.
    """
    if comparisons < 1:
        raise InputError(f"{comparisons} comparisons have no level", fix="give one comparison or more")
    return 1 - (1 - level) / comparisons


def simultaneous(estimates: Sequence[Callable[[float], Estimate]], *, level: float = 0.95) -> list[Estimate]:
    """Intervals that hold all together at `level`: each function is asked for its estimate at the adjusted level.

    One that leaves out 0 belongs to a comparison that `holm` also rejects (where interval and p come from the same test); Holm may reject
    more.
    """
    each = simultaneous_level(level, len(estimates))
    return [estimate(each) for estimate in estimates]


def _by_size(ps: Sequence[float]) -> list[int]:
    """The places of the p-values, smallest first."""
    for p in ps:
        if not 0 <= p <= 1:
            raise InputError(f"{p} is no p-value", fix="give numbers between 0 and 1; leave out comparisons that could not be made")
    return sorted(range(len(ps)), key=lambda place: ps[place])
