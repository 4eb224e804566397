"""Bringing the index in step with the files: new and changed documents in, removed ones out, everything else untouched.

Each source is one transaction, durable before the next begins: a process that is killed loses the source it was at, and the next run
completes the rest. A change embeds only the chunks whose text is not in the index yet, wherever it stands there.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from groundwork.context import reading
from groundwork.context.chunking import embedded_text, split
from groundwork.context.config import ChunkSection, ContextSection
from groundwork.context.labels import Labeller
from groundwork.context.origins import Origin
from groundwork.context.packing import Measure
from groundwork.context.refreshing import Approximation, refreshed
from groundwork.context.sources import find_sources
from groundwork.core.document import Chunk, Document
from groundwork.core.errors import ConfigError, InputError, StoreError, UpstreamError
from groundwork.core.ids import canonical, content_id
from groundwork.store.index_port import Index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Progress = Callable[[int, int, str], None]
"""Called with how many sources are done, how many there are, and the one at hand; again and again while a long one is embedded. It may raise
`Stopped`.
"""

PARTLY = "read in part: "
"""How the reason begins where a source was read, but not all of it."""
_BATCH = 64
"""Chunks embedded between two signs of life."""


class ChunkEncoder(Measure, Protocol):
    """The encoder as indexing needs it: it counts, cuts and embeds, in the calling thread."""

    @property
    def fingerprint(self) -> str: ...

    def encode(self, texts: Sequence[str], /) -> "Vectors": ...


class IndexReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did. `skipped` pairs a source (or a pattern that matches nothing) with the reason."""

    added: int
    changed: int
    removed: int
    unchanged: int
    embedded: int
    """Chunks that got a new vector."""
    reused: int
    """Chunks of new and changed documents whose text had one already."""
    skipped: list[tuple[str, str]]
    seconds: float
    generation: str
    approximate: Approximation
    """What became of the approximate index."""


class Stopped(Exception):
    """Whoever started a run wants it no more. What it had finished is kept, and the next run goes on from there."""


def split_as(document: Document, encoder: ChunkEncoder, chunk: ChunkSection) -> list[Chunk]:
    """A document's chunks as the configuration asks for them. Raises as `chunking.split` does."""
    return split(document, encoder, tokens=chunk.tokens, overlap=chunk.overlap, by=chunk.by, size=chunk.size, embed=encoder.encode)


def _quiet(_done: int, _total: int, _source: str) -> None:
    """Shows nothing."""


class Indexer:
    """One run over an application's sources. A second one at the same time, in whatever process, is refused."""

    def __init__(self, config: ContextSection, root: Path, store: Index, encoder: ChunkEncoder) -> None:
        self._config = config
        self._root = root
        self._store = store
        self._encoder = encoder
        self._labeller = Labeller(config)
        self._counts = {"added": 0, "changed": 0, "removed": 0, "unchanged": 0, "embedded": 0, "reused": 0}
        self._skipped: list[tuple[str, str]] = []

    def run(self, progress: Progress = _quiet, *, rebuild: bool = False) -> IndexReport:
        """Index what is new or changed, remove what is gone. `rebuild` does every source again: needed after a change of encoder or chunking.

        A file that cannot be read as text is skipped with its reason, and what the index held of it goes: search knows only what a file says
        now. A file that cannot be opened, a page that cannot be reached and what a failing function gave keep their last known state. Raises StoreBusy where another process is indexing, ConfigError where
        the chunking, StoreError where the encoder is not the index's own.
        """
        started = time.monotonic()
        self._counts = dict.fromkeys(self._counts, 0)
        with self._store.indexing():
            self._agree(rebuild=rebuild)
            self._store.begin(access=self._labeller.fingerprint)
            sources = find_sources(self._root, self._config.sources, self._config.fetch.limits())
            self._skipped = list(sources.skipped)
            known = self._store.digests()
            total = len(sources.origins)
            for done, (source, origin) in enumerate(sources.origins.items()):
                progress(done, total, source)
                self._take(source, origin, known.get(source), lambda done=done, source=source: progress(done, total, source), rebuild)
            for source in known.keys() - sources.origins.keys():  # after the others: a document that was moved keeps its vectors
                if sources.is_gone(source):
                    self._remove(source)
                else:
                    self._relabel(source)
            self._store.conclude(access=self._labeller.fingerprint, skipped=self._skipped)
            approximate = refreshed(self._store, self._config.retrieve.approximate, lambda: progress(total, total, ""))
            if total:
                progress(total, total, "")
            return IndexReport(
                **self._counts,
                skipped=sorted(self._skipped),
                seconds=time.monotonic() - started,
                generation=self._store.generation(),
                approximate=approximate,
            )

    def _made_with(self) -> dict[str, str]:
        return {"fingerprint": self._encoder.fingerprint, "chunk": canonical(self._config.chunk.made_with).decode()}

    def _agree(self, *, rebuild: bool) -> None:
        """The index must have been made as this run would make it; else it says so, or begins anew."""
        made, ours = self._store.made_with(), self._made_with()
        fix = "build the index anew with `groundwork index --rebuild`, or restore the old setting"
        if not made or made == ours:
            if rebuild or not made:
                self._store.prepare(ours, clear=False, stale=rebuild)
            return
        another_encoder = made["fingerprint"] != ours["fingerprint"]
        if rebuild:
            self._store.prepare(ours, clear=another_encoder, stale=True)
        elif another_encoder:
            raise StoreError("the index was made by another encoder, and vectors of two encoders cannot be compared", fix=fix)
        else:
            raise ConfigError(f"the index was made with other chunks ({made['chunk']}) than `[context.chunk]` asks for", fix=fix)

    def _take(self, source: str, origin: Origin, known: str | None, alive: Callable[[], None], rebuild: bool) -> None:
        """Bring one source up to date."""
        try:
            raw = origin.load()
            salt = self._labeller.salt(source)
            digest = content_id("src", str(reading.VERSION), canonical(self._made_with()), raw.identity, *([salt] if salt else []))
            if digest == known:
                self._counts["unchanged"] += 1
                return
            document = reading.parse_raw(raw)
            labels = self._labeller.labels(document)
            chunks = split_as(document, self._encoder, self._config.chunk)
        except InputError as error:
            self._skipped.append((source, error.what))
            if known is not None:
                self._remove(source)
            return
        except OSError as error:
            self._skipped.append((source, f"it cannot be opened: {error.strerror}"))
            self._relabel(source)
            return
        except UpstreamError as error:
            self._skipped.append((source, error.what))
            self._relabel(source)
            return
        self._skipped.extend((source, f"{PARTLY}{unread}") for unread in document.unread)
        held = set[str]() if rebuild else self._store.chunk_ids(source)
        fresh = [chunk for chunk in chunks if chunk.id not in held]
        vectors = {} if rebuild else self._store.known_vectors(fresh)
        missing = [chunk for chunk in fresh if chunk.id not in vectors]
        vectors |= self._embed(missing, alive)
        self._store.put(document, chunks, vectors, digest=digest, labels=labels)
        self._counts["added" if known is None else "changed"] += 1
        self._counts["embedded"] += len(missing)
        self._counts["reused"] += len(chunks) - len(missing)

    def _embed(self, chunks: Sequence[Chunk], alive: Callable[[], None]) -> Iterator[tuple[str, "Vectors"]]:
        for start in range(0, len(chunks), _BATCH):
            some = chunks[start : start + _BATCH]
            vectors = self._encoder.encode([embedded_text(chunk) for chunk in some])
            yield from zip((chunk.id for chunk in some), vectors, strict=True)
            alive()

    def _relabel(self, source: str) -> None:
        """A document that keeps its last text does not keep readers whom the configuration no longer allows."""
        document = self._store.read_now(lambda snapshot: snapshot.current(source))
        if document is None:
            return
        try:
            self._store.relabel(source, self._labeller.labels(document))
        except InputError:
            self._remove(source)

    def _remove(self, source: str) -> None:
        self._store.remove(source)
        self._counts["removed"] += 1
