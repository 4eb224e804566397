"""A folder with documents and its index, for tests that do both."""

from pathlib import Path

from groundwork.context.config import ContextSection
from groundwork.context.indexing import Indexer, IndexReport
from groundwork.context.search import Search
from groundwork.store.index import IndexStore, open_index
from tests.context.fake_encoder import FakeEncoder


class Application:
    """A folder with documents, its index, and the two things one does with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.encoder = FakeEncoder()
        self.store: IndexStore = open_index(root)

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
        rows = self.store.database.read_now(lambda connection: connection.execute("SELECT text FROM chunk").fetchall())
        return {text for (text,) in rows}
