"""From the lists of a hybrid search to one ranking.

`rrf`               sum of weight / (60 + rank): needs no common scale. Source: Cormack, Clarke and Büttcher, SIGIR 2009.
`weighted`          weighted mean of scores, each list scaled to 0..1: terms by their best, cosines between the list's worst and best
`terms-then-dense`  what the terms found, in the order of its cosine; then what only meaning found
`terms`, `dense`    one list alone, with its own scores
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RRF = 60

Entries = Sequence[tuple[int, float]]
"""Numbers of chunks with their scores, best first."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A chunk's places in the lists, before it is read."""

    number: int
    score: float
    ranks: dict[str, int]


def fuse(
    lists: Mapping[str, Entries],
    how: str = "rrf",
    weights: Mapping[str, float] | None = None,
    cosines: Mapping[int, float] | None = None,
) -> list[Ranked]:
    """One ranking from several lists. A single list keeps its scores. Equal scores: the lower number first, so that the same index gives the
    same order. `cosines` are those of the chunks of either list; without `weights` all lists count the same.
    """
    ranks: dict[int, dict[str, int]] = {}
    for name, entries in lists.items():
        for rank, (number, _) in enumerate(entries, start=1):
            ranks.setdefault(number, {})[name] = rank
    if len(lists) == 1:
        scores = {number: score for entries in lists.values() for number, score in entries}
    elif how == "weighted":
        scores = _weighted(lists, weights or {}, cosines or {})
    elif how == "terms-then-dense":
        scores = _terms_first(lists, cosines or {})
    else:
        scores = dict.fromkeys(ranks, 0.0)
        for number, places in ranks.items():
            for name, rank in places.items():
                scores[number] += (weights or {}).get(name, 1.0) / (RRF + rank)
    return ordered(Ranked(number, scores[number], ranks[number]) for number in ranks)


def fuse_queries(asked: Sequence[Ranked], further: Mapping[str, Entries], weights: Mapping[str, float]) -> list[Ranked]:
    """One ranking from that of the query as it was asked, which counts 1, and those of further queries by their names (reciprocal rank fusion)."""
    scores = {one.number: 1 / (RRF + rank) for rank, one in enumerate(asked, start=1)}
    ranks = {one.number: one.ranks for one in asked}
    for name, entries in further.items():
        for rank, (number, _) in enumerate(entries, start=1):
            scores[number] = scores.get(number, 0.0) + weights[name] / (RRF + rank)
            ranks[number] = ranks.get(number, {}) | {name: rank}
    return ordered(Ranked(number, scores[number], ranks[number]) for number in scores)


def ordered(entries: Iterable[Ranked]) -> list[Ranked]:
    """Best first; equals by their number."""
    return sorted(entries, key=lambda ranked: (-ranked.score, ranked.number))


def _weighted(lists: Mapping[str, Entries], weights: Mapping[str, float], cosines: Mapping[int, float]) -> dict[int, float]:
    total = sum(weights.get(name, 1.0) for name in lists) or 1.0
    best = max((score for _, score in lists.get("terms", ())), default=0.0)
    terms = {number: score / best if best > 0 else 0.0 for number, score in lists.get("terms", ())}
    dense = lists.get("dense", ())
    high, low = (dense[0][1], dense[-1][1]) if dense else (0.0, 0.0)
    near = {number: (max(cosine, low) - low) / (high - low) if high > low else 1.0 for number, cosine in cosines.items()}
    part = {"terms": weights.get("terms", 1.0) / total, "dense": weights.get("dense", 1.0) / total}
    numbers = {number for entries in lists.values() for number, _ in entries}
    return {number: part["terms"] * terms.get(number, 0.0) + part["dense"] * near.get(number, 0.0) for number in numbers}


def _terms_first(lists: Mapping[str, Entries], cosines: Mapping[int, float]) -> dict[int, float]:
    """Cosines, lifted by 2 where the terms found the chunk: no cosine reaches that far."""
    scores = dict(lists.get("dense", ()))
    return scores | {number: 2.0 + cosines.get(number, 0.0) for number, _ in lists.get("terms", ())}
