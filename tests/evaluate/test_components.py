"""Where wrong answers are lost: each planted fault is put down to its own component."""

from typing import Any

import pytest

from groundwork.core.measure import Example, Fact, Result, Score
from groundwork.core.record import Span, Trace
from groundwork.evaluate.components import cause_of, components
from groundwork.evaluate.scorers import metrics_of
from tests.evaluate.builders import OWN

METRIC = metrics_of(OWN)["answer.correct"]
EXAMPLE = Example(id="size", question="How large is a page?", facts=(Fact(accepted=("4096 bytes",)),))
RIGHT, OTHER = "A page holds 4096 bytes.", "Pages are numbered."


def trace(
    number: int = 0, *, passages: tuple[str, ...] = (RIGHT,), rendered: str = RIGHT, status: Any = "ok", spans: tuple[Span, ...] = ()
) -> Trace:
    hits = [{"chunk": {"id": f"ch_{place}", "title": "Pages", "headings": [], "text": text}} for place, text in enumerate(passages)]
    return Trace(
        id=f"tr_{number}",
        app="play",
        start=0.0,
        seconds=1.0,
        status=status,
        found={"hits": hits} if passages else None,
        rendered=[{"role": "user", "text": rendered}] if rendered else None,
        spans=spans,
    )


def result(number: int = 0, *, answer: str = OTHER, value: float = 0.0, **more: Any) -> Result:
    status = more.pop("status", "ok")
    return Result(
        example=more.pop("example", "size"),
        status=status,
        trace=f"tr_{number}",
        answer=answer,
        scores=(Score(metric="answer.correct", value=value),),
        **more,
    )


@pytest.mark.parametrize(
    ("cause", "given", "kept"),
    [
        ("broke", result(status="error"), trace()),
        ("blocked", result(status="refused"), trace(status="blocked")),
        ("not retrieved", result(), trace(passages=(OTHER,))),
        ("cut from the prompt", result(), trace(rendered=OTHER)),
        ("declined", result(abstained=True), trace()),
        ("not stated", result(), trace()),
        ("stated", result(answer=RIGHT), trace()),
        ("no trace", result(), None),
    ],
)
def test_an_answer_is_lost_at_the_first_component_after_which_a_fact_is_missing(cause: str, given: Result, kept: Trace | None) -> None:
    assert cause_of(EXAMPLE, given, kept) == cause


def test_an_answer_to_what_has_none_is_a_cause_of_its_own() -> None:
    assert cause_of(Example(id="size", question="Who painted it?"), result(), trace()) == "answered the unanswerable"


def test_time_goes_to_the_outer_steps_and_shares_are_of_the_whole() -> None:
    spans = (
        Span(id="g", name="guard input", start=0.0, seconds=0.1, parent="w", attributes={"groundwork.verdicts": ["pii:redact"]}),
        Span(id="f", name="guard mine", start=0.0, seconds=0.1, parent="g"),
        Span(id="r", name="retrieval documents", start=0.1, seconds=0.3, parent="w"),
        Span(
            id="m",
            name="chat small",
            start=0.4,
            seconds=0.2,
            parent="w",
            attributes={"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 9},
        ),
        Span(id="n", name="chat small", start=0.6, seconds=0.2, parent="w", status="error", attributes={"gen_ai.usage.input_tokens": 50}),
        Span(id="w", name="invoke_agent play", start=0.0, seconds=1.0),
    )
    found = components("run_1", [result(value=1.0)], {"size": EXAMPLE}, {"tr_0": trace(spans=spans)}, METRIC)
    steps = {step.name: step for step in found.steps}
    assert [step.name for step in found.steps] == ["model", "retrieval", "guard"]
    assert [round(step.share.value, 6) for step in found.steps] == [0.4, 0.3, 0.1]
    assert (steps["model"].failed.value, steps["model"].input_tokens and steps["model"].input_tokens.value) == (1.0, 150)
    assert steps["guard"].input_tokens is None
    assert found.verdicts["pii:redact"].value == 1.0


def test_a_run_is_counted_by_causes_ranks_and_rails() -> None:
    traces = {f"tr_{number}": trace(number, passages=(OTHER, RIGHT) if number % 2 else (RIGHT,)) for number in range(8)}
    results = [result(number, answer=RIGHT if number < 4 else OTHER, value=float(number < 4)) for number in range(8)]
    found = components("run_1", [*results, result(99)], {"size": EXAMPLE}, traces, METRIC)
    assert (found.answers, found.traced, found.wrong) == (9, 8, 5)
    assert {where: figure.value for where, figure in found.retrieval.items()} == {
        "in the first passage": 0.5,
        "in the first 3": 1.0,
        "in a passage": 1.0,
        "in the prompt": 1.0,
        "in the answer": 0.5,
    }
    assert {one.cause: (len(one.cases), one.share.n) for one in found.attributions} == {"not stated": (4, 5), "no trace": (1, 5)}


def test_a_run_without_traces_still_says_what_was_wrong() -> None:
    found = components("run_1", [result(value=1.0), result(example="unknown")], {"size": EXAMPLE}, {}, METRIC)
    assert (found.answers, found.traced, found.steps, found.retrieval, found.wrong) == (1, 0, (), {}, 0)
