"""Bringing the index in step with the files: new and changed documents in, removed ones out, everything else untouched.

Each source is one transaction, durable before the next begins: a process that is killed loses the source it was at (with a service that embeds
many texts at once, those of four calls), and the next run completes the rest. A change embeds only the chunks whose text is not in the index
yet, wherever it stands there.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from groundwork.context import reading
from groundwork.context.chunking import embedded_text, split
from groundwork.context.config import ChunkSection, ContextSection
from groundwork.context.dense.refreshing import Approximation, refreshed
from groundwork.context.describing import Describer, Outstanding
from groundwork.context.encoders import ChunkEncoder, check_window
from groundwork.context.labels import Labeller
from groundwork.context.origins import Origin
from groundwork.context.sources import find_sources
from groundwork.core.document import Chunk, Document
from groundwork.core.errors import ConfigError, InputError, StoreError, UpstreamError
from groundwork.core.ids import canonical, content_id
from groundwork.gateway.providers.embeddings import TooLong
from groundwork.store.index_port import Index
from groundwork.store.labels import Labels

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
    described: int = 0
    """Chunks that a model wrote a text for in this run."""
    undescribed: int = 0
    """Chunks of the documents of this run that want such a text and have none: the next run tries again."""
    describing_failed: str = ""
    """What the model said last where it failed."""
    cost: float | None = 0.0
    """US dollars for what was written; None where a price is not known."""


class Ready(NamedTuple):
    """A source that was read and split, and waits for the vectors of its `missing` chunks."""

    document: Document
    chunks: list[Chunk]
    vectors: dict[str, "Vectors"]
    """Of chunks whose text the index holds somewhere."""
    missing: list[Chunk]
    digest: str
    labels: Labels
    known: bool
    """Whether the index has a document of this source."""


class Stopped(Exception):
    """Whoever started a run wants it no more. What it had finished is kept, and the next run goes on from there."""


def split_as(document: Document, encoder: ChunkEncoder, chunk: ChunkSection) -> list[Chunk]:
    """A document's chunks as the configuration asks for them. Raises as `chunking.split` does."""
    return split(
        document,
        encoder,
        tokens=chunk.tokens,
        overlap=chunk.overlap,
        by=chunk.by,
        size=chunk.size,
        embed=encoder.encode,
        parent=chunk.parent,
    )


def _quiet(_done: int, _total: int, _source: str) -> None:
    """Shows nothing."""


class Indexer:
    """One run over an application's sources. A second one at the same time, in whatever process, is refused."""

    def __init__(self, config: ContextSection, root: Path, store: Index, encoder: ChunkEncoder, describer: Describer | None = None) -> None:
        self._describer = describer
        self._config = config
        self._root = root
        self._store = store
        self._encoder = encoder
        self._labeller = Labeller(config)
        self._counts = dict.fromkeys(("added", "changed", "removed", "unchanged", "embedded", "reused", "undescribed"), 0)
        self._skipped: list[tuple[str, str]] = []
        self._waiting: list[Ready] = []
        self._dimensions = 0
        self._rebuilds = False

    def run(self, progress: Progress = _quiet, *, rebuild: bool = False) -> IndexReport:
        """Index what is new or changed, remove what is gone. `rebuild` does every source again: needed after a change of encoder or chunking.

        A file that cannot be read as text is skipped with its reason, and what the index held of it goes: search knows only what a file says
        now. A file that cannot be opened, a page that cannot be reached and what a failing function gave keep their last known state. Raises StoreBusy where another process is indexing, ConfigError where
        the chunking, StoreError where the encoder is not the index's own, UpstreamError where a service that embeds fails: what was stored
        before stays, and the next run goes on from there.
        """
        started = time.monotonic()
        self._counts = dict.fromkeys(self._counts, 0)
        self._waiting, self._dimensions, self._rebuilds = [], 0, rebuild
        check_window(self._config.encoder, self._config.chunk.tokens, self._encoder)
        with self._store.indexing():
            self._agree(rebuild=rebuild)
            self._store.begin(access=self._labeller.fingerprint)
            sources = find_sources(self._root, self._config.sources, self._config.fetch.limits())
            self._skipped = list(sources.skipped)
            known = self._store.digests()
            total = len(sources.origins)
            for done, (source, origin) in enumerate(sources.origins.items()):

                def alive(done: int = done, source: str = source) -> None:
                    progress(done - sum(one.document.source != source for one in self._waiting), total, source)

                alive()
                self._take(source, origin, known.get(source), alive, rebuild)
                if max(len(self._waiting), sum(len(one.missing) for one in self._waiting)) >= self._encoder.together:
                    self._store_waiting(alive)
            self._store_waiting(lambda: progress(total - len(self._waiting), total, ""))
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
                **self._written(),
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

    def outstanding(self, alive: Callable[[], None] = lambda: None) -> Outstanding:
        """What a run would have written at most: every source is read and split as the run will do it, and nothing is changed."""
        documents = chunks = asked = answered = 0
        known = self._store.digests()
        for source, origin in find_sources(self._root, self._config.sources, self._config.fetch.limits()).origins.items():
            alive()
            try:
                raw = origin.load()
                if self._describer is None or self._digest(source, raw) == known.get(source):
                    continue
                document = reading.parse_raw(raw)
                missing = self._describer.missing(split_as(document, self._encoder, self._config.chunk))
            except (InputError, OSError, UpstreamError):
                continue  # the run will say so
            if missing:
                tokens = self._describer.tokens(document, missing)
                documents, chunks, asked, answered = documents + 1, chunks + len(missing), asked + tokens[0], answered + tokens[1]
        return Outstanding(documents=documents, chunks=chunks, input_tokens=asked, output_tokens=answered)

    def _digest(self, source: str, raw: reading.Raw) -> str:
        """Names everything that makes what the index holds of a source: equal means nothing to do."""
        salt = self._labeller.salt(source)
        more = [*([salt] if salt else []), *([self._describer.fingerprint] if self._describer is not None else [])]
        return content_id("src", str(reading.VERSION), canonical(self._made_with()), raw.identity, *more)

    def _written(self) -> dict[str, Any]:
        """What the report says of texts that a model wrote."""
        if self._describer is None:
            return {}
        tally = self._describer.tally
        return {"described": tally.written, "describing_failed": tally.last_failure, "cost": tally.cost}

    def _take(self, source: str, origin: Origin, known: str | None, alive: Callable[[], None], rebuild: bool) -> None:
        """Read one source and split it, where it is not what the index holds already."""
        try:
            raw = origin.load()
            digest = self._digest(source, raw)
            if digest == known:
                self._counts["unchanged"] += 1
                return
            document = reading.parse_raw(raw)
            labels = self._labeller.labels(document)
        except InputError as error:
            self._skip(source, error.what, known=known is not None)
            return
        except OSError as error:
            self._skipped.append((source, f"it cannot be opened: {error.strerror}"))
            self._relabel(source)
            return
        except UpstreamError as error:
            self._skipped.append((source, error.what))
            self._relabel(source)
            return
        try:
            chunks = split_as(document, self._encoder, self._config.chunk)
        except InputError as error:
            self._skip(source, error.what, known=known is not None)
            return
        self._skipped.extend((source, f"{PARTLY}{unread}") for unread in document.unread)
        if self._describer is not None:
            chunks, lacking = self._describer.describe(document, chunks, self._encoder, self._encoder.window, alive)
            self._counts["undescribed"] += lacking
            digest = "" if lacking else digest  # so that the next run comes back to it
        held = set[str]() if rebuild else self._store.chunk_ids(source)
        fresh = [chunk for chunk in chunks if chunk.id not in held]
        vectors = {} if rebuild else self._store.known_vectors(fresh)
        missing = [chunk for chunk in fresh if chunk.id not in vectors]
        self._waiting.append(Ready(document, chunks, vectors, missing, digest, labels, known is not None))

    def _store_waiting(self, alive: Callable[[], None]) -> None:
        """Embed what waits, all together, and store each source. A text that cannot be embedded costs its own source alone."""
        if not self._waiting:
            return
        try:
            vectors = self._embed([chunk for one in self._waiting for chunk in one.missing], alive)
        except InputError as error:
            waiting = self._waiting
            if len(waiting) == 1:
                self._waiting = []
                self._skip(waiting[0].document.source, error.what, known=waiting[0].known)
                return
            for one in waiting:
                self._waiting = [one]
                self._store_waiting(alive)
            return
        while self._waiting:
            one = self._waiting.pop(0)
            found = one.vectors | {chunk.id: vectors[embedded_text(chunk)] for chunk in one.missing}
            self._store.put(one.document, one.chunks, found, digest=one.digest, labels=one.labels)
            self._counts["changed" if one.known else "added"] += 1
            self._counts["embedded"] += len(one.missing)
            self._counts["reused"] += len(one.chunks) - len(one.missing)

    def _embed(self, chunks: Sequence[Chunk], alive: Callable[[], None]) -> dict[str, "Vectors"]:
        """The vectors of the chunks' texts. Raises InputError that names the place of one that is too long."""
        texts = list({embedded_text(chunk): chunk for chunk in chunks}.items())
        found: dict[str, Vectors] = {}
        step = max(_BATCH, self._encoder.together)
        for start in range(0, len(texts), step):
            some = texts[start : start + step]
            try:
                vectors = self._encoder.encode([text for text, _ in some])
            except TooLong as error:
                chunk = some[error.place][1]
                place = f", line {chunk.line}" if chunk.line else f", page {chunk.page}" if chunk.page else ""
                what = f"its chunk at {chunk.start}-{chunk.end}{place} is longer than the encoder reads"
                raise InputError(what, fix=error.fix) from error
            self._check_dimensions(int(vectors.shape[1]))
            found.update(zip((text for text, _ in some), vectors, strict=True))
            alive()
        return found

    def _check_dimensions(self, made: int) -> None:
        """A service may change its model without a word: vectors of two lengths never stand in one index."""
        self._dimensions = self._dimensions or self._store.dimensions() or made
        if made != self._dimensions and self._rebuilds:
            self._store.prepare(self._made_with(), clear=True, stale=True)
            self._rebuilds, self._dimensions = False, made
        if made != self._dimensions:
            raise StoreError(
                f"the encoder makes vectors of {made} numbers now, and the index holds such of {self._dimensions}",
                fix="build the index anew with `groundwork index --rebuild`",
            )

    def _skip(self, source: str, reason: str, *, known: bool) -> None:
        """Leave a source out; what the index held of it goes."""
        self._skipped.append((source, reason))
        if known:
            self._remove(source)

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
