"""What is preferred among the chunks that were found: newer documents, documents that a filter names, one of several near-duplicates, variety."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from groundwork.context.config import RecencySection
from groundwork.context.ranking.fusion import Ranked, ordered
from groundwork.core.document import Chunk
from groundwork.core.text import words
from groundwork.core.where import Values, is_date

_SHINGLE = 3
Alike = Callable[[int, int], float]
"""How alike two chunks are, from 0 to 1."""


def recency(section: RecencySection, values: Mapping[str, Values], today: dt.date) -> float:
    """The factor of a document: 1 for one of today, `1 - share` for one without the date. Of several dates the latest counts."""
    held = values.get(section.field)
    dates = [one for one in (held if isinstance(held, list) else [held]) if isinstance(one, str) and is_date(one)]
    if not dates:
        return 1 - section.share
    age = max(0, (today - dt.date.fromisoformat(max(dates))).days)
    return 1 - section.share * (1 - 0.5 ** (age * 86_400 / section.half_life.seconds))


def boosted(ranking: Sequence[Ranked], factors: Mapping[int, float]) -> list[Ranked]:
    """The ranking with scores multiplied. A score below 0 (a cosine may be) is divided, so that a boost never puts a chunk back."""

    def score(one: Ranked) -> float:
        factor = factors.get(one.number, 1.0)
        return one.score * factor if one.score >= 0 else one.score / factor

    return ordered(replace(one, score=score(one)) for one in ranking)


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Runs of three words; of a shorter text, the text."""
    found = words(text)
    return frozenset(tuple(found[at : at + _SHINGLE]) for at in range(max(1, len(found) - _SHINGLE + 1)))


def overlap(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """Share of the shingles that two texts have in common (Jaccard). Source: Broder, On the resemblance and containment of documents (1997)."""
    return len(one & other) / len(one | other)


class Shared:
    """How much of their shingles two chunks share; each chunk is cut once."""

    def __init__(self, chunks: Mapping[int, Chunk]) -> None:
        self._chunks = chunks
        self._runs: dict[int, frozenset[tuple[str, ...]]] = {}

    def __call__(self, one: int, other: int) -> float:
        return overlap(self._of(one), self._of(other))

    def _of(self, number: int) -> frozenset[tuple[str, ...]]:
        if number not in self._runs:
            self._runs[number] = shingles(self._chunks[number].text)
        return self._runs[number]


def without_duplicates(ranking: Sequence[Ranked], alike: Alike, threshold: float) -> tuple[list[Ranked], dict[int, int]]:
    """The best of every group of near-duplicates, and for each chunk left out the one that stands for it."""
    kept: list[Ranked] = []
    left_out: dict[int, int] = {}
    for one in ranking:
        twin = next((other.number for other in kept if alike(one.number, other.number) >= threshold), None)
        if twin is None:
            kept.append(one)
        else:
            left_out[one.number] = twin
    return kept, left_out


def diverse(ranking: Sequence[Ranked], alike: Alike, diversity: float, keep: int) -> list[Ranked]:
    """The ranking with its first `keep` places given one after the other: to the chunk whose score, less its likeness to one chosen before,
    is highest. Scores keep their values. Source: Carbonell and Goldstein, SIGIR 1998 (maximal marginal relevance).
    """
    left = list(ranking)
    best = max((one.score for one in left), default=0.0)
    nearest = dict.fromkeys((one.number for one in left), 0.0)
    chosen: list[Ranked] = []
    while left and len(chosen) < keep:
        place = max(
            range(len(left)), key=lambda at: ((1 - diversity) * _relative(left[at].score, best) - diversity * nearest[left[at].number], -at)
        )
        chosen.append(left.pop(place))
        for one in left:
            nearest[one.number] = max(nearest[one.number], alike(one.number, chosen[-1].number))
    return [*chosen, *left]


def _relative(score: float, best: float) -> float:
    return score / best if best > 0 else 0.0
