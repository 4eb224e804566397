"""The values of a metric, one an item, and the figure they come to.

What stands and falls together is not counted twice: repeats and turns of an item are averaged first, items of one cluster widen the interval,
and spot checks weigh by the inverse of the probability with which they were drawn.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate, Result, Score
from groundwork.evaluate.registry import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NONE = 2
"""In a column of 0 and 1: there is no value."""


class Item(NamedTuple):
    """A metric's value of one item: the mean over its repeats and turns."""

    value: float
    cluster: str = ""
    probability: float = 1.0
    """With which it was drawn to be scored."""


class Sample(NamedTuple):
    """What a figure is computed from. `clusters` is None where items are independent, `probabilities` where all were scored."""

    values: Sequence[float]
    clusters: Sequence[int | str] | None = None
    probabilities: Sequence[float] | None = None


class Passes(NamedTuple):
    """Of one item that was asked several times: how often it passed."""

    passed: int
    asked: int


class Columns:
    """The scores of a run, gathered in one pass: a byte an answer for a metric of 0 and 1, eight for any other.

    An answer is known by its place among the cases, not by its id: a million ids are a hundred megabytes.
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._timed = {metric.scorer.name for metric in metrics.values() if metric.scorer.unit == "s"}
        self._columns = {metric.scorer.name: _Column() for metric in metrics.values()}
        self._places = array("I")
        self._repeats: array[int] | None = None
        self._clusters: array[int] | None = None
        self._is_repeated = False

    def add(self, result: Result) -> None:
        """Take up one line of a run."""
        self._is_repeated = self._is_repeated or result.repeat > 0 or result.turn > 0
        if result.cluster and self._clusters is None:
            self._clusters = array("q", (-1 - place for place in self._places))
        if self._clusters is not None:
            self._clusters.append(abs(hash(result.cluster)) if result.cluster else -1 - result.place)
        if result.repeat and self._repeats is None:
            self._repeats = array("H", bytes(2 * len(self._places)))
        if self._repeats is not None:
            self._repeats.append(result.repeat)
        self._places.append(result.place)
        n = len(self._places)
        for score in result.scores:
            column = self._columns.get(score.metric)
            if column is not None and has_value(score) and not (result.kept and score.metric in self._timed):
                column.put(n, score)

    def sample(self, metric: Metric) -> Sample | None:
        """The values of a metric, one an item; None where nothing was scored."""
        column = self._columns[metric.scorer.name]
        if self._is_plain and self._clusters is None and column.probabilities is None:
            plain = column.values()
            return Sample(plain) if len(plain) else None
        values, seen = self._seen(metric)
        if not len(values):
            return None
        clusters = None if self._clusters is None else self._all(self._clusters, "int64")[seen]
        weights = None if column.probabilities is None else self._all(column.probabilities, "float64", fill=1.0)[seen]
        if not self._is_repeated:
            return Sample(_numbers(values), None if clusters is None else clusters.tolist(), None if weights is None else _numbers(weights))
        import numpy as np

        _, first, item, counts = np.unique(
            self._all(self._places, "uint32")[seen], return_index=True, return_inverse=True, return_counts=True
        )
        return Sample(
            _numbers(np.bincount(item, weights=values) / counts),
            None if clusters is None else clusters[first].tolist(),
            None if weights is None else _numbers(weights[first]),
        )

    def rounds(self, metric: Metric) -> list[Sequence[float]]:
        """The values of a metric, answer by answer, one list a repeat: what quantiles are of."""
        if self._is_plain:
            plain = self._columns[metric.scorer.name].values()
            return [plain] if len(plain) else []
        values, seen = self._seen(metric)
        if self._repeats is None or not len(values):
            return [_numbers(values)] if len(values) else []
        repeats = self._all(self._repeats, "uint16")[seen]
        return [_numbers(values[repeats == number]) for number in sorted(set(repeats.tolist()))]

    def passes(self, metric: Metric) -> list[Passes]:
        """For each item of a metric of 0 and 1, how often it passed; empty where nothing was asked twice, or values lie between."""
        if self._repeats is None:
            return []
        import numpy as np

        values, seen = self._seen(metric)
        if not is_binary(_numbers(values)):
            return []
        _, item, counts = np.unique(self._all(self._places, "uint32")[seen], return_inverse=True, return_counts=True)
        passed = np.bincount(item, weights=values)
        return [Passes(int(one), int(asked)) for one, asked in zip(passed, counts, strict=True)]

    @property
    def _is_plain(self) -> bool:
        """Whether every item was asked once: then nothing needs numpy, which takes as much memory as a million answers."""
        return not self._is_repeated

    def _seen(self, metric: Metric) -> "tuple[NDArray[Any], NDArray[np.bool_]]":
        """The values that there are, and which answers have one."""
        import numpy as np

        column = self._columns[metric.scorer.name]
        if column.wide is None:
            narrow = self._all(column.narrow, "uint8", fill=_NONE)
            seen = narrow != _NONE
            return narrow[seen], seen
        wide = self._all(column.wide, "float64", fill=math.nan)
        seen = ~np.isnan(wide)
        return wide[seen], seen

    def _all(self, column: "array[int] | array[float] | bytearray", kind: str, *, fill: float = 0.0) -> "NDArray[Any]":
        """A column as long as there are answers: those after the last value have none."""
        import numpy as np

        known = np.frombuffer(column, dtype=kind) if len(column) else np.empty(0, dtype=kind)
        missing = len(self._places) - len(known)
        return np.concatenate([known, np.full(missing, fill, dtype=kind)]) if missing else known


class _Column:
    """One scorer's values: bytes while all are 0 or 1, doubles from the first that is neither."""

    def __init__(self) -> None:
        self.narrow = bytearray()
        self.wide: array[float] | None = None
        self.probabilities: array[float] | None = None

    def values(self) -> "array[float] | array[int]":
        """Those that there are, in the order of the answers."""
        if self.wide is None:
            return array("B", (one for one in self.narrow if one != _NONE))
        return array("d", (one for one in self.wide if not math.isnan(one)))

    def put(self, number: int, score: Score) -> None:
        """The value of answer `number`, from 1. A later score of the same answer replaces an earlier one."""
        value = score.value if score.value is not None else math.nan
        if self.wide is None and value not in {0.0, 1.0}:
            self.wide = array("d", (math.nan if one == _NONE else float(one) for one in self.narrow))
            self.narrow = bytearray()
        if self.wide is None:
            self.narrow.extend(b"\2" * (number - len(self.narrow)))
            self.narrow[number - 1] = int(value)
        else:
            _extend(self.wide, number, math.nan)
            self.wide[number - 1] = value
        if score.probability < 1 and self.probabilities is None:
            self.probabilities = array("d")
        if self.probabilities is not None:
            _extend(self.probabilities, number, 1.0)
            self.probabilities[number - 1] = score.probability


def _extend(column: "array[float]", length: int, fill: float) -> None:
    column.extend([fill] * (length - len(column)))


def _numbers(values: "NDArray[Any]") -> "array[float] | array[int]":
    """Bytes or doubles, without numpy's own objects around each of them."""
    return array("B" if values.dtype == "uint8" else "d", values.tobytes())


def has_value(score: Score) -> bool:
    return score.status == "ok" and score.value is not None


def is_binary(values: Sequence[float]) -> bool:
    """Whether all values are 0 or 1."""
    return all(value in {0.0, 1.0} for value in values)


def columns_of(results: Iterable[Result], metrics: Mapping[str, Metric]) -> Columns:
    """All results, read once."""
    columns = Columns(metrics)
    for result in results:
        columns.add(result)
    return columns


def figures_of(columns: Columns, metrics: Mapping[str, Metric], *, level: float = 0.95) -> dict[str, Estimate]:
    """The figure of each metric that scored anything; and pass@k and pass^k where 0/1 metrics were asked k times."""
    figures: dict[str, Estimate] = {}
    for metric in metrics.values():
        if metric.percent is not None:
            rounds = columns.rounds(metric)
            if rounds:
                figures[metric.name] = percentile(rounds, metric.percent, level=level)
            continue
        sample = columns.sample(metric)
        if sample is None:
            continue
        figures[metric.name] = estimate(sample, metric, level=level)
        figures |= dict(_powers(metric.name, columns.passes(metric), level))
    return figures


def estimate(sample: Sample | Sequence[float], metric: Metric, *, level: float = 0.95) -> Estimate:
    """The figure of a metric from its values, one an item, by the method that fits them. Raises InputError for no values."""
    values, clusters, probabilities = sample if isinstance(sample, Sample) else Sample(sample)
    if metric.percent is not None:
        return statistics.quantile(values, metric.percent / 100, level=level)
    bounds = metric.scorer.bounds
    if probabilities is not None and min(probabilities) < max(probabilities):  # equal ones weigh nothing; clusters widen no weighted mean
        return statistics.weighted_mean(values, probabilities, bounds=bounds, level=level)
    if clusters is not None:
        return statistics.clustered_mean(values, clusters, bounds=bounds, level=level)
    if metric.scorer.unit == "share" and is_binary(values):
        return statistics.proportion(math.fsum(values), len(values), level=level)
    return statistics.mean(values, bounds=bounds, level=level)


def percentile(rounds: Sequence[Sequence[float]], percent: int, *, level: float = 0.95) -> Estimate:
    """A percentile of answers. With repeats, value and limits are the means over the repeats' own.

    The repeats of an item are not independent, so that their limits are averaged and not narrowed; clusters are not taken into account.
    """
    each = [statistics.quantile(values, percent / 100, level=level) for values in rounds]
    if len(each) == 1:
        return each[0]
    value, low, high = (math.fsum(ends) / len(each) for ends in zip(*((one.value, one.low, one.high) for one in each), strict=True))
    sides = [side for side in ("below", "above") if any(statistics.is_open(one, side) for one in each)]
    method = f"order statistics, mean of {len(each)} repeats" + (f", {statistics.OPEN} {' and '.join(sides)}" if sides else "")
    return Estimate(value=value, low=low, high=high, n=max(one.n for one in each), method=method, level=level)


def _powers(name: str, passes: Sequence[Passes], level: float) -> Iterator[tuple[str, Estimate]]:
    """For k from 2 to the number of repeats, the chance that one of k tries passes (pass@k), and that all do (pass^k)."""
    most = min((one.asked for one in passes), default=0)
    for k in sorted({2, most} if most >= 2 else ()):
        counts = [(one.asked, one.passed) for one in passes]
        yield f"{name}.pass@{k}", statistics.pass_at(k, counts, level=level)
        yield f"{name}.pass^{k}", statistics.pass_all(k, counts, level=level)


# -- by the item's name, where two runs are held side by side


def items_of(results: Iterable[Result], metric: Metric) -> dict[str, Item]:
    """A metric's value for each example that has one, in the order of the results."""
    found: dict[str, list[float]] = {}
    about: dict[str, tuple[str, float]] = {}
    timed = metric.scorer.unit == "s"
    for result in results:
        for score in result.scores:
            if score.metric == metric.scorer.name and score.value is not None and has_value(score) and not (timed and result.kept):
                found.setdefault(result.example, []).append(score.value)
                about[result.example] = (result.cluster, score.probability)
    return {example: Item(math.fsum(values) / len(values), *about[example]) for example, values in found.items()}


def values_of(results: Iterable[Result], metric: Metric) -> dict[str, float]:
    """A metric's value for each example that has one: the mean over its repeats and turns."""
    return {example: item.value for example, item in items_of(results, metric).items()}


def clusters_of(items: Mapping[str, Item]) -> list[str] | None:
    """The cluster of each item, its own where it names none; None where no item names one."""
    if not any(item.cluster for item in items.values()):
        return None
    return [f"cluster {item.cluster}" if item.cluster else f"item {example}" for example, item in items.items()]


def sample_of(items: Mapping[str, Item]) -> Sample:
    """Items as a figure is computed from them."""
    probabilities = [item.probability for item in items.values()]
    values = [item.value for item in items.values()]
    return Sample(values, clusters_of(items), probabilities if min(probabilities, default=1.0) < 1 else None)


def figure_of(items: Mapping[str, Item], metric: Metric, *, level: float = 0.95) -> Estimate:
    """The figure of a metric over these items. Raises InputError where there are none."""
    if not items:
        raise InputError(f"nothing was scored on `{metric.name}`", fix="see why in the run's list of what was not scored")
    return estimate(sample_of(items), metric, level=level)


def if_wrong(figure: Estimate, unread: int, metric: Metric, *, repeats: int = 1) -> float | None:
    """What a share would be, were all unread answers wrong; None where nothing was unread, or the metric is no share."""
    if not unread or metric.scorer.bounds is None or metric.percent is not None:
        return None
    worst = metric.scorer.bounds[0 if metric.scorer.better == "higher" else 1]
    read = figure.n * repeats
    return (figure.value * read + worst * unread) / (read + unread)


def rescaled(figure: Estimate, factor: float) -> Estimate:
    """An estimate in another unit."""
    return msgspec.structs.replace(figure, value=figure.value * factor, low=figure.low * factor, high=figure.high * factor)
