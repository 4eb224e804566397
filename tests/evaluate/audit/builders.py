"""A sound suite, and the same with one defect planted: every probe must find its own and leave the sound one alone."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from groundwork.core.measure import Example, Fact, Result, Run, Score
from groundwork.evaluate.audit import Audit, Finding, Material, Severity
from groundwork.evaluate.registry import Scorer
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.scorers import find_scorers
from groundwork.evaluate.suite import Suite, make_suite

TOPICS = ("oven", "kiln", "lathe", "press", "mill", "loom")
PARTS = ("door", "belt", "wheel", "lamp", "valve", "frame", "motor", "chain")
MAKERS = ("Arden", "Bexley", "Corvin", "Dunmore")
METRICS = ("answer.correct", "citation.correct")


def cases(n: int = 120, *, unanswerable: int = 20) -> list[Example]:
    """Cases whose questions and answers all differ."""
    made = [
        Example(
            id=f"case-{number}",
            question=f"How heavy is the {PARTS[number % 8]} of the {TOPICS[number // 8 % 6]} that {MAKERS[number % 4]} {number} makes?",
            facts=(Fact(accepted=(f"{1000 + 7 * number} grams",), source=f"{TOPICS[number // 8 % 6]}.md"),),
            split=("choose", "report")[number % 2],
            tags=(TOPICS[number // 8 % 6],),
        )
        for number in range(n - unanswerable)
    ]
    return made + [
        Example(
            id=f"none-{number}",
            question=f"Who painted the {PARTS[number % 8]} on wagon number {number}?",
            split=("choose", "report")[number % 2],
        )
        for number in range(unanswerable)
    ]


def suite_of(examples: Sequence[Example], metrics: Sequence[str | Mapping[str, Any]] = METRICS) -> Suite:
    return make_suite(examples, name="machines", metrics=metrics)


def with_scorer(
    suite: Suite, function: Callable[..., Any], name: str, *, first: bool = False, better: Any = "higher", **more: Any
) -> Suite:
    """The suite with one more metric, which is registered nowhere."""
    exact = find_scorers(["answer.correct"], root=Path())[0]
    fields = {one: getattr(exact, one) for one in Scorer.__dataclass_fields__}
    own = Scorer(**fields | {"name": name, "use": name, "function": function, "better": better} | more)
    return msgspec.structs.replace(suite, scorers=(own, *suite.scorers) if first else (*suite.scorers, own))


def run_of(
    suite: Suite,
    right: Callable[[Example], float],
    *,
    metric: str = "answer.correct",
    config: str = "cfg_a",
    answer: Callable[[Example], str] | None = None,
    seed: int = 0,
    **run: Any,
) -> Evaluated:
    """A finished run in which each case is right with the probability that `right` gives."""
    chooser = random.Random(f"{config} {seed}")

    def said(one: Example, is_right: bool) -> str:
        words = "word " * chooser.randint(5, 30)
        return words + (one.facts[0].accepted[0] if is_right and one.facts else "")

    verdicts = [chooser.random() < right(one) for one in suite.examples]
    results = tuple(
        Result(
            example=one.id,
            status="ok",
            place=place,
            answer=answer(one) if answer else said(one, is_right),
            abstained=is_right and not one.facts and answer is None,
            seconds=0.1,
            scores=(Score(metric=metric, value=float(is_right)),),
            tags=one.tags,
            split=one.split,
        )
        for place, (one, is_right) in enumerate(zip(suite.examples, verdicts, strict=True))
    )
    header = Run(
        id=f"run_{config}{seed}", suite=suite.name, suite_sha256=suite.sha256, split="", target="machines", started=1.0, finished=2.0
    )
    return Evaluated(msgspec.structs.replace(header, config=config, **run), results)


def found(audit: Audit, probe: str, *severities: Severity) -> list[Finding]:
    """The findings of a probe, of these severities (any but `ok` where none is named)."""
    wanted = severities or ("look", "alarm")
    return [one for one in audit.findings if one.probe == probe and one.severity in wanted]


def material(suite: Suite, **more: Any) -> Material:
    return Material(suite, **more)
