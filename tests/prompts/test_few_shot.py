"""Which examples a request sees: the same for the same, within the budget, and never one that is being measured."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from groundwork.core.message import say
from groundwork.core.request import Request
from groundwork.prompts.counting import count_tokens, first_tokens
from groundwork.prompts.few_shot import Chooser, Shot
from groundwork.prompts.file import parse_prompt
from groundwork.prompts.front_matter import Prompt, TurnSection

REQUEST = Request(messages=(say("user", "Where is my refund?"),))


class Letters:
    """Embeds a text as its counts of letters."""

    fingerprint = "letters"
    dimensions = 26

    async def embed(self, texts: Sequence[str], /) -> Any:
        rows = np.array([[text.casefold().count(chr(97 + place)) for place in range(26)] for text in texts], dtype=np.float32)
        return rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))


def prompt(select: str, questions: Sequence[str] = ("zzz qqq", "Where is a refund?", "xkcd")) -> Prompt:
    rows = "".join(f'[[examples]]\nid = "e{place}"\nquestion = "{text}"\nanswer = "a"\n' for place, text in enumerate(questions))
    return parse_prompt(f"+++\nselect = {select}\n{rows}\n+++\n{{{{ question }}}}", "p", "p")


def shot(name: str, rating: float, at: float) -> Shot:
    return Shot(
        id=name,
        turns=(TurnSection(role="user", text=f"Q {name}"), TurnSection(role="assistant", text="A")),
        label="source",
        rating=rating,
        at=at,
    )


async def rated(_request: Request) -> Sequence[Shot]:
    return (shot("t1", 1.5, 30.0), shot("t2", 2.0, 10.0), shot("t3", 2.0, 20.0))


async def chosen(select: str, **more: Any) -> list[str]:
    return [one.id for one in (await Chooser(Letters(), rated).choose(prompt(select, **more), REQUEST)).shots]


@pytest.mark.parametrize(
    ("select", "ids"),
    [
        ('{ by = "fixed" }', ["e0", "e1", "e2"]),
        ('{ by = "fixed", keep = 2 }', ["e0", "e1"]),
        ('{ by = "similarity", keep = 1 }', ["e1"]),
        ('{ by = "recent", keep = 2 }', ["t3", "t1"]),
        ('{ by = "rated", keep = 2 }', ["t2", "t3"]),
        ('{ by = "rated", keep = 4 }', ["e0", "t1", "t2", "t3"]),
        ('{ by = "fixed", traces = true, keep = 4 }', ["e0", "e1", "e2", "t1"]),
    ],
)
async def test_the_best_stands_last_and_nearest_to_the_question(select: str, ids: list[str]) -> None:
    assert await chosen(select) == ids
    assert await chosen(select) == ids, "the same again"


async def test_the_nearest_come_from_all_and_equals_keep_their_order() -> None:
    assert await chosen('{ by = "similarity", keep = 2 }', questions=("refund where", "zzz", "where refund")) == ["e2", "e0"]
    assert await chosen('{ by = "similarity" }', questions=("one",)) == ["e0"], "one example needs no comparing"


async def test_a_budget_passes_over_what_is_too_long_and_says_so() -> None:
    long = "word " * 50
    made = prompt("{ tokens = 12 }", (long, "short one", "another"))
    found = await Chooser(Letters()).choose(made, REQUEST)
    assert [one.id for one in found.shots] == ["e1", "e2"]
    assert found.no_room == 1
    assert sum(one.tokens for one in found.shots) <= 12
    nothing = await Chooser(Letters()).choose(prompt("{ tokens = 1 }"), REQUEST)
    assert (nothing.shots, nothing.no_room) == ((), 3)


@pytest.mark.parametrize("names", [("e1",), ("WHERE is\n a refund?",)], ids=["by its id", "by its question, folded"])
async def test_what_is_being_measured_is_never_shown(names: tuple[str, ...]) -> None:
    chooser = Chooser(Letters(), rated)
    found = await chooser.withholding(names).choose(prompt('{ by = "similarity" }'), REQUEST)
    assert "e1" not in [one.id for one in found.shots]
    assert found.withheld == 1
    traces = await chooser.withholding(["q T2"]).choose(prompt('{ by = "rated", keep = 9 }'), REQUEST)
    assert "t2" not in [one.id for one in traces.shots]


async def test_a_trace_is_data_and_an_example_of_the_file_is_ours() -> None:
    found = await Chooser(Letters(), rated).choose(prompt('{ by = "fixed", traces = true, keep = 9 }'), REQUEST)
    labels = {one.id: {part.label for message in one.messages for part in message.parts} for one in found.shots}
    assert labels["e0"] == {"system"}
    assert labels["t1"] == {"source"}, "what a caller once said gives no orders"


async def test_a_question_longer_than_the_encoder_reads_is_cut_for_the_comparison() -> None:
    from groundwork.engine.batching import Batcher

    batcher = Batcher()
    try:
        found = await Chooser(batcher).choose(
            prompt('{ by = "similarity", keep = 1 }', ("Cooking pasta", "Where is my refund? " * 200)),
            Request(messages=(say("user", "refund " * 500),)),
        )
    finally:
        await batcher.close()
    assert [one.id for one in found.shots] == ["e1"]


def test_tokens_are_counted_and_cut() -> None:
    assert count_tokens("") == 0
    assert count_tokens("one two three") == 3
    assert first_tokens("one two three", 2) == "one two"
    assert first_tokens("one two", 2) == "one two"
