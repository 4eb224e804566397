"""Where a run is bad: its figure on each slice, and the worst slice among all, corrected for how many were looked at.

Searching a hundred slices finds a bad one by chance. So each slice's distance from the rest is held against the largest distance that any
slice shows when values are dealt to the items anew (the maximum of a permutation), which keeps the chance of one false alarm at 5 %.
"""

import math
from collections.abc import Mapping, Sequence
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

LEAST = 10
"""Items that a slice must have to be looked at."""
LEAST_CLUSTERS = 5
"""Clusters that must stand in a slice, and outside it: fewer say nothing about others like them."""
DRAWS = 2_000
_AT_ONCE = 4_000_000
LEVEL = 0.05
_TINY = 1e-9
_PEERS = 10


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
    chooser = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // len(names))
    batches = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    dealt = np.concatenate([-(members @ _deal(values, clusters, batch, chooser)) for batch in batches], axis=1)
    scale = np.maximum(dealt.std(axis=1), _TINY)  # small and large slices in one unit: standard deviations of what dealing anew gives
    largest = (dealt / scale[:, None]).max(axis=0)
    observed = -(members @ values) / scale
    beyond = 1 + (largest[None, :] >= observed[:, None] - 1e-6).sum(axis=1)
    how = "values dealt anew" if clusters is None else "clusters of values dealt anew"
    return (beyond / (1 + draws)).tolist(), f"largest of {len(cells)} slices, {how}, {draws} draws"


def _deal(values: "Floats", clusters: "NDArray[np.int64] | None", draws: int, chooser: "np.random.Generator") -> "Singles":
    """Values dealt to the items in another order; those of a cluster stay together. Shape (items, draws).

    A cluster gets the values of another one of about its size, from a place of their circle drawn at random: exact for clusters of one size, a
    good approximation else (the giver's values are repeated or cut).
    """
    import numpy as np

    if clusters is None:
        return chooser.permuted(np.repeat(values[None, :], draws, axis=0), axis=1).T.astype(np.float32)
    sizes = np.bincount(clusters)
    starts = np.cumsum(sizes) - sizes
    together = values[np.argsort(clusters, kind="stable")]
    within = np.empty(len(values), dtype=np.int64)
    within[np.argsort(clusters, kind="stable")] = np.arange(len(values)) - np.repeat(starts, sizes)
    givers = np.empty((draws, len(sizes)), dtype=np.int64)
    for peers in _of_a_size(sizes):
        givers[:, peers] = chooser.permuted(np.repeat(peers[None, :], draws, axis=0), axis=1)
    turns = chooser.integers(0, sizes[givers])
    giver = givers[:, clusters]
    dealt = together[starts[giver] + (within + turns[:, clusters]) % sizes[giver]].T
    return (dealt - dealt.mean(axis=0)).astype(np.float32)  # a slice is held against the rest, not against 0


def _of_a_size(sizes: "NDArray[np.int64]") -> "list[NDArray[np.int64]]":
    """Clusters in groups of about one size, at least `_PEERS` in each where there are as many: those of exactly one size stand together."""
    import numpy as np

    order = np.argsort(sizes, kind="stable")
    groups: list[list[int]] = [[]]
    for place in order.tolist():
        last = groups[-1]
        if len(last) >= _PEERS and sizes[last[-1]] != sizes[place]:
            groups.append([])
        groups[-1].append(place)
    if len(groups) > 1 and len(groups[-1]) < _PEERS:
        rest = groups.pop()
        groups[-1] += rest
    return [np.array(group, dtype=np.int64) for group in groups]


def _cluster_numbers(items: Mapping[str, Item]) -> "NDArray[np.int64] | None":
    import numpy as np

    if not any(item.cluster for item in items.values()):
        return None
    known: dict[str, int] = {}
    return np.array([known.setdefault(item.cluster or f"item {example}", len(known)) for example, item in items.items()])
