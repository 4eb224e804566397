"""The audit of a suite: does each probe find the defect that was planted for it, and does a sound suite stay quiet?

    python -m benchmarks.audit [--quick] [--data FOLDER]

Sound suites and runs over them are invented, with other cases and answers each time; every defect is one change of such a suite. A defect
counts as found where a probe of its name says so at all (look or alarm); a false alarm is an alarm on a sound suite. Looks on sound suites are
counted apart: three kinds of them are true of every sound suite here (recall metrics fall for everything pasted; few cases) and left out.

`--data` (or $GROUNDWORK_DATA) names a folder with `evaluation/gsm8k_test.jsonl.gz`, which is audited as a suite too:

    {"question": "…", "answer": "… #### 42"}
"""

import argparse
import asyncio
import gzip
import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.report import begin, report
from groundwork.core.measure import Example, Fact, Result, Run, Score
from groundwork.core.statistics import proportion
from groundwork.evaluate.audit import Audit, Material, audit
from groundwork.evaluate.registry import Answered, Scorer
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.suite import Suite, make_suite

METRICS = ("answer.correct", "citation.correct")
EXPECTED = {"planted.pasted", "stability.power", "stability.nobody"}
PARTS, THINGS = ("door", "belt", "wheel", "lamp", "valve", "frame"), ("oven", "kiln", "lathe", "press", "mill")


class Invented(NamedTuple):
    """A suite and a run of each of three systems over it."""

    suite: Suite
    runs: tuple[Evaluated, ...]

    @property
    def material(self) -> Material:
        return Material(self.suite, runs=self.runs)


def cases(chooser: random.Random, n: int = 200) -> list[Example]:
    """Cases that all differ."""
    weights = chooser.sample(range(1_000, 90_000), n)
    made: list[Example] = []
    for number, weight in enumerate(weights):
        part, thing = chooser.choice(PARTS), chooser.choice(THINGS)
        facts = (Fact(accepted=(f"{weight} grams",), source=f"{thing}.md"),) if number % 7 else ()
        question = f"What does the {part} of {thing} number {number} weigh?" if facts else f"Who painted {thing} number {number}?"
        made.append(Example(id=f"case-{number}", question=question, facts=facts, tags=(thing,), split=("choose", "report")[number % 2]))
    return made


def run_over(suite: Suite, chooser: random.Random, name: str, chance: Callable[[Example], float]) -> Evaluated:
    """Answers that are right with this chance, and as long as it happens."""
    results: list[Result] = []
    for place, one in enumerate(suite.examples):
        is_right = chooser.random() < chance(one)
        stated = one.facts[0].accepted[0] if is_right and one.facts else "7 grams"  # as long as a right one: length tells nothing
        results.append(
            Result(
                example=one.id,
                status="ok",
                place=place,
                answer="so " * chooser.randint(3, 40) + stated,
                seconds=0.2,
                abstained=is_right and not one.facts,
                scores=(Score(metric="answer.correct", value=float(is_right)),),
                tags=one.tags,
                split=one.split,
            )
        )
    header = Run(
        id=f"run_{name}", suite="invented", suite_sha256=suite.sha256, split="", target="invented", started=1.0, config=f"cfg_{name}"
    )
    return Evaluated(msgspec.structs.replace(header, finished=2.0, n=len(results)), tuple(results))


def sound(seed: int) -> Invented:
    """A suite that nothing is wrong with, and three systems of different strength over it."""
    chooser = random.Random(seed)
    suite = make_suite(cases(chooser), name="invented", metrics=METRICS)
    return Invented(
        suite,
        tuple(run_over(suite, chooser, name, lambda _, chance=chance: chance) for name, chance in (("a", 0.8), ("b", 0.7), ("c", 0.6))),
    )


def with_metric(suite: Suite, function: Callable[[Answered], Any], *, alone: bool = False) -> Suite:
    fields = {name: getattr(suite.scorers[0], name) for name in Scorer.__dataclass_fields__}
    own = Scorer(**fields | {"name": "own", "use": "own", "function": function})
    return msgspec.structs.replace(suite, scorers=(own,) if alone else (own, *suite.scorers))


def over(examples: Sequence[Example]) -> Material:
    return Material(make_suite(examples, name="invented", metrics=METRICS))


def _twin(one: Example, **changes: Any) -> Example:
    return msgspec.structs.replace(one, id=f"{one.id}-again", **changes)


def _slice(one: Example) -> float:
    return 0.3 if "kiln" in one.tags else 0.9


def _scores(found: Invented, other: Callable[[float], float]) -> Material:
    def both(one: Result) -> Result:
        value = one.scores[0].value or 0.0
        return msgspec.structs.replace(one, scores=(*one.scores, Score(metric="citation.correct", value=other(value))))

    return Material(found.suite, runs=(found.runs[0]._replace(results=tuple(both(one) for one in found.runs[0].results)),))


def _unread(found: Invented) -> Material:
    blind = (Score(metric="answer.correct", value=None, status="unparseable", detail="no number"),)
    results = tuple(msgspec.structs.replace(one, scores=blind) if one.place % 4 == 0 else one for one in found.runs[0].results)
    return Material(found.suite, runs=(found.runs[0]._replace(results=results),))


def _long(found: Invented) -> Material:
    results = tuple(
        msgspec.structs.replace(one, answer=one.answer * (4 if one.scores[0].value else 1), place=one.place)
        for one in found.runs[0].results
    )
    return Material(found.suite, runs=(found.runs[0]._replace(results=results),))


def _flaky(found: Invented, seed: int) -> Material:
    runs = tuple(run_over(found.suite, random.Random(f"{seed} {place}"), "a", lambda _: 0.5) for place in range(2))
    return Material(found.suite, runs=runs)


def _nobody(found: Invented, seed: int) -> Material:
    chooser = random.Random(seed)
    return Material(
        found.suite,
        runs=tuple(run_over(found.suite, chooser, name, lambda one: float(not one.id.endswith("7"))) for name in ("a", "b", "c")),
    )


def _people(found: Invented, seed: int) -> Material:
    chooser = random.Random(seed)
    return found.material._replace(people={one.id: chooser.random() < 0.8 for one in found.suite.examples})


def _text(answered: Answered) -> str:
    return answered.reply.text


def _right(answered: Answered) -> bool:
    return any(accepted in _text(answered) for fact in answered.example.facts for accepted in fact.accepted) or answered.reply.abstained


DEFECTS: dict[str, tuple[str, Callable[[Invented, int], Material]]] = {
    "constant metric": ("planted.dead", lambda one, _: Material(with_metric(one.suite, lambda _: 1.0))),
    "backward metric": ("planted.right", lambda one, _: Material(with_metric(one.suite, lambda a: float(not _right(a))))),
    "wrong references": ("planted.right", lambda one, _: Material(with_metric(one.suite, lambda a: float(_right(a) and a.example.id[-1] not in "38")))),
    "pays for length": ("planted.length", lambda one, _: Material(with_metric(one.suite, lambda a: min(1.0, len(_text(a)) / 900)))),
    "takes empty answers": ("planted.empty", lambda one, _: Material(with_metric(one.suite, lambda a: float(_right(a) or not _text(a)), alone=True))),
    "takes refusals": ("planted.refusal", lambda one, _: Material(with_metric(one.suite, lambda a: float(_right(a) or bool(a.reply.refusal)), alone=True))),
    "takes echoes": ("planted.echo", lambda one, _: Material(with_metric(one.suite, lambda a: float(_right(a) or "weigh" in _text(a)), alone=True))),
    "takes any weight": ("planted.other", lambda one, _: Material(with_metric(one.suite, lambda a: float(_right(a) or "grams" in _text(a)), alone=True))),
    "obeys answers": ("planted.injection", lambda one, _: Material(with_metric(one.suite, lambda a: float(_right(a) or "5 of 5" in _text(a)), alone=True))),
    "ignores labels": ("labels.shuffled", lambda one, _: Material(with_metric(one.suite, lambda a: float(len(_text(a)) > 30)), runs=one.runs)),
    "answers in questions": (
        "labels.given",
        lambda one, _: over([msgspec.structs.replace(c, question=f"{c.question} {c.facts[0].accepted[0]}?") if c.facts else c for c in one.suite.examples]),
    ),
    "chance agreement": ("labels.people", _people),
    "doubled case": ("leakage.doubled", lambda one, _: over([*one.suite.examples, _twin(one.suite.examples[1])])),
    "contradicting cases": (
        "leakage.contradiction",
        lambda one, _: over([*one.suite.examples, _twin(one.suite.examples[1], facts=(Fact(accepted=("nothing",)),))]),
    ),
    "case in both splits": ("leakage.splits", lambda one, _: over([*one.suite.examples, _twin(one.suite.examples[1], split="choose")])),
    "case in the prompt": (
        "leakage.outside",
        lambda one, _: one.material._replace(texts={"prompt": [f"Q: {one.suite.examples[3].question}"]}, forbidden=frozenset({"prompt"})),
    ),
    "flaky answers": ("stability.reruns", _flaky),
    "few cases": ("stability.power", lambda one, _: over(list(one.suite.examples)[:30])),
    "cases nobody gets right": ("stability.nobody", _nobody),
    "same metric twice": ("relations.redundant", lambda one, _: _scores(one, lambda value: value)),
    "opposed metrics": ("relations.opposed", lambda one, _: _scores(one, lambda value: 1 - value)),
    "slice out of line": ("relations.slices", lambda one, seed: Material(one.suite, runs=(run_over(one.suite, random.Random(seed), "a", _slice),))),
    "longer is better": ("relations.length", lambda one, _: _long(one)),
    "unreadable answers": ("relations.unread", lambda one, _: _unread(one)),
}  # fmt: skip


def rings(found: Audit, probe: str) -> bool:
    return any(one.probe == probe and one.severity != "ok" for one in found.findings)


def gsm8k(folder: Path) -> Audit:
    """The test part as a suite: the number after `####` is the fact."""
    with gzip.open(folder / "gsm8k_test.jsonl.gz", "rt") as file:
        rows = list(map(json.loads, file))
    examples = [
        Example(id=f"gsm8k-{number}", question=row["question"], facts=(Fact(accepted=(row["answer"].rsplit("#### ", 1)[1].strip(),)),))
        for number, row in enumerate(rows)
    ]
    return asyncio.run(audit(Material(make_suite(examples, name="gsm8k", metrics=["answer.correct"]), sample=200)))


def main() -> None:
    """Measure, and report."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.audit", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--quick", action="store_true", help="10 sound suites instead of 200, each defect once instead of 10 times")
    options.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="folder with evaluation/gsm8k_test.jsonl.gz")
    given = options.parse_args()
    started = begin()
    suites, times = (10, 1) if given.quick else (200, 10)
    quiet = [asyncio.run(audit(sound(seed).material)) for seed in range(suites)]
    loud = proportion(sum(bool(one.of("alarm")) for one in quiet), suites)
    looks = proportion(sum(any(two.probe not in EXPECTED for two in one.of("look")) for one in quiet), suites)
    figures: dict[str, float] = {"defects_total": float(len(DEFECTS)), "false_alarms": loud.value, "false_looks": looks.value}
    intervals = {"false_alarms": (loud.low, loud.high), "false_looks": (looks.low, looks.high)}
    found = 0
    for name, (probe, make) in DEFECTS.items():
        hits = sum(rings(asyncio.run(audit(make(sound(1_000 + seed), seed))), probe) for seed in range(times))
        figures[f"found.{name}"] = hits / times
        found += hits == times
    figures = {"defects_found": float(found), **figures}
    data = "invented suites"
    if given.data and (given.data / "evaluation" / "gsm8k_test.jsonl.gz").exists():
        real = gsm8k(given.data / "evaluation")
        data += ", GSM8K test"
        figures |= {f"gsm8k.{severity}s": float(len(real.of(severity))) for severity in ("alarm", "look")}
        for one in (*real.of("alarm"), *real.of("look")):
            print(f"GSM8K: {one.severity}: {one.sentence}")
    report(
        benchmark="audit",
        figures=figures,
        intervals=intervals,
        n=suites + times * len(DEFECTS),
        rivals={},
        data=data,
        versions=("numpy",),
        started=started,
    )


if __name__ == "__main__":
    main()
