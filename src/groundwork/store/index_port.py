"""The port of the index: what indexing and search ask of it, wherever it stands. `store/index.py` is it on SQLite, `store/postgres/` on PostgreSQL.

Reading happens on a `Snapshot`: everything that one search reads is of one moment, whatever an indexer commits meanwhile. Writing happens by
source, each source in one transaction. One conformance suite (`tests/store/test_index_port.py`) holds for every adapter.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from groundwork.core.document import Chunk, Document
from groundwork.core.where import Kind, Values
from groundwork.store.labels import UNLABELLED, Labels, Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

T = TypeVar("T")


class Entry(NamedTuple):
    """A document as lists show it."""

    id: str
    source: str
    title: str
    chunks: int


class Snapshot(Protocol):
    """An index at one moment. Documents and chunks go by their numbers: one is never given twice, and what a chunk's number stands for never changes.

    It lives while the `work` runs that `Index.read` was given, on one thread.
    """

    @property
    def handle(self) -> Any:
        """What the dense search of this store is given (see `context/dense/nearest.py`)."""
        ...

    def generation(self) -> str:
        """What the index holds, as a hash; empty where it holds nothing."""
        ...

    def state(self) -> str:
        """The generation, and how many chunks there ever were: content that comes back has its old generation, and chunks of new numbers."""
        ...

    def fingerprint(self) -> str:
        """The fingerprint of the encoder whose vectors the index holds."""
        ...

    def access(self) -> str:
        """The fingerprint of the permissions that the whole index was labelled under; empty where it was without."""
        ...

    def looked_at(self, selection: Selection) -> Any:
        """A selection in the form that this store's lists take. It may be kept for as long as `state` is the same."""
        ...

    def search_terms(self, terms: Sequence[str], *, most: int, looked_at: Any = None) -> list[tuple[int, float]]:
        """Numbers and scores (higher is better; of equal ones the lower number first) of the chunks that hold any of the terms, by BM25. Each
        term is matched as a phrase of words. Only chunks that are looked at fill the list; None stands for all.
        """
        ...

    def chunks(self, key: Literal["number", "id"], values: Sequence[int | str]) -> dict[int, Chunk]:
        """Current chunks by number or id; those that do not exist are left out."""
        ...

    def chunks_of(self, source: str) -> dict[int, Chunk]:
        """A source's current chunks without their texts, in the order of the document."""
        ...

    def document(self, identifier: str) -> Document:
        """A document by its id, current or retired. Raises NotFound."""
        ...

    def current(self, source: str) -> Document | None:
        """The current document of a source; None where it has none."""
        ...

    def number_of(self, source: str) -> int | None:
        """The number of a source's current document."""
        ...

    def documents_of(self, chunks: Sequence[int]) -> dict[int, int]:
        """The document of each of these chunks."""
        ...

    def select_documents(self, selection: Selection) -> list[int]:
        """The numbers of the documents that a selection holds, ascending."""
        ...

    def count_documents(self, selection: Selection) -> tuple[int, int]:
        """How many documents and chunks a selection holds."""
        ...

    def fields(self, selection: Selection) -> dict[str, set[Kind]]:
        """The fields of the selected documents, and the kinds of their values: what a person may not see, they cannot learn the fields of."""
        ...

    def values(self, documents: Sequence[int]) -> dict[int, dict[str, Values]]:
        """The fields of some documents. Of a field with several values, a list."""
        ...

    def labels(self, source: str) -> Labels:
        """The labels of a source's current document; none where there is no such source."""
        ...

    def skipped(self) -> dict[str, str]:
        """What the last run left out, by source, and why."""
        ...

    def vectors(self) -> dict[int, bytes]:
        """The vector of every current chunk; see `store/vectors.py`."""
        ...


class Index(Protocol):
    """An index. `read` is for the event loop; everything else is for callers that may wait.

    All raise StoreError where the index cannot be reached or read; a write that raises has left nothing half done.
    """

    @property
    def compares_vectors(self) -> bool:
        """Whether its database finds the nearest vectors by itself."""
        ...

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on a reader thread, on one snapshot. It must be safe to run twice: where a connection breaks, it is begun again."""
        ...

    def read_now(self, work: Callable[[Snapshot], T]) -> T:
        """The same in the calling thread."""
        ...

    def close(self) -> None: ...

    # -- what it holds

    def documents(self) -> list[Entry]:
        """Every current document, by source."""
        ...

    def document(self, identifier: str) -> Document:
        """A document by its id, current or retired. Raises NotFound."""
        ...

    def chunk(self, identifier: str) -> Chunk:
        """A current chunk by its id. Raises NotFound."""
        ...

    def generation(self) -> str:
        """What the index holds, as a hash: another one exactly when its documents, chunks or encoder are others. Empty where it holds nothing."""
        ...

    # -- what the indexer does

    def indexing(self) -> AbstractContextManager[None]:
        """Be the only one who indexes, in whatever process. Raises StoreBusy at once where somebody else is."""
        ...

    def made_with(self) -> dict[str, str]:
        """How the index was made: the encoder's fingerprint and the chunking, as `prepare` wrote them. Empty before the first time."""
        ...

    def prepare(self, made_with: Mapping[str, str], *, clear: bool, stale: bool = False) -> None:
        """Note how the index is made. `clear` retires every document first (another encoder: vectors are never mixed); `stale` forgets what
        is up to date, so that every source is done again, each in its turn.
        """
        ...

    def digests(self) -> dict[str, str]:
        """The digest of every current source."""
        ...

    def chunk_ids(self, source: str) -> set[str]:
        """The ids of a source's current chunks: those need no new vector."""
        ...

    def known_vectors(self, chunks: Sequence[Chunk]) -> dict[str, "Vectors"]:
        """The vectors of those chunks, by id, whose very text stands in the index already, in whatever document: one that was moved, say."""
        ...

    def dimensions(self) -> int:
        """The length of the vectors that it holds; 0 where it holds none."""
        ...

    def put(
        self, document: Document, chunks: Sequence[Chunk], vectors: Mapping[str, "Vectors"], *, digest: str, labels: Labels = UNLABELLED
    ) -> None:
        """Make this the current document of its source. `vectors` has one for every chunk id that the source does not hold yet; a vector
        given for one that it holds replaces it. Durable when it returns.
        """
        ...

    def relabel(self, source: str, labels: Labels) -> None:
        """Give a source's current document other labels; nothing where there is none. Durable when it returns."""
        ...

    def begin(self, *, access: str) -> None:
        """Note at the beginning of a run that documents are being labelled under other permissions: until it has concluded, the labels are
        of neither.
        """
        ...

    def conclude(self, *, access: str, skipped: Sequence[tuple[str, str]]) -> None:
        """Note at the end of a run under which permissions every document was labelled, and what was left out."""
        ...

    def remove(self, source: str) -> None:
        """Retire a source's document: search does not find it from now on. Durable when it returns."""
        ...
