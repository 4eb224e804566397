"""A kept result is given to the same question of the same readers on the same index, and to nothing else."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from groundwork.context.config import AllowSection, ContextSection, PermissionsSection, RetrieveSection
from groundwork.context.ranking.reranking import Reranking
from groundwork.context.remembering import Results, key_of
from groundwork.context.search import Search
from groundwork.core.access import Scope, readers_of
from groundwork.core.document import Chunk, Found, Hit
from groundwork.core.errors import StoreError
from groundwork.core.request import Principal
from groundwork.core.units import Size
from groundwork.observe.recorder import Recorder, recording
from tests.context.folder import Application
from tests.context.test_reranking import ByName

RULES = PermissionsSection(rules=(AllowSection(match="docs/hr/**", allow=("group:hr",)),), otherwise=("everyone",))
CACHE = RetrieveSection(cache=Size(1_000_000, "1MB"))
BOB = Scope(readers=readers_of(Principal(user="bob")))
ANNA = Scope(readers=readers_of(Principal(user="anna", groups=("hr",))))


@pytest.fixture
def archive(application: Application) -> Application:
    application.write("docs/plan.md", "---\nyear: 2020\n---\n# Plan\n\nThe archive moves in May.")
    application.write("docs/hr/pay.md", "# Pay\n\nThe archive of every salary.")
    application.index(permissions=RULES)
    return application


def search(archive: Application, *, permissions: PermissionsSection = RULES, **more: Any) -> Search:
    section = ContextSection(sources=("docs/**/*",), permissions=permissions, retrieve=CACHE)
    return Search(archive.store, archive.encoder, section, **more)


async def sources(made: Search, query: str = "archive", scope: Scope = BOB, **more: Any) -> tuple[set[str], bool]:
    """What is found, and whether it was kept."""
    recorder = Recorder("tr_1")
    with recording(recorder):
        found = await made.find(query, keep=6, scope=scope, **more)
    (told,) = [one for one in recorder.spans if one.name == "cache retrieval"]
    return {hit.chunk.source for hit in found.hits}, told.attributes["groundwork.cache.hit"]


async def test_the_same_is_found_without_searching(archive: Application) -> None:
    made = search(archive)
    assert await sources(made) == ({"docs/plan.md"}, False)
    assert await sources(made) == ({"docs/plan.md"}, True)


async def test_others_never_get_it(archive: Application) -> None:
    made = search(archive)
    assert await sources(made, scope=ANNA) == ({"docs/plan.md", "docs/hr/pay.md"}, False)
    assert await sources(made, scope=BOB) == ({"docs/plan.md"}, False)
    assert await sources(made, scope=Scope(operator=True)) == ({"docs/plan.md", "docs/hr/pay.md"}, False)
    assert await sources(made, scope=Scope(readers=BOB.readers, where="year = 2020")) == ({"docs/plan.md"}, False)
    assert await sources(made, scope=Scope(readers=BOB.readers, where="year = 1999 or title = 'none'")) == (set(), False)
    assert await sources(made, query="archive moves") == ({"docs/plan.md"}, False)
    assert await sources(made, also={"salary": 1.0}) == ({"docs/plan.md"}, False)
    assert await sources(made, scope=ANNA) == ({"docs/plan.md", "docs/hr/pay.md"}, True)


async def test_it_does_not_outlive_a_change(archive: Application) -> None:
    made = search(archive)
    await sources(made)
    archive.write("docs/new.md", "# New\n\nAn archive that is new.")
    archive.index(permissions=RULES)
    assert await sources(made) == ({"docs/plan.md", "docs/new.md"}, False)
    (archive.root / "docs/plan.md").unlink()
    archive.index(permissions=RULES)
    assert await sources(made) == ({"docs/new.md"}, False)


async def test_other_permissions_close_it_at_once(archive: Application) -> None:
    made = search(archive)
    await sources(made)
    archive.store.begin(access="others")  # a run that labels everything anew has begun, and no document is done yet
    with pytest.raises(StoreError):
        await made.find("archive", keep=6, scope=BOB)


async def test_a_day_later_recency_is_another(archive: Application) -> None:
    days = [dt.date(2026, 1, 1)]
    made = search(archive, today=lambda: days[0])
    await sources(made)
    days[0] = dt.date(2026, 1, 2)
    assert (await sources(made))[1] is False


async def test_what_a_reranker_was_late_for_is_not_kept(archive: Application) -> None:
    reranker = ByName(["Pay"], slow=5.0)
    made = search(archive, reranking=Reranking(reranker, seconds=0.05))
    await sources(made, scope=ANNA)
    reranker.slow = 0.0
    assert (await sources(made, scope=ANNA))[1] is False
    assert (await sources(made, scope=ANNA))[1] is True


async def test_without_memory_nothing_is_kept(archive: Application) -> None:
    section = ContextSection(sources=("docs/**/*",), permissions=RULES)
    assert Search(archive.store, archive.encoder, section).results is None


def found(size: int) -> Found:
    chunk = Chunk(id="c", document="d", source="s", title="t", headings=(), start=0, end=size, text="x" * size)
    return Found(hits=(Hit(chunk=chunk, score=1.0),))


def test_it_stays_within_its_bytes_and_forgets_the_least_used() -> None:
    keys = [key_of("g", "", str(number), 6, BOB, {}, dt.date(2026, 1, 1)) for number in range(50)]
    results = Results(100_000)
    for key in keys:
        results.put(key, found(10_000))
        results.get(keys[0])
        assert results.size <= 100_000
    assert results.get(keys[0]) is not None
    assert results.get(keys[1]) is None
    results.put(keys[1], found(200_000))
    assert results.get(keys[1]) is None
    before = len(results)
    results.put(keys[0], found(10))
    assert len(results) == before


async def test_many_at_once_agree(archive: Application) -> None:
    made = search(archive)
    answers = await asyncio.gather(*(made.find("archive", keep=6, scope=scope) for scope in (BOB, ANNA) * 20))
    assert [len(one.hits) for one in answers] == [1, 2] * 20
