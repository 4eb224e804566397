"""Reranking puts the first hits in order, keeps to its budget, and changes nothing where the reranker is of no use."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists

from groundwork.context.absence import why_not
from groundwork.context.config import AllowSection, ContextSection, PermissionsSection, RetrieveSection
from groundwork.context.explaining import explain
from groundwork.context.ranking.reranking import Reranking, blended
from groundwork.context.search import Search
from groundwork.core.access import Scope, readers_of
from groundwork.core.errors import UpstreamError
from groundwork.core.request import Principal
from groundwork.observe.recorder import Recorder, recording
from tests.context.folder import Application

OPERATOR = Scope(operator=True)
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")


class ByName:
    """Scores a passage by the first of its names in a list: the earlier, the better. Each call can take a while."""

    name = "by name"

    def __init__(self, best: Sequence[str], *, at_once: int = 0, slow: float = 0.0) -> None:
        self.best = best
        self.at_once = at_once
        self.slow = slow
        self.read: list[str] = []

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        for passage in passages:
            await asyncio.sleep(self.slow)
            self.read.append(passage)
        return [float(-next((place for place, name in enumerate(self.best) if name in passage), len(self.best))) for passage in passages]


class Says:
    """Gives what it is told to, or raises it."""

    name = "liar"
    at_once = 0

    def __init__(self, *said: float | Exception) -> None:
        self.said = said

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        if isinstance(self.said[0], Exception):
            raise self.said[0]
        return [one for one in self.said if not isinstance(one, Exception)]


@pytest.fixture
def shelf(application: Application) -> Application:
    """Six documents on the archive; the first named says it most often, and so on."""
    for place, name in enumerate(NAMES):
        application.write(f"docs/{name}.md", f"# Note\n\n{'archive ' * (12 - 2 * place)} of {name} on shelf {name}{place}.")
    application.index()
    return application


def search(shelf: Application, reranking: Reranking | None, **section: Any) -> Search:
    retrieve = section.pop("retrieve", RetrieveSection(fuse="terms"))
    return Search(shelf.store, shelf.encoder, ContextSection(sources=("docs/**/*",), retrieve=retrieve, **section), reranking=reranking)


async def order(shelf: Application, reranking: Reranking | None, *, keep: int = 6, **section: Any) -> list[str]:
    found = await search(shelf, reranking, **section).find("archive", keep=keep, scope=OPERATOR)
    return [hit.chunk.source.removeprefix("docs/").removesuffix(".md") for hit in found.hits]


async def test_the_first_hits_are_given_anew_and_the_rest_stays(shelf: Application) -> None:
    before = await order(shelf, None)
    assert sorted(before) == sorted(NAMES)
    reranker = ByName([before[3], before[1]])
    assert await order(shelf, Reranking(reranker, depth=4)) == [before[3], before[1], before[0], before[2], before[4], before[5]]
    assert len(reranker.read) == 4
    assert await order(shelf, Reranking(ByName([before[3]]), depth=4), keep=2) == [before[3], before[0]]


async def test_scores_fall_and_the_rerankers_own_are_beside_them(shelf: Application) -> None:
    reranking = Reranking(ByName(["zeta", "beta"]), depth=6)
    hits = (await search(shelf, reranking).find("archive", keep=6, scope=OPERATOR)).hits
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.rerank for hit in hits] == [0.0, -1.0, -2.0, -2.0, -2.0, -2.0]


async def test_the_searchs_own_order_may_keep_its_say(shelf: Application) -> None:
    before = await order(shelf, None)
    last_first = ByName(list(reversed(before)))
    assert await order(shelf, Reranking(last_first)) == list(reversed(before))
    assert (await order(shelf, Reranking(last_first, weight=0.4)))[0] == before[0]


async def test_it_sees_what_permissions_filters_and_duplicates_leave(application: Application) -> None:
    rules = PermissionsSection(rules=(AllowSection(match="docs/hr*", allow=("group:hr",)),), otherwise=("everyone",))
    application.write("docs/hr.md", "# Pay\n\nThe archive of every salary that was ever paid.")
    application.write("docs/one.md", "# Tapes\n\nThe archive keeps every tape for ninety days in a cellar far below the town.")
    application.write("docs/twin.md", "# Tapes\n\nThe archive keeps every tape for ninety days in a cellar far below the town. Yes.")
    application.write("docs/other.md", "# Other\n\nAn archive elsewhere.")
    application.index(permissions=rules)
    reranker = ByName([])
    retrieve = RetrieveSection(duplicates=0.6, where='not source = "docs/other.md"')
    stage = search(application, Reranking(reranker), permissions=rules, retrieve=retrieve)
    bob = Scope(readers=readers_of(Principal(user="bob")))
    await stage.find("archive", keep=6, scope=bob)
    assert reranker.read == []  # one passage is left, and that is in order
    application.write("docs/third.md", "# Third\n\nThis archive holds maps.")
    application.index(permissions=rules)
    await stage.find("archive", keep=6, scope=bob)
    assert len(reranker.read) == 2
    assert not any("salary" in one or "elsewhere" in one for one in reranker.read)


async def test_what_is_scored_in_time_is_put_in_order_and_stays_before_the_rest(shelf: Application) -> None:
    before = await order(shelf, None)
    reranker = ByName([before[5], before[1]], at_once=1, slow=0.1)
    trail = await search(shelf, Reranking(reranker, seconds=0.35)).trail("archive", keep=6, scope=OPERATOR)
    told = trail.reranked
    assert told is not None
    assert told.outcome == "in part"
    assert 2 <= len(told.scores) < 6  # the last, which it likes best, was out of reach
    names = [trail.chunks[one.number].source.removeprefix("docs/").removesuffix(".md") for one in trail.best]
    assert names == [before[1], before[0], *before[2:]]


async def test_late_with_everything_changes_nothing(shelf: Application) -> None:
    before = await order(shelf, None)
    reranking = Reranking(ByName(list(reversed(before)), slow=5.0), seconds=0.05)
    trail = await search(shelf, reranking).trail("archive", keep=6, scope=OPERATOR)
    assert trail.reranked is not None
    assert trail.reranked.outcome == "late"
    assert await order(shelf, reranking) == before


@pytest.mark.parametrize(
    "reranker",
    [
        Says(UpstreamError("it is down", cause="network", fix="start it")),
        Says(1.0, 2.0),
        Says(*[1.0] * 7),
        Says(1.0, 2.0, 3.0, math.nan, 5.0, 6.0),
        Says(1.0, 2.0, 3.0, math.inf, 5.0, 6.0),
    ],
)
async def test_a_reranker_that_fails_or_lies_changes_nothing_and_is_counted(shelf: Application, reranker: Says) -> None:
    before = await order(shelf, None)
    recorder = Recorder("tr_1")
    with recording(recorder):
        assert await order(shelf, Reranking(reranker)) == before
    told = {one.name: one for one in recorder.spans}["rerank"].attributes
    assert told["groundwork.rerank.outcome"] == "failed"
    assert (told["groundwork.rerank.passages"], told["groundwork.rerank.scored"]) == (6, 0)
    assert told["groundwork.rerank.why"]
    hits = (await search(shelf, Reranking(reranker)).find("archive", keep=6, scope=OPERATOR)).hits
    assert all(hit.rerank is None for hit in hits)


async def test_variety_and_surroundings_come_after_it(application: Application) -> None:
    body = "\n\n".join(
        f"The archive number {place} holds {name} and says so at some length for everybody." for place, name in enumerate(NAMES)
    )
    application.write("docs/all.md", f"# All\n\n{body}")
    application.write("docs/zeta.md", "# Zeta\n\nzeta is in the archive too.")
    application.index()
    stage = search(application, Reranking(ByName(["zeta is"])), retrieve=RetrieveSection(around=2_000, diversity=0.2))
    hits = (await stage.find("archive", keep=2, scope=OPERATOR)).hits
    assert hits[0].chunk.source == "docs/zeta.md"
    assert len(hits[1].text) > 300


async def test_an_index_that_changes_meanwhile_leaves_the_first_order(shelf: Application) -> None:
    class Meddler(ByName):
        async def score(self, query: str, passages: Sequence[str]) -> list[float]:
            shelf.write("docs/alpha.md", "# Note\n\narchive of nothing any more")
            await asyncio.to_thread(shelf.index)
            return await super().score(query, passages)

    stage = search(shelf, Reranking(Meddler(["zeta"])), retrieve=RetrieveSection(fuse="terms", around=500))
    trail = await stage.trail("archive", keep=6, scope=OPERATOR)
    assert trail.reranked is not None
    assert trail.reranked.outcome == "index changed"
    assert trail.best[0].number == trail.fused[0].number


async def test_it_is_explained_and_what_it_put_back_is_said(shelf: Application) -> None:
    before = await order(shelf, None)
    stage = search(shelf, Reranking(ByName([before[5], before[4]]), depth=6))
    told = await explain(stage, shelf.store, "archive", keep=2, scope=OPERATOR)
    assert told.rerank is not None
    assert (told.rerank.by, told.rerank.outcome, told.rerank.passages, told.rerank.scored) == ("by name", "reranked", 6, 6)
    rows = {row.source: row for row in told.candidates}
    first = rows[f"docs/{before[5]}.md"]
    assert (first.place, first.fused.rank, first.reranked and first.reranked.rank) == (1, 6, 1)
    config = ContextSection(sources=("docs/**/*",), retrieve=RetrieveSection(fuse="terms"))
    absence = await why_not(stage, shelf.store, config, shelf.root, f"docs/{before[0]}.md", "archive", keep=2, scope=OPERATOR)
    assert absence.stage == "reranked"
    assert absence.reason == "reranking by by name put it from rank 1 to 3, and 2 are kept"


@given(lists(floats(-50, 50), min_size=1, max_size=20))
def test_a_whole_weight_is_the_rerankers_order_and_any_weight_is_one(scores: list[float]) -> None:
    by_score = blended(scores, 1.0)
    assert [scores[place] for place in by_score] == sorted(scores, reverse=True)
    assert sorted(blended(scores, 0.5)) == list(range(len(scores)))
    assert blended([1.0] * len(scores), 1.0) == list(range(len(scores)))
