import pytest

from groundwork.core.errors import NotFound
from groundwork.core.review import Drawn, Note, Review
from groundwork.store.database import Database
from groundwork.store.reviews import ReviewTable

REVIEW = Review(
    id="rv_1",
    made=1.0,
    source="traces",
    by="random",
    seed=0,
    strata={"random": 9},
    items=(Drawn(item="a", stratum="random", probability=0.1),),
)


def note(item: str, text: str, at: float = 1.0) -> Note:
    return Note(review="rv_1", item=item, at=at, text=text)


async def test_a_review_comes_back_as_it_was_kept(state: Database) -> None:
    table = ReviewTable(state)
    await table.put(REVIEW)
    assert await table.get("rv_1") == REVIEW
    assert await table.list() == [REVIEW]
    with pytest.raises(NotFound, match="rv_2"):
        await table.get("rv_2")


async def test_the_last_note_on_an_item_counts_in_the_order_of_first_reading(state: Database) -> None:
    table = ReviewTable(state)
    await table.put(REVIEW)
    await table.add([note("a", "odd"), note("b", "slow")])
    await table.add([note("a", "rude", 2.0)])
    assert [(one.item, one.text) for one in await table.notes("rv_1")] == [("a", "rude"), ("b", "slow")]
    assert await table.notes("rv_2") == []
    await table.add([])
