"""A figure held against a limit: decided by the bound of its interval, never by the figure itself."""

import math

from groundwork.core import statistics
from groundwork.core.measure import Decision, Estimate
from groundwork.evaluate.registry import Metric, Unit


def within(figure: Estimate, limit: float, *, at_most: bool) -> Decision:
    """Pass where the whole interval is at most (or at least) the limit, fail where none of it is, else undecided."""
    near, far = (figure.high, figure.low) if at_most else (figure.low, figure.high)
    if (near <= limit if at_most else near >= limit) and not statistics.is_open(figure, "above" if at_most else "below"):
        return "pass"
    if (far > limit if at_most else far < limit) and not statistics.is_open(figure, "below" if at_most else "above"):
        return "fail"
    return "undecided"


def items_to_reach(figure: Estimate, limit: float, metric: Metric, *, at_most: bool) -> int | None:
    """More items that would decide four times in five, if the observed figure is the true one; None where that is on the wrong side."""
    distance = limit - figure.value if at_most else figure.value - limit
    if distance <= 0:
        return None
    level = 0.5 + figure.level / 2
    if statistics.is_open(figure, "above" if at_most else "below"):
        tail = 0.5 if metric.percent is None else (metric.percent if at_most else 100 - metric.percent) / 100
        return max(1, math.ceil(math.log(1 - level) / math.log(tail)) - figure.n)
    half = (figure.high - figure.value) if at_most else (figure.value - figure.low)
    stretch = 1 + statistics.normal_quantile(statistics.POWER) / statistics.normal_quantile(level)
    return max(1, math.ceil(figure.n * (half * stretch / distance) ** 2) - figure.n)


def str_of(figure: Estimate, metric: Metric) -> str:
    """A figure with its interval and n, as a sentence says it."""
    unit = metric.scorer.unit
    numbers = (str_of_number(number, unit, bare=True) for number in (figure.value, figure.low, figure.high))
    return "{}{} [{}, {}] (n = {})".format(next(numbers), "" if unit == "share" else f" {unit}", *numbers, figure.n)


def str_of_number(number: float, unit: Unit, *, bare: bool = False) -> str:
    """A number in a metric's unit."""
    text = f"{number:.3f}" if unit == "share" else f"{number:.3g}"
    return text if bare or unit == "share" else f"{text} {unit}"
