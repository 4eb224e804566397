"""The approximate index: it finds nearly what comparing all finds, holds permissions, follows changes, and is never in the way."""

import asyncio
import itertools
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from groundwork.context.config import AllowSection, ApproximateSection, PermissionsSection, RetrieveSection
from groundwork.context.dense import approximate, graph, refreshing
from groundwork.context.dense.approximate import Approximate
from groundwork.context.dense.nearest import Exact, Neighbours
from groundwork.context.dense.refreshing import Approximation, refresh
from groundwork.core.access import Scope
from groundwork.store.index import IndexStore
from groundwork.store.index_reading import read_state, snapshot
from groundwork.store.labels import Selection, select_chunks
from groundwork.store.sidecar import drop_sidecar, map_sidecar, read_sidecar
from tests.context.fake_encoder import FakeEncoder
from tests.context.folder import Application

pytestmark = pytest.mark.skipif(not graph.installed(), reason="usearch is not installed: pip install 'groundwork-ai[approximate]'")

SECTION = ApproximateSection(above=1_000)
RETRIEVE = RetrieveSection(approximate=SECTION, fuse="dense")
WORDS = [f"{a}{b}{c}" for a, b, c in itertools.product("bdfgk", "aeiou", "lmnrst")]


def text(document: int, sections: int = 30) -> str:
    """Sections of words, of which each section has some of its own."""
    random = np.random.default_rng(document)
    parts = [f"## Part {one}\n\n{' '.join(random.choice(WORDS, 12))}." for one in range(sections)]
    return f"# Page {document}\n\n" + "\n\n".join(parts)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,200 chunks with their approximate index, to be copied."""
    application = Application(tmp_path_factory.mktemp("made"))
    for document in range(40):
        application.write(f"docs/{document // 20}/{document:02}.md", text(document))
    assert application.index(retrieve=RETRIEVE).approximate.outcome == "made"
    application.store.close()
    return application.root


@pytest.fixture
def large(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """They are searched by the graph: comparing so few is what a search would do by itself."""
    monkeypatch.setattr(approximate, "_SCANNED", 0)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    application = Application(tmp_path)
    yield application
    application.store.close()


def both(
    store: IndexStore, dense: Approximate, query: str, most: int = 10, selection: Selection | None = None
) -> tuple[Neighbours, Neighbours]:
    """What the approximate search gives for a query, and the exact one."""
    encoder = FakeEncoder()
    vector = encoder.encode([query])[0]

    def work(connection: object) -> tuple[Neighbours, Neighbours]:
        with snapshot(connection):  # type: ignore[arg-type]
            state = read_state(connection)  # type: ignore[arg-type]
            looked_at = select_chunks(connection, selection) if selection else None  # type: ignore[arg-type]
            return tuple(one.nearest(connection, state, vector, most, (), looked_at) for one in (dense, Exact(encoder)))  # type: ignore[return-value, arg-type]

    return store.database.read_now(work)


def used(store: IndexStore) -> Approximate:
    return Approximate(store.database, FakeEncoder())


def queries(count: int = 50) -> list[str]:
    random = np.random.default_rng(7)
    return [" ".join(random.choice(WORDS, 6)) for _ in range(count)]


def recall(store: IndexStore, dense: Approximate, selection: Selection | None = None) -> float:
    """Share of the exact ten that come back, where equal cosines stand for each other."""
    found = total = 0
    for query in queries():
        near, exact = both(store, dense, query, selection=selection)
        assert len(near.ranked) == len(exact.ranked)
        worst = exact.ranked[-1][1]
        found += sum(cosine >= worst - 1e-6 for _, cosine in near.ranked)
        total += len(exact.ranked)
    return found / total


def file_of(store: IndexStore) -> Path:
    (path,) = store.database.path.parent.glob("nearest-*")
    return path


def test_it_finds_nearly_what_comparing_all_finds(large: Application) -> None:
    dense = used(large.store)
    assert recall(large.store, dense) >= 0.95
    near, exact = both(large.store, dense, queries(1)[0])
    assert "candidates from a graph of 1200" in near.how
    assert exact.how == "all 1200 compared"
    cosines = dict(exact.ranked)
    assert all(cosine == cosines[number] for number, cosine in near.ranked if number in cosines), "scores are those of the stored vectors"


def test_the_recall_that_is_shown_was_measured(large: Application) -> None:
    report = large.index(retrieve=RETRIEVE).approximate
    assert report.outcome == "kept"
    assert report.recall is not None
    assert report.recall >= 0.95
    sidecar = large.store.database.read_now(read_sidecar)
    assert sidecar is not None
    assert (sidecar.count, sidecar.sample, sidecar.recall) == (1200, 200, report.recall)


def test_a_bad_graph_is_measured_as_bad_and_not_used(large: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    built = graph.build

    def shuffled(path: Path, numbers: np.ndarray, codes: np.ndarray, **rest: object) -> None:
        built(path, numbers, np.random.default_rng(0).permutation(codes), **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(refreshing, "build", shuffled)
    drop_sidecar(large.store.database)
    report = large.index(retrieve=RETRIEVE).approximate
    assert report.outcome == "poor"
    assert report.recall is not None
    assert report.recall < 0.5
    assert not list(large.store.database.path.parent.glob("*nearest*"))
    near, exact = both(large.store, used(large.store), queries(1)[0])
    assert near == exact
    monkeypatch.setattr(refreshing, "build", None)
    assert large.index(retrieve=RETRIEVE).approximate.outcome == "poor", "it is not tried again while little has changed"


def test_fewer_chunks_or_off_means_none(large: Application) -> None:
    assert large.index(retrieve=RetrieveSection(approximate=ApproximateSection(above=1_200))).approximate.outcome == "few"
    assert not list(large.store.database.path.parent.glob("nearest-*"))
    assert large.index(retrieve=RETRIEVE).approximate.outcome == "made"
    off = RetrieveSection(approximate=ApproximateSection(above="off"))
    assert large.index(retrieve=off).approximate.outcome == "off"
    assert isinstance(large.search(retrieve=off).dense, Exact)


def test_without_the_extra_all_are_compared_and_it_says_so(large: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph.importlib.util, "find_spec", lambda name: None if name == "usearch" else object())
    monkeypatch.setattr(approximate, "installed", graph.installed)
    monkeypatch.setattr(refreshing, "installed", graph.installed)
    near, exact = both(large.store, used(large.store), queries(1)[0])
    assert near == exact
    assert large.index(retrieve=RETRIEVE).approximate == Approximation(outcome="missing", chunks=1200)


# -- damage


def damaged(path: Path) -> Iterator[str]:
    """The file, damaged in one way after another."""
    whole = path.read_bytes()
    for share in (0.0, 0.3, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        yield f"cut to {share}"
    for place in (0, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        yield f"a bit flipped at {place}"
    path.write_bytes(whole + b"\0")
    yield "longer"
    path.unlink()
    yield "gone"


def test_a_damaged_file_is_never_used_and_never_an_error(large: Application) -> None:
    query = queries(1)[0]
    for what in damaged(file_of(large.store)):
        near, exact = both(large.store, used(large.store), query)
        assert near == exact, what
    assert large.index(retrieve=RETRIEVE).approximate.outcome == "made", "the next run makes it again"
    assert "graph" in both(large.store, used(large.store), query)[0].how


def test_a_file_of_another_index_is_not_used(large: Application, tmp_path: Path) -> None:
    other = Application(tmp_path / "other")
    for document in range(40):
        other.write(f"docs/{document:02}.md", text(document + 100))
    other.index(retrieve=RETRIEVE)
    file_of(large.store).write_bytes(file_of(other.store).read_bytes())
    other.store.close()
    near, exact = both(large.store, used(large.store), queries(1)[0])
    assert near == exact


def test_a_file_of_another_encoder_is_not_used(large: Application) -> None:
    large.encoder = FakeEncoder("fake-2")
    report = large.index(rebuild=True, retrieve=RetrieveSection(approximate=ApproximateSection(above="off")))
    assert report.embedded == 1200
    assert not list(large.store.database.path.parent.glob("nearest-*"))
    assert large.index(retrieve=RETRIEVE).approximate.outcome == "made"
    assert large.store.database.read_now(read_sidecar).fingerprint == "fake-2"  # type: ignore[union-attr]


def test_a_record_of_another_version_counts_as_none(large: Application) -> None:
    sql = "UPDATE meta SET value = '{\"sha256\": 1}' WHERE key = 'sidecar'"
    large.store.database.write_now(lambda connection: connection.execute(sql) and None)
    near, exact = both(large.store, used(large.store), queries(1)[0])
    assert near == exact
    assert large.index(retrieve=RETRIEVE).approximate.outcome == "made"


# -- what changes after it was made


def test_what_is_newer_is_found_and_what_is_gone_is_not(large: Application) -> None:
    dense = used(large.store)
    both(large.store, dense, "warm")
    large.write("docs/0/new.md", "# Owls\n\nOwls hoot at night.")
    (large.root / "docs/1/20.md").unlink()
    large.write("docs/1/21.md", text(77))
    report = large.index(retrieve=RETRIEVE)
    assert report.approximate.outcome == "kept"
    assert report.approximate.newer == 31
    near, exact = both(large.store, dense, "Page Owls Owls hoot at night.")
    assert near.ranked[0] == exact.ranked[0]
    assert "newer: all 31 compared" in near.how
    assert recall(large.store, dense) >= 0.95
    gone = {number for number, _ in both(large.store, dense, " ".join(WORDS[:8]), most=1_000)[0].ranked}
    current = {
        number for (number,) in large.store.database.read_now(lambda connection: connection.execute("SELECT number FROM chunk").fetchall())
    }
    assert gone <= current


def test_most_of_it_gone_still_fills_the_list(large: Application) -> None:
    dense = used(large.store)
    for document in range(1, 40):
        (large.root / f"docs/{document // 20}/{document:02}.md").unlink()
    large.index(sources=("docs/**/*",), retrieve=RetrieveSection(approximate=ApproximateSection(above=1_000), fuse="dense"))
    near, exact = both(large.store, dense, queries(1)[0])
    assert near.ranked == exact.ranked
    assert len(near.ranked) == 10


def test_enough_changes_make_it_again(large: Application) -> None:
    before = file_of(large.store).name
    for document in range(40, 46):
        large.write(f"docs/1/{document:02}.md", text(document))
    report = large.index(retrieve=RETRIEVE)
    assert (report.approximate.outcome, report.approximate.chunks) == ("made", 1380)
    assert file_of(large.store).name != before, "the one before is gone"


async def test_a_running_search_takes_up_a_new_file(large: Application) -> None:
    search = large.search(retrieve=RETRIEVE)
    assert "graph of 1200" in (await search.trail("balanced", keep=3)).dense
    drop_sidecar(large.store.database)
    assert (await search.trail("balanced", keep=3)).dense == "all 1200 compared"
    large.index(retrieve=RETRIEVE)
    assert "graph of 1200" in (await search.trail("balanced", keep=3)).dense


async def test_many_searches_at_once_agree(large: Application) -> None:
    search = large.search(retrieve=RETRIEVE)
    found = await asyncio.gather(*(search.find(query, keep=5) for query in queries(10) * 5))
    assert len({(one.query, tuple(hit.chunk.id for hit in one.hits)) for one in found}) == 10


# -- who may see what


@pytest.mark.parametrize("scanned", [0, 20_000])
def test_permissions_hold_and_fill_the_list(application: Application, monkeypatch: pytest.MonkeyPatch, scanned: int) -> None:
    monkeypatch.setattr(approximate, "_SCANNED", scanned)
    rules = (AllowSection(match="docs/1/**", allow=("group:board",)), AllowSection(match="docs/0/00.md", allow=("group:few",)))
    section = {"retrieve": RETRIEVE, "permissions": PermissionsSection(rules=rules, otherwise=("everyone",))}
    for document in range(40):
        application.write(f"docs/{document // 20}/{document:02}.md", text(document))
    assert application.index(**section).approximate.outcome == "made"
    search = application.search(**section)
    for readers, allowed in (
        (("everyone",), "docs/0/"),
        (("everyone", "group:local/few"), "docs/0/"),
        (("group:local/few",), "docs/0/00.md"),
        (("group:local/board",), "docs/1/"),
    ):
        for query in queries(20):
            found = asyncio.run(search.find(query, keep=10, scope=Scope(readers=readers)))
            assert len(found.hits) == 10, "what may not be seen takes nobody's place"
            assert all(hit.chunk.source.startswith(allowed) for hit in found.hits)
    assert not asyncio.run(search.find("anything", keep=10, scope=Scope(readers=("group:local/nobody",)))).hits
    near, exact = both(application.store, used(application.store), queries(1)[0], selection=Selection(("group:local/few",)))
    assert near.ranked == exact.ranked, "few chunks are compared one by one"
    assert recall(application.store, used(application.store), Selection(("everyone",))) >= 0.95


# -- kill -9

CHILD = """
import sys
from pathlib import Path
from groundwork.context.config import ApproximateSection
from groundwork.context.dense.refreshing import _make
from groundwork.store.index import open_index
store = open_index(Path(sys.argv[1]))
for entry in store.documents():
    print("removing", flush=True)
    store.remove(entry.source)
    print(_make(store.database, ApproximateSection(above=1000), lambda: None).outcome, flush=True)
"""


def test_kill_9_while_one_is_made_leaves_the_one_before_or_the_new_one(large: Application) -> None:
    names = set()
    for turn in range(8):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(large.root)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        while child.stdout.readline() != "made\n":
            assert child.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=0.03 * turn)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        names.add(large.store.database.read_now(read_sidecar).sha256)  # type: ignore[union-attr]
        near, exact = both(large.store, used(large.store), queries(1)[0])
        assert "graph" in near.how
        assert near.ranked[0] == exact.ranked[0]
        assert large.index(retrieve=RETRIEVE).approximate.outcome in {"made", "kept"}
        assert len(list(large.store.database.path.parent.glob("*nearest*"))) == 1, "what was half done is swept away"
    assert len(names) > 1
    assert recall(large.store, used(large.store)) >= 0.95


def test_a_full_disk_leaves_the_exact_search(large: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    drop_sidecar(large.store.database)

    def full(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(refreshing, "build", full)
    report = large.index(retrieve=RETRIEVE).approximate
    assert report.outcome == "failed"
    assert "No space left" in report.reason
    assert not list(large.store.database.path.parent.glob("*nearest*"))
    near, exact = both(large.store, used(large.store), queries(1)[0])
    assert near == exact


def test_what_is_mapped_is_what_was_made(large: Application) -> None:
    sidecar = large.store.database.read_now(read_sidecar)
    assert sidecar is not None
    content = map_sidecar(large.store.database, sidecar)
    assert content is not None
    opened = approximate.open_mapped(sidecar, content, Exact(FakeEncoder(), above=sidecar.mark))
    assert opened.numbers.tolist() == sorted(opened.numbers.tolist())
    assert opened.codes.shape == (1200, 48)
    assert refresh(large.store.database, SECTION, lambda: None).outcome == "kept"
