"""May a change be released? Decided on the bounds of intervals, never on the figures themselves.

Each requirement holds where its one-sided 95 % bound says so, fails where the other bound says it cannot, and is undecided between. All must
hold, so no correction for their number is needed: together they let a bad change through no more often than each alone (R. L. Berger,
Technometrics 24 (1982), 295-300). Not covered: asking again and again while items are added. Plan the items first; the sentences say how
many it takes.
"""

import math
from typing import NamedTuple

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Decision, Estimate, GateResult, Ruling
from groundwork.evaluate.compare import check_same_cases, pairs_of
from groundwork.evaluate.config import GateSection, Requirement, parse_requirements
from groundwork.evaluate.registry import Metric, Unit
from groundwork.evaluate.report import Evaluated, estimate, values_of

LEVEL = 0.95
"""Of each one-sided bound; two-sided intervals of 90 % have the same limits."""
_TWO_SIDED = 0.9


def gate(
    candidate: Evaluated, current: Evaluated, section: GateSection, metrics: dict[str, Metric], *, at: float, where: str = ""
) -> GateResult:
    """Hold a candidate's run against the run of what serves now.

    Both must be finished, over the same cases and the gate's split. A case that broke in either run leaves a requirement undecided that would
    have passed: what was not seen is not counted as good. Raises InputError for runs that cannot be held against each other, ConfigError for
    a requirement that cannot be read (`where` says where it stands).
    """
    requirements = parse_requirements(section, metrics, where)
    _check(candidate, current, section)
    broken = {result.example for run in (candidate, current) for result in run.errors}
    rulings = tuple(_settle(_rule(requirement, candidate, current, section), requirement.text, len(broken)) for requirement in requirements)
    decisions = {ruling.decision for ruling in rulings}
    decision: Decision = "fail" if "fail" in decisions else "undecided" if "undecided" in decisions else "pass"
    return GateResult(
        decision=decision,
        run=candidate.run.id,
        current=current.run.id,
        margin=section.margin,
        rulings=rulings,
        at=at,
        change=candidate.run.change,
    )


class _Finding(NamedTuple):
    decision: Decision
    sentence: str
    estimate: Estimate | None
    more: int | None = None


def _check(candidate: Evaluated, current: Evaluated, section: GateSection) -> None:
    check_same_cases(current, candidate)
    if candidate.run.id == current.run.id:
        raise InputError("a run cannot be held against itself", fix="evaluate the change, then what serves now")
    for evaluated in (candidate, current):
        run = evaluated.run
        if run.split != section.split:
            split = section.split or "all"
            raise InputError(
                f"{run.id} was run over the split {run.split or 'all'!r}, and the gate decides on {split!r}", fix="run it over that split"
            )
        if run.finished is None:
            raise InputError(f"{run.id} is not finished", fix=f"resume it: `groundwork eval --resume {run.id}`")
    if {result.example for result in candidate.results} != {result.example for result in current.results}:
        raise InputError("the two runs have results for different items", fix="evaluate both again")


def _settle(finding: _Finding, text: str, broken: int) -> Ruling:
    """A finding as the ruling on its requirement; broken cases take a pass away."""
    decision, sentence, more = finding.decision, finding.sentence, finding.more
    if broken and decision == "pass":
        decision, more = "undecided", None
        sentence = f"{sentence}; but {broken} {'item' if broken == 1 else 'items'} broke: ask again with --retry-errors"
    return Ruling(requirement=text, decision=decision, sentence=sentence, estimate=finding.estimate, more_items=more)


def _rule(requirement: Requirement, candidate: Evaluated, current: Evaluated, section: GateSection) -> _Finding:
    metric = requirement.metric
    before, after = pairs_of(current, candidate, metric)
    if not after:
        values = values_of(candidate.results, metric)
        if not values or requirement.relative or requirement.kind == "not_inferior":
            return _Finding("undecided", f"no item was scored on `{metric.name}` in both runs", None)
    if requirement.kind == "not_inferior":
        return _not_inferior(metric, before, after, section.margin)
    if requirement.relative:
        return _relative(requirement, before, after)
    values = list(values_of(candidate.results, metric).values())
    figure = estimate(values, metric, level=_TWO_SIDED)
    return _limit(requirement, figure, requirement.number, str_of(figure, metric), str_of_number(requirement.number, metric.scorer.unit))


def _not_inferior(metric: Metric, before: list[float], after: list[float], margin: float) -> _Finding:
    sign = 1 if metric.scorer.better == "higher" else -1
    differences = [sign * (new - old) for old, new in zip(before, after, strict=True)]
    decision, figure, more = statistics.non_inferiority(differences, margin, level=LEVEL)
    limits = f"[{100 * figure.low:+.1f}, {100 * figure.high:+.1f}]"
    better = f"{100 * figure.value:+.1f} points {limits} (positive is better) on {figure.n} paired items"
    allowed = f"the margin of {100 * margin:g}"
    if decision == "pass":
        return _Finding(decision, f"{better}: not worse by {allowed}", figure)
    if decision == "fail":
        return _Finding(decision, f"{better}: worse by more than {allowed}", figure)
    hint = (
        f"{more} more items would decide for an equal change" if more else "the change looks worse than allowed: more items are no remedy"
    )
    return _Finding(decision, f"{better}: undecided at {allowed}; {hint}", figure, more)


def _relative(requirement: Requirement, before: list[float], after: list[float]) -> _Finding:
    """Decided on the interval of candidate less k times current: paired for means, recovered from both intervals for quantiles."""
    metric, factor = requirement.metric, requirement.number
    if metric.percent is not None:
        figure = statistics.contrast(estimate(after, metric, level=_TWO_SIDED), estimate(before, metric, level=_TWO_SIDED), factor=factor)
    else:
        differences = [new - factor * old for old, new in zip(before, after, strict=True)]
        bounds = (-factor, 1.0) if metric.scorer.unit == "share" else None
        figure = statistics.mean(differences, bounds=bounds, level=_TWO_SIDED)
    shown = f"candidate less {factor:g} × current is {str_of(figure, metric)}"
    return _limit(requirement, figure, 0.0, shown, "0")


def _limit(requirement: Requirement, figure: Estimate, limit: float, shown: str, shown_limit: str) -> _Finding:
    """Is the figure at most (or at least) the limit, as far as its interval can tell?"""
    at_most = requirement.kind == "at_most"
    near, far = (figure.high, figure.low) if at_most else (figure.low, figure.high)
    open_near = statistics.is_open(figure, "above" if at_most else "below")
    open_far = statistics.is_open(figure, "below" if at_most else "above")
    within = near <= limit if at_most else near >= limit
    beyond = far > limit if at_most else far < limit
    asked = f"{'at most' if at_most else 'at least'} {shown_limit}"
    if within and not open_near:
        return _Finding("pass", f"{shown}: {asked}", figure)
    if beyond and not open_far:
        return _Finding("fail", f"{shown}: not {asked}", figure)
    more = _more_items(figure, limit, requirement, open_near=open_near)
    return _Finding(
        "undecided", f"{shown}: {asked} is undecided" + (f"; {more} more items needed, if the figure stays" if more else ""), figure, more
    )


def _more_items(figure: Estimate, limit: float, requirement: Requirement, *, open_near: bool) -> int | None:
    """Items that would decide four times in five, if the observed figure is the true one; None where that is on the wrong side."""
    at_most = requirement.kind == "at_most"
    distance = limit - figure.value if at_most else figure.value - limit
    if distance <= 0:
        return None
    if open_near:
        percent = requirement.metric.percent
        tail = 0.5 if percent is None else (percent if at_most else 100 - percent) / 100
        return max(1, math.ceil(math.log(1 - LEVEL) / math.log(tail)) - figure.n)
    half = (figure.high - figure.value) if at_most else (figure.value - figure.low)
    stretch = 1 + statistics.normal_quantile(statistics.POWER) / statistics.normal_quantile(LEVEL)
    return max(1, math.ceil(figure.n * (half * stretch / distance) ** 2) - figure.n)


def str_of(figure: Estimate, metric: Metric) -> str:
    """A figure with its interval and n, as a sentence of the gate says it."""
    unit = metric.scorer.unit
    numbers = (str_of_number(number, unit, bare=True) for number in (figure.value, figure.low, figure.high))
    return "{}{} [{}, {}] (n = {})".format(next(numbers), "" if unit == "share" else f" {unit}", *numbers, figure.n)


def str_of_number(number: float, unit: Unit, *, bare: bool = False) -> str:
    """A number in a metric's unit."""
    text = f"{number:.3f}" if unit == "share" else f"{number:.3g}"
    return text if bare or unit == "share" else f"{text} {unit}"


def check_requirements(section: GateSection, metrics: dict[str, Metric], where: str = "") -> None:
    """Raises ConfigError for a requirement that cannot be read, or a metric that the suite does not measure."""
    parse_requirements(section, metrics, where)
