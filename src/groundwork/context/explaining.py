"""Why a search found what it found: every candidate with its score and rank at each stage, and how many documents were never looked at."""

from collections.abc import Mapping

import msgspec

from groundwork.context.ranking.fusion import Ranked
from groundwork.context.ranking.reranking import Outcome, Reranked
from groundwork.context.search import Search, Trail
from groundwork.core.access import Scope
from groundwork.core.document import Chunk
from groundwork.store.index_port import Index, Snapshot
from groundwork.store.labels import EVERYTHING, Selection


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk's rank (from 1) and score at a stage."""

    rank: int
    score: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk that one of the lists held, and what became of it. `place` is its number among the hits; None where it is none of them."""

    source: str
    chunk: str
    prefix: str
    text: str
    lists: dict[str, Place]
    fused: Place
    factor: float | None
    """What boosts and recency multiplied its score by; None where nothing is configured."""
    boosted: Place | None
    reranked: Place | None = None
    """Its rank among what was reranked, and the reranker's score on its own scale."""
    duplicate_of: str
    """The chunk that stands for it, as `source (id)`; empty where it is no near-duplicate."""
    part_of: str
    """The hit whose passage it stands in, as `source (id)`; empty where it stands in none."""
    place: int | None


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents were looked at, and how many never were."""

    documents: int
    forbidden: int
    filtered: int
    searched: int
    chunks: int
    """Of the documents that were searched."""


class RerankTold(msgspec.Struct, frozen=True, kw_only=True):
    """What came of reranking: `passages` should have been read, `scored` were."""

    by: str
    outcome: Outcome
    passages: int
    scored: int
    why: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One search, stage by stage. `asked` is the question, `query` what was looked up for it."""

    asked: str
    query: str
    also: tuple[str, ...]
    """Further queries that were searched beside it: `query 2` and so on among the lists."""
    generation: str
    fuse: str
    looked: Looked
    sizes: dict[str, int]
    """How many chunks each list holds."""
    keep: int
    rerank: RerankTold | None = None
    candidates: tuple[Candidate, ...]
    """In the order of the ranking: hits first."""
    dense: str
    """How the dense list was made; empty where there is none."""


async def explain(search: Search, store: Index, query: str, *, keep: int, scope: Scope, asked: str = "") -> Explanation:
    """Search and say why. Raises as the search does."""
    return await explain_trail(search, store, await search.trail(query, keep=keep, scope=scope), keep=keep, asked=asked)


async def explain_trail(
    search: Search, store: Index, trail: Trail, *, keep: int, asked: str = "", also: tuple[str, ...] = ()
) -> Explanation:
    """Say why a search that was done found what it found."""
    return await store.read(lambda snapshot: _explanation(snapshot, search, trail, keep, asked or trail.query, also))


def _explanation(snapshot: Snapshot, search: Search, trail: Trail, keep: int, asked: str, also: tuple[str, ...]) -> Explanation:
    chunks = snapshot.chunks("number", [one.number for one in trail.fused]) | trail.chunks
    return Explanation(
        asked=asked,
        query=trail.query,
        also=also,
        generation=trail.generation,
        fuse=search.config.fuse,
        looked=looked_at(snapshot, trail.selection),
        sizes={name: len(entries) for name, entries in trail.lists.items()},
        keep=keep,
        rerank=_rerank(trail.reranked),
        candidates=candidates(trail, chunks),
        dense=trail.dense,
    )


def looked_at(snapshot: Snapshot, selection: Selection) -> Looked:
    """The counts behind a selection."""
    everything, _ = snapshot.count_documents(EVERYTHING)
    allowed, _ = snapshot.count_documents(Selection(selection.readers))
    searched, chunks = snapshot.count_documents(selection)
    return Looked(documents=everything, forbidden=everything - allowed, filtered=allowed - searched, searched=searched, chunks=chunks)


def candidates(trail: Trail, chunks: Mapping[int, Chunk]) -> tuple[Candidate, ...]:
    """Every chunk of a search's lists: the hits in their order, then the others by their rank. One that was removed meanwhile is left out."""
    lists = {name: places(entries) for name, entries in trail.lists.items()}
    fused, boosted = ranking(trail.fused), ranking(trail.boosted)
    hits = {one.number: place for place, one in enumerate(trail.best, start=1)}
    reranked = reranked_places(trail)
    rows = [
        Candidate(
            source=chunks[one.number].source,
            chunk=chunks[one.number].id,
            prefix=chunks[one.number].prefix,
            text=chunks[one.number].text,
            lists={name: held[one.number] for name, held in lists.items() if one.number in held},
            fused=fused[one.number],
            factor=trail.factors.get(one.number),
            boosted=boosted[one.number] if trail.factors else None,
            reranked=reranked.get(one.number),
            duplicate_of=_named(chunks, trail.duplicates.get(one.number)),
            part_of=_named(chunks, trail.parts.get(one.number)),
            place=hits.get(one.number),
        )
        for one in trail.boosted
        if one.number in chunks
    ]
    return tuple(sorted(rows, key=lambda row: row.place or len(rows) + 1))


def reranked_places(trail: Trail) -> dict[int, Place]:
    """Where reranking put each chunk that was read."""
    told = trail.reranked
    if told is None:
        return {}
    read = [one.number for one in told.ranking if one.number in told.scores]
    return {number: Place(rank=rank, score=told.scores[number]) for rank, number in enumerate(read, start=1)}


def _rerank(told: Reranked | None) -> RerankTold | None:
    if told is None:
        return None
    return RerankTold(by=told.by, outcome=told.outcome, passages=told.read, scored=len(told.scores), why=told.why)


def places(entries: list[tuple[int, float]]) -> dict[int, Place]:
    """Rank and score of each chunk of a list."""
    return {number: Place(rank=rank, score=score) for rank, (number, score) in enumerate(entries, start=1)}


def ranking(entries: list[Ranked]) -> dict[int, Place]:
    """Rank and score of each chunk of a ranking."""
    return {one.number: Place(rank=rank, score=one.score) for rank, one in enumerate(entries, start=1)}


def _named(chunks: Mapping[int, Chunk], number: int | None) -> str:
    chunk = None if number is None else chunks.get(number)
    return f"{chunk.source} ({chunk.id})" if chunk else ""
