"""What looks wrong in a run without any metric: the same answer to many questions, no answer, outliers, items that will not settle.

Each is a hint to look, not a finding: there is no error rate behind it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Literal

import msgspec

from groundwork.core.measure import Result
from groundwork.core.text import fold, shorten
from groundwork.evaluate.figures import has_value
from groundwork.evaluate.registry import Metric

FEWEST = 5
SHARE = 0.02
"""The same answer to at least five questions, and to two in a hundred, is one that does not depend on the question."""
FAR = 6.0
"""Deviations from the median (by the median absolute deviation, on a logarithmic scale) beyond which a value is an outlier."""
ENOUGH = 20

Kind = Literal["same answer", "empty answer", "slow", "long", "dear", "unsettled"]


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, and in which items."""

    kind: Kind
    sentence: str
    examples: tuple[str, ...]


def anomalies(results: Iterable[Result], metrics: Mapping[str, Metric]) -> tuple[Anomaly, ...]:
    """Everything that looks wrong, by kind. Answers that declined on purpose are not counted as the same answer."""
    kept = tuple(results)
    answered = tuple(result for result in kept if result.status == "ok")
    found = [*_same_answers(answered), *_empty(answered), *_outliers(answered), *_unsettled(kept, metrics)]
    return tuple(found)


def _same_answers(results: Sequence[Result]) -> Iterator[Anomaly]:
    asked: dict[str, dict[str, None]] = {}
    for result in results:
        if not result.abstained and result.answer.strip():
            asked.setdefault(fold(result.answer), {})[result.example] = None
    questions = len({result.example for result in results})
    for answer, examples in sorted(asked.items(), key=lambda one: -len(one[1])):
        if len(examples) >= max(FEWEST, math.ceil(SHARE * questions)):
            said = f"{len(examples)} different cases got the same answer: “{shorten(answer, 80)}”"
            yield Anomaly(kind="same answer", sentence=said, examples=tuple(examples))


def _empty(results: Sequence[Result]) -> Iterator[Anomaly]:
    examples = tuple(dict.fromkeys(result.example for result in results if not result.abstained and not result.answer.strip()))
    if examples:
        yield Anomaly(kind="empty answer", sentence=f"{len(examples)} answers hold no text, and were not declined", examples=examples)


def _outliers(results: Sequence[Result]) -> Iterator[Anomaly]:
    measured: dict[Kind, tuple[list[tuple[str, float]], str]] = {
        "slow": ([(one.example, one.seconds) for one in results if not one.kept], "s"),
        "long": ([(one.example, float(len(one.answer))) for one in results], "characters"),
        "dear": ([(one.example, one.cost) for one in results if one.cost is not None], "US dollars"),
    }
    for kind, (values, unit) in measured.items():
        logs = {example: math.log(value) for example, value in values if value > 0}
        if len(logs) < ENOUGH:
            continue
        middle = median(logs.values())
        spread = 1.4826 * median(abs(one - middle) for one in logs.values())  # of normal values: their standard deviation
        far = sorted((example for example, one in logs.items() if spread > 0 and one - middle > FAR * spread), key=lambda name: -logs[name])
        if far:
            most = f"{math.exp(logs[far[0]]):.3g} {unit} where the median is {math.exp(middle):.3g}"
            yield Anomaly(kind=kind, sentence=f"{len(far)} answers are far out ({kind}): up to {most}", examples=tuple(far))


def _unsettled(results: Sequence[Result], metrics: Mapping[str, Metric]) -> Iterator[Anomaly]:
    """Items whose repeats are right once and wrong another time."""
    for name in dict.fromkeys(metric.scorer.name for metric in metrics.values() if metric.scorer.unit == "share"):
        seen: dict[tuple[str, int], Counter[float]] = {}
        for result in results:
            for score in result.scores:
                if score.metric == name and has_value(score) and score.value is not None:
                    seen.setdefault((result.example, result.turn), Counter())[score.value] += 1
        asked = sum(counts.total() > 1 for counts in seen.values())
        examples = tuple(dict.fromkeys(example for (example, _), counts in seen.items() if {0.0, 1.0} <= counts.keys()))
        if examples:
            said = f"{len(examples)} of {asked} repeated cases are right once and wrong another time on `{name}`"
            yield Anomaly(kind="unsettled", sentence=said, examples=examples)
