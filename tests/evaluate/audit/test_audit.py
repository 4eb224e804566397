"""Every probe finds the defect that was planted for it, and a sound suite stays quiet."""

import random
from itertools import combinations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from

from groundwork.core.document import Citation
from groundwork.core.measure import Example, Fact, Result, Score
from groundwork.evaluate.audit import Audit, Finding, Material, audit, leakage, settle
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.registry import Answered, Graded, Unparseable
from tests.evaluate.audit.builders import cases, found, run_of, suite_of, with_scorer


async def examine(suite: Any, **more: Any) -> Audit:
    return await audit(Material(suite, **more))


def three_quarters(_: Example) -> float:
    return 0.75


async def test_a_sound_suite_rings_no_alarm() -> None:
    suite = suite_of(cases(600, unanswerable=50))
    runs = tuple(run_of(suite, three_quarters, config=f"cfg_{name}") for name in "abc")
    texts = {"prompts/answer.prompt.md": ["Answer from the sources, and cite them. If they do not hold the answer, say so."]}
    report = await examine(suite, runs=runs, texts=texts, forbidden=frozenset(texts))
    assert report.of("alarm") == ()
    assert {one.probe for one in report.of("look")} <= {"planted.pasted", "stability.nobody", "stability.power"}
    assert report.planted["answer.correct"]["right"] == 1.0
    assert report.planted["answer.correct"]["other"] == 0.0


@pytest.mark.parametrize("seed", range(12))
async def test_sound_suites_stay_quiet_whatever_the_run(seed: int) -> None:
    suite = suite_of(cases(160))
    report = await examine(suite, runs=(run_of(suite, three_quarters, seed=seed),))
    assert report.of("alarm") == ()


# -- planted answers


async def test_a_metric_that_is_the_same_for_any_answer_is_dead() -> None:
    suite = with_scorer(suite_of(cases()), lambda answered: 1.0, "kind")
    report = await examine(suite)
    (dead,) = found(report, "planted.dead", "alarm")
    assert dead.metric == "kind"
    assert "all" in dead.sentence
    few = await examine(with_scorer(suite_of(cases(3, unanswerable=0)), lambda answered: 1.0, "kind"))
    assert not found(few, "planted.dead", "alarm"), "three cases are no proof"


async def test_a_wrong_reference_is_named() -> None:
    def knows(answered: Answered) -> float:
        return float("7 grams" in answered.reply.text) if answered.example.id == "case-1" else float("grams" in answered.reply.text)

    suite = with_scorer(suite_of(cases(60)), lambda answered: knows(answered) * (answered.example.id not in {"case-2", "case-3"}), "own")
    report = await examine(suite, sample=0)
    (low,) = [one for one in found(report, "planted.right") if one.metric == "own"]
    assert {"case-2", "case-3"} <= set(low.cases)


async def test_right_answers_that_score_low_ring_an_alarm_in_the_deciding_metric() -> None:
    def backward(answered: Answered) -> float:
        return float("grams" not in answered.reply.text)

    suite = with_scorer(suite_of(cases(unanswerable=0)), backward, "backward", first=True)
    assert found(await examine(suite), "planted.right", "alarm")


@pytest.mark.parametrize(
    ("kind", "weak"),
    [
        ("empty", lambda text: not text or "grams" in text),
        ("refusal", lambda text: not text or "grams" in text),
        ("echo", lambda text: "heavy" in text or "grams" in text),
        ("other", lambda text: "grams" in text),
        ("pasted", lambda text: "grams" in text),
        ("constant", lambda text: "grams" in text),
        ("injection", lambda text: "5 of 5" in text or ("\n" not in text and "grams" in text)),
    ],
)
async def test_a_kind_of_wrong_answer_that_no_metric_tells_is_named(kind: str, weak: Any) -> None:
    suite = suite_of(cases(unanswerable=0))
    open_one = with_scorer(msgspec.structs.replace(suite, scorers=()), lambda answered: float(weak(answered.reply.text)), "open")
    assert found(await examine(open_one), f"planted.{kind}", "alarm")
    beside = await examine(with_scorer(suite, lambda answered: float(weak(answered.reply.text)), "open", first=True))
    assert not found(beside, f"planted.{kind}", "alarm")
    (look,) = found(beside, f"planted.{kind}", "look")
    assert (look.metric, "tells it" in look.sentence) == ("open", True)


async def test_a_metric_that_pays_for_length_is_caught_on_padding() -> None:
    def long(answered: Answered) -> float:
        return min(1.0, len(answered.reply.text.split()) / 100)

    suite = with_scorer(suite_of(cases()), long, "long")
    (finding,) = found(await examine(suite), "planted.length", "alarm")
    assert finding.metric == "long"


async def test_a_metric_that_cannot_be_asked_is_left_out_with_its_reason() -> None:
    async def judged(answered: Answered) -> float:
        answered.instruments.model("judge")
        return 1.0

    report = await examine(with_scorer(suite_of(cases(40)), judged, "judged"))
    assert [one.why for one in report.left_out if "judged" in one.why and one.probe == "planted"] == [
        "judged: no right answer was scored (the model `judge` is not at hand here (evaluate a suite with `groundwork eval`, or pass `instruments` to `evaluate`))"
    ]


async def test_a_metric_that_asks_a_model_is_asked_no_more_than_allowed() -> None:
    asked: list[str] = []

    class Judge:
        name = "judge"

    def model(name: str) -> Any:
        asked.append(name)
        return Judge()

    async def judged(answered: Answered) -> float:
        answered.instruments.model("judge")
        return float("grams" in answered.reply.text)

    suite = with_scorer(suite_of(cases(80, unanswerable=0)), judged, "judged")
    report = await examine(suite, asked=4, instruments=Instruments(model=model))
    assert report.planted["judged"]["right"] == 1.0
    assert len(asked) == 4 * 9 + 4 * 6, "nine planted answers, and six labels, of four cases"


async def test_dear_and_slow_scoring_is_held_against_the_answer() -> None:
    suite = with_scorer(suite_of(cases(30)), lambda answered: Graded(float("grams" in answered.reply.text), cost=0.5), "dear")
    run = run_of(suite, three_quarters)
    run = run._replace(results=tuple(msgspec.structs.replace(one, cost=0.01) for one in run.results))
    assert [one.metric for one in found(await examine(suite, runs=(run,)), "scoring.cost")] == ["dear"]


# -- labels


async def test_scores_that_do_not_rest_on_labels_do_not_drop_when_these_are_shuffled() -> None:
    suite = with_scorer(suite_of(cases()), lambda answered: float(len(answered.reply.text) > 3), "any", first=True)
    report = await examine(suite, runs=(run_of(suite, three_quarters, answer=lambda one: "yes, it is"),))
    (alarm,) = found(report, "labels.shuffled", "alarm")
    assert (alarm.metric, "hardly rests on the labels" in alarm.sentence) == ("any", True)


async def test_a_score_that_is_not_told_from_chance_is_worth_a_look() -> None:
    examples = [
        Example(id=f"q{number}", question=f"Is plate {number} on rack {number * 3}?", reference=("yes", "no")[number % 2], answerable=True)
        for number in range(40)
    ]
    chooser = random.Random(1)
    suite = suite_of(examples, ["answer.correct"])
    report = await examine(suite, runs=(run_of(suite, three_quarters, answer=lambda one: chooser.choice(["yes", "no"])),))
    assert found(report, "labels.shuffled")


async def test_questions_that_state_their_answer_are_counted() -> None:
    given = [
        msgspec.structs.replace(one, question=f"{one.question} Is it {one.facts[0].accepted[0]}?") for one in cases(40, unanswerable=0)
    ]
    mixed = [*given[:2], *cases(60, unanswerable=0)[2:]]
    assert found(await examine(suite_of(given)), "labels.given", "alarm")
    (look,) = found(await examine(suite_of(mixed)), "labels.given")
    assert (look.severity, look.cases) == ("look", ("case-0", "case-1"))


async def test_agreement_with_people_is_counted_beyond_chance() -> None:
    suite = suite_of(cases(100, unanswerable=0))
    run = run_of(suite, lambda one: 0.9)
    values = {one.example: one.scores[0].value == 1 for one in run.results}
    alike = await examine(suite, runs=(run,), people=values)
    assert not found(alike, "labels.people")
    chooser = random.Random(2)
    lucky = {case: chooser.random() < 0.9 for case in values}
    (alarm,) = found(await examine(suite, runs=(run,), people=lucky), "labels.people", "alarm")
    assert "kappa" in alarm.sentence
    assert "labels.people" in {one.probe for one in (await examine(suite, runs=(run,))).left_out}


# -- leakage


async def test_cases_that_stand_twice_contradict_or_cross_the_splits_are_found() -> None:
    plain = cases(60)
    first = plain[0]
    twin = msgspec.structs.replace(first, id="twin", question=f"Tell me: {first.question.lower()}")
    crossed = msgspec.structs.replace(twin, split="report")
    against = msgspec.structs.replace(twin, facts=(Fact(accepted=("2 tons",)),))
    doubled = await examine(suite_of([*plain, twin]))
    assert found(doubled, "leakage.doubled", "look")[0].cases == ("case-0", "twin")
    assert found(await examine(suite_of([*plain, crossed])), "leakage.splits", "alarm")
    assert found(await examine(suite_of([*plain, against])), "leakage.contradiction", "alarm")
    other = msgspec.structs.replace(twin, variables={"country": "Peru"}, facts=(Fact(accepted=("2 tons",)),))
    assert not found(await examine(suite_of([*plain, other])), "leakage.contradiction"), "another country is another question"


@given(words=lists(lists(sampled_from("abcdefghij"), min_size=3, max_size=8), min_size=2, max_size=12))
def test_the_same_question_is_found_wherever_it_stands(words: list[list[str]]) -> None:
    examples = [
        Example(id=f"c{place}", question=" ".join(f"word{letter}" for letter in row), reference="yes", split=str(place % 2))
        for place, row in enumerate(words)
    ]
    sets = [set(row) for row in words]
    alike = {
        frozenset((f"c{one}", f"c{other}"))
        for one, other in combinations(range(len(sets)), 2)
        if len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= 0.8
    }
    assert {frozenset((one.id, other.id)) for one, other in leakage._alike(examples)} == alike


async def test_cases_in_a_prompt_ring_and_in_other_texts_are_worth_a_look() -> None:
    suite = suite_of(cases(60))
    text = f"Example.\nQ: {suite.examples[3].question}\nA: 1021 grams"
    report = await examine(suite, texts={"prompts/a.md": [text], "notes.md": [text]}, forbidden=frozenset({"prompts/a.md"}))
    assert [one.cases for one in found(report, "leakage.outside", "alarm")] == [("case-3",)]
    assert ["notes.md" in one.sentence for one in found(report, "leakage.outside", "look")] == [True]


# -- what runs tell


async def test_answers_that_flip_without_a_change_are_noise() -> None:
    suite = suite_of(cases(100))
    steady = (
        run_of(suite, lambda one: float(hash(one.question) % 4 > 0), seed=1),
        run_of(suite, lambda one: float(hash(one.question) % 4 > 0), seed=2),
    )
    assert not found(await examine(suite, runs=steady), "stability.reruns")
    flaky = tuple(run_of(suite, lambda one: 0.5, seed=seed) for seed in range(3))
    (alarm,) = found(await examine(suite, runs=flaky), "stability.reruns", "alarm")
    assert "margin" in alarm.sentence
    repeated = run_of(suite, lambda one: 0.5, seed=1)
    again = tuple(msgspec.structs.replace(one, repeat=1) for one in run_of(suite, lambda one: 0.5, seed=2).results)
    assert found(await examine(suite, runs=(repeated,), again=again), "stability.reruns", "alarm")
    kept = tuple(msgspec.structs.replace(one, kept=True) for one in again)
    assert not found(await examine(suite, runs=(repeated,), again=kept), "stability.reruns"), "a kept answer was not asked again"


async def test_too_few_cases_cannot_pass_a_gate() -> None:
    assert found(await examine(suite_of(cases(40))), "stability.power", "alarm")
    assert not found(await examine(suite_of(cases(600, unanswerable=100))), "stability.power")
    (split,) = found(await examine(suite_of(cases(600, unanswerable=100)), split="report"), "stability.power", "look", "ok")
    assert "300 cases" in split.sentence


async def test_cases_that_nobody_gets_right_are_named_and_easy_ones_counted() -> None:
    suite = suite_of(cases(60))
    runs = tuple(run_of(suite, lambda one: 0.0 if one.id in {"case-4", "case-9"} else 1.0, config=f"cfg_{name}") for name in "abc")
    report = await examine(suite, runs=runs)
    assert found(report, "stability.nobody")[0].cases == ("case-4", "case-9")
    assert found(report, "stability.everybody")
    assert "stability.extremes" in {one.probe for one in (await examine(suite, runs=runs[:2])).left_out}


async def test_metrics_that_say_the_same_and_that_pull_apart_are_named() -> None:
    suite = suite_of(cases(100))
    run = run_of(suite, three_quarters)

    def twice(one: Result, value: float) -> Result:
        return msgspec.structs.replace(one, scores=(*one.scores, Score(metric="citation.correct", value=value)))

    same = run._replace(results=tuple(twice(one, one.scores[0].value or 0.0) for one in run.results))
    apart = run._replace(results=tuple(twice(one, 1 - (one.scores[0].value or 0.0)) for one in run.results))
    chooser = random.Random(3)
    loose = run._replace(results=tuple(twice(one, float(chooser.random() < 0.5)) for one in run.results))
    assert found(await examine(suite, runs=(same,)), "relations.redundant", "look")
    assert found(await examine(suite, runs=(apart,)), "relations.opposed", "look")
    report = await examine(suite, runs=(loose,))
    assert not found(report, "relations.redundant")
    assert not found(report, "relations.opposed")


async def test_a_slice_out_of_line_is_found_and_a_broken_one_rings() -> None:
    suite = suite_of(cases(160))
    worse = run_of(suite, lambda one: 0.35 if "kiln" in one.tags else 0.9)
    broken = run_of(suite, lambda one: 0.0 if "kiln" in one.tags else 0.9)
    (look,) = found(await examine(suite, runs=(worse,)), "relations.slices")
    assert (look.severity, "kiln" in look.sentence) == ("look", True)
    assert found(await examine(suite, runs=(broken,)), "relations.slices", "alarm")


async def test_scores_that_follow_length_are_worth_a_look() -> None:
    suite = suite_of(cases(160))
    run = run_of(
        suite, lambda one: 0.9 if len(one.question) % 2 else 0.2, answer=lambda one: "word " * (40 if len(one.question) % 2 else 4)
    )
    assert found(await examine(suite, runs=(run,)), "relations.length", "look")


async def test_answers_that_a_metric_cannot_read_are_counted() -> None:
    suite = suite_of(cases(60))
    run = run_of(suite, three_quarters)
    blind = Score(metric="answer.correct", value=None, status="unparseable", detail="no number")
    results = tuple(msgspec.structs.replace(one, scores=(blind,)) if place % 3 == 0 else one for place, one in enumerate(run.results))
    (alarm,) = found(await examine(suite, runs=(run._replace(results=results),)), "relations.unread", "alarm")
    assert "no number" in alarm.sentence


# -- small and odd suites


async def test_one_case_and_no_label_are_outcomes_and_no_faults() -> None:
    one = await examine(suite_of(cases(1, unanswerable=0)))
    assert not [finding for finding in one.of("alarm") if finding.probe != "stability.power"]
    none = await examine(suite_of(cases(3, unanswerable=3)))
    assert none.n == 3
    expected = [
        Example(id=f"n{number}", question=f"What is {number} and {number}?", expected={"number": 2 * number}) for number in range(12)
    ]
    assert (await examine(suite_of(expected, [{"use": "answer.correct"}]))).n == 12


async def test_a_scorer_that_breaks_on_wrong_answers_does_not_break_the_audit() -> None:
    def brittle(answered: Answered) -> float | Unparseable:
        if not answered.reply.text:
            raise ValueError("no text")
        return 1.0 if "grams" in answered.reply.text else Unparseable("no weight")

    report = await examine(with_scorer(suite_of(cases(40, unanswerable=0)), brittle, "brittle"))
    assert report.planted["brittle"]["right"] == 1.0
    assert not [one for one in found(report, "planted.echo") if one.metric == "brittle"]


def test_findings_of_chance_are_settled_by_their_number() -> None:
    def one(p: float) -> Finding:
        return Finding(probe="x", severity="alarm", sentence="seen", fix="do", p=p)

    assert settle([one(0.01)])[0].severity == "alarm"
    many = settle([one(0.01), *(one(0.6) for _ in range(19))])
    assert {finding.severity for finding in many} == {"ok"}
    assert "20 tests counted" in many[0].sentence
    assert settle([Finding(probe="y", severity="look", sentence="s"), one(0.0001)])[0].severity == "alarm"


def test_citations_of_planted_answers_hold_the_fact() -> None:
    from groundwork.evaluate.audit.planted import plant

    (first, *_) = plant(cases(8, unanswerable=0))
    citation = first.right[0].citations[0]
    assert isinstance(citation, Citation)
    assert (citation.quote, citation.source) == ("1000 grams", "oven.md")
