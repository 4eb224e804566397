"""Where a run is bad: its figure on each slice, and the worst slice among all, corrected for how many were looked at.

Searching a hundred slices finds a bad one by chance. So each slice's distance from the rest is held against the largest distance that any
slice shows when values are dealt to the items anew (the maximum of a permutation), which keeps the chance of one false alarm at 5 %.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.evaluate.bounds import str_of_number
from groundwork.evaluate.compare import in_words
from groundwork.evaluate.facets import Cell, Facets, cells_of
from groundwork.evaluate.figures import Item, figure_of
from groundwork.evaluate.registry import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Worst = Callable[[int, np.random.Generator], Floats]

LEAST = 10
"""Items that a slice must have to be looked at."""
LEAST_CLUSTERS = 5
"""Clusters that must stand in a slice, and outside it: fewer say nothing about others like them."""
DRAWS = 2_000
_AT_ONCE = 4_000_000
LEVEL = 0.05
_TINY = 1e-12


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The figure of one slice beside that of all other items."""

    name: str
    keys: tuple[tuple[str, str], ...]
    n: int
    figure: Estimate
    rest: float
    """The mean over all other items."""
    worse_by: float
    """How much worse than the rest it is, in the metric's unit; negative where it is better."""
    p: float
    """That some slice of those searched looks this much worse where none is, one-sided."""
    is_worse: bool
    sentence: str


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """All slices of a run for one metric, worst first by how sure it is."""

    metric: str
    searched: int
    method: str
    whole: Estimate
    slices: tuple[Slice, ...]

    @property
    def worst(self) -> Slice | None:
        """The slice that is worse beyond chance and farthest from the rest; None where there is none."""
        return next((one for one in self.slices if one.is_worse), None)


def search(
    items: Mapping[str, Item],
    metric: Metric,
    facets: Facets,
    *,
    by: Sequence[str] = (),
    least: int = LEAST,
    pairs: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
) -> Search:
    """Every slice, by single facets and pairs of them, with the chance that a search as wide finds one as bad by luck.

    Items of one cluster are dealt anew together. Raises InputError where nothing was scored, ConfigError for an unknown facet in `by`.
    Source: P. H. Westfall and S. S. Young, Resampling-Based Multiple Testing (1993), section 2.4 (single-step maximum).
    """
    if not items:
        raise InputError(f"nothing was scored on `{metric.name}`", fix="see why in the run's list of what was not scored")
    shared = [cell._replace(examples=frozenset(cell.examples & items.keys())) for cell in cells_of(facets, by=by, least=least, pairs=pairs)]
    cells = [cell for cell in shared if least <= len(cell.examples) < len(items) and _has_witnesses(cell, items)]
    sign = 1 if metric.scorer.better == "higher" else -1
    chances, method = _chances(items, cells, sign, draws, seed) if cells else ([], "no slice is large enough")
    slices = [_slice(cell, items, metric, sign, p, len(cells)) for cell, p in zip(cells, chances, strict=True)]
    slices.sort(key=lambda one: (one.p, -one.worse_by, one.name))
    return Search(metric=metric.name, searched=len(cells), method=method, whole=figure_of(items, metric), slices=tuple(slices))


def _has_witnesses(cell: Cell, items: Mapping[str, Item]) -> bool:
    if not any(item.cluster for item in items.values()):
        return True
    sides: tuple[set[str], set[str]] = (set(), set())
    for example, item in items.items():
        sides[example in cell.examples].add(item.cluster or f"item {example}")
    return min(map(len, sides)) >= LEAST_CLUSTERS


def _slice(cell: Cell, items: Mapping[str, Item], metric: Metric, sign: int, p: float, searched: int) -> Slice:
    inside = {example: item for example, item in items.items() if example in cell.examples}
    others = [item.value for example, item in items.items() if example not in cell.examples]
    figure, rest = figure_of(inside, metric), math.fsum(others) / len(others)
    mean = math.fsum(item.value for item in inside.values()) / len(inside)
    worse_by = sign * (rest - mean)
    is_worse = p <= LEVEL and worse_by > 0
    return Slice(
        name=cell.name,
        keys=cell.keys,
        n=len(inside),
        figure=figure,
        rest=rest,
        worse_by=worse_by,
        p=p,
        is_worse=is_worse,
        sentence=_sentence(cell, metric, mean, rest, len(inside), p, searched) if is_worse else "no worse than chance explains",
    )


def _sentence(cell: Cell, metric: Metric, mean: float, rest: float, n: int, p: float, searched: int) -> str:
    unit = metric.scorer.unit
    means = f"{str_of_number(mean, unit)} on its {n} items and {str_of_number(rest, unit)} on the others"
    return f"{cell.name}: {metric.name} is {means}: worse by {in_words(abs(rest - mean), unit)} (p = {p:.2g} among {searched} slices)"


def _chances(items: Mapping[str, Item], cells: Sequence[Cell], sign: int, draws: int, seed: int) -> tuple[list[float], str]:
    """For each slice, how often the worst of all slices is as bad where values have nothing to do with slices."""
    import numpy as np

    names = list(items)
    values = sign * np.array([item.value for item in items.values()])
    values = values - values.mean()
    members = np.array([[example in cell.examples for example in names] for cell in cells], dtype=np.float32)
    clusters = _cluster_numbers(items)
    observed, worst = _independent(values, members) if clusters is None else _clustered(values, members, clusters)
    chooser = np.random.default_rng(seed)
    beyond = np.ones(len(cells))
    at_once = max(1, _AT_ONCE // len(names))
    for start in range(0, draws, at_once):
        largest = worst(min(at_once, draws - start), chooser)
        beyond += (largest[None, :] >= observed[:, None] - 1e-6).sum(axis=1)
    how = "values dealt anew" if clusters is None else "signs of clusters drawn anew"
    return (beyond / (1 + draws)).tolist(), f"largest of {len(cells)} slices, {how}, {draws} draws"


def _independent(values: "Floats", members: "Singles") -> "tuple[Floats, Worst]":
    """How far each slice lies below the rest, and the largest such distance of values dealt to the items in another order.

    In standard deviations of what dealing anew gives: the same scale for small and large slices.
    """
    import numpy as np

    n, sizes = len(values), members.sum(axis=1)
    scale = np.sqrt(sizes * (n - sizes) / n) * max(float(values.std()), _TINY)

    def worst(draws: int, chooser: "np.random.Generator") -> "Floats":
        dealt = chooser.permuted(np.repeat(values[None, :], draws, axis=0), axis=1).T.astype(np.float32)
        return (-(members @ dealt) / scale[:, None]).max(axis=0)

    return -(members @ values) / scale, worst


def _clustered(values: "Floats", members: "Singles", clusters: "NDArray[np.int64]") -> "tuple[Floats, Worst]":
    """The same for clusters, whose sizes differ: each gets another sign. Distances are in cluster-robust standard errors, anew for each draw.

    Without those a few large clusters make every search wide awake: with clusters of 1 to 8 items it then errs three times as often as it says.
    Source: A. C. Cameron, J. B. Gelbach and D. L. Miller, Review of Economics and Statistics 90 (2008), 414-427 (wild cluster bootstrap-t).
    """
    import numpy as np

    among = members.astype(np.float64) - members.mean(axis=1, keepdims=True)
    groups = np.zeros((len(values), int(clusters.max()) + 1))
    groups[np.arange(len(values)), clusters] = 1.0
    sums, weights, sizes = (among * values) @ groups, among @ groups, groups.sum(axis=0)
    means = values @ groups  # of each cluster, as a sum
    squares, crossed, shifted = (sums**2).sum(axis=1), sums * weights, (weights**2).sum(axis=1)

    def worst(draws: int, chooser: "np.random.Generator") -> "Floats":
        signs = 2.0 * chooser.integers(0, 2, (len(sizes), draws)) - 1
        shift = (means @ signs) / sizes.sum()  # a slice is held against the rest, not against 0
        variance = squares[:, None] - 2 * shift * (crossed @ signs) + shift**2 * shifted[:, None]
        return (-(sums @ signs) / np.sqrt(np.maximum(variance, _TINY))).max(axis=0)

    return -sums.sum(axis=1) / np.sqrt(np.maximum(squares, _TINY)), worst


def _cluster_numbers(items: Mapping[str, Item]) -> "NDArray[np.int64] | None":
    import numpy as np

    if not any(item.cluster for item in items.values()):
        return None
    known: dict[str, int] = {}
    return np.array([known.setdefault(item.cluster or f"item {example}", len(known)) for example, item in items.items()])
