"""Opinions are on the disk before they are acknowledged."""

from typing import Any

import pytest

from groundwork.core.record import Choice, Comment, Demonstration, Feedback, Number, Thumb
from groundwork.store.database import Database
from groundwork.store.feedback import FeedbackTable


def opinion(identifier: str, trace: str, at: float, value: Any = None) -> Feedback:
    return Feedback(id=identifier, trace=trace, opinion=value or Thumb(value=False), at=at, user="u", tenant="acme", span="s", name="tone")


@pytest.mark.parametrize(
    "value", [Thumb(value=True), Number(value=4.5), Comment(value="née"), Choice(value="b"), Demonstration(value="so")]
)
async def test_every_kind_comes_back_as_it_was(state: Database, value: Any) -> None:
    table = FeedbackTable(state)
    kept = opinion("fb_1", "tr_1", 1.0, value)
    await table.add(kept)
    assert await table.get("fb_1") == kept
    assert await table.get("fb_2") is None


async def test_opinions_are_found_by_trace_and_moment_oldest_first(state: Database) -> None:
    table = FeedbackTable(state)
    for identifier, trace, at in (("fb_3", "tr_1", 3.0), ("fb_1", "tr_1", 1.0), ("fb_2", "tr_2", 2.0)):
        await table.add(opinion(identifier, trace, at))
    assert [one.id for one in await table.of(["tr_1"])] == ["fb_1", "fb_3"]
    assert [one.id for one in await table.of(["tr_1", "tr_2"])] == ["fb_1", "fb_2", "fb_3"]
    assert await table.of([]) == []
    assert [one.id for one in await table.since(2.0)] == ["fb_2", "fb_3"]
