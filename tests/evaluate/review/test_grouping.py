import numpy as np
import pytest

from groundwork.core.review import Note
from groundwork.engine.batching import Batcher
from groundwork.evaluate.review.grouping import cluster, group_notes

PAGE = ("it cites the wrong page", "the cited page is the wrong one", "quotes a page that is about something else")
RUDE = ("the tone is rude to the customer", "sounds rude and impatient", "an impolite tone")


def note(number: int, text: str, *modes: str) -> Note:
    return Note(review="rv_1", item=f"i{number}", at=1.0, text=text, modes=modes)


async def test_notes_that_say_the_like_come_together() -> None:
    notes = [note(number, text) for number, text in enumerate([*PAGE, *RUDE])]
    embedder = Batcher()
    try:
        groups = await group_notes([*notes, note(8, "named already", "slow"), note(9, "")], embedder)
        assert {frozenset(one.notes) for one in groups} == {frozenset(PAGE), frozenset(RUDE)}
        assert [one.number for one in groups] == [1, 2]
        (page,) = [one for one in groups if PAGE[0] in one.notes]
        assert "page" in page.suggestion
        assert page.typical in PAGE
        assert len(await group_notes(notes, embedder, alike=0.999)) == 6
        assert await group_notes([note(1, "", "slow")], embedder) == ()
        (single,) = await group_notes([note(1, "x" * 5_000)], embedder)
        assert single.items == ("i1",)
    finally:
        await embedder.close()


@pytest.mark.parametrize(("alike", "groups"), [(0.5, [[0, 1], [2, 3]]), (0.999, [[0], [1], [2, 3]]), (-1.0, [[0, 1, 2, 3]])])
def test_groups_are_joined_from_the_bottom_up(alike: float, groups: list[list[int]]) -> None:
    vectors = np.array([[1.0, 0.0], [0.9, np.sqrt(1 - 0.81)], [0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    assert cluster(vectors, alike) == groups
