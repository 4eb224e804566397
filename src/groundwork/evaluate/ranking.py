"""How good a ranked list is, given what is relevant: plain functions of a list and a table of grades (above 0: relevant).

A thing that the list names twice counts at its first place. Where nothing is relevant none of them is defined: they raise InputError.
Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval" (2008), chapter 8.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Literal

from groundwork.core.errors import InputError

Grades = Mapping[str, float]
Gain = Literal["exponential", "linear"]


def recall(ranked: Sequence[str], grades: Grades, *, at: int = 0) -> float:
    """Share of the relevant that is among the first `at` (0: in the whole list)."""
    return sum(_flags(ranked, grades, at)) / len(_relevant(grades))


def precision(ranked: Sequence[str], grades: Grades, *, at: int = 0) -> float:
    """Share of the first `at` that is relevant; a list shorter than `at` counts as filled up with what is not. 0 of an empty list."""
    _relevant(grades)
    places = at or len(unique(ranked))
    return sum(_flags(ranked, grades, at)) / places if places else 0.0


def hit(ranked: Sequence[str], grades: Grades, *, at: int = 0) -> float:
    """1 where anything relevant is among the first `at`, else 0."""
    return float(recall(ranked, grades, at=at) > 0)


def reciprocal_rank(ranked: Sequence[str], grades: Grades, *, at: int = 0) -> float:
    """1 over the place of the first relevant one; 0 where there is none. Its mean is MRR."""
    _relevant(grades)
    return next((1 / place for place, found in enumerate(_flags(ranked, grades, at), start=1) if found), 0.0)


def average_precision(ranked: Sequence[str], grades: Grades, *, at: int = 0) -> float:
    """Mean of the precisions at the places of the relevant ones, those not found counting 0. Its mean is MAP."""
    return _precisions(_flags(ranked, grades, at)) / len(_relevant(grades))


def ndcg(ranked: Sequence[str], grades: Grades, *, at: int = 10, gain: Gain = "exponential") -> float:
    """Discounted cumulative gain over that of the ideal order. Gains are 2^grade - 1 (Burges et al., 2005) or the grade itself (Järvelin and Kekäläinen, 2002)."""
    _relevant(grades)

    def gained(values: Iterable[float]) -> float:
        first = list(values)[: at or None]
        return sum(
            ((2**value - 1) if gain == "exponential" else value) / math.log2(place + 1) for place, value in enumerate(first, start=1)
        )

    ideal = sorted((max(0.0, grade) for grade in grades.values()), reverse=True)
    return min(1.0, gained(max(0.0, grades.get(one, 0.0)) for one in unique(ranked)) / gained(ideal))


def weighted_precision(flags: Sequence[bool]) -> float:
    """Mean of the precisions at the places of what is relevant in a list, over those that are in it: 1 where all of it stands first, 0 without any.

    It says how well a list is ordered, not what it misses. Known as context precision.
    """
    return _precisions(flags) / sum(flags) if any(flags) else 0.0


def unique(ranked: Iterable[str]) -> list[str]:
    """The list without what it has named before."""
    return list(dict.fromkeys(ranked))


def _precisions(flags: Sequence[bool]) -> float:
    """Sum of the precisions at the places that are relevant."""
    return sum(found / place for place, (found, flag) in enumerate(zip(accumulate(flags), flags, strict=True), start=1) if flag)


def _flags(ranked: Sequence[str], grades: Grades, at: int) -> list[bool]:
    return [grades.get(one, 0.0) > 0 for one in unique(ranked)[: at or None]]


def _relevant(grades: Grades) -> list[str]:
    relevant = [one for one, grade in grades.items() if grade > 0]
    if not relevant:
        raise InputError(
            "nothing is relevant, so a list cannot be measured", fix="grade what should be found above 0, or leave the case out"
        )
    return relevant
