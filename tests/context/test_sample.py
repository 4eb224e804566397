"""The real encoder over real pages, from file to citation."""

import shutil
from pathlib import Path

from groundwork.context.chunking import embedded_text
from groundwork.context.citing import resolve
from groundwork.context.config import ContextSection
from groundwork.context.indexing import Indexer
from groundwork.context.search import Search
from groundwork.engine.batching import Batcher
from groundwork.engine.encoder import Encoder
from groundwork.store.index import open_index

PAGES = Path(__file__).parents[2] / "examples" / "sqlite-helpdesk" / "docs"


async def test_the_sample_pages_are_found_and_cited(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("wal", "threadsafe", "autoinc", "lang_vacuum"):
        shutil.copy(PAGES / f"{name}.html", tmp_path / "docs")
    config = ContextSection(sources=("docs/*.html",))
    store, encoder, batcher = open_index(tmp_path), Encoder(), Batcher()
    report = Indexer(config, tmp_path, store, encoder).run()
    assert (report.added, report.skipped) == (4, [])
    search = Search(store, batcher, config)

    found = await search.find("How big does the write-ahead log get before a checkpoint runs on its own?", keep=6)
    assert any("1000 pages" in hit.text for hit in found.hits)
    assert all(encoder.count(embedded_text(hit.chunk)) + 2 <= config.chunk.tokens for hit in found.hits)
    assert found.hits[0].similarity is not None
    assert found.hits[0].similarity > 0.5
    found = await search.find("At which threshold size does SQLite do a checkpoint automatically?", keep=6)
    number = next(place for place, hit in enumerate(found.hits, start=1) if "threshold size of 1000 pages" in hit.text)
    citation = resolve(f"A checkpoint runs automatically at a threshold of 1000 pages [{number}].", found.hits)[0]
    assert citation.quote == "By default, SQLite does a checkpoint automatically when the WAL file reaches a threshold size of 1000 pages."
    document = store.document(citation.document)
    assert document.text[citation.start : citation.end] == citation.quote
    assert (citation.source, citation.title, citation.element) == ("docs/wal.html", "Write-Ahead Logging", "checkpointing")

    for query in ("x " * 50_000, "한국어 " * 400, "�" * 3_000):
        assert (await search.find(query, keep=2)).hits

    assert Indexer(config, tmp_path, store, encoder).run().unchanged == 4
    await batcher.close()
    store.close()
