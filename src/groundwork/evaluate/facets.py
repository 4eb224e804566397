"""What the items of a run can be cut by: metadata, tags, splits, and the lengths of questions and answers.

Numbers with many values, and lengths, are cut into quarters. A facet in which every item has a value of its own cuts nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from groundwork.core.config import unknown
from groundwork.core.measure import Result, Tag

FEW_NUMBERS = 6
"""Up to so many different numbers are slices of their own."""
PARTS = 4
TAG, SPLIT, QUESTION, ANSWER = "tag", "split", "question length", "answer length"

Facets = dict[str, dict[str, tuple[str, ...]]]
"""For each facet, the values of each item (by name); an item may have several tags."""


class Cell(NamedTuple):
    """The items of one slice, by name. `keys` holds one facet with its value, or two."""

    keys: tuple[tuple[str, str], ...]
    examples: frozenset[str]

    @property
    def name(self) -> str:
        return " and ".join(f"{facet} = {value}" for facet, value in self.keys)


def facets_of(results: Iterable[Result], questions: Mapping[str, str] | None = None, *, answers: bool = True) -> Facets:
    """Every facet of a run's items. `questions`, by the item's name, adds the length of what was asked; lengths are in words.

    Without `answers` the length of the answer is no facet: of two runs each has its own.
    """
    raw: dict[str, dict[str, Tag]] = {}
    tags: dict[str, tuple[str, ...]] = {}
    for result in results:
        if result.example in tags:
            continue
        tags[result.example] = result.tags
        for facet, value in _known(result, questions or {}, answers=answers):
            raw.setdefault(facet, {})[result.example] = value
    found: Facets = {facet: {example: (label,) for example, label in _labels(values).items()} for facet, values in raw.items()}
    if any(tags.values()):
        found[TAG] = {example: names for example, names in tags.items() if names}
    return {facet: values for facet, values in found.items() if _cuts(values)}


def cells_of(facets: Facets, *, by: Sequence[str] = (), least: int = 1, pairs: bool = False) -> list[Cell]:
    """The slices of `least` items or more: one for each value of a facet and, with `pairs`, for values of two facets together.

    `by` names the facets; none named: all. A pair that holds the same items as one of its halves is left out. Raises ConfigError for a
    facet that no item has.
    """
    for name in by:
        if name not in facets:
            raise unknown("facet", name, facets)
    single = [cell for name in by or sorted(facets) for cell in _cells(name, facets[name]) if len(cell.examples) >= least]
    if not pairs:
        return single
    both = [Cell(one.keys + other.keys, one.examples & other.examples) for one, other in combinations(single, 2) if _may_pair(one, other)]
    large = (cell for cell in both if len(cell.examples) >= least)
    smaller = {cell.examples for cell in single}
    return [*single, *(cell for cell in large if cell.examples not in smaller)]


def _known(result: Result, questions: Mapping[str, str], *, answers: bool) -> Iterator[tuple[str, Tag]]:
    yield from result.metadata.items()
    if result.split:
        yield SPLIT, result.split
    if result.example in questions:
        yield QUESTION, len(questions[result.example].split())
    if answers and result.status == "ok" and not result.abstained:
        yield ANSWER, len(result.answer.split())


def _labels(values: Mapping[str, Tag]) -> dict[str, str]:
    """Values as slices are named: numbers of many values by the quarter they fall in."""
    numbers = {example: float(value) for example, value in values.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    if len(numbers) < len(values) or len(set(numbers.values())) <= FEW_NUMBERS:
        return {example: _said(value) for example, value in values.items()}
    ordered = sorted(numbers.values())
    edges = sorted({ordered[len(ordered) * part // PARTS] for part in range(1, PARTS)})
    return {example: _part(value, edges, ordered[0], ordered[-1]) for example, value in numbers.items()}


def _part(value: float, edges: Sequence[float], low: float, high: float) -> str:
    """The part that a number falls in; an edge begins the part above it."""
    ends = [low, *(edge for edge in edges if edge > low), high]
    for start, end in pairwise(ends):
        if value < end or end == ends[-1]:
            return f"{start:g} to {end:g}" if end == ends[-1] else f"{start:g} to below {end:g}"
    return f"{value:g}"


def _said(value: Tag) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _cuts(values: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a facet parts the items, and not each from every other."""
    different = {name for names in values.values() for name in names}
    return len(different) > 1 and len(different) < sum(len(names) for names in values.values())


def _cells(facet: str, values: Mapping[str, tuple[str, ...]]) -> list[Cell]:
    found: dict[str, set[str]] = {}
    for example, names in values.items():
        for name in names:
            found.setdefault(name, set()).add(example)
    return [Cell(((facet, name),), frozenset(found[name])) for name in sorted(found)]


def _may_pair(one: Cell, other: Cell) -> bool:
    return one.keys[0][0] != other.keys[0][0] or one.keys[0][0] == TAG
