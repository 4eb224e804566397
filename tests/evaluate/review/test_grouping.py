from collections.abc import AsyncIterator
from itertools import combinations

import numpy as np
import pytest

from groundwork.core.review import Note
from groundwork.engine.batching import Batcher
from groundwork.evaluate.review.grouping import cluster, group_notes

NOTES = {
    "page": (
        "it cites the wrong page",
        "the cited page is the wrong one",
        "quotes a page that is about something else",
        "citation points to an unrelated document",
        "cites the index page instead of the one with the fact",
    ),
    "rude": (
        "the tone is rude to the customer",
        "sounds rude and impatient",
        "an impolite tone",
        "unfriendly, the user is scolded",
        "harsh wording",
    ),
    "declined": (
        "says it does not know although the page has it",
        "declined, but the answer is in the documents",
        "refuses a harmless question",
        "gave up too early, the fact was in passage 1",
    ),
    "old": (
        "gives the old limit, it was changed in 3.40",
        "uses a deprecated option",
        "information from an old version",
        "the default changed years ago",
    ),
    "long": ("far too long for a yes or no question", "answer is much too wordy", "should be one sentence", "repeats itself three times"),
    "number": (
        "wrong number: 100 instead of 1000",
        "the figure is off by ten",
        "mixes up megabytes and kilobytes",
        "calculates the total wrongly",
    ),
}


def note(number: int, text: str, *modes: str) -> Note:
    return Note(review="rv_1", item=f"i{number}", at=1.0, text=text, modes=modes)


@pytest.fixture
async def embedder() -> AsyncIterator[Batcher]:
    batcher = Batcher()
    yield batcher
    await batcher.close()


async def test_notes_that_say_the_like_come_together(embedder: Batcher) -> None:
    """Pairs of notes of one mode that stand in one group, and pairs of two modes that do: F1, since a suggestion need not be perfect."""
    mode_of = {text: mode for mode, texts in NOTES.items() for text in texts}
    groups = await group_notes([note(number, text) for number, text in enumerate(mode_of)], embedder)
    group_of = {text: one.number for one in groups for text in one.notes}
    pairs = [(mode_of[one] == mode_of[other], group_of[one] == group_of[other]) for one, other in combinations(mode_of, 2)]
    both = sum(alike and together for alike, together in pairs)
    assert 2 * both / sum(alike + together for alike, together in pairs) > 0.6
    assert [one.number for one in groups] == [*range(1, len(groups) + 1)]
    assert all(one.typical in one.notes for one in groups)


async def test_only_notes_without_a_mode_are_grouped(embedder: Batcher) -> None:
    notes = [note(1, "sounds rude"), note(2, "sounds rude indeed"), note(3, "named already", "slow"), note(4, "")]
    (group,) = await group_notes(notes, embedder)
    assert (group.items, group.suggestion) == (("i1", "i2"), "rude-sounds")
    assert len(await group_notes(notes, embedder, alike=0.999)) == 2
    assert await group_notes([note(1, "", "slow")], embedder) == ()
    (single,) = await group_notes([note(1, "x" * 5_000)], embedder)
    assert single.items == ("i1",)


@pytest.mark.parametrize(("alike", "groups"), [(0.5, [[0, 1], [2, 3]]), (0.999, [[0], [1], [2, 3]]), (-1.0, [[0, 1, 2, 3]])])
def test_groups_are_joined_from_the_bottom_up(alike: float, groups: list[list[int]]) -> None:
    vectors = np.array([[1.0, 0.0], [0.9, np.sqrt(1 - 0.81)], [0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    assert cluster(vectors, alike) == groups
