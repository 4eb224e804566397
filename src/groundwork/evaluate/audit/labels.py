"""Do the scores depend on the labels, and do people agree with them? Shuffled labels, answers that stand in the question, human labels."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from groundwork.core import statistics
from groundwork.core.measure import Estimate, Example, Score
from groundwork.core.reply import Reply
from groundwork.core.text import fold
from groundwork.evaluate.audit.finding import LEVEL, Finding, LeftOut, shown, some, tail
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.registry import Answered, Scorer
from groundwork.evaluate.scorers.facts import facts_of, holds

SHUFFLES = 5
KEPT = 0.5
"""Scores that keep more than this share of their worth under shuffled labels do not rest on the labels."""
GIVEN_AWAY = 0.1
"""Questions that hold their own answer (a choice among options, say) are no defect up to this share."""
FEW = 10
"""With fewer cases nothing is said."""
POOR, LUCKY = 0.4, 0.4
"""A kappa below the first is poor agreement; one that lies further than the second below the plain agreement is mostly chance."""


async def shuffle_labels(
    answers: Sequence[tuple[Example, Reply]], scorer: Scorer, instruments: Instruments, *, is_primary: bool, seed: int = 0
) -> Finding | LeftOut:
    """Score answers against their own labels, and against those of other cases: what is left is what chance gives.

    Bounded metrics only: others have no scale to say how much is left.
    """
    name = scorer.name
    if scorer.bounds is None:
        return LeftOut(probe="labels.shuffled", why=f"{name} has no bounds")
    chooser = random.Random(seed)  # noqa: S311  a permutation to repeat, no secret
    real = [await _value(scorer, example, reply, instruments) for example, reply in answers]
    sums, counts = [0.0] * len(answers), [0] * len(answers)
    for _ in range(SHUFFLES):
        order = list(range(len(answers)))
        chooser.shuffle(order)
        for place, (example, reply) in enumerate(answers):
            value = await _value(scorer, _relabelled(example, answers[order[place]][0]), reply, instruments)
            if value is not None:
                sums[place], counts[place] = sums[place] + value, counts[place] + 1
    rows = [(value, sums[place] / counts[place]) for place, value in enumerate(real) if value is not None and counts[place]]
    if len(rows) < FEW:
        return LeftOut(probe="labels.shuffled", why=f"{name} scored {len(rows)} answers both ways, too few to tell")
    worth = [tuple(_worth(scorer.bounds, scorer.better == "higher", value) for value in row) for row in rows]
    drop = statistics.paired_difference([chance for _, chance in worth], [value for value, _ in worth], level=LEVEL)
    return _said(name, [value for value, _ in worth], [chance for _, chance in worth], drop, is_primary)


def _said(name: str, real: Sequence[float], chance: Sequence[float], drop: Estimate, is_primary: bool) -> Finding:
    score, left = statistics.mean(real), statistics.mean(chance)
    sentence = (
        f"{name} is worth {score.value:.2f} with the cases' own labels and {left.value:.2f} with shuffled ones: a drop of {shown(drop)}"
    )
    severity = "ok"
    fix = ""
    if score.value > 0 and drop.high < (1 - KEPT) * score.value:
        severity = "alarm" if is_primary else "ok"
        fix = "hold the answers against the cases' labels: most of this score is there whatever they say" if is_primary else ""
        sentence += "; it hardly rests on the labels"
    elif drop.low <= 0 and is_primary:
        severity, fix = "look", "add cases, or harder ones: this score is not told from chance"
    return Finding(probe="labels.shuffled", severity=severity, metric=name, sentence=sentence, fix=fix, estimate=drop)


def _relabelled(example: Example, other: Example) -> Example:
    """The case with the labels of another one."""
    return msgspec.structs.replace(
        example, facts=other.facts, reference=other.reference, answerable=other.answerable, expected=other.expected, tags=other.tags
    )


async def _value(scorer: Scorer, example: Example, reply: Reply, instruments: Instruments) -> float | None:
    score: Score = await scorer.score(Answered(example, reply, 0.0, instruments=instruments, conversation=(reply,)))
    return score.value


def _worth(bounds: tuple[float, float], is_higher_better: bool, value: float) -> float:
    """A value on a scale from 0 (worst) to 1 (best)."""
    share = (value - bounds[0]) / (bounds[1] - bounds[0])
    return share if is_higher_better else 1 - share


def answers_in_questions(examples: Sequence[Example]) -> Finding | LeftOut:
    """Cases whose question states its own answer: repeating the question is then right."""
    asked = [one for one in examples if one.expects_answer and facts_of(one)]
    if not asked:
        return LeftOut(probe="labels.given", why="no case has facts or a short reference")
    given = [one.id for one in asked if _is_given(one)]
    share = statistics.proportion(len(given), len(asked), level=LEVEL)
    if not given:
        return Finding(probe="labels.given", severity="ok", sentence=f"none of {len(asked)} questions states its answer", estimate=share)
    is_common = tail(len(given), len(asked), GIVEN_AWAY) < 1 - LEVEL
    return Finding(
        probe="labels.given",
        severity="alarm" if is_common else "look",
        sentence=f"{len(given)} of {len(asked)} questions state their own answer: {shown(share)}",
        fix=f"ask so that the answer has to be found: {some(given)}",
        estimate=share,
        cases=tuple(given),
    )


def _is_given(example: Example) -> bool:
    question = fold(example.question)
    return all(any(holds(question, accepted) for accepted in fact.accepted) for fact in facts_of(example))


def against_people(pairs: Mapping[str, Sequence[tuple[bool, bool]]]) -> Iterator[Finding]:
    """For each metric the pairs of its verdict (score above the middle) and a person's: agreement beyond chance.

    A share of agreement says little where one verdict is rare: 0.78 can be a kappa of 0.19.
    """
    for name, rows in pairs.items():
        if not rows:
            continue
        found = statistics.agreement([verdict for verdict, _ in rows], [label for _, label in rows])
        kappa, plain = found.kappa, found.agreement
        is_poor = kappa.high < POOR or (len(rows) >= FEW and plain.value - kappa.value > LUCKY)
        sentence = f"{name} and people agree on {shown(plain)} of {len(rows)} answers; beyond chance that is a kappa of {shown(kappa)}"
        if is_poor:
            fix = "do not decide by this metric before it is corrected: look at the answers where it and people differ"
            yield Finding(probe="labels.people", severity="alarm", metric=name, sentence=sentence, fix=fix, estimate=kappa)
        elif kappa.low < POOR:
            fix = "label more answers: so few leave poor agreement possible"
            yield Finding(probe="labels.people", severity="look", metric=name, sentence=sentence, fix=fix, estimate=kappa)
        else:
            yield Finding(probe="labels.people", severity="ok", metric=name, sentence=sentence, estimate=kappa)


def label_of(value: Any) -> bool | None:
    """A person's verdict as written: true or false, 1 or 0, `good` or `bad`, `yes` or `no`; None for anything else."""
    known = {"true": True, "1": True, "1.0": True, "good": True, "yes": True, "right": True}
    known |= {"false": False, "0": False, "0.0": False, "bad": False, "no": False, "wrong": False}
    return known.get(str(value).strip().casefold())
