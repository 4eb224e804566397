"""Do two raters, or several, say the same? Agreement beyond chance, with the base rates without which it cannot be read.

A kappa is low where one answer is rare, however well the raters agree: read it beside the agreement, the base rates and AC1.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Literal

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import normal_quantile
from groundwork.core.statistics.intervals import need_items, proportion

Weights = Literal["none", "linear", "quadratic"]
Table = Sequence[Sequence[float]]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Two raters over the same items. `counts` has a row for each answer of the first, a column for each of the second."""

    n: int
    categories: tuple[Hashable, ...]
    counts: tuple[tuple[int, ...], ...]
    agreement: Estimate
    kappa: Estimate
    ac1: Estimate
    base_rates: tuple[tuple[float, ...], tuple[float, ...]]
    """How often each rater gives each answer."""
    prevalence_index: float
    """How unevenly the answers are spread: 0 where all are as frequent, 1 where both raters know one answer only."""
    bias_index: float
    """How differently the raters spread their answers: half the summed difference of their base rates."""
    alarm: str
    """A sentence where agreement and kappa must not be read alone, else empty."""


def agreement(first: Sequence[Hashable], second: Sequence[Hashable], *, weights: Weights = "none", level: float = 0.95) -> Agreement:
    """Everything about two raters who judged the same items once. `weights` are those of kappa, for answers that can be ordered.

    Source of the indices: T. Byrt, J. Bishop and J. B. Carlin, Journal of Clinical Epidemiology 46 (1993), 423-429.
    """
    categories, counts = confusion(first, second)
    n = len(first)
    same = sum(counts[place][place] for place in range(len(categories)))
    rows, columns = _margins([[count / n for count in row] for row in counts])
    both = [(row + column) / 2 for row, column in zip(rows, columns, strict=True)]
    q = max(2, len(categories))
    uneven = math.sqrt(max(0.0, (math.fsum(share * share for share in both) - 1 / q) * q / (q - 1)))
    kappa = kappa_of(counts, weights=weights, level=level)
    share = proportion(same, n, level=level)
    return Agreement(
        n=n,
        categories=categories,
        counts=counts,
        agreement=share,
        kappa=kappa,
        ac1=_of_table(counts, _ac1, "gwet ac1", level),
        base_rates=(tuple(rows), tuple(columns)),
        prevalence_index=uneven,
        bias_index=math.fsum(abs(row - column) for row, column in zip(rows, columns, strict=True)) / 2,
        alarm=_alarm(share, kappa, uneven),
    )


def confusion(first: Sequence[Hashable], second: Sequence[Hashable]) -> tuple[tuple[Hashable, ...], tuple[tuple[int, ...], ...]]:
    """The answers that occur, in order (by value where they have one, else by text), and how often each pair of them occurs."""
    need_items(len(first))
    if len(first) != len(second):
        raise InputError(f"{len(first)} and {len(second)} answers are no pairs", fix="compare the items that both raters judged")
    categories = ordered({*first, *second})
    places = {category: place for place, category in enumerate(categories)}
    counts = [[0] * len(categories) for _ in categories]
    for one, other in zip(first, second, strict=True):
        counts[places[one]][places[other]] += 1
    return categories, tuple(tuple(row) for row in counts)


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable], *, weights: Weights = "none", level: float = 0.95) -> Estimate:
    """Cohen's kappa of two raters. See `kappa_of`."""
    return kappa_of(confusion(first, second)[1], weights=weights, level=level)


def gwet_ac1(first: Sequence[Hashable], second: Sequence[Hashable], *, level: float = 0.95) -> Estimate:
    """Gwet's AC1: agreement beyond chance that does not fall where one answer is rare. Interval as in `kappa_of`.

    Source: K. L. Gwet, British Journal of Mathematical and Statistical Psychology 61 (2008), 29-48.
    """
    return _of_table(confusion(first, second)[1], _ac1, "gwet ac1", level)


def kappa_of(counts: Sequence[Sequence[int]], *, weights: Weights = "none", level: float = 0.95) -> Estimate:
    """Cohen's kappa of a square table of counts, weighted for ordered answers, with its large-sample interval.

    Each limit is computed as if one more item had been seen, rated differently (low) or alike (high), so that full agreement on five items
    gives a wide interval and not a point. Where both raters know one answer only, kappa is not defined: 0, and the interval open.
    Source: J. L. Fleiss, J. Cohen and B. S. Everitt, Psychological Bulletin 72 (1969), 323-327; J. Cohen, ibid. 70 (1968), 213-220.
    """

    def kappa(shares: Table) -> float:
        return _kappa(shares, weights)

    return _of_table(counts, kappa, "cohen kappa" + ("" if weights == "none" else f", {weights} weights"), level)


def kappa_from(observed: float, first_rates: Sequence[float], second_rates: Sequence[float]) -> float:
    """The kappa that an agreement has with these base rates (shares of each answer, in the same order)."""
    expected = math.fsum(one * other for one, other in zip(first_rates, second_rates, strict=True))
    return (observed - expected) / (1 - expected) if expected < 1 else 0.0


def kappa_alarm(
    observed: float, kappa: float, first_rates: Sequence[float], second_rates: Sequence[float], *, tolerance: float = 0.01
) -> str:
    """A sentence where a reported kappa cannot belong to the reported agreement and base rates, else an empty string."""
    true = kappa_from(observed, first_rates, second_rates)
    if abs(true - kappa) <= tolerance:
        return ""
    return f"an agreement of {observed:.3f} at these base rates is a kappa of {true:.3f}, not {kappa:.3f}: one of them is miscomputed"


def ordered(found: set[Hashable]) -> tuple[Hashable, ...]:
    """Answers by value where all are numbers, else by text."""
    numbers = all(isinstance(one, int | float) for one in found)
    return tuple(sorted(found, key=lambda one: (float(one) if numbers and isinstance(one, int | float) else 0.0, str(one))))


def _margins(shares: Table) -> tuple[list[float], list[float]]:
    return [math.fsum(row) for row in shares], [math.fsum(column) for column in zip(*shares, strict=True)]


def _kappa(shares: Table, weights: Weights) -> float:
    rows, columns = _margins(shares)
    power = {"none": 0, "linear": 1, "quadratic": 2}[weights]
    seen = expected = 0.0
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if i != j:
                apart = float(abs(i - j) ** power)
                seen += apart * shares[i][j]
                expected += apart * row * column
    return 1 - seen / expected if expected > 0 else 0.0


def _ac1(shares: Table) -> float:
    rows, columns = _margins(shares)
    both = [(row + column) / 2 for row, column in zip(rows, columns, strict=True)]
    expected = math.fsum(share * (1 - share) for share in both) / max(1, len(both) - 1)
    seen = math.fsum(shares[place][place] for place in range(len(both)))
    return (seen - expected) / (1 - expected)


def _of_table(counts: Sequence[Sequence[int]], statistic: Callable[[Table], float], method: str, level: float) -> Estimate:
    """A statistic of the cells' shares, each limit from the table with one more item."""
    n = sum(map(sum, counts))
    need_items(n)
    shares = [[count / n for count in row] for row in counts]
    value = statistic(shares)
    rows, columns = _margins(shares)
    expected = [[row * column for column in columns] for row in rows]
    if max(rows) == max(columns) == 1 and rows == columns:
        return Estimate(value=value, low=-1.0, high=1.0, n=n, method=f"{method}, open: one answer only", level=level)
    z = normal_quantile(0.5 + level / 2)
    limits: list[float] = []
    for side in (-1, 1):
        added = [[cell if (i == j) == (side > 0) else 0.0 for j, cell in enumerate(row)] for i, row in enumerate(expected)]
        weight = math.fsum(map(math.fsum, added))
        if weight <= 0:
            limits.append(float(side))
            continue
        seen = [
            [(n * cell + more / weight) / (n + 1) for cell, more in zip(row, extra, strict=True)]
            for row, extra in zip(shares, added, strict=True)
        ]
        limits.append(statistic(seen) + side * z * _deviation(seen, statistic) / math.sqrt(n))
    low, high = max(-1.0, min(limits[0], value)), min(1.0, max(limits[1], value))
    return Estimate(value=value, low=low, high=high, n=n, method=f"{method}, augmented", level=level)


def _deviation(shares: Table, statistic: Callable[[Table], float]) -> float:
    """The standard deviation of one item's influence on the statistic: what the delta method needs, by a small step to each cell."""
    step = 1e-6
    value = statistic(shares)
    influences: list[tuple[float, float]] = []
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            if share > 0:
                moved = [[cell * (1 - step) + step * (i == k and j == m) for m, cell in enumerate(line)] for k, line in enumerate(shares)]
                influences.append((share, (statistic(moved) - value) / step))
    return math.sqrt(math.fsum(share * influence**2 for share, influence in influences))


def _alarm(share: Estimate, kappa: Estimate, uneven: float) -> str:
    if share.value >= 0.8 and kappa.value < 0.4:
        why = f"one answer is frequent (prevalence index {uneven:.2f})" if uneven > 0.5 else "the raters spread their answers differently"
        return f"the raters agree on {share.value:.2f}, yet kappa is {kappa.value:.2f}: {why}; read AC1 and the base rates"
    if kappa.high < 0:
        return f"kappa is {kappa.value:.2f}: the raters agree less than by chance; are the labels of one of them turned around?"
    return ""
