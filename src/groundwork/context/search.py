"""Hybrid search: terms (BM25) and meaning (cosine of the encoder's vectors), fused into one ranking.

Each search looks at the index as it is at that moment, so a running server sees what the command line indexes. Permissions and filters hold
inside both lists: what may not be seen takes nobody's place.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from groundwork.context.config import ContextSection
from groundwork.context.dense.nearest import NOBODY, Dense, Neighbours
from groundwork.context.dense.refreshing import dense_of
from groundwork.context.ranking.evidence import NONE, Evidence, evidence
from groundwork.context.ranking.fusion import Ranked, fuse, fuse_queries
from groundwork.context.ranking.preferring import Shared, boosted, diverse, without_duplicates
from groundwork.context.ranking.reranking import Reranked, Reranking
from groundwork.context.remembering import Results, key_of
from groundwork.context.scoping import NO_OTHERS, Known, Scoping
from groundwork.context.widening import widened
from groundwork.core.access import PUBLIC, Scope
from groundwork.core.document import Chunk, Found, Hit
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.ports import Embedder
from groundwork.core.text import STOPWORDS, words
from groundwork.store.index_port import Index, Snapshot
from groundwork.store.labels import Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_MOST_TERMS = 64
_READ = 10_000
"""Characters of a query that are looked at for terms."""
_CUTS = (1_100, 800, 500, 250, 80)
"""Characters of a query that are embedded: the most that the encoder's window takes, tried from the longest."""
_POOL = 200
"""Chunks that are compared with each other, at most."""
EVERY = 1_000_000_000
"""As the length of a list: all of it."""


class Asked(NamedTuple):
    """A query as it is looked up, and what its ranking counts."""

    text: str
    vector: "Vectors | None"
    weight: float


@dataclass(slots=True)
class Trail:
    """How one search came to its hits, stage by stage. Chunks go by their numbers."""

    query: str
    generation: str
    selection: Selection
    state: str = ""
    lists: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    dense: str = ""
    """How the dense list was made; empty where there is none."""
    cosines: Mapping[int, float] = field(default_factory=dict)
    fused: list[Ranked] = field(default_factory=list)
    factors: Mapping[int, float] = field(default_factory=dict)
    boosted: list[Ranked] = field(default_factory=list)
    duplicates: dict[int, int] = field(default_factory=dict)
    """Chunks left out → the one that stands for each."""
    pool: list[Ranked] = field(default_factory=list)
    """What may become a hit, best first."""
    reranked: Reranked | None = None
    best: list[Ranked] = field(default_factory=list)
    evidence: Evidence = NONE
    chunks: dict[int, Chunk] = field(default_factory=dict)
    passages: dict[int, Chunk] = field(default_factory=dict)
    """Hits with what stands around them, where that is configured."""
    parts: dict[int, int] = field(default_factory=dict)
    """Chunks that stand in the passage of another hit → that hit."""

    def found(self) -> Found:
        """What the search gives."""
        read = self.reranked.scores if self.reranked is not None else {}
        hits = tuple(
            Hit(
                chunk=self.passages.get(one.number, self.chunks[one.number]),
                score=one.score,
                ranks=one.ranks,
                similarity=self.cosines.get(one.number),
                rerank=read.get(one.number),
            )
            for one in self.best
        )
        said = self.evidence
        return Found(hits=hits, generation=self.generation, query=self.query, evidence=said.probability, doubtful=said.doubtful)


class Search:
    """Finds chunks for a query. One per application; `dense` finds the nearest vectors."""

    def __init__(
        self,
        store: Index,
        embedder: Embedder,
        config: ContextSection,
        today: Callable[[], dt.date] = dt.date.today,
        dense: Dense | None = None,
        reranking: Reranking | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self.config = config.retrieve
        self._gives_more = bool(config.retrieve.around) or config.chunk.parent is not None
        """Whether hits are given with more than their chunk."""
        self._scoping = Scoping(config, today)
        self.dense: Dense = dense or dense_of(store, embedder, self.config.approximate)
        self.reranking = reranking
        self.results = Results(config.retrieve.cache.bytes) if config.retrieve.cache.bytes else None
        self._today = today

    async def generation(self) -> str:
        """Which state of the index is current; empty where it holds nothing."""
        return await self._store.read(lambda snapshot: snapshot.generation())

    async def fits(self) -> bool | None:
        """Whether the index was made by this encoder; None where it holds nothing."""
        fingerprint = await self._store.read(lambda snapshot: snapshot.generation() and snapshot.fingerprint())
        return fingerprint == self._embedder.fingerprint if fingerprint else None

    async def known(self, scope: Scope) -> Known:
        """The fields of its documents, for searches of other collections beside it. Raises StoreError as `find` does."""
        return await self._store.read(lambda snapshot: self._scoping.known(snapshot, snapshot.state(), scope))

    async def find(
        self,
        query: str,
        /,
        *,
        keep: int,
        scope: Scope = PUBLIC,
        also: Mapping[str, float] = MappingProxyType({}),
        others: Known = NO_OTHERS,
    ) -> Found:
        """The best chunks of the documents within the scope, best first. Any text is a safe query; a blank one finds nothing. `also` are further
        queries, each with what its ranking counts against the query's 1; `others` what collections searched beside it know.

        Raises ConfigError where nothing is indexed yet, StoreError where the index was made by another encoder or under other permissions,
        InputError for a filter that cannot be read or does not fit.
        """
        if self.results is None or others is not NO_OTHERS:
            return (await self.trail(query, keep=keep, scope=scope, also=also, others=others)).found()
        today = self._today()
        generation, access = await self._store.read(lambda snapshot: (snapshot.generation(), snapshot.access()))
        kept = self.results.get(key_of(generation, access, query, keep, scope, also, today))
        if kept is not None:
            return kept
        trail = await self.trail(query, keep=keep, scope=scope, also=also)
        if trail.reranked is None or trail.reranked.outcome == "reranked":
            self.results.put(key_of(trail.generation, access, query, keep, scope, also, today), trail.found())
        return trail.found()

    async def trail(
        self,
        query: str,
        /,
        *,
        keep: int,
        scope: Scope = PUBLIC,
        depth: int = 0,
        also: Mapping[str, float] = MappingProxyType({}),
        others: Known = NO_OTHERS,
    ) -> Trail:
        """The search with everything on its way. `depth` makes both lists that long instead of as configured. Raises as `find` does."""
        asked = [await self._asked(text, weight) for text, weight in ((query, 1.0), *also.items()) if text is query or text.strip()]
        trail = await self._store.read(lambda snapshot: self._trail(snapshot, asked, keep, scope, depth, others))
        if self.reranking is not None and not depth and len(trail.pool) > 1:
            trail.reranked = await self.reranking.rank(trail.query, trail.pool, trail.chunks)
            if trail.reranked.applies:
                await self._store.read(lambda snapshot: self._put_in_order(snapshot, trail, keep))
        return trail

    async def _asked(self, query: str, weight: float) -> Asked:
        query = query.encode(errors="replace").decode().replace("\0", " ")  # lone surrogates and NULs reach neither tokenizer nor database
        return Asked(query, None if self.config.fuse == "terms" or not query.strip() else await self._embed(query), weight)

    async def _embed(self, query: str) -> "Vectors | None":
        """The query's vector; of its beginning where it is longer than the window, and None where not even that can be embedded."""
        for text in dict.fromkeys(_beginning(query, most) for most in _CUTS):
            try:
                return (await self._embedder.embed([text]))[0]
            except InputError:
                continue
        return None

    def _trail(self, snapshot: Snapshot, asked: Sequence[Asked], keep: int, scope: Scope, depth: int, others: Known) -> Trail:
        """On a reader thread, on one snapshot."""
        query, *further = asked
        generation = snapshot.generation()
        if not generation:
            raise ConfigError("nothing is indexed yet", fix="run `groundwork index`")
        state = snapshot.state()
        trail = Trail(query.text, generation, self._scoping.selection(snapshot, state, scope, others), state)
        if not query.text.strip():
            return trail
        looked_at = self._scoping.chunks(snapshot, state, trail.selection)
        beside = {
            f"query {place}": self._fused(*self._look_up(snapshot, state, one, looked_at, depth))
            for place, one in enumerate(further, start=2)
        }
        known = {one.number for found in beside.values() for one in found}
        trail.lists, near = self._look_up(snapshot, state, query, looked_at, depth, known)
        trail.cosines, trail.dense = near.cosines, near.how
        trail.fused = self._fused(trail.lists, near)
        if beside:
            lists = {name: [(one.number, one.score) for one in found] for name, found in beside.items()}
            trail.fused = fuse_queries(trail.fused, lists, dict(zip(lists, (one.weight for one in further), strict=True)))
            trail.lists |= lists
        trail.factors = self._scoping.factors(snapshot, state, [one.number for one in trail.fused], others)
        trail.boosted = boosted(trail.fused, trail.factors) if trail.factors else trail.fused
        self._prefer(snapshot, trail, keep)
        return trail

    def _look_up(
        self, snapshot: Snapshot, state: str, query: Asked, looked_at: Any, depth: int, beside: Iterable[int] = ()
    ) -> tuple[dict[str, list[tuple[int, float]]], Neighbours]:
        """One query's lists, and the cosines of all that is in them and of the chunks in `beside`."""
        lists: dict[str, list[tuple[int, float]]] = {}
        near = NOBODY
        if self.config.fuse != "dense":
            lists["terms"] = snapshot.search_terms(terms_of(query.text), most=depth or self.config.terms, looked_at=looked_at)
        if query.vector is not None:
            also = {number for number, _ in lists.get("terms", ())}.union(beside)
            near = self.dense.nearest(snapshot.handle, state, query.vector, depth or self.config.dense, also, looked_at)
            lists["dense"] = near.ranked
        return lists, near

    def _fused(self, lists: Mapping[str, list[tuple[int, float]]], near: Neighbours) -> list[Ranked]:
        weights = {"terms": self.config.weights.terms, "dense": self.config.weights.dense}
        return fuse(lists, self.config.fuse, weights, near.cosines)

    def _prefer(self, snapshot: Snapshot, trail: Trail, keep: int) -> None:
        """Take the best, without near-duplicates and with variety where that is asked for. What a reranker may read is read here: with this
        snapshot's texts it cannot matter what is indexed meanwhile.
        """
        threshold = self.config.duplicates
        compared = threshold is not None or self.config.diversity or self._gives_more
        trail.pool = trail.boosted[:_POOL] if compared else trail.boosted
        shown = trail.pool if compared else trail.pool[: max(keep, self.reranking.depth if self.reranking else 0)]
        trail.chunks = snapshot.chunks("number", [one.number for one in shown])
        if threshold is not None:
            trail.pool, trail.duplicates = without_duplicates(trail.pool, Shared(trail.chunks), threshold)
        self._choose(snapshot, trail, keep)

    def _choose(self, snapshot: Snapshot, trail: Trail, keep: int) -> None:
        """The hits from the pool: with variety, and with what stands around them, where that is asked for."""
        diversity, around, pool = self.config.diversity, self.config.around, trail.pool
        if diversity:
            numbers = [one.number for one in pool]
            alike = self.dense.alike(snapshot.handle, trail.state, numbers) if "dense" in trail.lists else Shared(trail.chunks)
            pool = diverse(pool, alike, diversity, keep)
        trail.best = pool[:keep]
        if self._gives_more:
            trail.best, trail.passages, trail.parts = widened(snapshot, pool, trail.chunks, around, keep)
        given = [(trail.passages.get(one.number, trail.chunks[one.number]), trail.cosines.get(one.number)) for one in trail.best]
        trail.evidence = evidence(trail.query, given)

    def _put_in_order(self, snapshot: Snapshot, trail: Trail, keep: int) -> None:
        """Choose again, now by the reranker's order. Where that takes another look at the index, and it has changed since, everything stays."""
        looks = self._gives_more or self.config.diversity
        if trail.reranked is None or (looks and snapshot.state() != trail.state):
            trail.reranked = trail.reranked and replace(trail.reranked, outcome="index changed", scores={})
            return
        trail.pool = trail.reranked.ranking
        self._choose(snapshot, trail, keep)


def terms_of(query: str) -> list[str]:
    """The distinct words of a query that are looked up: those that carry meaning, or all where none does. Of a long query 64: what looks like
    a code or a name (`ORA-00942`, `page_size`, `libssl.so.3`) wherever it stands, then its first words.
    """
    found = list(dict.fromkeys(words(query[:_READ])))
    terms = [word for word in found if word not in STOPWORDS] or found
    if len(terms) > _MOST_TERMS:
        terms.sort(key=lambda word: not is_code(word))
    return terms[:_MOST_TERMS]


def is_code(word: str) -> bool:
    """Whether a word is rather an identifier, an error code, a version or a file's name than a word of a sentence."""
    return "_" in word or "." in word or (any(one.isdigit() for one in word) and not word.isdigit())


def _beginning(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return text[:most].rsplit(None, 1)[0] or text[:most]
