"""Hybrid search: terms (BM25) and meaning (cosine of the encoder's vectors), fused into one ranking.

The vectors lie in memory and are scanned exactly: 16 ms of CPU for 100,000 chunks. Each search compares generations, so a running server
sees what the command line indexes. Permissions and filters hold inside both lists: what may not be seen takes nobody's place. Not covered:
an approximate index for millions of chunks.
"""

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.context.config import ContextSection
from groundwork.context.fusion import Ranked, fuse
from groundwork.context.preferring import boosted, diverse, overlap, shingles, without_duplicates
from groundwork.context.scoping import Scoping
from groundwork.context.widening import widened
from groundwork.core.access import PUBLIC, Scope
from groundwork.core.document import Chunk, Found, Hit
from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.core.ports import Embedder
from groundwork.core.text import STOPWORDS, words
from groundwork.store.index import (
    IndexStore,
    read_chunks,
    read_fingerprint,
    read_generation,
    read_numbers,
    read_state,
    read_vectors,
    search_terms,
    snapshot,
)
from groundwork.store.labels import Selection
from groundwork.store.vectors import from_blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Numbers = NDArray[np.int64]

_MOST_TERMS = 64
_READ = 10_000
"""Characters of a query that are looked at for terms."""
_CUTS = (1_100, 800, 500, 250, 80)
"""Characters of a query that are embedded: the most that the encoder's window takes, tried from the longest."""
_POOL = 200
"""Chunks that are compared with each other, at most."""
EVERY = 1_000_000_000
"""As the length of a list: all of it."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """All vectors of one state of the index: row i belongs to the chunk `numbers[i]`, ascending."""

    state: str
    numbers: "Numbers"
    vectors: "Vectors"

    def alike(self, one: int, other: int) -> float:
        """Cosine of two chunks, 0 at least."""
        import numpy as np

        rows = np.searchsorted(self.numbers, [one, other])
        return max(0.0, float(np.vecdot(self.vectors[rows[0]], self.vectors[rows[1]])))


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
    """Finds chunks for a query. One per application; it holds the vectors (1.5 kB a chunk)."""

    def __init__(self, store: IndexStore, embedder: Embedder, config: ContextSection, today: Callable[[], dt.date] = dt.date.today) -> None:
        self._store = store
        self._embedder = embedder
        self.config = config.retrieve
        self._scoping = Scoping(config, today)
        self._matrix: Matrix | None = None
        self._loading = threading.Lock()

    async def find(self, query: str, /, *, keep: int, scope: Scope = PUBLIC) -> Found:
        """The best chunks of the documents within the scope, best first. Any text is a safe query; a blank one finds nothing.

        Raises ConfigError where nothing is indexed yet, StoreError where the index was made by another encoder or under other permissions,
        InputError for a filter that cannot be read or does not fit.
        """
        return (await self.trail(query, keep=keep, scope=scope)).found()

    async def trail(self, query: str, /, *, keep: int, scope: Scope = PUBLIC, depth: int = 0) -> Trail:
        """The search with everything on its way. `depth` makes both lists that long instead of as configured. Raises as `find` does."""
        query = query.encode(errors="replace").decode().replace("\0", " ")  # lone surrogates and NULs reach neither tokenizer nor SQLite
        vector = None if self.config.fuse == "terms" or not query.strip() else await self._embed(query)
        return await self._store.database.read(lambda connection: self._trail(connection, query, vector, keep, scope, depth))

    async def _embed(self, query: str) -> "Vectors | None":
        """The query's vector; of its beginning where it is longer than the window, and None where not even that can be embedded."""
        for text in dict.fromkeys(_beginning(query, most) for most in _CUTS):
            try:
                return (await self._embedder.embed([text]))[0]
            except InputError:
                continue
        return None

    def _trail(self, connection: sqlite3.Connection, query: str, vector: "Vectors | None", keep: int, scope: Scope, depth: int) -> Trail:
        """On a reader thread, on one snapshot."""
        config = self.config
        with snapshot(connection):
            generation = read_generation(connection)
            if not generation:
                raise ConfigError("nothing is indexed yet", fix="run `groundwork index`")
            state = read_state(connection)
            trail = Trail(query, generation, self._scoping.selection(connection, state, scope))
            if not query.strip():
                return trail
            among = self._scoping.chunks(connection, state, trail.selection)
            if config.fuse != "dense":
                trail.lists["terms"] = search_terms(connection, terms_of(query), most=depth or config.terms, among=among)
            if vector is not None:
                matrix = self._current(connection, state)
                also = [number for number, _ in trail.lists.get("terms", ())]
                trail.lists["dense"], trail.cosines = _nearest(matrix, vector, depth or config.dense, also, among)
            weights = {"terms": config.weights.terms, "dense": config.weights.dense}
            trail.fused = fuse(trail.lists, config.fuse, weights, trail.cosines)
            trail.factors = self._scoping.factors(connection, state, [one.number for one in trail.fused])
            trail.boosted = boosted(trail.fused, trail.factors) if trail.factors else trail.fused
            self._prefer(connection, trail, state, keep)
            missing = [one.number for one in trail.best if one.number not in trail.chunks]
            trail.chunks |= read_chunks(connection, "number", missing)
        return trail

    def _prefer(self, connection: sqlite3.Connection, trail: Trail, state: str, keep: int) -> None:
        """Take the best, without near-duplicates and with variety where that is asked for."""
        threshold, diversity, around = self.config.duplicates, self.config.diversity, self.config.around
        if threshold is None and not diversity and not around:
            trail.best = trail.boosted[:keep]
            return
        pool = trail.boosted[:_POOL]
        trail.chunks = read_chunks(connection, "number", [one.number for one in pool])
        runs: dict[int, frozenset[tuple[str, ...]]] = {}

        def shared(one: int, other: int) -> float:
            for number in (one, other):
                if number not in runs:
                    runs[number] = shingles(trail.chunks[number].text)
            return overlap(runs[one], runs[other])

        if threshold is not None:
            pool, trail.duplicates = without_duplicates(pool, shared, threshold)
        if diversity:
            matrix = self._matrix
            loaded = matrix is not None and matrix.state == state and "dense" in trail.lists
            pool = diverse(pool, matrix.alike if matrix is not None and loaded else shared, diversity, keep)
        trail.best = pool[:keep]
        if around:
            trail.best, trail.passages, trail.parts = widened(connection, pool, trail.chunks, around, keep)

    def _current(self, connection: sqlite3.Connection, state: str) -> Matrix:
        """The vectors of this state: what is in memory, less what is gone, and what is new."""
        matrix = self._matrix
        if matrix is not None and matrix.state == state:
            return matrix
        with self._loading:
            if self._matrix is not None and self._matrix.state == state:  # another thread was quicker
                return self._matrix
            if read_fingerprint(connection) != self._embedder.fingerprint:
                raise StoreError(
                    "the index was made by another encoder, and vectors of two encoders cannot be compared",
                    fix="run `groundwork index --rebuild`",
                )
            matrix = load_matrix(connection, state, self._matrix, self._embedder.dimensions)
            self._matrix = matrix
            return matrix


def load_matrix(connection: sqlite3.Connection, state: str, old: Matrix | None, dimensions: int) -> Matrix:
    """Read the vectors of the snapshot. Numbers are never given twice and a number's vector never changes, so known rows are taken over."""
    import numpy as np

    numbers = np.array(read_numbers(connection), dtype=np.int64)
    if old is None:
        old = Matrix("", np.empty(0, np.int64), np.empty((0, dimensions), np.float32))
    newest = int(old.numbers[-1]) if len(old.numbers) else 0
    rows = list(read_vectors(connection, above=newest))
    kept = np.isin(old.numbers, numbers)
    known = np.concatenate([old.numbers[kept], np.array([number for number, _ in rows], dtype=np.int64)])
    if not np.array_equal(known, numbers):  # `old` is of a later moment than this snapshot: begin from nothing
        return load_matrix(connection, state, None, dimensions)
    return Matrix(state, numbers, np.concatenate([old.vectors[kept], from_blob([blob for _, blob in rows], dimensions)]))


def _nearest(
    matrix: Matrix, vector: "Vectors", most: int, also: Iterable[int], looked_at: bytes | None
) -> tuple[list[tuple[int, float]], dict[int, float]]:
    """The rows with the greatest cosine among those that are looked at, best first, and the cosines of these and of the chunks in
    `also`.
    """
    import numpy as np

    cosines = np.vecdot(matrix.vectors, vector)  # not `@`: for a product this thin BLAS takes twice the time, and a second core
    among = None if looked_at is None else np.flatnonzero(np.frombuffer(looked_at, np.uint8)[matrix.numbers])
    near = cosines if among is None else cosines[among]
    most = min(most, len(near))
    best = np.argpartition(-near, most - 1)[:most] if most else np.empty(0, np.int64)
    if among is not None:
        best = among[best]
    best = best[np.lexsort((matrix.numbers[best], -cosines[best]))]
    nearest = [(int(matrix.numbers[row]), float(cosines[row])) for row in best]
    others = np.array(sorted(also), dtype=np.int64)
    rows = np.searchsorted(matrix.numbers, others)
    return nearest, dict(nearest) | {int(number): float(cosines[row]) for number, row in zip(others, rows, strict=True)}


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
