"""What a run came to: each figure with its interval and its n, what could not be scored, and the worst answers to look at."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from groundwork.core import statistics
from groundwork.core.measure import Estimate, Example, Result, Run
from groundwork.evaluate.journal import read_results, read_run
from groundwork.evaluate.registry import Metric
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
    """The figures of a run. A metric that scored nothing is left out: see `unscored` for why."""
    kept = tuple(results)
    figures: dict[str, Estimate] = {}
    for metric in metrics.values():
        values = list(values_of(kept, metric).values())
        if values:
            figures[metric.name] = estimate(values, metric, level=level)
    return figures


def estimate(values: Sequence[float], metric: Metric, *, level: float = 0.95) -> Estimate:
    """The figure of a metric from its values, by the method that fits them. Raises InputError for no values."""
    if metric.percent is not None:
        return statistics.quantile(values, metric.percent / 100, level=level)
    if metric.scorer.unit != "share":
        return statistics.mean(values, bounds=None, level=level)
    if all(value in {0, 1} for value in values):
        return statistics.proportion(sum(values), len(values), level=level)
    return statistics.mean(values, level=level)


def values_of(results: Iterable[Result], metric: Metric) -> dict[str, float]:
    """A metric's value for each example that has one."""
    name = metric.scorer.name
    return {
        result.example: score.value
        for result in results
        for score in result.scores
        if score.metric == name and score.status == "ok" and score.value is not None
    }


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


def wrong_answers(evaluated: Evaluated, suite: Suite, *, limit: int = 20) -> list[Wrong]:
    """The worst answers: wrong statements first (readers believe them), then answers to what has none, then missing answers."""
    results = {result.example: result for result in evaluated.results}
    found = [wrong for example in suite.examples if example.id in results and (wrong := _wrong(example, results[example.id]))]
    order: tuple[Fault, ...] = ("wrong answer", "answered an unanswerable question", "declined an answerable question")
    return sorted(found, key=lambda wrong: order.index(wrong.fault))[:limit]


def _wrong(example: Example, result: Result) -> Wrong | None:
    scores = {score.metric: score.value for score in result.scores if score.status == "ok"}
    if scores.get("answer.correct") != 0:
        return None
    if not example.expects_answer:
        return Wrong(example, result, "answered an unanswerable question", "")
    declined = scores.get("abstention.wrong") == 1 or result.abstained or result.status == "refused"
    expected = "; ".join(fact.accepted[0] for fact in facts_of(example))
    return Wrong(example, result, "declined an answerable question" if declined else "wrong answer", expected)
