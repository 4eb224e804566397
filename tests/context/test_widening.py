from itertools import pairwise

import pytest

from groundwork.context.chunking import LONGEST_PARENT, landmark, parents
from groundwork.context.citing import cite
from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.context.explaining import explain
from groundwork.context.indexing import split_as
from groundwork.core.access import PUBLIC
from groundwork.core.document import Hit
from groundwork.core.errors import ConfigError
from tests.context.folder import Application
from tests.postgres import address  # noqa: F401  everything here runs on both stores

CHUNK = ChunkSection(tokens=40, overlap=8)


def sentences(word: str, count: int) -> str:
    return " ".join(f"The {word} number {number} stands in the long row of them." for number in range(count))


@pytest.fixture
def rows(application: Application) -> Application:
    application.write("docs/a.md", f"# A\n\n{sentences('lamp', 12)}\n\n## B\n\n{sentences('boat', 12)}\n\n## C\n\nNothing of the kind.")
    application.write("docs/b.md", f"# D\n\n{sentences('lamp', 3)}")
    application.index(chunk=CHUNK)
    return application


async def hits(rows: Application, query: str, *, keep: int = 6, **retrieve: object) -> tuple[Hit, ...]:
    search = rows.search(chunk=CHUNK, retrieve=RetrieveSection(**retrieve))  # type: ignore[arg-type]
    found = (await search.find(query, keep=keep)).hits
    told = await explain(search, rows.store, query, keep=keep, scope=PUBLIC)
    assert [one.chunk for one in told.candidates if one.place] == [hit.chunk.id for hit in found]
    for hit in found:
        document = rows.store.document(hit.chunk.document)
        assert hit.text == document.text[hit.chunk.start : hit.chunk.end], "verbatim, so that citations hold"
        citation = cite(hit, 1, 0, len(hit.text))
        assert document.text[citation.start : citation.end] == citation.quote
    return found


@pytest.mark.parametrize("around", [100, 300, 600, 100_000])
async def test_a_hit_comes_with_its_section_and_no_more(rows: Application, around: int) -> None:
    plain = (await hits(rows, "boat number 6", keep=1))[0]
    wide = (await hits(rows, "boat number 6", keep=1, around=around))[0]
    assert (wide.chunk.id, wide.score, wide.ranks) == (plain.chunk.id, plain.score, plain.ranks)
    assert plain.text in wide.text
    assert len(wide.text) <= max(around, len(plain.text))
    assert "lamp" not in wide.text
    assert "Nothing of the kind" not in wide.text
    if around == 100_000:
        assert wide.text.count("boat number") == 12


async def test_no_passage_stands_in_another_and_the_next_best_takes_the_place(rows: Application) -> None:
    found = await hits(rows, "lamp", keep=3, around=100_000, fuse="terms")
    assert sorted(hit.chunk.source for hit in found) == ["docs/a.md", "docs/b.md"], "all lamps of a document are one passage"
    for around in (200, 350, 500):
        spans = [
            (hit.chunk.start, hit.chunk.end) for hit in await hits(rows, "lamp", keep=9, around=around) if hit.chunk.source == "docs/a.md"
        ]
        assert len(spans) > 1
        spans.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(spans)), "these chunks repeat nothing, so neither do passages"


async def test_what_stands_in_another_passage_is_said(rows: Application) -> None:
    search = rows.search(chunk=CHUNK, retrieve=RetrieveSection(around=100_000, fuse="terms"))
    told = await explain(search, rows.store, "lamp number", keep=2, scope=PUBLIC)
    parts = [one for one in told.candidates if one.part_of]
    assert parts
    assert all(one.place is None and one.part_of.startswith(f"{one.source} (ch_") for one in parts)


# -- parents


async def given(application: Application, query: str, *, keep: int = 6, **chunk: object) -> tuple[Hit, ...]:
    section = ChunkSection(tokens=40, overlap=8, **chunk)  # type: ignore[arg-type]
    application.index(chunk=section)
    search = application.search(chunk=section)
    found = (await search.find(query, keep=keep)).hits
    for hit in found:
        document = application.store.document(hit.chunk.document)
        assert hit.text == document.text[hit.chunk.start : hit.chunk.end], "verbatim, so that citations hold"
        for start in range(0, len(hit.text) - 12, 50):
            citation = cite(hit, 1, start, start + 12)
            assert document.text[citation.start : citation.end] == citation.quote
            assert citation.line == landmark(document.landmarks, citation.start).line, "a quote anywhere in the passage has its own place"
    return found


ROWS = f"# A\n\n{sentences('lamp', 12)}\n\n## B\n\n{sentences('boat', 12)}\n\n## C\n\nNothing of the kind.\n"


async def test_a_small_chunk_is_found_and_its_section_given(application: Application) -> None:
    application.write("docs/a.md", ROWS)
    found = await given(application, "boat number 6", keep=2, parent="section")
    assert found[0].text.count("boat number") == 12
    assert "lamp" not in found[0].text
    assert found[0].chunk.headings == ("A", "B")
    assert len({(hit.chunk.start, hit.chunk.end) for hit in found}) == len(found), "chunks of one parent are one hit"


@pytest.mark.parametrize("by", ["heading", "recursive", "sentences", "words", "tokens"])
@pytest.mark.parametrize("parent", [60, 120, "section"])
async def test_every_chunk_lies_in_its_parent_and_parents_are_as_large_as_asked(application: Application, by: str, parent: object) -> None:
    application.write("docs/a.md", ROWS)
    section = ChunkSection(tokens=40, overlap=8, by=by, parent=parent)  # type: ignore[arg-type]
    application.index(chunk=section)
    document = application.store.document(application.store.documents()[0].id)
    chunks = split_as(document, application.encoder, section)
    assert len(chunks) > 6
    whole = set(parents(document, application.encoder, parent))  # type: ignore[arg-type]
    for chunk in chunks:
        assert chunk.parent is not None
        assert chunk.parent[0] <= chunk.start < chunk.end <= chunk.parent[1]
        if by == "heading":
            assert chunk.parent in whole
    if parent != "section":
        assert all(application.encoder.count(document.text[start:end]) <= parent for start, end in whole)  # type: ignore[operator]
    covered = "".join(document.text[start:end] for start, end in sorted(whole))
    assert "".join(covered.split()) == "".join(document.text.split()), "parents leave nothing out and repeat nothing"


async def test_a_part_of_a_section_is_given_where_tokens_are_asked_for(application: Application) -> None:
    application.write("docs/a.md", ROWS)
    found = await given(application, "boat number 6", keep=1, parent=100)
    assert "boat number 6" in found[0].text
    assert 1 < found[0].text.count("boat number") < 12
    assert application.encoder.count(found[0].text) <= 100


async def test_offsets_of_parents_follow_when_text_moves(application: Application) -> None:
    application.write("docs/a.md", ROWS)
    await given(application, "boat", parent="section")
    application.write("docs/a.md", ROWS.replace("# A\n\n", "# A\n\nSomething new comes before all of it.\n\n"))
    found = await given(application, "boat number 6", keep=1, parent="section")
    assert found[0].text.startswith("B\n\nThe boat number 0")


async def test_a_section_beyond_reason_is_given_in_parts(application: Application) -> None:
    application.write("docs/a.md", f"# A\n\n{sentences('lamp', 400)}\n")
    found = await given(application, "lamp number 7", keep=3, parent="section")
    assert all(application.encoder.count(hit.text) <= LONGEST_PARENT for hit in found)


def test_another_parent_asks_for_a_rebuild_and_both_ways_at_once_are_refused(application: Application) -> None:
    application.write("docs/a.md", ROWS)
    application.index(chunk=ChunkSection(tokens=40, overlap=8))
    with pytest.raises(ConfigError, match="other chunks"):
        application.index(chunk=ChunkSection(tokens=40, overlap=8, parent=100))
    with pytest.raises(ValueError, match="leave one out"):
        ContextSection(sources=("docs",), chunk=ChunkSection(parent=400), retrieve=RetrieveSection(around=500))
    with pytest.raises(ValueError, match="not more than tokens"):
        ChunkSection(parent=200)
