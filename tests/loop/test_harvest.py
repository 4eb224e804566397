from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.measure import Example
from groundwork.core.message import say
from groundwork.core.record import Comment, Demonstration, Feedback, Number, Opinion, Thumb, Trace, Versions
from groundwork.core.request import Request
from groundwork.datasets.examples import UNLABELLED, format_examples, parse_examples
from groundwork.loop.harvest import SPLITS, harvest

DOWN, UP = Thumb(value=False), Thumb(value=True)


def trace(number: int, question: str = "What is WAL?", *, reply: Any = None, **more: Any) -> Trace:
    request = Request(messages=(*more.pop("history", ()), say("user", question)), variables=more.pop("variables", {}))
    stored = msgspec.to_builtins(request)
    return Trace(
        id=f"tr_{number}",
        app="helpdesk",
        start=float(number),
        seconds=0.1,
        status="ok",
        request=stored,
        reply=reply or {"text": "a log"},
        **more,
    )


def opinion(number: int, value: Opinion, *, at: float | None = None, **more: Any) -> Feedback:
    return Feedback(id=f"fb_{number}_{at or number}", trace=f"tr_{number}", opinion=value, at=number if at is None else at, **more)


def only(traces: list[Trace], feedback: list[Feedback], **more: Any) -> Example:
    (example,) = harvest(traces, feedback, **more).examples
    return example


def test_a_demonstration_becomes_the_reference_of_the_structured_input() -> None:
    history = (say("user", "Hi"), say("assistant", "Hello"))
    traced = trace(1, history=history, variables={"plan": "pro"})
    example = only([traced], [opinion(1, DOWN), opinion(1, Demonstration(value=" write-ahead log "), at=5)])
    assert example.question == "What is WAL?"
    assert example.history == history
    assert example.variables == {"plan": "pro"}
    assert example.reference == "write-ahead log"
    assert example.expects_answer
    assert example.lineage.trace == "tr_1"
    assert example.lineage.feedback == ("fb_1_1", "fb_1_5")
    assert example.split in SPLITS


def test_a_thumb_down_alone_waits_for_a_person() -> None:
    example = only([trace(1)], [opinion(1, DOWN)])
    assert example.reference is None
    assert UNLABELLED in example.tags


def test_one_question_is_one_example_and_the_latest_demonstration_counts() -> None:
    traces = [trace(1), trace(2, "what is  WAL?"), trace(3, "What is WAL?"), trace(4, "Other?")]
    feedback = [
        opinion(1, Demonstration(value="newest"), at=9),
        opinion(2, Demonstration(value="older"), at=5),
        opinion(3, DOWN, at=20),
        opinion(4, DOWN),
    ]
    found = harvest(traces, feedback)
    assert [example.reference for example in found.examples] == ["newest", None]
    assert found.examples[0].lineage.trace == "tr_1"
    assert set(found.examples[0].lineage.feedback) == {"fb_1_9", "fb_2_5", "fb_3_20"}
    assert set(found.parents) == {"tr_1", "tr_2", "tr_3", "tr_4", "fb_1_9", "fb_2_5", "fb_3_20", "fb_4_4"}


def test_another_conversation_or_other_variables_are_another_question() -> None:
    traces = [trace(1), trace(2, history=(say("user", "Hi"),)), trace(3, variables={"plan": "pro"})]
    assert len(harvest(traces, [opinion(number, DOWN) for number in (1, 2, 3)]).examples) == 3


def test_what_is_taken_depends_on_what_is_asked_for() -> None:
    traces = [trace(number, f"Question {number}?") for number in range(6)]
    feedback = [
        opinion(0, DOWN),
        opinion(1, Demonstration(value="so")),
        opinion(2, UP),
        opinion(3, Comment(value="meh")),
        opinion(4, Number(value=2)),
    ]
    taken = {
        which: [example.lineage.trace for example in harvest(traces, feedback, which=which).examples]
        for which in ("down", "demonstrated", "rated")
    }
    assert taken == {"down": ["tr_0", "tr_1"], "demonstrated": ["tr_1"], "rated": ["tr_0", "tr_1", "tr_2", "tr_3", "tr_4"]}
    assert harvest(traces, feedback).left_out == {"no feedback": 1, "no thumb down and no demonstration": 3}


def test_an_approved_answer_is_its_own_reference_and_an_approved_abstention_unanswerable() -> None:
    approved = only([trace(1, versions=Versions(model="embedded"))], [opinion(1, UP)], which="rated")
    assert (approved.reference, approved.lineage.generator) == ("a log", "embedded")
    declined = only([trace(1, reply={"text": "", "abstained": True})], [opinion(1, UP)], which="rated")
    assert declined.answerable is False
    assert not declined.expects_answer
    assert UNLABELLED not in declined.tags
    taken_back = only([trace(1)], [opinion(1, UP, at=1), opinion(1, DOWN, at=2)], which="rated")
    assert UNLABELLED in taken_back.tags


def test_feedback_of_another_tenant_is_not_listened_to() -> None:
    found = harvest([trace(1)], [opinion(1, Demonstration(value="evil"), tenant="other")])
    assert found.examples == ()
    assert found.left_out == {"feedback of another tenant only": 1}


@pytest.mark.parametrize(("stored", "reason"), [(None, "its stored request cannot be read"), ({"messages": []}, "no question")])
def test_a_trace_without_a_request_is_counted_and_left_out(stored: Any, reason: str) -> None:
    broken = msgspec.structs.replace(trace(1), request=stored)
    assert harvest([broken], [opinion(1, DOWN)]).left_out == {reason: 1}


@given(st.lists(st.tuples(st.sampled_from(["A?", "b?", " a? "]), st.sampled_from([DOWN, UP, Demonstration(value="x")])), max_size=12))
def test_harvesting_is_stable_and_readable_as_cases(items: list[tuple[str, Opinion]]) -> None:
    traces = [trace(number, question) for number, (question, _) in enumerate(items)]
    feedback = [opinion(number, value) for number, (_, value) in enumerate(items)]
    first = harvest(traces, feedback, which="rated")
    assert first == harvest(traces, list(reversed(feedback)), which="rated")
    assert len(first.examples) == len({question.strip().casefold() for question, _ in items})
    if first.examples:
        assert parse_examples(format_examples(first.examples), "x") == first.examples
