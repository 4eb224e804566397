"""A folder with documents and its index, for tests that do both."""

from pathlib import Path

from groundwork.context.config import ContextSection
from groundwork.context.indexing import Indexer, IndexReport
from groundwork.context.search import Search
from groundwork.core.document import Chunk
from groundwork.store.config import Address
from groundwork.store.index import open_index
from groundwork.store.index_port import Index
from tests.context.fake_encoder import FakeEncoder


class Application:
    """A folder with documents, its index, and the two things one does with it."""

    def __init__(self, root: Path, address: Address | None = None) -> None:
        self.root = root
        self.address = address
        self.encoder = FakeEncoder()
        self.store: Index = open_index(root, address=address)

    def write(self, source: str, text: str | bytes) -> Path:
        path = self.root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def index(self, *, rebuild: bool = False, **section: object) -> IndexReport:
        config = ContextSection(**{"sources": ("docs/**/*",), **section})
        return Indexer(config, self.root, self.store, self.encoder).run(rebuild=rebuild)

    def search(self, **section: object) -> Search:
        return Search(self.store, self.encoder, ContextSection(**{"sources": ("docs/**/*",), **section}))

    def texts(self) -> set[str]:
        """Every text that is in the index, by any road."""
        return {chunk.text for chunk in self.chunks()}

    def chunks(self) -> list[Chunk]:
        """Every current chunk."""
        return list(self.store.read_now(lambda snapshot: snapshot.chunks("number", list(snapshot.vectors()))).values())

    def another(self) -> Index:
        """The same index, opened as another process would."""
        return open_index(self.root, address=self.address)
