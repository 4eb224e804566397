"""Thinking, critique and decomposition: what is asked, what leaves as the answer, and what it costs."""

import asyncio
import itertools
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.message import say
from groundwork.core.ports import Model
from groundwork.core.reply import CallPiece, Delta
from groundwork.core.request import Request
from groundwork.core.whole import gather
from groundwork.prompts.file import parse_prompt
from groundwork.prompts.steps import ThoughtParser, parts_of, shaped
from tests.prompts.models import REQUEST, Says


def shape(model: Model, front: str) -> Model:
    return shaped(model, parse_prompt(f"+++\n{front}\n+++\n{{{{ question }}}}", "p", "p"))


def parsed(pieces: list[str], *, complete: bool = True) -> tuple[str, str]:
    parser = ThoughtParser()
    found = [parser.take(piece) for piece in pieces] + [parser.end(complete=complete)]
    return "".join(thought for thought, _ in found), "".join(text for _, text in found)


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>Two and two.</think>\n\nFour.", "Two and two.", "Four."),
        (" \n<think>a < b </ c</think>Yes </think> <think>", "a < b </ c", "Yes </think> <think>"),
        ("Four.", "", "Four."),
        ("<thinking>x", "", "<thinking>x"),
        ("<thi", "", "<thi"),
        ("Four <think>no</think>", "", "Four <think>no</think>"),
        ("<think></think>Four", "", "Four"),
        ("<think>only</think>", "only", ""),
        ("", "", ""),
        ("<think>never closed", "never closed", "never closed"),
    ],
)
def test_reasoning_is_parted_from_the_answer_however_it_is_cut_up(text: str, thought: str, answer: str) -> None:
    for size in (1, 2, 3, 7, 100):
        assert parsed([text[place : place + size] for place in range(0, len(text), size)]) == (thought, answer)


def test_reasoning_that_was_cut_off_is_no_answer() -> None:
    assert parsed(["<think>never clo"], complete=False) == ("never clo", "")


@given(st.text(alphabet="<>/thinkab \n", max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_pieces_change_nothing(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    assert parsed([text[start:end] for start, end in itertools.pairwise(places)]) == parsed([text])


async def test_thinking_leaves_as_reasoning() -> None:
    model = Says(("<think>Hm.</think>\nBecause.",))
    whole = await gather(shape(model, "steps = { think = true }").stream(REQUEST))
    assert (whole.reasoning, whole.text, whole.cost) == ("Hm.", "Because.", 1.0)
    assert model.asked[0].messages[0].text.startswith("Be brief.\n\nReason step by step")


async def test_a_draft_is_reviewed_and_only_the_last_answer_leaves() -> None:
    model = Says(("Draft.", "Better."))
    whole = await gather(shape(model, "steps = { critique = 1 }").stream(REQUEST))
    assert (whole.text, whole.cost, whole.usage.input_tokens) == ("Better.", 2.0, 20)
    last = model.asked[1].messages[-1]
    assert last.role == "user"
    assert last.text.startswith("Why?\n\nDraft:\nDraft.\n\nAbove is a draft")
    assert [part.label for part in last.parts] == ["user", "system", "model", "system"]
    twice = Says(("One.", "Two.", "Three."))
    assert (await gather(shape(twice, "steps = { critique = 2 }").stream(REQUEST))).text == "Three."


@pytest.mark.parametrize(
    ("finish", "last"), [("length", Delta()), ("tool", Delta(calls=(CallPiece(index=0, name="f"),))), ("stop", Delta(refusal="No."))]
)
async def test_what_is_no_answer_is_not_reviewed(finish: Any, last: Delta) -> None:
    model = Says(("Dra",), finish=finish, last=last)
    whole = await gather(shape(model, "steps = { critique = 1 }").stream(REQUEST))
    assert (whole.text, whole.finish, whole.calls, whole.refusal) == ("Dra", finish, last.calls, last.refusal)
    assert len(model.asked) == 1


async def test_a_question_is_answered_by_its_parts() -> None:
    model = Says(("1. Who?\n2. When?\n", "Ann.", "1868.", "Ann, in 1868."))
    whole = await gather(shape(model, "steps = { decompose = 3 }").stream(REQUEST))
    assert (whole.text, whole.cost, len(model.asked)) == ("Ann, in 1868.", 4.0, 4)
    assert [request.messages[-1].text.rsplit(": ", 1)[-1] for request in model.asked[1:3]] == ["Who?", "When?"]
    assert "- Who?: Ann.\n- When?: 1868.\n\nAnswer the whole question now." in model.asked[3].messages[-1].text


async def test_a_simple_question_and_a_tools_result_are_not_taken_apart() -> None:
    model = Says(("Why?", "Because."))
    assert (await gather(shape(model, "steps = { decompose = 3 }").stream(REQUEST))).text == "Because."
    assert model.asked[1] == REQUEST
    after = Request(messages=(*REQUEST.messages, say("tool", "42")))
    model = Says(("Because.",))
    await gather(shape(model, "steps = { decompose = 3 }").stream(after))
    assert model.asked == [after]


def test_a_plan_is_read_line_by_line() -> None:
    assert parts_of("- Who?\n\n 2) When?\n(3) Who?\n* Who?\nWhere?", 3) == ["Who?", "When?", "Where?"]
    assert parts_of("", 3) == []


async def test_steps_and_form_compose_and_the_plan_is_in_no_form() -> None:
    model = Says(("Who?\nWhen?", "Ann.", "1868.", "<think>Hm.</think>no", '<think>Ah.</think>{"a": 1}'))
    front = 'steps = { think = true, decompose = 2 }\noutput = { schema = { type = "object" } }'
    whole = await gather(shape(model, front).stream(REQUEST))
    assert (whole.text, whole.reasoning, whole.cost) == ('{"a":1}', "Ah.", 5.0)
    assert ["JSON" in request.messages[0].text for request in model.asked] == [False, False, False, True, True]


def test_a_prompt_that_asks_for_nothing_costs_nothing() -> None:
    model = Says(("x",))
    assert shape(model, "") is model
    assert shaped(model, None) is model


FRONTS = ("steps = { think = true }", "steps = { critique = 1 }", "steps = { decompose = 2 }", "output = { schema = {} }")


@pytest.mark.parametrize("front", FRONTS)
async def test_leaving_early_closes_the_model(front: str) -> None:
    model = Says(('{"a": "first second third"}',))
    async with aclosing(shape(model, front).stream(REQUEST)) as deltas:
        async for delta in deltas:
            if delta.has_content:
                break
    assert model.closed == len(model.asked) > 0


@pytest.mark.parametrize("front", FRONTS)
async def test_cancelling_while_it_waits_closes_the_model(front: str) -> None:
    model = Says(("x",))
    hold = asyncio.Event()
    inner = model.stream

    async def slow(request: Request, /) -> Any:
        async with aclosing(inner(request)) as deltas:
            async for delta in deltas:
                hold.set()
                await asyncio.sleep(60)
                yield delta

    model.stream = slow  # type: ignore[method-assign]
    task = asyncio.create_task(gather(shape(model, front).stream(REQUEST)))
    await hold.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.closed == 1
