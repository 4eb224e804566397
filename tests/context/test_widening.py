from itertools import pairwise

import pytest

from groundwork.context.citing import cite
from groundwork.context.config import ChunkSection, RetrieveSection
from groundwork.context.explaining import explain
from groundwork.core.access import PUBLIC
from groundwork.core.document import Hit
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
