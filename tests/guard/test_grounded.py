"""The rail `grounded`, with a scorer that knows which pairs it was asked about."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from groundwork.core.document import Chunk, Citation, Found, Hit
from groundwork.core.errors import Overloaded
from groundwork.core.reply import Reply
from groundwork.guard.config import RailName
from groundwork.guard.grounded import MOST, GroundedRail

TOWER = "The lighthouse at Cape Orrin is 47 metres high. It was built in 1868."
KEEPER = "The last keeper left in 1983, when the lamp became automatic."
LAMP = "The lamp burns oil of whales, and is lit each evening by the keeper."


def hit(number: int, text: str) -> Hit:
    chunk = Chunk(id=f"ch_{number}", document="doc_1", source="a.md", title="A", headings=(), start=0, end=len(text), text=text)
    return Hit(chunk=chunk, score=1.0)


FOUND = Found(hits=(hit(1, TOWER), hit(2, KEEPER), hit(3, LAMP)))


class Scorer:
    """Supports what shares a year or a number with its passage."""

    threshold = 0.5

    def __init__(self, fault: Exception | None = None, seconds: float = 0.0) -> None:
        self.asked: list[tuple[str, str]] = []
        self.fault, self.seconds = fault, seconds
        self.manifest = msgspec.defstruct("M", [("fingerprint", str)])("fake:1")

    async def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.asked += pairs
        await asyncio.sleep(self.seconds)
        if self.fault:
            raise self.fault
        return [0.9 if any(word.isdigit() and word in passage for word in claim.split()) else 0.1 for claim, passage in pairs]


def rail(scorer: Scorer, action: str = "flag") -> GroundedRail:
    return GroundedRail(RailName("grounded", action), scorer)  # type: ignore[arg-type]


def said(text: str, **more: object) -> Reply:
    return msgspec.structs.replace(Reply(text=text, finish="stop"), **more)


async def test_a_claim_is_held_against_what_it_cites() -> None:
    scorer = Scorer()
    cited = Citation(number=2, document="doc_1", chunk="ch_2", source="a.md", title="A", start=0, end=5, quote="The l")
    verdict = await rail(scorer).review(said("It rises 47 metres above the sea. [2]", citations=(cited,)), FOUND, 1)
    assert scorer.asked == [("It rises 47 metres above the sea.", KEEPER)]
    assert (verdict.action, verdict.count) == ("flag", 1)
    assert verdict.reason == "not supported by its sources: “It rises 47 metres above the sea.”"


async def test_without_a_citation_the_nearest_passages_speak() -> None:
    scorer = Scorer()
    verdict = await rail(scorer).review(said("The lighthouse stands 47 metres above the cape."), FOUND, 1)
    assert scorer.asked[0] == ("The lighthouse stands 47 metres above the cape.", TOWER)
    assert len(scorer.asked) == 2
    assert verdict.action == "allow"


async def test_what_stands_in_a_passage_is_not_scored() -> None:
    scorer = Scorer()
    assert (await rail(scorer).review(said("“it was  built in 1868” [1]"), FOUND, 1)).action == "allow"
    assert scorer.asked == []


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (said("Nobody lives there any more, I think."), Found()),
        (said("Nobody lives there any more.", abstained=True), FOUND),
        (said("Nobody lives there any more.", live=True), FOUND),
        (said("Nobody lives there any more.", finish="blocked"), FOUND),
    ],
)
async def test_what_has_no_sources_is_not_judged(reply: Reply, found: Found) -> None:
    scorer = Scorer()
    assert (await rail(scorer).review(reply, found, 1)).action == "allow"
    assert scorer.asked == []


@pytest.mark.parametrize("fault", [Overloaded("full", fix="wait"), None])
@pytest.mark.parametrize("action", ["flag", "block"])
async def test_what_cannot_be_judged_stops_only_where_it_would_block(fault: Exception | None, action: str) -> None:
    one = rail(Scorer(fault, seconds=0 if fault else 5), action)
    verdict = await one.review(said("Nobody lives there any more."), FOUND, 0.05)
    assert verdict.action == "error"
    assert one.stops(verdict) == (action == "block")


async def test_a_long_answer_costs_no_more_than_its_bound() -> None:
    scorer = Scorer()
    await rail(scorer).review(said(" ".join(f"Nobody has lived there since {year}." for year in range(1000, 1100))), FOUND, 1)
    assert len({claim for claim, _ in scorer.asked}) == MOST
