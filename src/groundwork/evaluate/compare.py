"""Two runs over the same cases, item by item. Pairing takes the difficulty of the items out, so that fewer of them tell a difference.

Each metric gets a difference with its interval, a test that fits its values, and the smallest difference that these items could have shown.
A winner is named only where the test holds after Holm's correction over all metrics, and the interval leaves out 0.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics import Significance
from groundwork.evaluate.comparable import check_same_cases, notes_on, scored_otherwise, status_counts
from groundwork.evaluate.figures import Sample, clusters_of, columns_of, estimate, is_binary, items_of, percentile
from groundwork.evaluate.registry import Metric, Unit
from groundwork.evaluate.report import Evaluated

if TYPE_CHECKING:
    from groundwork.core.statistics.bootstrap import Floats, Statistic

DRAWS = 10_000
_AT_MOST = 20_000_000
"""Numbers that a bootstrap draws; of very many items it takes fewer samples, and 1,000 at least."""

Winner = Literal["A", "B", ""]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of B less that of A, over the items that both scored."""

    metric: str
    unit: Unit
    before: Estimate
    after: Estimate
    difference: Estimate
    bootstrap: Estimate | None
    """The paired bootstrap's interval, to hold beside the other; None for fewer than two items."""
    test: Significance
    adjusted: float
    """The test's p after Holm's correction over all metrics of the comparison."""
    winner: Winner
    sentence: str
    more_items: int | None
    """Where no winner is: how many more items would show the observed difference, were it the true one."""
    detectable: float | None
    """The smallest true difference that these items show four times in five; None where their spread says nothing."""
    unread: tuple[int, int] = (0, 0)
    """Answers of A and of B that this metric could not read: they are in no pair."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Run A and run B. `pairs` items have an answer in both; those of `only_a` and `only_b` broke, or are missing, in the other."""

    a: str
    b: str
    pairs: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    neither: int
    differences: tuple[Difference, ...]
    statuses: dict[str, tuple[int, int]] = {}
    """How many answers of A and of B had each status."""
    left_out: tuple[str, ...] = ()
    """Metrics that were not scored alike in both runs, and how."""
    notes: tuple[str, ...] = ()
    """What else differs, and may be the reason of a difference."""


class Pairs(NamedTuple):
    """A metric's values in both runs, for the items that both scored. `clusters` is None where items are independent."""

    before: list[float]
    after: list[float]
    clusters: list[str] | None = None

    @property
    def differences(self) -> list[float]:
        return [new - old for old, new in zip(self.before, self.after, strict=True)]


def compare(a: Evaluated, b: Evaluated, metrics: dict[str, Metric], *, level: float = 0.95) -> Comparison:
    """Every metric that both runs scored alike, B less A. Raises InputError for runs over other cases, or without an item in common."""
    check_same_cases(a, b)
    answered_a, answered_b = _answered(a), _answered(b)
    both = answered_a & answered_b
    if not both:
        raise InputError(f"{a.run.id} and {b.run.id} have no answered item in common", fix="let both runs finish")
    everything = {result.example for evaluated in (a, b) for result in evaluated.results}
    unlike = {name: said for name, metric in metrics.items() if (said := scored_otherwise(a.run, b.run, metric))}
    alike = [metric for name, metric in metrics.items() if name not in unlike]
    statuses_a, statuses_b = status_counts(a.results), status_counts(b.results)
    return Comparison(
        a=a.run.id,
        b=b.run.id,
        pairs=len(both),
        only_a=tuple(sorted(answered_a - answered_b)),
        only_b=tuple(sorted(answered_b - answered_a)),
        neither=len(everything - answered_a - answered_b),
        differences=differences_of([(a, b, metric) for metric in alike], level=level),
        statuses={name: (statuses_a.get(name, 0), statuses_b.get(name, 0)) for name in {**statuses_a, **statuses_b}},
        left_out=tuple(unlike.values()),
        notes=tuple(notes_on(a, b)),
    )


def differences_of(asked: Iterable[tuple[Evaluated, Evaluated, Metric]], *, level: float = 0.95) -> tuple[Difference, ...]:
    """The differences asked for, each corrected for all of them together. One that no item was scored for in both runs is left out."""
    scored = [(a, b, metric, pairs) for a, b, metric in asked if (pairs := pairs_of(a, b, metric)).before]
    found = [_measure(a, b, metric, pairs, level) for a, b, metric, pairs in scored]
    adjusted = statistics.holm([one.test.p for one in found])
    each = statistics.simultaneous_level(level, max(1, len(found)))
    return tuple(_judge(one, metric, p, pairs, each, level) for one, (_, _, metric, pairs), p in zip(found, scored, adjusted, strict=True))


def pairs_of(a: Evaluated, b: Evaluated, metric: Metric) -> Pairs:
    """A metric's values in both runs, for the items that both scored, in the order of A; repeats and turns of an item are averaged."""
    before, after = items_of(a.results, metric), items_of(b.results, metric)
    both = {example: item for example, item in before.items() if example in after}
    return Pairs([item.value for item in both.values()], [after[example].value for example in both], clusters_of(both))


def paired_estimate(pairs: Pairs, metric: Metric, *, level: float = 0.95) -> Estimate:
    """The mean of after less before, with the interval that fits values and clusters: Tango's for items that are right or wrong, else t."""
    bounds = metric.scorer.bounds
    if pairs.clusters is not None:
        return statistics.clustered_difference(pairs.before, pairs.after, pairs.clusters, bounds=bounds, level=level)
    if bounds is None or (is_binary(pairs.before) and is_binary(pairs.after)):
        return statistics.paired_difference(pairs.before, pairs.after, bounds=bounds, level=level)
    width = bounds[1] - bounds[0]
    found = statistics.mean(pairs.differences, bounds=(-width, width), level=level)
    return msgspec.structs.replace(found, method=f"paired {found.method}")


class _Measured(NamedTuple):
    """A difference before it is known how many others stand beside it."""

    before: Estimate
    after: Estimate
    difference: Estimate
    bootstrap: Estimate | None
    test: Significance
    unread: tuple[int, int]


def _answered(evaluated: Evaluated) -> set[str]:
    return {result.example for result in evaluated.results if result.status != "error"}


def _measure(a: Evaluated, b: Evaluated, metric: Metric, pairs: Pairs, level: float) -> _Measured:
    unread = (_unread(a, metric), _unread(b, metric))
    if metric.percent is not None:
        return _measure_percentile(a, b, metric, metric.percent, pairs, level, unread)
    one, other = (estimate(Sample(values, pairs.clusters), metric, level=level) for values in (pairs.before, pairs.after))
    return _Measured(one, other, paired_estimate(pairs, metric, level=level), _bootstrap(pairs, None, level), paired_test(pairs), unread)


def _measure_percentile(
    a: Evaluated, b: Evaluated, metric: Metric, percent: int, pairs: Pairs, level: float, unread: tuple[int, int]
) -> _Measured:
    """Percentiles are of answers: their interval comes from both runs' own, and the test swaps the runs' answers item by item."""
    import numpy as np

    def percentiles(samples: "Floats") -> "Floats":
        return np.quantile(samples, percent / 100, axis=-1)

    one, other = (percentile(_rounds(x, y, metric), percent, level=level) for x, y in ((a, b), (b, a)))
    test, drawn = _swap_test(pairs, percentiles), _bootstrap(pairs, percentiles, level)
    return _Measured(one, other, statistics.contrast(other, one), drawn, test, unread)


def _rounds(evaluated: Evaluated, other: Evaluated, metric: Metric) -> list[Sequence[float]]:
    """A run's values answer by answer, of items that the other run scored too."""
    shared = items_of(other.results, metric)
    columns = columns_of((result for result in evaluated.results if result.example in shared), {metric.name: metric})
    return columns.rounds(metric)


def _swap_test(pairs: Pairs, statistic: "Statistic") -> Significance:
    """Does a statistic of the values differ? Were the runs alike, the two values of any item (of a cluster: all) could as well be swapped.

    `statistic` takes rows of values. Source: as of `permutation_test`, for another statistic than the mean.
    """
    import numpy as np

    before, after = np.array(pairs.before), np.array(pairs.after)
    n = len(before)
    names = {name: place for place, name in enumerate(dict.fromkeys(pairs.clusters or range(n)))}
    cluster = np.array([names[name] for name in pairs.clusters or range(n)])
    observed = float(statistic(after[None])[0] - statistic(before[None])[0])
    chooser, draws, extreme = np.random.default_rng(0), _draws(n), 1
    for start in range(0, draws, 1_000):
        swapped = chooser.integers(0, 2, (min(1_000, draws - start), len(names)), dtype=np.int8)[:, cluster] == 1
        found = statistic(np.where(swapped, before, after)) - statistic(np.where(swapped, after, before))
        extreme += int((np.abs(found) >= abs(observed) * (1 - 1e-9)).sum())
    return Significance(p=extreme / (1 + draws), statistic=observed, n=n, method=f"paired permutation, {draws} draws")


def _draws(n: int) -> int:
    return max(1_000, min(DRAWS, _AT_MOST // n))


def paired_test(pairs: Pairs) -> Significance:
    """McNemar's for items that are right or wrong, else a permutation of signs; of whole clusters where there are any."""
    differences = pairs.differences
    if pairs.clusters is None and is_binary(pairs.before) and is_binary(pairs.after):
        gained, lost = sum(one > 0 for one in differences), sum(one < 0 for one in differences)
        return Significance(p=statistics.mcnemar(gained, lost), statistic=gained - lost, n=len(differences), method="McNemar, exact")
    return statistics.permutation_test(differences, clusters=pairs.clusters, draws=DRAWS)


def _bootstrap(pairs: Pairs, statistic: "Statistic | None", level: float) -> Estimate | None:
    n = len(pairs.before)
    if n < 2:
        return None
    kind = "bca" if statistic is None else "percentile"
    clusters = pairs.clusters if statistic is None else None
    return statistics.paired_bootstrap(pairs.before, pairs.after, statistic, clusters=clusters, kind=kind, draws=_draws(n), level=level)


def _unread(evaluated: Evaluated, metric: Metric) -> int:
    return sum(
        score.metric == metric.scorer.name and score.status in {"unparseable", "error"}
        for result in evaluated.results
        for score in result.scores
    )


# -- what it comes to


def _judge(one: _Measured, metric: Metric, adjusted: float, pairs: Pairs, each: float, level: float) -> Difference:
    """A difference with its verdict. `each` is the level at which it must stand for all to hold together."""
    held = adjusted <= 1 - level
    winner = _winner(one.difference, metric) if held else ""
    more, detectable = (None, None) if metric.percent is not None else _items(pairs, metric, each)
    more = None if winner else more
    return Difference(
        metric=metric.name,
        unit=metric.scorer.unit,
        before=one.before,
        after=one.after,
        difference=one.difference,
        bootstrap=one.bootstrap,
        test=one.test,
        adjusted=adjusted,
        winner=winner,
        sentence=_sentence(one.difference, metric, winner, more, corrected_away=one.test.p <= 1 - level and not held),
        more_items=more,
        detectable=detectable,
        unread=one.unread,
    )


def _items(pairs: Pairs, metric: Metric, level: float) -> tuple[int | None, float | None]:
    """How many more items would tell the observed difference, and which difference these can tell."""
    differences = pairs.differences
    n = len(differences)
    effect = 1.0 if pairs.clusters is None else max(1.0, statistics.clustering(differences, pairs.clusters).design_effect)
    more = statistics.items_to_tell(differences, level=level)
    if more is not None:
        more = max(1, math.ceil((n + more) * effect) - n)
    effective = max(1, round(n / effect))
    if metric.scorer.bounds is not None and is_binary(pairs.before) and is_binary(pairs.after):
        return more, _detectable_share(effective, math.fsum(map(abs, differences)) / n, level)
    centre = math.fsum(differences) / n
    deviation = math.sqrt(math.fsum((one - centre) ** 2 for one in differences) / max(1, n - 1))
    if deviation <= 0:
        return more, None
    return more, statistics.detectable_difference(effective, deviation=deviation, level=level).difference


def _detectable_share(n: int, discordance: float, level: float) -> float | None:
    """The smallest difference of shares that n items show, at the observed discordance or the least one that can hold such a difference."""
    share = max(discordance, 1 / n)
    while share <= 1:
        found = statistics.detectable_difference(n, discordance=share, level=level).difference
        if math.isfinite(found):
            return found
        share *= 1.05
    return None


def _rises(difference: Estimate) -> bool:
    return difference.low > 0 and not statistics.is_open(difference, "below")


def _falls(difference: Estimate) -> bool:
    return difference.high < 0 and not statistics.is_open(difference, "above")


def _winner(difference: Estimate, metric: Metric) -> Winner:
    rises = _rises(difference)
    if not rises and not _falls(difference):
        return ""
    return "B" if rises == (metric.scorer.better == "higher") else "A"


def _sentence(difference: Estimate, metric: Metric, winner: str, more: int | None, *, corrected_away: bool) -> str:
    if winner:
        low, high = sorted((abs(difference.low), abs(difference.high)))
        size = in_words(abs(difference.value), metric.scorer.unit)
        return f"{winner} is better by {size} [{_bare(low, metric.scorer.unit)}, {_bare(high, metric.scorer.unit)}]"
    if difference.value == 0 and metric.percent is None:
        return "not distinguishable: no difference seen"
    why = "not distinguishable" + (" beside the other metrics" if corrected_away else "")
    return why if more is None else f"{why}; {more} more {'item' if more == 1 else 'items'} needed"


def in_words(value: float, unit: Unit) -> str:
    """An amount with its unit: shares in points of a hundred."""
    return f"{_bare(value, unit)} {'points' if unit == 'share' else unit}"


def _bare(value: float, unit: Unit) -> str:
    if unit == "share":
        return f"{100 * value:.1f}"
    return f"{value:.3g}"
