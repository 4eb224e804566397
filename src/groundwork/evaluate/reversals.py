"""Two runs, slice by slice: where a winner loses, and where a lead is only another mix of items.

Over the same scored items a lead overall cannot be a deficit in every slice. But runs do not always score the same items: one declines the
hard ones, another's answers cannot be read, traffic changes. Then the figure of each run stands on a mix of its own, and Simpson's reversal
is possible: it is found and named, with the difference that remains when both mixes are made equal.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.measure import Estimate
from groundwork.evaluate.compare import Pairs, Winner, in_words, paired_estimate, paired_test
from groundwork.evaluate.facets import TAG, Cell, Facets, cells_of
from groundwork.evaluate.figures import Item, clusters_of
from groundwork.evaluate.registry import Metric

LEAST = 5
"""Items that a slice must have in each run to say which of them leads there."""


class SliceDifference(msgspec.Struct, frozen=True, kw_only=True):
    """B less A on the items of one slice that both scored."""

    name: str
    keys: tuple[tuple[str, str], ...]
    n: int
    difference: Estimate
    adjusted: float
    """p after Holm's correction over all slices."""
    winner: Winner
    against: bool
    """Whether the winner here is not the one who leads over all items."""


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    """A facet in which every slice says the opposite of the whole."""

    facet: str
    overall: float
    """B less A over all items that each scored."""
    slices: dict[str, float]
    """B less A in each slice."""
    shares: dict[str, tuple[float, float]]
    """The part that each slice has in the items of A and of B."""
    adjusted: Estimate
    """B less A where both have the same mix: that of the items of both together."""
    is_shown: bool
    """Whether the interval of `adjusted` leaves out 0. Else the lead overall is another mix of items, and no more is known."""
    sentence: str


class _Side(NamedTuple):
    mean: float
    n: int
    variance: float
    """Of a value, not of the mean."""


def slice_differences(
    a: Mapping[str, Item],
    b: Mapping[str, Item],
    metric: Metric,
    facets: Facets,
    *,
    by: Sequence[str] = (),
    least: int = LEAST,
    level: float = 0.95,
) -> tuple[SliceDifference, ...]:
    """Each slice of one facet, paired item by item, with Holm's correction over all slices; largest difference first."""
    both = {example: item for example, item in a.items() if example in b}
    if not both:
        return ()
    lead = math.fsum(b[example].value - item.value for example, item in both.items())
    cells = [cell for cell in cells_of(facets, by=by, least=least) if len(cell.examples & both.keys()) >= least]
    pairs = [_pairs({example: item for example, item in both.items() if example in cell.examples}, b) for cell in cells]
    adjusted = statistics.holm([paired_test(one).p for one in pairs])
    found = [_difference(cell, one, metric, p, lead, level) for cell, one, p in zip(cells, pairs, adjusted, strict=True)]
    return tuple(sorted(found, key=lambda one: -abs(one.difference.value)))


def reversals(
    a: Mapping[str, Item], b: Mapping[str, Item], metric: Metric, facets: Facets, *, least: int = LEAST, level: float = 0.95
) -> tuple[Reversal, ...]:
    """Facets in which one run leads over all items that each scored, and the other one in every slice (Simpson's paradox).

    Slices of fewer than `least` items in either run have no say; a facet needs two that have one. Items may differ between the runs. Tags
    overlap, so that they part nothing and are left out. A lead in every slice may be chance, so `is_shown` says whether the difference at the
    same mix is beyond it; its interval is wider than it need be where both runs scored mostly the same items, and does not count clusters.
    Source: E. H. Simpson, JRSS B 13 (1951), 238-241.
    """
    found = (_reversal(facet, a, b, metric, facets, least, level) for facet in sorted(facets.keys() - {TAG}))
    return tuple(one for one in found if one is not None)


def _difference(cell: Cell, pairs: Pairs, metric: Metric, adjusted: float, lead: float, level: float) -> SliceDifference:
    difference = paired_estimate(pairs, metric, level=level)
    winner: Winner = ""
    if adjusted <= 1 - level and difference.value:
        winner = "B" if (difference.value > 0) == (metric.scorer.better == "higher") else "A"
    against = bool(winner) and lead * difference.value < 0
    return SliceDifference(
        name=cell.name, keys=cell.keys, n=difference.n, difference=difference, adjusted=adjusted, winner=winner, against=against
    )


def _pairs(inside: Mapping[str, Item], b: Mapping[str, Item]) -> Pairs:
    return Pairs([item.value for item in inside.values()], [b[example].value for example in inside], clusters_of(inside))


def _reversal(
    facet: str, a: Mapping[str, Item], b: Mapping[str, Item], metric: Metric, facets: Facets, least: int, level: float
) -> Reversal | None:
    cells = cells_of(facets, by=(facet,))
    sides = {cell.keys[0][1]: (_side(a, cell), _side(b, cell)) for cell in cells}
    sides = {name: pair for name, pair in sides.items() if min(pair[0].n, pair[1].n) >= least}
    if len(sides) < 2:
        return None
    totals = (sum(one.n for one, _ in sides.values()), sum(other.n for _, other in sides.values()))
    overall = _over(tuple(other for _, other in sides.values())) - _over(tuple(one for one, _ in sides.values()))
    slices = {name: other.mean - one.mean for name, (one, other) in sides.items()}
    if not overall or not all(overall * difference < 0 for difference in slices.values()):
        return None
    adjusted = _standardised(tuple(sides.values()), level)
    is_shown = overall * (adjusted.high if overall > 0 else adjusted.low) < 0
    shares = {name: (one.n / totals[0], other.n / totals[1]) for name, (one, other) in sides.items()}
    sentence = _sentence(facet, metric, overall, slices, shares, adjusted, is_shown=is_shown)
    return Reversal(facet=facet, overall=overall, slices=slices, shares=shares, adjusted=adjusted, is_shown=is_shown, sentence=sentence)


def _standardised(sides: Sequence[tuple[_Side, _Side]], level: float) -> Estimate:
    """B less A where each slice counts by its part in the items of both: direct standardisation, with the normal interval of independent slices."""
    whole = sum(one.n + other.n for one, other in sides)
    weights = [(one.n + other.n) / whole for one, other in sides]
    value = math.fsum(weight * (other.mean - one.mean) for weight, (one, other) in zip(weights, sides, strict=True))
    variance = math.fsum(
        weight**2 * (one.variance / one.n + other.variance / other.n) for weight, (one, other) in zip(weights, sides, strict=True)
    )
    half = statistics.normal_quantile(0.5 + level / 2) * math.sqrt(variance)
    return Estimate(value=value, low=value - half, high=value + half, n=whole, method="standardised", level=level)


def _side(items: Mapping[str, Item], cell: Cell) -> _Side:
    values = [item.value for example, item in items.items() if example in cell.examples]
    n = len(values)
    mean = math.fsum(values) / n if n else 0.0
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else 0.0
    return _Side(mean, n, variance)


def _over(sides: tuple[_Side, ...]) -> float:
    return math.fsum(one.mean * one.n for one in sides) / sum(one.n for one in sides)


def _sentence(
    facet: str,
    metric: Metric,
    overall: float,
    slices: Mapping[str, float],
    shares: Mapping[str, tuple[float, float]],
    adjusted: Estimate,
    *,
    is_shown: bool,
) -> str:
    unit = metric.scorer.unit
    leads = "B" if (overall > 0) == (metric.scorer.better == "higher") else "A"
    trails = "A" if leads == "B" else "B"
    moved = max(shares, key=lambda name: abs(shares[name][1] - shares[name][0]))
    mix = f"{facet} = {moved} is {shares[moved][0]:.0%} of A's items and {shares[moved][1]:.0%} of B's"
    each = ", ".join(f"{name} by {in_words(abs(difference), unit)}" for name, difference in slices.items())
    sign = 1 if adjusted.value > 0 else -1
    low, high = sorted((sign * adjusted.low, sign * adjusted.high))
    same = f"With the same mix {trails} leads by {in_words(abs(adjusted.value), unit)} [{in_words(low, unit)}, {in_words(high, unit)}]"
    return (
        f"Simpson's reversal over `{facet}` on {metric.name}: {leads} leads by {in_words(abs(overall), unit)}, yet {trails} is ahead in every "
        f"slice ({each}); {mix}. {same}" + ("" if is_shown else ": that may be chance, but the lead overall rests on the mix")
    )
