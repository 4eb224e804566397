"""How often one run's answer is better than another's, item by item: ties count half, and longer answers are held against equally long ones."""

import math
from collections.abc import Iterable

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate, Result
from groundwork.core.statistics import WinRate
from groundwork.evaluate.comparable import check_same_cases
from groundwork.evaluate.figures import clusters_of, items_of
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.report import Evaluated


class Won(msgspec.Struct, frozen=True, kw_only=True):
    """How often B beats A on a metric. Lengths are of the answers, in characters."""

    metric: str
    a: str
    b: str
    rate: WinRate
    at_equal_length: Estimate | None
    """What the rate would be for answers of equal length; None where lengths or outcomes do not differ."""
    by_length: dict[str, Estimate]
    """The rate where B's answer is shorter, about as long, and longer."""
    mean_lengths: tuple[float, float]
    sentence: str


def win_rate(a: Evaluated, b: Evaluated, metric: Metric, *, tie: float = 1e-9, level: float = 0.95) -> Won:
    """The share of items on which B is better than A, a tie as half. Values that differ by at most `tie` are tied.

    Repeats are averaged before they are compared. Raises InputError for runs over other cases, or where no item was scored in both.
    """
    check_same_cases(a, b)
    old, new = items_of(a.results, metric), items_of(b.results, metric)
    both = {example: item for example, item in old.items() if example in new}
    if not both:
        raise InputError(f"no item was scored on `{metric.name}` in both runs", fix="name a metric that both runs were scored on")
    sign = 1 if metric.scorer.better == "higher" else -1
    preferences = [preference(sign * (new[example].value - item.value), tie) for example, item in both.items()]
    clusters = clusters_of(both)
    rate = statistics.win_rate(preferences, clusters=clusters, level=level)
    length_a, length_b = _lengths(a.results), _lengths(b.results)
    ours, theirs = [length_b[example] for example in both], [length_a[example] for example in both]
    return Won(
        metric=metric.name,
        a=a.run.id,
        b=b.run.id,
        rate=rate,
        at_equal_length=_at_equal_length(preferences, ours, theirs, level),
        by_length=statistics.win_rate_by_length(preferences, ours, theirs, level=level),
        mean_lengths=(math.fsum(theirs) / len(theirs), math.fsum(ours) / len(ours)),
        sentence=_sentence(rate),
    )


def preference(difference: float, tie: float = 1e-9) -> float:
    """1 where a difference is a win, 0 where it is a loss, and a half for a tie."""
    return 0.5 if abs(difference) <= tie else float(difference > 0)


def _lengths(results: Iterable[Result]) -> dict[str, float]:
    """Characters of each item's answer, over repeats and turns the mean."""
    found: dict[str, list[int]] = {}
    for result in results:
        found.setdefault(result.example, []).append(len(result.answer))
    return {example: math.fsum(lengths) / len(lengths) for example, lengths in found.items()}


def _at_equal_length(preferences: list[float], ours: list[float], theirs: list[float], level: float) -> Estimate | None:
    differ = {one - other for one, other in zip(ours, theirs, strict=True)}
    if len(differ) < 2 or len(set(preferences)) < 2:
        return None
    return statistics.length_controlled_win_rate(preferences, ours, theirs, level=level)


def _sentence(rate: WinRate) -> str:
    counts = f"{rate.wins} won, {rate.ties} tied, {rate.losses} lost"
    shown = f"{rate.rate.value:.1%} [{rate.rate.low:.1%}, {rate.rate.high:.1%}]"
    if rate.rate.low > 0.5:
        return f"B wins {shown} ({counts})"
    if rate.rate.high < 0.5:
        return f"A wins: B has {shown} ({counts})"
    return f"not distinguishable from even: B has {shown} ({counts})"
