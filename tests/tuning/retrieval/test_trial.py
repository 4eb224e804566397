from pathlib import Path

import msgspec
import pytest

from groundwork.context.config import ChunkSection, ContextSection, MetadataSection, PermissionsSection, RetrieveSection
from groundwork.context.indexing import Indexer
from groundwork.context.reading import parse
from groundwork.store.index import open_index
from groundwork.tuning.retrieval.candidates import Candidate, candidates, in_force
from groundwork.tuning.retrieval.sought import Need, Sought
from groundwork.tuning.retrieval.trial import Trials, vectors_of
from tests.context.fake_encoder import FakeEncoder

NOW = ContextSection(sources=("docs",), retrieve=RetrieveSection(keep=2, fuse="terms"), chunk=ChunkSection(tokens=64, overlap=0))
ANIMALS = ("badger", "heron", "otter", "newt", "kestrel", "marten", "dormouse", "adder")
DOCUMENTS = [
    parse(
        f"# About {name}\n\n{'Nothing much is known here. ' * 12}\n\nThe {name} sleeps under stone {place}.\n".encode(), f"docs/{name}.md"
    )
    for place, name in enumerate(ANIMALS)
]
CASES = [
    Sought(name, f"Where does the {name} sleep?", (Need((f"under stone {place}",), f"{name}.md"),), name)
    for place, name in enumerate(ANIMALS)
]


def quiet(_done: int, _total: int, _source: str) -> None:
    """Shows nothing."""


def trials(folder: Path, encoder: FakeEncoder, **settings: object) -> Trials:
    return Trials(DOCUMENTS, CASES, encoder, encoder, folder=folder, progress=quiet, **settings)  # pyright: ignore[reportArgumentType]


async def test_a_candidate_is_measured_by_what_it_hands_over(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    (now,) = await trials(tmp_path, encoder).measure([in_force(NOW)])
    assert len(now.held) == len(CASES)
    assert sum(now.held) >= 6
    assert now.chunks > len(DOCUMENTS)
    assert [path.name for path in tmp_path.iterdir()] == ["tune.lock"]


async def test_documents_keep_their_fields_in_a_trial_whoever_may_see_them(tmp_path: Path) -> None:
    fields = MetadataSection(match="docs/b*.md", values={"kind": "mammal"})
    section = msgspec.structs.replace(NOW, metadata=(fields,), permissions=PermissionsSection())
    among = msgspec.structs.replace(section.retrieve, where='kind = "mammal"')
    (now,) = await trials(tmp_path, FakeEncoder(), section=section).measure([Candidate({}, section.chunk, among)])
    assert [held for held, animal in zip(now.held, ANIMALS, strict=True) if animal == "badger"] == [1.0]
    assert sum(now.held) == 1.0


async def test_a_search_for_nothing_that_is_there_holds_nothing(tmp_path: Path) -> None:
    elsewhere = [Sought("a", "Where does the badger sleep?", (Need(("under stone 0",), "heron.md"),), "a")]
    found = Trials(DOCUMENTS, elsewhere, FakeEncoder(), FakeEncoder(), folder=tmp_path, progress=quiet)
    (now,) = await found.measure([in_force(NOW)])
    assert (now.held, now.first) == ((0.0,), (0.0,))


async def test_a_chunking_does_not_win_by_handing_over_more(tmp_path: Path) -> None:
    """Every chunk of the larger kind holds a whole page; of two small ones' length only one of them fits."""
    heavy = ContextSection(sources=("docs",), chunk=ChunkSection(tokens=32, overlap=0), retrieve=RetrieveSection(fuse="terms", keep=1))
    larger = Candidate({"context.chunk.tokens": 254}, ChunkSection(tokens=254, overlap=0), heavy.retrieve)
    tried = trials(tmp_path, FakeEncoder())
    _, more = await tried.measure([in_force(heavy), larger])
    assert 0 < tried.budget < 150
    assert sum(more.held) == 0


async def test_what_finds_nothing_does_not_leave_the_others_without_room(tmp_path: Path) -> None:
    apart = [Sought("a", "zebra xylophone", (Need(("under stone 0",)),), "a"), Sought("b", "quartz", (Need(("under stone 1",)),), "b")]
    tried = Trials(DOCUMENTS, apart, FakeEncoder(), FakeEncoder(), folder=tmp_path, progress=quiet)
    now, _ = await tried.measure(
        [in_force(NOW), Candidate({"context.retrieve.fuse": "dense"}, NOW.chunk, RetrieveSection(fuse="dense", keep=2))]
    )
    assert sum(now.held) == 0
    assert tried.budget > 100


async def test_more_hits_that_are_tried_may_hand_over_more(tmp_path: Path) -> None:
    few = ContextSection(sources=("docs",), chunk=NOW.chunk, retrieve=RetrieveSection(fuse="dense", keep=1))
    more = Candidate({"context.retrieve.keep": 20}, few.chunk, RetrieveSection(fuse="dense", keep=20))
    first, second = await trials(tmp_path, FakeEncoder()).measure([in_force(few), more])
    assert sum(second.held) > sum(first.held)


async def test_each_chunking_is_split_anew_and_what_cannot_be_split_is_named(tmp_path: Path) -> None:
    whole = Candidate({"context.chunk.by": "document"}, ChunkSection(tokens=64, overlap=0, by="document"), NOW.retrieve)
    words = Candidate({"context.chunk.by": "words"}, ChunkSection(tokens=64, overlap=0, by="words", size=8), NOW.retrieve)
    now, none, many = await trials(tmp_path, FakeEncoder()).measure([in_force(NOW), whole, words])
    assert none.left_out == tuple(document.source for document in DOCUMENTS)
    assert (none.chunks, sum(none.held)) == (0, 0)
    assert many.chunks > now.chunks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for document in DOCUMENTS:
        (tmp_path / document.source).write_text(f"# {document.title}\n\n{document.text.split(chr(10), 2)[2]}")
    return tmp_path


@pytest.mark.parametrize("where", ["in the folder", "on a server"])
async def test_the_index_in_use_is_read_for_its_vectors_and_never_written(root: Path, where: str, request: pytest.FixtureRequest) -> None:
    encoder = FakeEncoder()
    store = open_index(root, address=request.getfixturevalue("postgres").fresh() if where == "on a server" else None)
    try:
        Indexer(NOW, root, store, encoder).run()
        generation = store.generation()
        known = vectors_of(store, encoder)
        encoder.texts.clear()
        tried = [in_force(NOW), *candidates(NOW, kinds=("retrieve",))]
        documents = [store.document(entry.id) for entry in store.documents()]
        found = Trials(documents, CASES, encoder, encoder, folder=root, progress=quiet, known=known)
        measured = await found.measure(tried)
        assert len(measured) == len(tried)
        assert set(encoder.texts) == {case.question for case in CASES}
        assert store.generation() == generation
        assert vectors_of(store, FakeEncoder("another")) == {}
    finally:
        store.close()
