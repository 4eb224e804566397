"""May a change be released? Decided on the bounds of intervals, never on the figures themselves.

Each requirement holds where its one-sided 95 % bound says so, fails where the other bound says it cannot, and is undecided between. All must
hold, so no correction for their number is needed: together they let a bad change through no more often than each alone (R. L. Berger,
Technometrics 24 (1982), 295-300).

Asking again about the same change while items are added is a further look. Where `looks` plans how many there may be, the 5 % are spent over
them after O'Brien and Fleming: each look has a part of its own, so that the sum holds whatever two looks have in common. Without a plan a
second look is answered, and says that the 5 % no longer hold for both together.
"""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Decision, Estimate, GateResult, Ruling
from groundwork.evaluate.bounds import items_to_reach, str_of, str_of_number, within
from groundwork.evaluate.comparable import check_same_cases, scored_otherwise
from groundwork.evaluate.compare import Pairs, pairs_of
from groundwork.evaluate.config import GateSection, Requirement, parse_requirements
from groundwork.evaluate.figures import columns_of, figure_of, items_of, percentile, rescaled
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.report import Evaluated

ERROR = 0.05
"""How often a change that is worse by the margin may pass, over all planned looks together."""


def gate(
    candidate: Evaluated,
    current: Evaluated,
    section: GateSection,
    metrics: dict[str, Metric],
    *,
    at: float,
    where: str = "",
    before: Sequence[GateResult] = (),
    floors: Sequence[Ruling] = (),
) -> GateResult:
    """Hold a candidate's run against the run of what serves now.

    Both must be finished, over the same cases and the gate's split. A case that broke in either run leaves a requirement undecided that would
    have passed: what was not seen is not counted as good. `before` is what the gate has said about this change on this suite and split: each
    pair of runs among it was a look. `floors` are rulings on the judges whose metrics are required: they must pass too. Raises InputError for runs that cannot be held against each other, or when all planned looks are used,
    ConfigError for a requirement that cannot be read (`where` says where it stands).
    """
    requirements = parse_requirements(section, metrics, where)
    _check(candidate, current, section, requirements)
    look = look_of(before, candidate.run.id, current.run.id)
    check_looks(section, look)
    level = level_at(look, section.looks)
    broken = {result.example for run in (candidate, current) for result in run.errors}
    rulings = (
        *(_settle(_rule(requirement, candidate, current, section, level), requirement.text, len(broken)) for requirement in requirements),
        *floors,
    )
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
        suite=candidate.run.suite,
        split=section.split,
        look=look,
        looks=section.looks,
        level=level,
        note=_note(before, look, section),
    )


# -- looks


def look_of(before: Sequence[GateResult], run: str, current: str) -> int:
    """The number of this look, from 1. Asking again about the same two runs shows nothing new and is the same look."""
    pairs = list(dict.fromkeys((one.run, one.current) for one in before))
    return pairs.index((run, current)) + 1 if (run, current) in pairs else len(pairs) + 1


def check_looks(section: GateSection, look: int) -> None:
    """Raises InputError where all planned looks are used."""
    if section.looks and look > section.looks:
        raise InputError(
            f"all {section.looks} planned looks at this change are used", fix="propose the change anew, with items that decide at once"
        )


def level_at(look: int, looks: int) -> float:
    """The level of the one-sided bounds at a look: 0.95 for a single one, else what is left of 1 after the look's part of the 5 %.

    Parts of O'Brien-Fleming's spending function, added (Bonferroni): a little wider than boundaries that count on what looks share, and
    right even where every look asks everything anew. Source: K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983), 659-663.
    """
    if not looks:
        return 1 - ERROR
    before = statistics.spent((look - 1) / looks, error=ERROR) if look > 1 else 0.0
    return 1 - (statistics.spent(look / looks, error=ERROR) - before)


def _note(before: Sequence[GateResult], look: int, section: GateSection) -> str:
    if look == 1:
        return ""
    if not section.looks:
        return (
            f"look {look} at this change on this suite: each look errs 5 % of the time, and all together more often. "
            "Plan them with `looks` in [gate] before the first one"
        )
    changed = {one.looks for one in before} - {section.looks}
    return f"the plan was {section.looks} looks only after the first: the 5 % are no longer kept" if changed else ""


class _Finding(NamedTuple):
    decision: Decision
    sentence: str
    estimate: Estimate | None
    more: int | None = None


def _check(candidate: Evaluated, current: Evaluated, section: GateSection, requirements: Sequence[Requirement]) -> None:
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
    for requirement in requirements:
        unlike = scored_otherwise(current.run, candidate.run, requirement.metric)
        if unlike:
            raise InputError(unlike, fix="score one of them again as the other was: `groundwork eval --rescore RUN`")


def _settle(finding: _Finding, text: str, broken: int) -> Ruling:
    """A finding as the ruling on its requirement; broken cases take a pass away."""
    decision, sentence, more = finding.decision, finding.sentence, finding.more
    if broken and decision == "pass":
        decision, more = "undecided", None
        sentence = f"{sentence}; but {broken} {'item' if broken == 1 else 'items'} broke: ask again with --retry-errors"
    return Ruling(requirement=text, decision=decision, sentence=sentence, estimate=finding.estimate, more_items=more)


def _rule(requirement: Requirement, candidate: Evaluated, current: Evaluated, section: GateSection, level: float) -> _Finding:
    metric = requirement.metric
    needs_both = requirement.relative or requirement.kind == "not_inferior"
    pairs = pairs_of(current, candidate, metric)
    if not pairs.after if needs_both else not items_of(candidate.results, metric):
        return _Finding("undecided", f"no item was scored on `{metric.name}` in both runs", None)
    if requirement.kind == "not_inferior":
        return _not_inferior(metric, pairs, section.margin, level)
    if requirement.relative:
        return _relative(requirement, candidate, current, pairs, level)
    figure = _figure(candidate, metric, level)
    return _limit(requirement, figure, requirement.number, str_of(figure, metric), str_of_number(requirement.number, metric.scorer.unit))


def _not_inferior(metric: Metric, pairs: Pairs, margin: float, level: float) -> _Finding:
    sign = 1 if metric.scorer.better == "higher" else -1
    differences = [sign * difference for difference in pairs.differences]
    units, stretch = (differences, 1.0) if pairs.clusters is None else cluster_units(differences, pairs.clusters)
    decision, in_units, more = statistics.non_inferiority(units, margin / stretch, level=level)
    figure = rescaled(in_units, stretch)
    value, low, high = (100 * number for number in (figure.value, figure.low, figure.high))
    what = "paired items" if pairs.clusters is None else f"clusters of {len(differences)} paired items"
    better = f"{value:+.1f} points [{low:+.1f}, {high:+.1f}] (positive is better) on {figure.n} {what}"
    allowed = f"the margin of {100 * margin:g}"
    if decision == "pass":
        return _Finding(decision, f"{better}: not worse by {allowed}", figure)
    if decision == "fail":
        return _Finding(decision, f"{better}: worse by more than {allowed}", figure)
    more = more if more is None else math.ceil(more * len(differences) / len(units))
    hint = (
        f"{more} more items would decide for an equal change" if more else "the change looks worse than allowed: more items are no remedy"
    )
    return _Finding(decision, f"{better}: undecided at {allowed}; {hint}", figure, more)


def cluster_units(differences: Sequence[float], clusters: Sequence[Hashable]) -> tuple[list[float], float]:
    """One difference a cluster, whose mean times the factor given beside them is the mean over items; each lies in [-1, 1] again.

    A cluster counts by its items. The gate's test takes any differences in [-1, 1], and wider ones for the variance they might have: so
    clusters are its items, and what is not said about items of one cluster cannot pass a change.
    """
    sums: dict[Hashable, list[float]] = {}
    for difference, cluster in zip(differences, clusters, strict=True):
        sums.setdefault(cluster, []).append(difference)
    largest = max(len(members) for members in sums.values())
    return [math.fsum(members) / largest for members in sums.values()], largest * len(sums) / len(differences)


def _relative(requirement: Requirement, candidate: Evaluated, current: Evaluated, pairs: Pairs, level: float) -> _Finding:
    """Decided on the interval of candidate less k times current: paired for means, recovered from both intervals for quantiles."""
    metric, factor = requirement.metric, requirement.number
    if metric.percent is not None:
        figure = statistics.contrast(_figure(candidate, metric, level), _figure(current, metric, level), factor=factor)
    else:
        differences = [new - factor * old for old, new in zip(pairs.before, pairs.after, strict=True)]
        bounds = (-factor, 1.0) if metric.scorer.unit == "share" else None
        two_sided = _two_sided(level)
        figure = (
            statistics.mean(differences, bounds=bounds, level=two_sided)
            if pairs.clusters is None
            else statistics.clustered_mean(differences, pairs.clusters, bounds=bounds, level=two_sided)
        )
    shown = f"candidate less {factor:g} × current is {str_of(figure, metric)}"
    return _limit(requirement, figure, 0.0, shown, "0")


def _figure(evaluated: Evaluated, metric: Metric, level: float) -> Estimate:
    """A run's figure at the level of one-sided bounds."""
    if metric.percent is None:
        return figure_of(items_of(evaluated.results, metric), metric, level=_two_sided(level))
    rounds = columns_of(evaluated.results, {metric.name: metric}).rounds(metric)
    return percentile(rounds, metric.percent, level=_two_sided(level))


def _two_sided(level: float) -> float:
    """The level of the interval whose limits are one-sided bounds at `level`."""
    return round(2 * level - 1, 12)


def _limit(requirement: Requirement, figure: Estimate, limit: float, shown: str, shown_limit: str) -> _Finding:
    """Is the figure at most (or at least) the limit, as far as its interval can tell?"""
    at_most = requirement.kind == "at_most"
    decision = within(figure, limit, at_most=at_most)
    asked = f"{'at most' if at_most else 'at least'} {shown_limit}"
    if decision == "pass":
        return _Finding(decision, f"{shown}: {asked}", figure)
    if decision == "fail":
        return _Finding(decision, f"{shown}: not {asked}", figure)
    more = items_to_reach(figure, limit, requirement.metric, at_most=at_most)
    return _Finding(
        decision, f"{shown}: {asked} is undecided" + (f"; {more} more items needed, if the figure stays" if more else ""), figure, more
    )


def check_requirements(section: GateSection, metrics: dict[str, Metric], where: str = "") -> None:
    """Raises ConfigError for a requirement that cannot be read, or a metric that the suite does not measure."""
    parse_requirements(section, metrics, where)
