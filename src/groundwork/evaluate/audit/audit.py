"""All probes over one suite. Nobody's model is asked, unless the instruments passed in lead to one."""

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from groundwork.core.measure import Estimate, Example, Result
from groundwork.core.reply import Reply
from groundwork.evaluate.asking import reply_of
from groundwork.evaluate.audit import labels, leakage, planted, relations, sensitivity, stability
from groundwork.evaluate.audit.finding import Finding, LeftOut, Severity, settle
from groundwork.evaluate.audit.sensitivity import QUALITY
from groundwork.evaluate.figures import values_of
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.registry import Metric, Scorer, metrics_of
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.suite import Suite

T = TypeVar("T")
MORE = 5
"""Shuffled labels are asked of so many more cases than planted answers: each is scored six times and not nine."""


class Material(NamedTuple):
    """What an audit rests on. Only the suite is needed; each probe says what else it lacks."""

    suite: Suite
    primary: tuple[str, ...] = ()
    """The metrics that decide: those a gate requires. Empty: the first one that judges answers."""
    margin: float = 0.05
    split: str = ""
    """The cases that decide."""
    runs: tuple[Evaluated, ...] = ()
    """Finished runs over these cases, newest first; the newest is the one looked into."""
    texts: Mapping[str, Iterable[str]] = {}
    """Where cases must not stand, or had better not: prompts, datasets, other files, by what to call them."""
    forbidden: frozenset[str] = frozenset()
    """The sources among `texts` that answers or settings were made with."""
    people: Mapping[str, bool] = {}
    """What people said of the newest run's answers, by case."""
    sample: int = 60
    """Cases that planted answers are made for; 0: all."""
    asked: int = 0
    """Cases whose planted answers may be put to the models that metrics ask. 0: metrics that ask one are left out."""
    instruments: Instruments = Instruments()
    """What those metrics measure with."""
    again: tuple[Result, ...] = ()
    """Further answers of the newest run's system, asked for the audit."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What the probes found of a suite. `planted` has for each metric its mean over right answers and over each kind of wrong ones."""

    suite: str
    suite_sha256: str
    n: int
    runs: tuple[str, ...]
    primary: tuple[str, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...]
    planted: dict[str, dict[str, float]]
    correlations: dict[str, dict[str, Estimate]]

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.severity == severity)


async def audit(material: Material, *, seed: int = 0) -> Audit:
    """Run every probe that the material allows. `seed` draws the cases for planted answers, and shuffles labels."""
    suite = material.suite
    judging = [one for one in suite.scorers if one.unit in QUALITY and not one.quantiles]
    primary = material.primary or tuple(one.name for one in judging[:1])
    examples = tuple(suite.split(""))
    rows = planted.plant(_drawn(examples, material.sample, seed))
    sheets = [await _sheet(material, rows, one) for one in judging]
    said, left_out = sensitivity.judge_sheets(sheets, primary)
    found: list[Finding | LeftOut] = [*said, *left_out]
    found += sensitivity.scoring_took(sheets, _answering(material))
    for sheet in sheets:
        found.append(await _shuffled(material, examples, sheet, primary, seed))
    found += [labels.answers_in_questions(examples), *leakage.inside(examples)]
    found += leakage.outside(examples, material.texts, forbidden=material.forbidden)
    metrics = metrics_of(judging)
    matrix = relations.correlations(material.runs[0].results, metrics_of(suite.scorers)) if material.runs else {}
    found += _of_runs(material, examples, metrics, primary, matrix)
    return Audit(
        suite=suite.name,
        suite_sha256=suite.sha256,
        n=len(examples),
        runs=tuple(one.run.id for one in material.runs),
        primary=primary,
        findings=settle(one for one in found if isinstance(one, Finding)),
        left_out=tuple(one for one in found if isinstance(one, LeftOut)),
        planted=sensitivity.table(sheets),
        correlations=matrix,
    )


def _drawn(rows: Sequence[T], most: int, seed: int) -> Sequence[T]:
    if not most or len(rows) <= most:
        return rows
    places = sorted(random.Random(seed).sample(range(len(rows)), most))  # noqa: S311  a sample to repeat, no secret
    return [rows[place] for place in places]


def _answering(material: Material) -> dict[str, float]:
    """What an answer took on average in the newest run, those kept from earlier runs left out."""
    results = [one for one in material.runs[0].results if one.status == "ok" and not one.kept] if material.runs else []
    if not results:
        return {}
    costs = [one.cost for one in results if one.cost is not None]
    seconds = math.fsum(one.seconds for one in results) / len(results)
    return {"seconds": seconds} | ({"cost": math.fsum(costs) / len(costs)} if costs else {})


async def _sheet(material: Material, rows: Sequence[planted.Planted], scorer: Scorer) -> sensitivity.Sheet:
    """A metric over the planted answers; over fewer, and with the instruments, where it can do nothing without them."""
    sheet = await sensitivity.score_planted(rows, scorer, Instruments())
    if sheet.right or not material.asked:
        return sheet
    return (await sensitivity.score_planted(rows[: material.asked], scorer, material.instruments))._replace(asks_models=True)


async def _shuffled(
    material: Material, examples: Sequence[Example], sheet: sensitivity.Sheet, primary: Sequence[str], seed: int
) -> Finding | LeftOut:
    """Shuffled labels over the run's own answers where they are at hand, else over right ones."""
    name = sheet.scorer.name
    given = _answers(material)
    answers = [(one, given[one.id]) for one in examples if one.id in given]
    if not answers:
        answers = [(one.example, one.right[0]) for one in planted.plant(examples)]
    most = material.asked if sheet.asks_models else material.sample * MORE
    answers = _drawn(answers, most, seed)
    return await labels.shuffle_labels(answers, sheet.scorer, material.instruments, is_primary=name in primary, seed=seed)


def _answers(material: Material) -> dict[str, Reply]:
    """The newest run's answers to single questions, by case; of repeats the first."""
    results = material.runs[0].results if material.runs else ()
    turns = {result.example for result in results if result.turn}
    return {
        result.example: reply_of(result)
        for result in reversed(results)
        if result.status in {"ok", "refused"} and not result.repeat and result.example not in turns
    }


def _of_runs(
    material: Material,
    examples: Sequence[Example],
    metrics: Mapping[str, Metric],
    primary: Sequence[str],
    matrix: Mapping[str, Mapping[str, Estimate]],
) -> Iterator[Finding | LeftOut]:
    """What only runs can tell, and what the number of cases says before any."""
    deciding = sum(one.split == material.split for one in examples) if material.split else len(examples)
    shares = [metrics[name] for name in primary if name in metrics and metrics[name].scorer.unit == "share"]
    for metric in shares:
        yield stability.power(metric.name, deciding, material.margin, _discordance(material.runs, metric))
    if not material.runs:
        yield LeftOut(probe="runs", why="no finished run over these cases: make one with `groundwork eval`")
        return
    newest = material.runs[0].results
    questions = {one.id: one.question for one in examples}
    yield from relations.redundant(matrix, list(metrics))
    for metric in metrics.values():
        yield relations.unread(newest, metric)
    for metric in shares:
        yield relations.slices(newest, metric, questions)
        yield relations.length(newest, metric)
        yield stability.reruns(metric.name, _again(material, metric), material.margin)
        best, worst = (1.0, 0.0) if metric.scorer.better == "higher" else (0.0, 1.0)
        yield from stability.extremes(metric.name, _each_system(material.runs, metric), best, worst)
    yield from _people(material, shares)


def _people(material: Material, metrics: Sequence[Metric]) -> Iterator[Finding | LeftOut]:
    if not material.people:
        yield LeftOut(probe="labels.people", why="no person has judged answers of the newest run: give feedback, or pass --labels")
        return
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for metric in metrics:
        good = metric.scorer.better == "higher"
        values = values_of(material.runs[0].results, metric)
        pairs[metric.name] = [((values[case] >= 0.5) == good, said) for case, said in material.people.items() if case in values]
    yield from labels.against_people(pairs)


def _system(evaluated: Evaluated) -> str:
    """What was asked: runs of one system differ by chance alone."""
    run = evaluated.run
    return f"{run.target} {run.config} {run.change} {sorted(run.endpoint.items(), key=str)}"


def _again(material: Material, metric: Metric) -> dict[str, list[float]]:
    """Every value of each case that the newest run's system got, repeats and later runs together; answers kept from before are no new ones."""
    runs = material.runs
    same = [result for evaluated in runs if _system(evaluated) == _system(runs[0]) for result in evaluated.results]
    found: dict[str, list[float]] = {}
    for result in [*same, *material.again]:
        value = _value(result, metric)
        if value is not None and not result.kept and not result.turn:
            found.setdefault(result.example, []).append(value)
    return found


def _each_system(runs: Sequence[Evaluated], metric: Metric) -> dict[str, list[float]]:
    """For each case its value in the newest run of each system."""
    newest: dict[str, Evaluated] = {}
    for evaluated in runs:
        newest.setdefault(_system(evaluated), evaluated)
    found: dict[str, list[float]] = {}
    for evaluated in newest.values():
        for case, value in values_of(evaluated.results, metric).items():
            found.setdefault(case, []).append(value)
    return found


def _discordance(runs: Sequence[Evaluated], metric: Metric) -> float | None:
    """How far cases moved between the two newest systems, on average; None where only one was run."""
    newest: dict[str, Evaluated] = {}
    for evaluated in runs:
        newest.setdefault(_system(evaluated), evaluated)
    if len(newest) < 2:
        return None
    one, other = (values_of(evaluated.results, metric) for evaluated in list(newest.values())[:2])
    moved = [abs(one[case] - other[case]) for case in one if case in other]
    return math.fsum(moved) / len(moved) if moved else None


def _value(result: Result, metric: Metric) -> float | None:
    return next((score.value for score in result.scores if score.metric == metric.scorer.name and score.status == "ok"), None)
