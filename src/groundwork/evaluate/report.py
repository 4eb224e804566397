"""What a run came to: each figure with its interval and its n, what could not be scored, and the worst answers to look at."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate, Example, Result, Run
from groundwork.evaluate.figures import Columns, columns_of, figures_of
from groundwork.evaluate.journal import read_results, read_run
from groundwork.evaluate.registry import Metric, Scorer
from groundwork.evaluate.scorers.facts import facts_of
from groundwork.evaluate.suite import Suite


class Evaluated(NamedTuple):
    """A run with its results: what comparison and gate take."""

    run: Run
    results: tuple[Result, ...]

    @property
    def errors(self) -> tuple[Result, ...]:
        """Cases without an answer, because something broke."""
        return tuple(result for result in self.results if result.status == "error")


Fault = Literal["wrong answer", "declined an answerable question", "answered an unanswerable question"]


class Wrong(NamedTuple):
    """A case that went wrong, with what was expected."""

    example: Example
    result: Result
    fault: Fault
    expected: str


def load_evaluated(folder: Path, identifier: str) -> Evaluated:
    """A run and its results from their files. Raises NotFound."""
    return Evaluated(read_run(folder, identifier), read_results(folder, identifier))


def summarise(results: Iterable[Result], metrics: Mapping[str, Metric], *, level: float = 0.95) -> dict[str, Estimate]:
    """The figures of a run, its results read once. A metric that scored nothing is left out: see `unscored` for why."""
    return figures_of(columns_of(results, metrics), metrics, level=level)


def settle(run: Run, results: Iterable[Result], metrics: Mapping[str, Metric], *, finished: float | None) -> Run:
    """A run with its figures and counts, from its results read once, one line in memory at a time."""
    columns = Columns(metrics)
    names = {metric.scorer.name for metric in metrics.values()}
    statuses: Counter[str] = Counter()
    unread: dict[str, Counter[str]] = {}
    for result in results:
        columns.add(result)
        statuses[result.status] += 1
        for score in result.scores:
            if score.status in {"unparseable", "error"} and score.metric in names:
                unread.setdefault(score.metric, Counter())[score.status] += 1
    return msgspec.structs.replace(
        run,
        finished=finished,
        n=statuses.total(),
        errors=statuses["error"],
        statuses=dict(sorted(statuses.items())),
        unread={name: dict(sorted(counts.items())) for name, counts in sorted(unread.items())},
        metrics=figures_of(columns, metrics),
    )


def unscored(results: Iterable[Result], metrics: Mapping[str, Metric]) -> dict[str, dict[str, int]]:
    """For each scorer, how often it had nothing to say, by reason."""
    names = {metric.scorer.name for metric in metrics.values()}
    counts: dict[str, Counter[str]] = {}
    for result in results:
        for score in result.scores:
            if score.metric in names and score.status != "ok":
                counts.setdefault(score.metric, Counter())[score.detail] += 1
    return {name: dict(counter.most_common()) for name, counter in sorted(counts.items())}


def faults(results: Iterable[Result]) -> dict[str, int]:
    """What broke, by message, most frequent first."""
    return dict(Counter(result.error for result in results if result.status == "error").most_common())


def wrong_answers(results: Iterable[Result], suite: Suite, *, limit: int = 20) -> list[Wrong]:
    """The worst answers: wrong statements first (readers believe them), then answers to what has none, then missing answers."""
    order: tuple[Fault, ...] = ("wrong answer", "answered an unanswerable question", "declined an answerable question")
    decides = _deciding(suite)
    with suite.examples.reading() as read:
        found = (_wrong(read(_place(result, suite)), result) for result in results if decides and _is_wrong(result, decides))
        return heapq.nsmallest(limit, found, key=lambda wrong: (order.index(wrong.fault), wrong.result.place))


def _deciding(suite: Suite) -> Scorer | None:
    """The metric that says whether an answer is wrong: groundwork's own where the suite has it, else its first share."""
    shares = [one for one in suite.scorers if one.unit == "share" and one.bounds == (0.0, 1.0)]
    return next((one for one in shares if one.name == "answer.correct"), shares[0] if shares else None)


def _is_wrong(result: Result, decides: Scorer) -> bool:
    worst = 0.0 if decides.better == "higher" else 1.0
    return any(score.metric == decides.name and score.status == "ok" and score.value == worst for score in result.scores)


def _place(result: Result, suite: Suite) -> int:
    place = result.place if suite.examples.is_at(result.example, result.place) else suite.examples.place_of(result.example)
    if place is None:
        raise InputError(f"the suite holds no case {result.example!r}", fix="name the suite as the run had it")
    return place


def _wrong(example: Example, result: Result) -> Wrong:
    if not example.expects_answer:
        return Wrong(example, result, "answered an unanswerable question", "")
    wrongly = any(score.metric == "abstention.wrong" and score.value == 1 for score in result.scores)
    declined = wrongly or result.abstained or result.status == "refused"
    return Wrong(example, result, "declined an answerable question" if declined else "wrong answer", _expected(example))


def _expected(example: Example) -> str:
    facts = "; ".join(fact.accepted[0] for fact in facts_of(example))
    return facts or example.reference or ", ".join(f"{name}: {value}" for name, value in example.expected.items())
