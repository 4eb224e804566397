"""Can the metrics tell right answers from wrong ones? Planted answers are scored; nobody's model is asked, but for judges on request."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from groundwork.core import statistics
from groundwork.core.measure import Score
from groundwork.core.reply import Reply
from groundwork.core.text import shorten
from groundwork.evaluate.audit.finding import LEVEL, Finding, LeftOut, shown, some, tail
from groundwork.evaluate.audit.planted import KINDS, Planted
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.registry import Answered, Scorer

TOLD = 0.5
"""A kind of wrong answer fools a metric that scores more than this share of them as high as right ones."""
BROKEN = 0.05
"""References of a sound suite are themselves scored low at most this often."""
PADDED = 0.05
"""Padding lifts at most this share of wrong answers where a metric does not look at length."""
QUALITY = {"share", "points", "bits"}
"""Units of metrics that judge answers; seconds, dollars and tokens count what they took."""


class Sheet(NamedTuple):
    """One metric over the planted answers: for each case that has a score for its right answer, that score and those of the wrong ones.

    A wrong answer that is unparseable, or unscored where the right one was scored, is told apart: it has no number (None).
    """

    scorer: Scorer
    right: dict[str, float]
    wrong: dict[str, dict[str, float | None]]
    uncertain: frozenset[str]
    """Cases whose right answer was made of what scorers expect, and may have another form than an answer."""
    unscored: dict[str, int]
    """Why right answers got no score, with how often."""
    seconds: float
    cost: float
    asked: int
    asks_models: bool = False

    def goodness(self, value: float) -> float:
        return value if self.scorer.better == "higher" else -value

    def fooled(self, kind: str) -> tuple[int, int]:
        """How many wrong answers of a kind are scored as high as the right ones, and of how many."""
        pairs = [(self.right[case], kinds[kind]) for case, kinds in self.wrong.items() if kind in kinds]
        as_good = sum(wrong is not None and self.goodness(wrong) >= self.goodness(right) for right, wrong in pairs)
        return as_good, len(pairs)


async def score_planted(planted: Sequence[Planted], scorer: Scorer, instruments: Instruments) -> Sheet:
    """Score the right and the wrong answers of every case with one metric."""
    right: dict[str, float] = {}
    wrong: dict[str, dict[str, float | None]] = {}
    unscored: Counter[str] = Counter()
    start, asked, cost = time.perf_counter(), 0, 0.0
    for one in planted:
        scores = [await _score(scorer, one, reply, instruments) for reply in one.right]
        values = [score.value for score in scores if score.value is not None]
        asked, cost = asked + len(scores), cost + math.fsum(score.cost or 0.0 for score in scores)
        if not values:
            unscored[scores[0].detail] += 1
            continue
        right[one.example.id] = max(values) if scorer.better == "higher" else min(values)
        others = {kind: await _score(scorer, one, reply, instruments) for kind, reply in one.wrong.items()}
        asked, cost = asked + len(others), cost + math.fsum(score.cost or 0.0 for score in others.values())
        wrong[one.example.id] = {kind: score.value for kind, score in others.items() if score.status != "error"}
    uncertain = frozenset(one.example.id for one in planted if not one.is_certain)
    return Sheet(scorer, right, wrong, uncertain, dict(unscored), time.perf_counter() - start, cost, asked)


async def _score(scorer: Scorer, planted: Planted, reply: Reply, instruments: Instruments) -> Score:
    return await scorer.score(Answered(planted.example, reply, 0.0, instruments=instruments, conversation=(reply,)))


def judge_sheets(sheets: Sequence[Sheet], primary: Sequence[str]) -> tuple[list[Finding], list[LeftOut]]:
    """What the planted answers say. `primary` names the metrics that decide (the gate's, else the first)."""
    left_out = [
        LeftOut(probe="planted", why=f"{sheet.scorer.name}: no right answer was scored ({_most_common(sheet.unscored)})")
        for sheet in sheets
        if not sheet.right
    ]
    scored = [sheet for sheet in sheets if sheet.right]
    findings = [finding for sheet in scored for finding in _of_metric(sheet, sheet.scorer.name in primary)]
    findings += [finding for kind in KINDS if kind != "padded" for finding in _of_kind(kind, scored, primary)]
    return findings, left_out


def table(sheets: Sequence[Sheet]) -> dict[str, dict[str, float]]:
    """For each metric the mean over right answers, and over each kind of wrong ones (those that were scored)."""
    return {sheet.scorer.name: dict(_means(sheet)) for sheet in sheets if sheet.right}


def _means(sheet: Sheet) -> Iterator[tuple[str, float]]:
    yield "right", math.fsum(sheet.right.values()) / len(sheet.right)
    for kind in KINDS:
        values = [value for kinds in sheet.wrong.values() if (value := kinds.get(kind)) is not None]
        if values:
            yield kind, math.fsum(values) / len(values)


def _of_metric(sheet: Sheet, is_primary: bool) -> Iterator[Finding]:
    yield _right_answers(sheet, is_primary)
    dead = _tells_nothing(sheet)
    if dead is not None:
        yield dead
    padding = _padding(sheet)
    if padding is not None:
        yield padding


def _right_answers(sheet: Sheet, is_primary: bool) -> Finding:
    """Right answers must score high; where they do not, the reference or the metric is wrong."""
    name, bounds = sheet.scorer.name, sheet.scorer.bounds
    mean = math.fsum(sheet.right.values()) / len(sheet.right)
    if bounds is None:
        sentence = f"right answers score {mean:.3g} with {name}, which has no bounds to hold that against"
        return Finding(probe="planted.right", severity="ok", metric=name, sentence=sentence)
    middle = sum(bounds) / 2
    low = [case for case, value in sheet.right.items() if sheet.goodness(value) < sheet.goodness(middle)]
    share = statistics.proportion(len(low), len(sheet.right), level=LEVEL)
    if not low:
        sentence = f"{name} scores right answers {mean:.2f} on average, none of {share.n} below the middle"
        return Finding(probe="planted.right", severity="ok", metric=name, sentence=sentence, estimate=share)
    certain = [case for case in low if case not in sheet.uncertain]
    p = tail(len(certain), len(sheet.right), BROKEN)
    return Finding(
        probe="planted.right",
        severity="alarm" if is_primary and p < 1 - LEVEL else "look",
        metric=name,
        sentence=f"{name} scores {len(low)} of {share.n} right answers below the middle: {shown(share)}",
        fix=f"correct the reference of {some(low)}, or the metric: it does not know the right answer",
        estimate=share,
        cases=tuple(low),
    )


def _tells_nothing(sheet: Sheet) -> Finding | None:
    """A metric that scores every kind of wrong answer like the right one says nothing about quality."""
    counts = [sheet.fooled(kind) for kind in KINDS]
    fooled, n = sum(one for one, _ in counts), sum(of for _, of in counts)
    if not n or fooled < n:
        return None
    return Finding(
        probe="planted.dead",
        severity="alarm",
        metric=sheet.scorer.name,
        sentence=f"{sheet.scorer.name} tells no wrong answer from a right one: all {n} planted ones are scored as high",
        fix=f"remove {sheet.scorer.name} from the suite, or correct it: it is the same for any answer",
        p=TOLD ** len(sheet.right),
    )


def _padding(sheet: Sheet) -> Finding | None:
    """The same wrong answer, once with three empty sentences more: a metric that looks at content scores both alike."""
    pairs = [(kinds["other"], kinds["padded"]) for kinds in sheet.wrong.values() if {"other", "padded"} <= kinds.keys()]
    both = [(bare, padded) for bare, padded in pairs if bare is not None and padded is not None]
    if not both:
        return None
    lifted = sum(sheet.goodness(padded) > sheet.goodness(bare) for bare, padded in both)
    share = statistics.proportion(lifted, len(both), level=LEVEL)
    name = sheet.scorer.name
    if not lifted:
        return Finding(
            probe="planted.length", severity="ok", metric=name, sentence=f"padding lifts no wrong answer in {name}", estimate=share
        )
    return Finding(
        probe="planted.length",
        severity="alarm",
        metric=name,
        sentence=f"{name} scores {lifted} of {len(both)} wrong answers higher once three empty sentences are added: {shown(share)}",
        fix="a metric that pays for length rewards it: compare at equal length, or tell the judge not to",
        estimate=share,
        p=tail(lifted, len(both), PADDED),
    )


def _of_kind(kind: str, sheets: Sequence[Sheet], primary: Sequence[str]) -> Iterator[Finding]:
    """One kind of wrong answer: the suite is open to it where no metric tells it, the deciding metric where only others do."""
    counts = {sheet.scorer.name: sheet.fooled(kind) for sheet in sheets}
    counts = {name: (fooled, n) for name, (fooled, n) in counts.items() if n}
    if not counts:
        return
    what = KINDS[kind]
    fooled = {name: statistics.proportion(one, n, level=LEVEL) for name, (one, n) in counts.items()}
    telling = [name for name, share in fooled.items() if share.value <= TOLD]
    deceived = [name for name in fooled if name in primary and name not in telling]
    if not telling:
        yield Finding(
            probe=f"planted.{kind}",
            severity="alarm",
            sentence=f"no metric tells {what} from a right one: "
            + ", ".join(f"{name} scores {shown(share)} of them as high" for name, share in fooled.items()),
            fix="add a metric that does: a suite that pays for this will be gamed",
            p=max(tail(one, n, TOLD) for one, n in counts.values()),
        )
        return
    for name in deceived:
        yield Finding(
            probe=f"planted.{kind}",
            severity="look",
            metric=name,
            sentence=f"{name} takes {what} for right in {shown(fooled[name])} of the cases; {telling[0]} tells it",
            fix=f"require {telling[0]} in the gate too, so that {name} cannot be gamed",
            estimate=fooled[name],
            p=tail(*counts[name], TOLD),
        )
    if not deceived:
        worst = max(fooled, key=lambda name: fooled[name].value)
        sentence = f"{what} is told by {some(telling)}" + (
            f"; {worst} takes {shown(fooled[worst])} for right" if fooled[worst].value else ""
        )
        yield Finding(probe=f"planted.{kind}", severity="ok", sentence=sentence, estimate=fooled[worst])


def scoring_took(sheets: Sequence[Sheet], answering: Mapping[str, float]) -> list[Finding]:
    """What scoring adds in time and money to each answer. `answering` holds the run's mean `seconds` and `cost` of an answer, where known."""
    findings: list[Finding] = []
    for sheet in sheets:
        if not sheet.asked:
            continue
        seconds, cost = sheet.seconds / sheet.asked, sheet.cost / sheet.asked
        dear = 0 < answering.get("cost", 0.0) < cost
        slow = 0 < answering.get("seconds", 0.0) < seconds
        beside = "".join(
            f", an answer {shorten(text, 40)}"
            for text in (
                f"{answering['seconds'] * 1000:.0f} ms" if answering.get("seconds") else "",
                f"${answering['cost']:.5f}" if answering.get("cost") else "",
            )
            if text
        )
        findings.append(
            Finding(
                probe="scoring.cost",
                severity="look" if dear or slow else "ok",
                metric=sheet.scorer.name,
                sentence=f"{sheet.scorer.name} takes {seconds * 1000:.2f} ms and ${cost:.5f} for a score{beside}",
                fix=f'score a sample of the answers: {{ use = "{sheet.scorer.use}", sample = 0.1 }}' if dear or slow else "",
            )
        )
    return findings


def _most_common(reasons: Mapping[str, int]) -> str:
    return max(reasons, key=lambda reason: reasons[reason]) if reasons else "no case says what is right"
