"""How a run's figures hang together: metrics that say the same, scores that follow the answer's length, slices that fall out of line."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from groundwork.core import statistics
from groundwork.core.measure import Estimate, Result
from groundwork.evaluate.audit.finding import LEVEL, Finding, LeftOut, shown
from groundwork.evaluate.facets import facets_of
from groundwork.evaluate.figures import items_of, values_of
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.slices import search

SAME = 0.9
"""Two metrics whose correlation is shown to lie above this say the same."""
FEW = 10
"""With fewer answers nothing is said."""
BROKEN, WELL = 0.2, 0.5
"""A slice below the first, where the others stand above the second, looks less hard than mislabelled or undocumented."""
UNREAD = 0.05
"""So many answers that a metric cannot read are no accident any more."""


def correlations(results: Sequence[Result], metrics: Mapping[str, Metric]) -> dict[str, dict[str, Estimate]]:
    """Pearson's correlation of each two metrics over the answers that both scored, a metric where lower is better turned round.

    Metrics that do not vary, and pairs with few answers in common, have none.
    """
    values = {name: _good(results, metric) for name, metric in metrics.items() if metric.percent is None}
    found: dict[str, dict[str, Estimate]] = {}
    for one, other in combinations(values, 2):
        both = [case for case in values[one] if case in values[other]]
        first, second = ([values[name][case] for case in both] for name in (one, other))
        if len(both) >= FEW and len(set(first)) > 1 and len(set(second)) > 1:
            estimate = statistics.pearson(first, second, level=LEVEL)
            found.setdefault(one, {})[other] = estimate
            found.setdefault(other, {})[one] = estimate
    return found


def redundant(matrix: Mapping[str, Mapping[str, Estimate]], quality: Sequence[str]) -> Iterator[Finding | LeftOut]:
    """Quality metrics that say the same as another, and those that pull the other way."""
    pairs = [(one, other, matrix[one][other]) for one, other in combinations(quality, 2) if other in matrix.get(one, {})]
    if not pairs:
        yield LeftOut(probe="relations.metrics", why=f"no two quality metrics vary over {FEW} answers in common")
        return
    same = [(one, other, figure) for one, other, figure in pairs if figure.low > SAME]
    opposed = [(one, other, figure) for one, other, figure in pairs if figure.high < 0]
    if same:
        yield Finding(
            probe="relations.redundant",
            severity="look",
            sentence=f"{_named(same)}: they say the same about these answers",
            fix="keep the cheaper one, or count both as one piece of evidence",
            estimate=same[0][2],
        )
    for one, other, figure in opposed:
        yield Finding(
            probe="relations.opposed",
            severity="look",
            sentence=f"{one} and {other} pull against each other: their correlation is {shown(figure)}",
            fix="decide which of them counts: a change cannot raise both",
            estimate=figure,
        )
    if not same and not opposed:
        strongest = max(pairs, key=lambda pair: pair[2].value)
        yield Finding(probe="relations.redundant", severity="ok", sentence=f"no two metrics say the same; closest: {_named([strongest])}")


def _named(pairs: Sequence[tuple[str, str, Estimate]]) -> str:
    return "; ".join(f"{one} and {other} correlate at {shown(figure)} over {figure.n} answers" for one, other, figure in pairs)


def length(results: Sequence[Result], metric: Metric) -> Finding | LeftOut:
    """Whether longer answers score higher: the slope of the score on the doublings of the answer's length in words."""
    values = _good(results, metric)
    long = {result.example: math.log2(1 + len(result.answer.split())) for result in results}
    cases = [case for case in values if case in long]
    x, y = [long[case] for case in cases], [values[case] for case in cases]
    if len(cases) < FEW or len(set(x)) < 2 or len(set(y)) < 2:
        return LeftOut(probe="relations.length", why=f"{metric.name}: scores or lengths do not vary over {FEW} answers")
    slope = statistics.line(x, y, level=LEVEL).slope
    rises = slope.low > 0
    return Finding(
        probe="relations.length",
        severity="look" if rises else "ok",
        metric=metric.name,
        sentence=f"for each doubling of an answer's length {metric.name} goes up by {shown(slope)}",
        fix="compare runs at equal length too: groundwork compare --win-rate" if rises else "",
        estimate=slope,
    )


def slices(results: Sequence[Result], metric: Metric, questions: Mapping[str, str], *, seed: int = 0) -> Finding | LeftOut:
    """The slice that falls out of line, if one does beyond chance; a metric between 0 and 1."""
    items = items_of(results, metric)
    if len(items) < FEW:
        return LeftOut(probe="relations.slices", why=f"{metric.name} scored {len(items)} answers, too few to cut")
    found = search(items, metric, facets_of(results, questions), seed=seed)
    worst = found.worst
    if worst is None:
        least = min((one.p for one in found.slices), default=1.0)
        sentence = f"none of {found.searched} slices is worse in {metric.name} than chance explains"
        return Finding(probe="relations.slices", severity="ok", metric=metric.name, sentence=sentence, p=least)
    high, rest = worst.figure.high, worst.rest
    if metric.scorer.better == "lower":
        high, rest = 1 - worst.figure.low, 1 - rest
    is_broken = high < BROKEN and rest > WELL
    return Finding(
        probe="relations.slices",
        severity="alarm" if is_broken else "look",
        metric=metric.name,
        sentence=worst.sentence,
        fix=f"check the labels and documents of {worst.name} first"
        if is_broken
        else f"read its answers: groundwork review start --by {worst.keys[0][0]!r}",
        estimate=worst.figure,
        p=worst.p,
    )


def unread(results: Sequence[Result], metric: Metric) -> Finding | LeftOut:
    """Answers that a metric could not read, and those on which it broke: no figure counts them."""
    scores = [score for result in results for score in result.scores if score.metric == metric.scorer.name and score.status != "unscored"]
    if not scores:
        return LeftOut(probe="relations.unread", why=f"{metric.scorer.name} applied to no answer")
    bad = [score for score in scores if score.status != "ok"]
    share = statistics.proportion(len(bad), len(scores), level=LEVEL)
    name = metric.scorer.name
    if not bad:
        return Finding(
            probe="relations.unread", severity="ok", metric=name, sentence=f"{name} read all {len(scores)} answers", estimate=share
        )
    return Finding(
        probe="relations.unread",
        severity="alarm" if share.low > UNREAD else "look",
        metric=name,
        sentence=f"{name} could not score {len(bad)} of {len(scores)} answers ({bad[0].detail}): {shown(share)} stand in no figure",
        fix="correct the scorer, or ask for the form that it reads: what is left out may be the worst",
        estimate=share,
    )


def _good(results: Sequence[Result], metric: Metric) -> dict[str, float]:
    """A metric's values, so that more is better."""
    sign = 1.0 if metric.scorer.better == "higher" else -1.0
    return {case: sign * value for case, value in values_of(results, metric).items()}
