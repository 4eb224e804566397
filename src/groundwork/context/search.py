"""Hybrid search: terms (BM25) and meaning (cosine of the encoder's vectors), fused into one ranking.

Each search looks at the index as it is at that moment, so a running server sees what the command line indexes. Permissions and filters hold
inside both lists: what may not be seen takes nobody's place.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.context.config import ContextSection
from groundwork.context.fusion import Ranked, fuse
from groundwork.context.nearest import Dense, Exact
from groundwork.context.nearest_in_database import InDatabase
from groundwork.context.preferring import boosted, diverse, overlap, shingles, without_duplicates
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


@dataclass(slots=True)
class Trail:
    """How one search came to its hits, stage by stage. Chunks go by their numbers."""

    query: str
    generation: str
    selection: Selection
    lists: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    cosines: Mapping[int, float] = field(default_factory=dict)
    fused: list[Ranked] = field(default_factory=list)
    factors: Mapping[int, float] = field(default_factory=dict)
    boosted: list[Ranked] = field(default_factory=list)
    duplicates: dict[int, int] = field(default_factory=dict)
    """Chunks left out → the one that stands for each."""
    best: list[Ranked] = field(default_factory=list)
    chunks: dict[int, Chunk] = field(default_factory=dict)
    passages: dict[int, Chunk] = field(default_factory=dict)
    """Hits with what stands around them, where that is configured."""
    parts: dict[int, int] = field(default_factory=dict)
    """Chunks that stand in the passage of another hit → that hit."""

    def found(self) -> Found:
        """What the search gives."""
        hits = tuple(
            Hit(
                chunk=self.passages.get(one.number, self.chunks[one.number]),
                score=one.score,
                ranks=one.ranks,
                similarity=self.cosines.get(one.number),
            )
            for one in self.best
        )
        return Found(hits=hits, generation=self.generation, query=self.query)


class Search:
    """Finds chunks for a query. One per application; `dense` finds the nearest vectors."""

    def __init__(
        self,
        store: Index,
        embedder: Embedder,
        config: ContextSection,
        today: Callable[[], dt.date] = dt.date.today,
        dense: Dense | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self.config = config.retrieve
        self._has_parents = config.chunk.parent is not None
        self._scoping = Scoping(config, today)
        self.dense: Dense = dense or (InDatabase(embedder) if store.compares_vectors else Exact(embedder))

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

    async def find(self, query: str, /, *, keep: int, scope: Scope = PUBLIC, others: Known = NO_OTHERS) -> Found:
        """The best chunks of the documents within the scope, best first. Any text is a safe query; a blank one finds nothing.

        Raises ConfigError where nothing is indexed yet, StoreError where the index was made by another encoder or under other permissions,
        InputError for a filter that cannot be read or does not fit.
        """
        return (await self.trail(query, keep=keep, scope=scope, others=others)).found()

    async def trail(self, query: str, /, *, keep: int, scope: Scope = PUBLIC, depth: int = 0, others: Known = NO_OTHERS) -> Trail:
        """The search with everything on its way. `depth` makes both lists that long instead of as configured. Raises as `find` does."""
        query = query.encode(errors="replace").decode().replace("\0", " ")  # lone surrogates and NULs reach neither tokenizer nor database
        vector = None if self.config.fuse == "terms" or not query.strip() else await self._embed(query)
        return await self._store.read(lambda snapshot: self._trail(snapshot, query, vector, keep, scope, depth, others))

    async def _embed(self, query: str) -> "Vectors | None":
        """The query's vector; of its beginning where it is longer than the window, and None where not even that can be embedded."""
        for text in dict.fromkeys(_beginning(query, most) for most in _CUTS):
            try:
                return (await self._embedder.embed([text]))[0]
            except InputError:
                continue
        return None

    def _trail(self, snapshot: Snapshot, query: str, vector: "Vectors | None", keep: int, scope: Scope, depth: int, others: Known) -> Trail:
        """On a reader thread, on one snapshot."""
        config = self.config
        generation = snapshot.generation()
        if not generation:
            raise ConfigError("nothing is indexed yet", fix="run `groundwork index`")
        state = snapshot.state()
        trail = Trail(query, generation, self._scoping.selection(snapshot, state, scope, others))
        if not query.strip():
            return trail
        looked_at = self._scoping.chunks(snapshot, state, trail.selection)
        if config.fuse != "dense":
            trail.lists["terms"] = snapshot.search_terms(terms_of(query), most=depth or config.terms, looked_at=looked_at)
        if vector is not None:
            also = [number for number, _ in trail.lists.get("terms", ())]
            found = self.dense.nearest(snapshot.handle, state, vector, depth or config.dense, also, looked_at)
            trail.lists["dense"], trail.cosines = found
        weights = {"terms": config.weights.terms, "dense": config.weights.dense}
        trail.fused = fuse(trail.lists, config.fuse, weights, trail.cosines)
        trail.factors = self._scoping.factors(snapshot, state, [one.number for one in trail.fused], others)
        trail.boosted = boosted(trail.fused, trail.factors) if trail.factors else trail.fused
        self._prefer(snapshot, trail, state, keep)
        missing = [one.number for one in trail.best if one.number not in trail.chunks]
        trail.chunks |= snapshot.chunks("number", missing)
        return trail

    def _prefer(self, snapshot: Snapshot, trail: Trail, state: str, keep: int) -> None:
        """Take the best, without near-duplicates and with variety where that is asked for."""
        threshold, diversity, around = self.config.duplicates, self.config.diversity, self.config.around
        large = bool(around) or self._has_parents
        if threshold is None and not diversity and not large:
            trail.best = trail.boosted[:keep]
            return
        pool = trail.boosted[:_POOL]
        trail.chunks = snapshot.chunks("number", [one.number for one in pool])
        runs: dict[int, frozenset[tuple[str, ...]]] = {}

        def shared(one: int, other: int) -> float:
            for number in (one, other):
                if number not in runs:
                    runs[number] = shingles(trail.chunks[number].text)
            return overlap(runs[one], runs[other])

        if threshold is not None:
            pool, trail.duplicates = without_duplicates(pool, shared, threshold)
        if diversity:
            alike = self.dense.alike(snapshot.handle, state, [one.number for one in pool]) if "dense" in trail.lists else shared
            pool = diverse(pool, alike, diversity, keep)
        trail.best = pool[:keep]
        if large:
            trail.best, trail.passages, trail.parts = widened(snapshot, pool, trail.chunks, around, keep)


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
