"""One candidate, measured: the documents as they are indexed, split anew into an index beside the one in use, and searched for every question.

What is handed over is compared at equal length: for each question hits count up to the characters that the settings in force hand over, so
that no chunking wins by handing over more (a `keep` that is tried changes them in proportion). The index in use is read and never written.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from groundwork.context.chunking import embedded_text
from groundwork.context.config import ChunkSection, ContextSection, RerankSection
from groundwork.context.encoders import ChunkEncoder
from groundwork.context.indexing import split_as
from groundwork.context.labels import Labeller
from groundwork.context.ranking.rerank_embedded import EmbeddedReranker, Judge
from groundwork.context.ranking.reranking import Reranking
from groundwork.context.search import Search
from groundwork.core.document import Chunk, Document, Hit
from groundwork.core.errors import InputError
from groundwork.core.ports import Embedder
from groundwork.store.database import Database
from groundwork.store.index import IndexStore
from groundwork.store.index_port import Index, Snapshot
from groundwork.store.labels import Labels
from groundwork.store.lock import holding
from groundwork.store.vectors import from_blob
from groundwork.tuning.retrieval.candidates import Candidate
from groundwork.tuning.retrieval.sought import Sought

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Progress = Callable[[int, int, str], None]
_BATCH = 64
_BESIDE = "context-tune-"
_PATIENCE = 600.0
_MOST = 100
"""Hits that are asked for at most."""


class Measured(NamedTuple):
    """What a candidate did: for each question the share of its needs that was handed over, and 1 over the place of the first hit that holds any."""

    held: tuple[float, ...]
    first: tuple[float, ...]
    chunks: int
    left_out: tuple[str, ...]
    """Documents that cannot be split this way."""


class Trials:
    """Measures candidates on one set of questions and documents. Candidates of one chunking should follow each other: they share an index."""

    def __init__(
        self,
        documents: Sequence[Document],
        cases: Sequence[Sought],
        encoder: ChunkEncoder,
        embedder: Embedder,
        *,
        folder: Path,
        progress: Progress,
        section: ContextSection | None = None,
        known: Mapping[str, "Vectors"] | None = None,
        reader: Judge | None = None,
    ) -> None:
        self._documents = documents
        self._cases = cases
        self._encoder = encoder
        self._embedder = embedder
        self._folder = folder
        self._progress = progress
        section = section or ContextSection(sources=())
        self._labeller = Labeller(section)
        self._section = msgspec.structs.replace(section, sources=(), collections={}, permissions=None)  # whoever tunes sees everything
        self._known = known or {}
        self._reader = reader
        self._budgets: list[float] = []
        """Characters for each question; empty until the settings in force have been measured."""
        self._keep = 0
        self._done = self._total = 0

    @property
    def budget(self) -> int:
        """Characters that a candidate may hand over for a question, on average."""
        return round(sum(self._budgets) / len(self._budgets)) if self._budgets else 0

    async def measure(self, candidates: Sequence[Candidate]) -> list[Measured]:
        """Each candidate in order; the first is what is in force, and sets the budget. Raises StoreBusy where another process does the same."""
        with holding(self._folder / "tune.lock", what="comparing settings of the retrieval"):
            for left in self._folder.glob(f"{_BESIDE}*"):  # by one that was killed
                shutil.rmtree(left, ignore_errors=True)
            return await self._measure(candidates)

    async def _measure(self, candidates: Sequence[Candidate]) -> list[Measured]:
        found: list[Measured | None] = [None] * len(candidates)
        chunkings = list(dict.fromkeys(candidate.chunk for candidate in candidates))
        self._done, self._total = 0, len(chunkings) * len(self._documents)
        for chunk in chunkings:
            async with self._index(chunk) as (store, left_out):
                count = sum(entry.chunks for entry in store.documents())
                for place, candidate in enumerate(candidates):
                    if candidate.chunk == chunk:
                        found[place] = await self._searched(store, candidate, count, left_out)
        return [one for one in found if one is not None]

    @asynccontextmanager
    async def _index(self, chunk: ChunkSection) -> AsyncGenerator[tuple[IndexStore, tuple[str, ...]]]:
        """An index of the documents under this chunking, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix=_BESIDE, dir=self._folder) as folder:
            store = IndexStore(Database(Path(folder) / "index.db", schema="index", durable=False))
            try:
                yield store, await asyncio.to_thread(self._fill, store, chunk)
            finally:
                store.close()

    def _fill(self, store: IndexStore, chunk: ChunkSection) -> tuple[str, ...]:
        store.prepare({"fingerprint": self._encoder.fingerprint}, clear=False)
        left_out: list[str] = []
        for document in self._documents:
            self._progress(self._done, self._total, f"{chunk.by} {chunk.tokens}: {document.source}")
            self._done += 1
            try:
                chunks = split_as(document, self._encoder, chunk)
                fields = self._labeller.labels(document).values
            except InputError:
                left_out.append(document.source)
                continue
            store.put(document, chunks, self._vectors(chunks), digest="", labels=Labels(fields))  # whoever tunes sees everything
        return tuple(left_out)

    def _vectors(self, chunks: Sequence[Chunk]) -> dict[str, "Vectors"]:
        """A vector for every chunk; those that the index in use has are taken from it."""
        texts = {chunk.id: embedded_text(chunk) for chunk in chunks}
        found = {identifier: self._known[text] for identifier, text in texts.items() if text in self._known}
        fresh = [identifier for identifier in texts if identifier not in found]
        for start in range(0, len(fresh), _BATCH):
            some = fresh[start : start + _BATCH]
            found.update(zip(some, self._encoder.encode([texts[identifier] for identifier in some]), strict=True))
        return found

    async def _searched(self, store: IndexStore, candidate: Candidate, chunks: int, left_out: tuple[str, ...]) -> Measured:
        if not chunks:  # no document can be split this way
            nothing = (0.0,) * len(self._cases)
            return Measured(nothing, nothing, 0, left_out)
        section = msgspec.structs.replace(self._section, chunk=candidate.chunk, retrieve=candidate.retrieve)
        search = Search(store, self._embedder, section, reranking=self._reranking(candidate.retrieve.rerank))
        keep = candidate.retrieve.keep
        if not self._budgets:
            self._budgets, self._keep = await self._handed_now(search, store, keep), keep
        held: list[float] = []
        first: list[float] = []
        for case, budget in zip(self._cases, self._budgets, strict=True):
            hits = await self._handed(search, case, keep, budget * keep / self._keep)
            held.append(sum(any(need.is_in(hit.chunk) for hit in hits) for need in case.needs) / len(case.needs))
            places = (place for place, hit in enumerate(hits, start=1) if any(need.is_in(hit.chunk) for need in case.needs))
            first.append(1 / place if (place := next(places, 0)) else 0.0)
        return Measured(tuple(held), tuple(first), chunks, left_out)

    def _reranking(self, section: RerankSection | None) -> Reranking | None:
        """The embedded reranker, as long as it takes: a busy machine must not choose. Others would be asked thousands of times, and are not."""
        if section is None or section.by != "embedded" or self._reader is None:
            return None
        return Reranking(EmbeddedReranker(self._reader), section.depth, _PATIENCE, section.weight)

    async def _handed_now(self, search: Search, store: IndexStore, keep: int) -> list[float]:
        """How many characters the settings in force hand over for each question; where they find too little, as many as they could."""
        hits = [(await search.find(case.question, keep=keep)).hits for case in self._cases]
        lengths = [len(hit.text) for found in hits for hit in found] or store.read_now(_lengths)
        usual = keep * sum(lengths) / len(lengths)
        return [
            max(1.0, float(handed) if len(found) == keep else max(handed, usual))
            for found in hits
            for handed in [sum(len(hit.text) for hit in found)]
        ]

    async def _handed(self, search: Search, case: Sought, keep: int, budget: float) -> list[Hit]:
        """The hits that fit into the budget; more than `keep` where they are shorter, and the one that passes it by less than half of itself."""
        found: list[Hit] = []
        left = budget
        wanted = keep
        hits = (await search.find(case.question, keep=wanted)).hits
        while sum(len(hit.text) for hit in hits) < left and len(hits) == wanted and wanted < _MOST:
            wanted *= 2
            hits = (await search.find(case.question, keep=wanted)).hits
        for hit in hits:
            if len(hit.text) / 2 > left:
                break
            found.append(hit)
            left -= len(hit.text)
        return found


def _lengths(snapshot: Snapshot) -> list[int]:
    return [len(chunk.text) for chunk in snapshot.chunks("number", list(snapshot.vectors())).values()]


def vectors_of(store: Index, encoder: ChunkEncoder) -> dict[str, "Vectors"]:
    """The vectors that an index holds, by the text that was embedded; none where another encoder made it."""
    if store.made_with().get("fingerprint") != encoder.fingerprint:
        return {}

    def work(snapshot: Snapshot) -> dict[str, "Vectors"]:
        blobs = snapshot.vectors()
        chunks = snapshot.chunks("number", list(blobs))
        found: dict[str, Vectors] = {}
        for number, chunk in chunks.items():
            found[embedded_text(chunk)] = from_blob([blobs[number]], len(blobs[number]) // 2)[0]
        return found

    return store.read_now(work)
