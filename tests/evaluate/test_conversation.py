from collections.abc import Sequence
from typing import Any

import pytest

from groundwork.core.measure import Example, Fact, Result, Score, Turn
from groundwork.evaluate.conversation import conversation
from groundwork.evaluate.scorers import metrics_of
from tests.evaluate.builders import OWN

METRIC = metrics_of(OWN)["answer.correct"]


def talk(number: int) -> Example:
    return Example(
        id=f"talk-{number}",
        question="What is it?",
        facts=(Fact(accepted=("a press",)),),
        turns=(
            Turn(question="Who made it?", facts=(Fact(accepted=("Arden",)),)),
            Turn(question="When?", facts=(Fact(accepted=("1868",)),)),
        ),
    )


def said(number: int, values: Sequence[float | None], *, answers: Sequence[str] = (), **more: Any) -> list[Result]:
    return [
        Result(
            example=f"talk-{number}",
            turn=turn,
            status="error" if value is None else "ok",
            answer=answers[turn] if answers else "it is what it is",
            scores=() if value is None else (Score(metric="answer.correct", value=value),),
            **more,
        )
        for turn, value in enumerate(values)
    ]


def test_turns_and_tasks_are_counted_apart() -> None:
    rows = [said(0, [1, 1, 1]), said(1, [1, 1, 0]), said(2, [1, None]), said(3, [0, 0, 0])]
    found = conversation([one for row in rows for one in row], {f"talk-{number}": talk(number) for number in range(4)}, METRIC)
    assert found is not None
    assert {turn: (figure.value, figure.n) for turn, figure in found.turns.items()} == {1: (0.75, 4), 2: (0.5, 4), 3: (1 / 3, 3)}
    assert (found.all_right.value, found.ended.value, found.conversations) == (0.25, 0.75, 4)
    assert found.every_turn.value == pytest.approx(6 / 11)
    assert "cluster" in found.every_turn.method


def test_the_goal_counts_from_the_turn_that_first_states_it() -> None:
    early, late, never = ["made in 1868", "x", "y"], ["x", "y", "in 1868"], ["x", "y", "z"]
    rows = [said(number, [0, 0, 0], answers=answers) for number, answers in enumerate([early, early, late, never])]
    found = conversation([one for row in rows for one in row], {f"talk-{number}": talk(number) for number in range(4)}, METRIC)
    assert found is not None
    assert {turn: figure.value for turn, figure in found.reached.items()} == {1: 0.5, 2: 0.5, 3: 0.75}
    assert found.turns_to_success is not None
    assert (found.turns_to_success.value, found.turns_to_success.high) == (2.0, 3.0)
    assert "open above" in found.turns_to_success.method
    lost = conversation(said(0, [0, 0, 0], answers=never), {"talk-0": talk(0)}, METRIC)
    assert lost is not None
    assert lost.turns_to_success is None


def test_repeats_of_a_conversation_are_a_cluster() -> None:
    rows = [said(number, [1, 1, float(repeat)], repeat=repeat) for number in range(3) for repeat in range(2)]
    found = conversation([one for row in rows for one in row], {f"talk-{number}": talk(number) for number in range(3)}, METRIC)
    assert found is not None
    assert (found.conversations, found.all_right.value) == (6, 0.5)
    assert "3 clusters" in found.all_right.method


def test_single_questions_are_no_conversation() -> None:
    assert conversation([Result(example="a", status="ok")], {"a": Example(id="a", question="Why?")}, METRIC) is None
    unscored = conversation([Result(example="talk-0", status="ok")], {"talk-0": talk(0)}, METRIC)
    assert unscored is not None
    assert (unscored.turns, unscored.every_turn.n) == ({}, 0)
