"""Advice on planted failures: the kind is that of what was planted, and the order is the book's."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundwork.core.errors import InputError
from groundwork.core.measure import Example, Fact, Result, Score
from groundwork.core.record import Trace, Versions
from groundwork.core.statistics import proportion
from groundwork.evaluate.review.modes import Mode
from groundwork.evaluate.scorers import find_scorers, metrics_of
from groundwork.tuning.advice import advise_modes, advise_run, kind_of_mode

METRICS = metrics_of(find_scorers(("answer.correct", "json.valid"), root=Path()))
MAIN, JSON = METRICS["answer.correct"], METRICS["json.valid"]
FACT = "4096 bytes"


class Case:
    """One answer with what led to it."""

    def __init__(self, number: int, *, right: bool, found: bool = True, says: bool = False, valid: bool | None = None, **more: Any) -> None:
        name = f"c{number}"
        self.example = Example(id=name, question="How large?", facts=(Fact(accepted=(FACT,)),), answerable=more.pop("answerable", None))
        if self.example.answerable is False:
            self.example = Example(id=name, question="How large?", answerable=False)
        text = f"It is {FACT}." if found else "Pages are numbered."
        hits = [{"chunk": {"id": "ch_1", "title": "Pages", "headings": [], "text": text}}]
        self.trace = Trace(
            id=f"tr_{number}", app="a", start=0, seconds=1, status="ok", found={"hits": hits}, rendered=[{"role": "user", "text": text}]
        )
        scores = [Score(metric="answer.correct", value=float(right))]
        if valid is not None:
            scores.append(Score(metric="json.valid", value=float(valid)))
        self.result = Result(
            example=name, status=more.pop("status", "ok"), trace=self.trace.id, answer=text if says else "So.", scores=tuple(scores), **more
        )


def advise(*cases: Case, **more: Any):
    return advise_run(
        [one.result for one in cases],
        {one.example.id: one.example for one in cases},
        {one.trace.id: one.trace for one in cases},
        [MAIN, JSON],
        **more,
    )


def several(n: int, start: int = 0, **what: Any) -> list[Case]:
    return [Case(start + place, **what) for place in range(n)]


def test_facts_that_were_not_found_ask_for_retrieval_and_not_for_training() -> None:
    found = advise(*several(30, right=False, found=False), *several(70, 100, right=True))
    assert (found.looked_at, found.failures) == (100, 30)
    assert [(one.kind, one.of) for one in found.counts] == [("information", {"not retrieved": 30})]
    assert [step.remedy for step in found.steps] == ["retrieval"]
    assert "not training" in found.sentence


def test_facts_that_stand_in_no_document_ask_for_documents() -> None:
    found = advise(*several(30, right=False, found=False), holds=lambda example: int(example.id[1:]) >= 10)
    assert [(step.remedy, step.failures) for step in found.steps] == [("retrieval", 20), ("documents", 10)]


def test_facts_at_hand_that_are_not_used_ask_for_the_prompt_first() -> None:
    found = advise(*several(20, right=False), *several(10, 50, right=False, abstained=True))
    assert [(one.kind, one.of) for one in found.counts] == [("behaviour", {"not stated": 20, "declined": 10})]
    assert [step.remedy for step in found.steps] == ["prompt", "examples", "fine-tuning"]
    assert "neither was tried" in found.steps[-1].why
    assert "does not state them" in found.steps[0].why
    assert "tune data" in advise(*several(30, right=False), prompts_tried=2).steps[-1].why


def test_a_right_answer_in_the_wrong_form_is_a_failure_of_form() -> None:
    found = advise(*several(25, right=True, says=True, valid=False), *several(25, 30, right=True, valid=True))
    assert [(one.kind, one.of) for one in found.counts] == [("form", {"json.valid": 25})]
    assert found.failures == 25


def test_lack_of_information_comes_before_form() -> None:
    """Without the fact the form of the answer says nothing."""
    found = advise(*several(5, right=False, found=False, valid=False))
    assert [one.kind for one in found.counts] == ["information"]


def test_an_answer_to_the_unanswerable_is_behaviour() -> None:
    found = advise(*several(5, right=False, answerable=False))
    assert [(one.kind, one.of) for one in found.counts] == [("behaviour", {"answered the unanswerable": 5})]


def test_both_kinds_keep_the_books_order() -> None:
    found = advise(*several(15, right=False), *several(15, 50, right=False, found=False))
    assert [step.remedy for step in found.steps] == ["prompt", "examples", "retrieval", "fine-tuning"]
    assert found.sentence.startswith("both")


def test_few_failures_are_called_few() -> None:
    found = advise(*several(3, right=False), *several(97, 10, right=True))
    assert "3 failures are few" in found.sentence
    assert found.steps[-1].remedy == "fine-tuning"


def test_a_model_that_only_quotes_is_not_told_what_to_do() -> None:
    """The offline reader takes no instructions: a prompt would mend nothing."""
    cases = several(30, right=False)
    for case in cases:
        case.trace = msgspec.structs.replace(case.trace, versions=Versions(model="embedded/quoting-reader"))
    found = advise(*cases)
    assert [step.remedy for step in found.steps] == ["model", "fine-tuning"]
    assert "a language model first" in found.sentence


def test_a_small_share_of_behaviour_does_not_pay() -> None:
    found = advise(*several(3, right=False), *several(40, 10, right=False, found=False), prompts_tried=1)
    assert found.steps[-1].why.startswith("not yet")


def test_nothing_failed_and_only_faults() -> None:
    assert advise(*several(3, right=True)).sentence.startswith("nothing failed")
    broken = advise(*several(3, right=False, status="error"))
    assert broken.steps == ()
    assert "mend those first" in broken.sentence
    with pytest.raises(InputError):
        advise_run([], {}, {}, [])


def mode(name: str, *items: str) -> Mode:
    return Mode(name=name, items=items, read=10, share=proportion(len(items), 10), notes=())


def test_modes_that_a_reader_named_are_put_down_by_their_names() -> None:
    found = advise_modes([mode("wrong-page", "a", "b"), mode("too-long", "b", "c"), mode("refuses", "d")], 10)
    assert {one.kind: one.items for one in found.counts} == {"information": ("a", "b"), "behaviour": ("d",), "form": ("b", "c")}
    assert found.failures == 4
    given = advise_modes([mode("wrong-page", "a", "b")], 10, {"wrong-page": "behaviour"})
    assert [one.kind for one in given.counts] == ["behaviour"]
    with pytest.raises(InputError, match="no note names"):
        advise_modes([mode("wrong-page", "a")], 10, {"wrong-pag": "form"})


@pytest.mark.parametrize(
    ("name", "kind"),
    [("missing-fact", "information"), ("bad-json", "form"), ("invents", "behaviour"), ("timeout", "other"), ("odd", "behaviour")],
)
def test_a_modes_name_tells_its_kind(name: str, kind: str) -> None:
    assert kind_of_mode(name) == kind
