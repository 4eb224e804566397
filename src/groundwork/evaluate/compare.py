"""Two runs over the same cases, item by item. Pairing takes the difficulty of the items out, so that fewer of them tell a difference."""

from typing import Literal, NamedTuple

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.evaluate.registry import Metric, Unit
from groundwork.evaluate.report import Evaluated, estimate, values_of


class Difference(NamedTuple):
    """One metric of B less that of A, over the items that both scored."""

    metric: str
    before: Estimate
    after: Estimate
    difference: Estimate
    winner: Literal["A", "B", ""]
    sentence: str
    more_items: int | None
    """Where no winner is: how many more items would show the observed difference, were it the true one."""


class Comparison(NamedTuple):
    """Run A and run B. `pairs` items have an answer in both; those of `only_a` and `only_b` broke, or are missing, in the other."""

    a: str
    b: str
    pairs: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    neither: int
    differences: tuple[Difference, ...]


def compare(a: Evaluated, b: Evaluated, metrics: dict[str, Metric], *, level: float = 0.95) -> Comparison:
    """Every metric that both runs scored, B less A. Raises InputError for runs over other cases, or without an item in common."""
    check_same_cases(a, b)
    answered_a, answered_b = _answered(a), _answered(b)
    both = answered_a & answered_b
    if not both:
        raise InputError(f"{a.run.id} and {b.run.id} have no answered item in common", fix="let both runs finish")
    everything = {result.example for evaluated in (a, b) for result in evaluated.results}
    found = (_difference(a, b, metric, level) for metric in metrics.values())
    return Comparison(
        a=a.run.id,
        b=b.run.id,
        pairs=len(both),
        only_a=tuple(sorted(answered_a - answered_b)),
        only_b=tuple(sorted(answered_b - answered_a)),
        neither=len(everything - answered_a - answered_b),
        differences=tuple(difference for difference in found if difference is not None),
    )


def check_same_cases(a: Evaluated, b: Evaluated) -> None:
    """Raises InputError where two runs were not over the same cases."""
    if a.run.suite_sha256 != b.run.suite_sha256:
        raise InputError(
            f"{a.run.id} ({a.run.suite}) and {b.run.id} ({b.run.suite}) were run over different cases",
            fix="run both over the suite as it is now",
        )
    if a.run.split != b.run.split:
        raise InputError(
            f"{a.run.id} was run over the split {a.run.split or 'all'!r} and {b.run.id} over {b.run.split or 'all'!r}",
            fix="run both over the same split",
        )


def pairs_of(a: Evaluated, b: Evaluated, metric: Metric) -> tuple[list[float], list[float]]:
    """A metric's values in both runs, for the items that both scored, in the order of A."""
    before, after = values_of(a.results, metric), values_of(b.results, metric)
    both = [example for example in before if example in after]
    return [before[example] for example in both], [after[example] for example in both]


def _answered(evaluated: Evaluated) -> set[str]:
    return {result.example for result in evaluated.results if result.status != "error"}


def _difference(a: Evaluated, b: Evaluated, metric: Metric, level: float) -> Difference | None:
    before, after = pairs_of(a, b, metric)
    if not before:
        return None
    one, other = estimate(before, metric, level=level), estimate(after, metric, level=level)
    more: int | None = None
    if metric.percent is not None:
        difference = statistics.contrast(other, one)
    else:
        difference = statistics.paired_difference(before, after, bounds=(0.0, 1.0) if metric.scorer.unit == "share" else None, level=level)
        more = statistics.items_to_tell([new - old for old, new in zip(before, after, strict=True)], level=level)
    winner = _winner(difference, metric)
    more = None if winner else more
    return Difference(metric.name, one, other, difference, winner, _sentence(difference, metric, winner, more), more)


def _winner(difference: Estimate, metric: Metric) -> Literal["A", "B", ""]:
    rises = difference.low > 0 and not statistics.is_open(difference, "below")
    falls = difference.high < 0 and not statistics.is_open(difference, "above")
    if not rises and not falls:
        return ""
    return "B" if rises == (metric.scorer.better == "higher") else "A"


def _sentence(difference: Estimate, metric: Metric, winner: str, more: int | None) -> str:
    if winner:
        low, high = sorted((abs(difference.low), abs(difference.high)))
        size = in_words(abs(difference.value), metric.scorer.unit)
        return f"{winner} is better by {size} [{_bare(low, metric.scorer.unit)}, {_bare(high, metric.scorer.unit)}]"
    if difference.value == 0 and metric.percent is None:
        return "not distinguishable: no difference seen"
    if more is None:
        return "not distinguishable"
    return f"not distinguishable; {more} more items needed"


def in_words(value: float, unit: Unit) -> str:
    """An amount with its unit: shares in points of a hundred."""
    return f"{_bare(value, unit)} {'points' if unit == 'share' else unit}"


def _bare(value: float, unit: Unit) -> str:
    if unit == "share":
        return f"{100 * value:.1f}"
    return f"{value:.3g}"
