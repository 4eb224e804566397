import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from groundwork.context.chunking import embedded_text
from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.context.indexing import Indexer
from groundwork.core.errors import ConfigError, NotFound, StoreBusy, StoreError
from groundwork.store.index import FILE, IndexStore, open_index
from tests.context.fake_encoder import FakeEncoder
from tests.context.folder import Application
from tests.postgres import address  # noqa: F401  everything here runs on both stores

PAGE = "# Tea\n\nGreen tea wants {degrees} degrees.\n\n## Black\n\nBlack tea boils.\n\n## White\n\nWhite tea is patient."


def test_only_what_changed_is_touched(application: Application) -> None:
    application.write("docs/tea.md", PAGE.format(degrees=70))
    application.write("docs/soup.txt", "Soup needs salt.")
    first = application.index()
    assert (first.added, first.changed, first.removed, first.unchanged, first.embedded) == (2, 0, 0, 0, 4)
    application.encoder.texts.clear()

    again = application.index()
    assert (again.added, again.changed, again.removed, again.unchanged, again.embedded) == (0, 0, 0, 2, 0)
    assert again.generation == first.generation
    assert application.encoder.texts == []

    application.write("docs/tea.md", PAGE.format(degrees=80))
    edited = application.index()
    assert (edited.changed, edited.unchanged, edited.embedded, edited.reused) == (1, 1, 1, 2)
    assert len(application.encoder.texts) == 1
    assert edited.generation != first.generation

    application.write("docs/tea.md", PAGE.format(degrees=70))
    assert application.index().generation == first.generation, "the same content is the same generation"


async def test_what_was_removed_or_replaced_is_never_found_again(application: Application) -> None:
    application.write("docs/tea.md", PAGE.format(degrees=70))
    application.write("docs/soup.txt", "Soup needs salt.")
    application.index()
    search = application.search()
    citation = (await search.find("soup salt", keep=1)).hits[0].chunk

    application.write("docs/tea.md", PAGE.format(degrees=80))
    (application.root / "docs/soup.txt").unlink()
    report = application.index()
    assert (report.changed, report.removed) == (1, 1)
    assert not any("Soup" in text or "70" in text for text in application.texts())
    for fuse in ("rrf", "terms", "dense"):
        found = await application.search(retrieve=RetrieveSection(fuse=fuse)).find("soup salt 70 degrees", keep=50)
        assert not any("Soup" in hit.text or "70" in hit.text for hit in found.hits)
    assert not any("Soup" in hit.text for hit in (await search.find("soup salt", keep=50)).hits), "a search that was open sees it too"
    assert application.store.document(citation.document).text == "Soup needs salt.", "but an old citation still opens"
    with pytest.raises(NotFound):
        application.store.chunk(citation.id)


def test_a_source_that_no_longer_matches_goes(application: Application) -> None:
    application.write("docs/a.md", "apples")
    application.write("docs/b.txt", "bread")
    application.index()
    report = application.index(sources=("docs/*.md",))
    assert report.removed == 1
    assert application.texts() == {"apples"}


def test_a_bad_file_is_skipped_with_its_reason_and_the_rest_is_indexed(application: Application) -> None:
    application.write("docs/good.md", "good")
    application.write("docs/binary.txt", b"a\0b")
    application.write("docs/empty.md", "")
    application.write("docs/photo.jpg", b"\xff\xd8")
    closed = application.write("docs/link.txt", "x")
    closed.unlink()
    closed.symlink_to(application.root / "nowhere")
    report = application.index(sources=("docs/*", "missing/*.md"))
    assert report.added == 1
    assert [source for source, _ in report.skipped] == [
        "docs/binary.txt",
        "docs/empty.md",
        "docs/link.txt",
        "docs/photo.jpg",
        "missing/*.md",
    ]
    assert all(reason for _, reason in report.skipped)


def test_a_file_that_turns_bad_leaves_nothing_stale(application: Application) -> None:
    application.write("docs/a.txt", "old words")
    application.index()
    application.write("docs/a.txt", b"\0")
    report = application.index()
    assert (report.removed, application.texts()) == (1, set())
    assert report.generation == ""


def test_a_file_that_cannot_be_opened_keeps_its_last_state(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    path = application.write("docs/a.txt", "old words")
    application.index()
    real = Path.open

    def denied(self: Path, *arguments: object, **options: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", denied)
    report = application.index()
    assert report.skipped == [("docs/a.txt", "it cannot be opened: Permission denied")]
    assert application.texts() == {"old words"}


def test_nothing_outside_the_folder_is_read(application: Application, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("secret")
    application.write("docs/a.txt", "inside")
    (application.root / "docs/file.txt").symlink_to(outside / "secret.txt")
    (application.root / "docs/folder").symlink_to(outside)
    (application.root / "docs/alias.txt").symlink_to(application.root / "docs/a.txt")
    report = application.index(sources=("docs/**/*.txt", "docs/folder/*.txt"))
    assert application.texts() == {"inside"}
    assert report.added == 2
    assert {source for source, reason in report.skipped if "leads out" in reason} == {"docs/file.txt", "docs/folder/secret.txt"}


def test_loops_of_links_end(application: Application) -> None:
    application.write("docs/a.txt", "inside")
    (application.root / "docs/loop").symlink_to(application.root / "docs")
    (application.root / "docs/self.txt").symlink_to(application.root / "docs/self.txt")
    assert application.index(sources=("docs",)).added == 1
    assert application.index(sources=("docs/**/*",)).unchanged == 1


@pytest.mark.parametrize("pattern", ["../x.md", "/etc/*", "docs/../../x", "C:\\docs\\*", " ", "docs/**.md"])
def test_a_glob_that_leads_out_or_nowhere_is_refused_when_it_is_read(pattern: str) -> None:
    with pytest.raises(ValueError, match="source"):
        ContextSection(sources=(pattern,))


def test_hidden_files_are_left_out_unless_named(application: Application) -> None:
    application.write("docs/.draft.md", "draft")
    application.write(".notes/a.md", "notes")
    application.write("docs/a.md", "final")
    assert application.index(sources=("**/*.md",)).added == 1
    assert application.index(sources=("**/*.md", ".notes/*.md")).added == 1


def test_a_second_indexer_is_refused(application: Application) -> None:
    application.write("docs/a.txt", "a")
    with application.another().indexing(), pytest.raises(StoreBusy, match="indexing"):
        application.index()
    assert application.index().added == 1


def test_another_encoder_or_other_chunks_ask_for_a_rebuild(application: Application) -> None:
    application.write("docs/a.txt", "some words " * 60)
    first = application.index()
    with pytest.raises(ConfigError) as chunking:
        application.index(chunk=ChunkSection(tokens=64))
    assert "--rebuild" in chunking.value.fix
    smaller = application.index(chunk=ChunkSection(tokens=64), rebuild=True)
    assert smaller.changed == 1
    assert smaller.embedded > first.embedded

    application.encoder = FakeEncoder("fake-2")
    with pytest.raises(StoreError) as encoder:
        application.index(chunk=ChunkSection(tokens=64))
    assert "--rebuild" in encoder.value.fix
    assert application.index(chunk=ChunkSection(tokens=64), rebuild=True).added == 1
    assert application.store.made_with()["fingerprint"] == "fake-2"


def test_a_document_that_is_to_be_one_chunk_and_does_not_fit_is_skipped_with_its_reason(application: Application) -> None:
    application.write("docs/a.txt", "short")
    application.write("docs/b.txt", "long words " * 300)
    report = application.index(chunk=ChunkSection(by="document"))
    assert report.added == 1
    assert [source for source, _ in report.skipped] == ["docs/b.txt"]
    assert "longer than a chunk of 200 tokens" in report.skipped[0][1]


def test_semantic_chunks_are_indexed_with_the_index_own_encoder(application: Application) -> None:
    application.write("docs/a.txt", "Cats sleep on mats. " * 9 + "Steel ships cross oceans. " * 9)
    report = application.index(chunk=ChunkSection(by="semantic", tokens=64, overlap=0))
    assert report.embedded > 1
    assert "Cats sleep on mats." in application.encoder.texts


async def test_a_search_never_compares_vectors_of_two_encoders(application: Application) -> None:
    application.write("docs/a.txt", "words")
    application.index()
    application.encoder = FakeEncoder("fake-2")
    with pytest.raises(StoreError) as error:
        await application.search().find("words", keep=1)
    assert "--rebuild" in error.value.fix


def test_a_rebuild_embeds_everything_again_and_ends_in_the_same_generation(application: Application) -> None:
    application.write("docs/tea.md", PAGE.format(degrees=70))
    first = application.index()
    again = application.index(rebuild=True)
    assert (again.changed, again.embedded, again.reused, again.generation) == (1, first.embedded, 0, first.generation)


def test_a_damaged_index_is_set_aside_by_a_rebuild_only(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all " * 400)
    with pytest.raises(StoreError, match="damaged"):
        open_index(tmp_path)
    store = open_index(tmp_path, rebuild=True)
    store.close()
    assert path.with_name("index.db.damaged").read_bytes().startswith(b"no database")


def test_progress_counts_to_the_end(application: Application) -> None:
    for name in "abc":
        application.write(f"docs/{name}.txt", f"text {name}")
    seen: list[tuple[int, int, str]] = []
    Indexer(ContextSection(sources=("docs",)), application.root, application.store, application.encoder).run(
        lambda done, total, source: seen.append((done, total, source))
    )
    assert seen[0] == (0, 3, "docs/a.txt")
    assert seen[-1] == (3, 3, "")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


async def test_readers_beside_an_indexer_see_whole_documents_only(application: Application) -> None:
    """Each version of the page is one number in many sections: no search may see two numbers."""

    def page(version: int) -> str:
        return "\n\n".join(f"# Part {part}\n\nversion{version} of this part" for part in range(12))

    application.write("docs/a.md", page(0))
    application.index()
    other = application.another()
    stop = threading.Event()

    def index() -> None:
        config = ContextSection(sources=("docs/**/*",))
        for version in range(1, 30):
            application.write("docs/a.md", page(version))
            Indexer(config, application.root, other, FakeEncoder()).run()
        stop.set()

    thread = threading.Thread(target=index)
    thread.start()
    search, seen = application.search(), set[str]()
    while not stop.is_set():
        hits = (await search.find("of this part", keep=50)).hits
        versions = {hit.text.split("version")[1].split()[0] for hit in hits}
        assert len(versions) == 1
        assert len(hits) == 12
        seen |= versions
    thread.join()
    other.close()
    assert len(seen) > 1, "the reader must have run beside the indexer"


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.context.fake_encoder import FakeEncoder
from groundwork.context.config import ContextSection
from groundwork.context.indexing import Indexer
from groundwork.store.index import open_index

class Slow(FakeEncoder):
    def encode(self, texts):
        time.sleep(0.002)
        return super().encode(texts)

root = Path(sys.argv[1])
report = Indexer(ContextSection(sources=("docs",)), root, open_index(root), Slow()).run(lambda done, total, source: print(done, flush=True))
"""


def test_kill_9_loses_nothing_acknowledged_and_a_rerun_completes(application: Application) -> None:
    total, tmp_path = 150, application.root
    if application.address is not None:
        written = f'[app]\nname = "killed"\n[index]\nurl = "{application.address.url}"\nnamespace = "{application.address.namespace}"\n'
        application.write("groundwork.toml", written)
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(total):
        (docs / f"{number:03}.md").write_text(
            f"# Number {number}\n\nThe secret of {number} is {number * 7}.\n\n## More\n\nAnd {number} more."
        )
    held = 0
    for kill_at in (1, 40, 41, 90, 130):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parents[2])], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged = 0
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged >= kill_at:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.stdout.close()
        process.wait()
        store = open_index(tmp_path)
        entries = store.documents()
        assert len(entries) >= acknowledged, "what was reported done is there"
        assert all(entry.chunks == 2 for entry in entries), "and nothing is there by half"
        if isinstance(store, IndexStore):
            assert store.database.read_now(lambda connection: connection.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"
        held = max(held, len(entries))
        store.close()
    assert held < total, "the process must have been killed on its way"

    store = open_index(tmp_path)
    report = Indexer(ContextSection(sources=("docs",)), tmp_path, store, FakeEncoder()).run()
    assert (report.added + report.unchanged, report.changed, report.removed) == (total, 0, 0)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    docs.rename(fresh / "docs")
    other = open_index(fresh)
    assert Indexer(ContextSection(sources=("docs",)), fresh, other, FakeEncoder()).run().generation == report.generation
    store.close()
    other.close()


def test_every_chunk_in_the_index_is_what_its_document_says(application: Application, data: Path) -> None:
    for name in ("page.html", "guide.md", "notes.txt"):
        application.write(f"docs/{name}", (data / name).read_bytes())
    application.index(chunk=ChunkSection(tokens=40, overlap=8))
    for entry in application.store.documents():
        document = application.store.document(entry.id)
        assert document.source == entry.source
        held = application.store.chunk_ids(entry.source)
        assert len(held) == entry.chunks > 0
        for identifier in held:
            chunk = application.store.chunk(identifier)
            assert chunk.document == document.id
            assert chunk.text == document.text[chunk.start : chunk.end]
            assert application.encoder.count(embedded_text(chunk)) + 2 <= 40


def test_offsets_follow_when_text_moves(application: Application) -> None:
    application.write("docs/a.md", "# A\n\nalpha\n\n# B\n\nbeta")
    application.index()
    application.write("docs/a.md", "# A\n\nalpha, and a good deal more\n\n# B\n\nbeta")
    report = application.index()
    assert report.reused == 1
    document = application.store.document(application.store.documents()[0].id)
    for chunk in application.chunks():
        assert (chunk.document, chunk.text) == (document.id, document.text[chunk.start : chunk.end])


def test_two_processes_may_have_the_index_open(application: Application) -> None:
    second = application.another()
    application.write("docs/a.txt", "words")
    started = time.monotonic()
    report = application.index()
    assert second.generation() == report.generation
    assert time.monotonic() - started < 5
    second.close()


async def test_a_document_that_was_moved_keeps_its_vectors(application: Application) -> None:
    application.write("docs/tea.md", PAGE.format(degrees=70))
    application.index()
    before = len(application.encoder.texts)
    (application.root / "docs/tea.md").rename(application.root / "docs/drinks.md")
    moved = application.index()
    assert (moved.added, moved.removed, moved.embedded, moved.reused) == (1, 1, 0, 3)
    assert len(application.encoder.texts) == before
    found = await application.search().find("white tea is patient", keep=9)
    assert {hit.chunk.source for hit in found.hits} == {"docs/drinks.md"}
    fresh = Application(application.root / "other")
    fresh.write("docs/drinks.md", PAGE.format(degrees=70))
    fresh.index()
    again = await fresh.search().find("white tea is patient", keep=9)
    assert [hit.similarity for hit in found.hits] == [hit.similarity for hit in again.hits], "the very vectors that it would have got"
    fresh.store.close()


def test_a_change_of_one_chunk_among_many_embeds_one(application: Application) -> None:
    sections = [f"## Part {number}\n\nThis is what part {number} says of its own matter." for number in range(50)]
    application.write("docs/long.md", "# Long\n\n" + "\n\n".join(sections))
    first = application.index()
    assert first.embedded >= 50
    application.encoder.texts.clear()
    sections[17] = "## Part 17\n\nThis says something else now."
    sections.insert(30, "## New\n\nA part that was not there.")
    application.write("docs/long.md", "# Long\n\n" + "\n\n".join(sections))
    edited = application.index()
    assert (edited.embedded, edited.reused) == (2, first.embedded - 1)
    assert sorted(text.splitlines()[-1] for text in application.encoder.texts) == [
        "A part that was not there.",
        "This says something else now.",
    ]
