"""How far a judge can be trusted: its verdicts beside people's labels, in one report.

Agreement stands beside base rates, kappa beside the agreement of people among themselves, every weakness is a sentence that an interval
decides, and looking for many is paid for (Holm). Not covered: labels that are wrong in the judge's favour, and items unlike those labelled.
"""

import math
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.evaluate.judges import bias, leaning
from groundwork.evaluate.judges.bias import Finding, alike, shown
from groundwork.evaluate.judges.judge import Judge
from groundwork.evaluate.judges.labels import Label, People, Rated, people
from groundwork.evaluate.judges.leaning import FEWEST, Leaning, Worth, both_known, leans
from groundwork.evaluate.judges.verdict import worth

ALPHA = 0.01
"""Chance of any finding at all about a judge that has no weakness: an accusation, so rarer than one time in twenty."""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement over the items of one kind."""

    key: str
    value: str
    agreement: Estimate
    kappa: Estimate
    standing: Estimate | None
    """Agreement among the pairs judged alike in both orders."""


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What two orders of a pair show."""

    consistency: Estimate
    """Share of pairs judged alike in both."""
    first: Estimate
    """Share of verdicts that pick the first place; half is fair."""
    once: Estimate | None
    """Agreement of one order with the labels."""
    standing: Estimate | None
    """Agreement among the pairs judged alike in both."""
    gain: Estimate | None
    """What leaving out all others adds to the agreement."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A judge held against people. Kappa and confusion are of its final verdicts: two orders that differ count as a tie."""

    judge: str
    """The judge's id: another prompt, model or sampling is another judge."""
    name: str
    model: str
    at: float
    items: int
    """Judged."""
    n: int
    """With a label and a verdict both: what agreement rests on."""
    agreement: Estimate
    kappa: Estimate
    """Weighted quadratically where verdicts are points of a scale."""
    ac1: Estimate
    base_rates: dict[str, tuple[float, float]]
    """For each verdict, how often people give it and how often the judge."""
    confusion: dict[str, dict[str, int]]
    """People's label, then the judge's verdict."""
    unparseable: Estimate
    orders: Orders | None = None
    length: Leaning | None = None
    candidates: dict[str, Leaning] = {}
    mean: Leaning | None = None
    """People's and judge's mean worth; single answers only."""
    corrected: Estimate | None = None
    """The mean worth over all judged items, the judge's errors taken out (prediction-powered, or Rogan-Gladen where it is a share)."""
    people: People | None = None
    slices: tuple[Slice, ...] = ()
    findings: tuple[Finding, ...] = ()
    cost: float | None = None
    """US dollars for all items; None where no price is known."""

    @property
    def alarms(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "alarm")


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """Figures somebody published for the same verdicts, to be held against what they come to."""

    kappa: float


def calibrate(
    judge: Judge,
    items: Sequence[Rated],
    *,
    reported: Reported | None = None,
    level: float = 0.95,
    at: float | None = None,
    with_people: bool = True,
) -> Calibration:
    """Hold a judge's verdicts against labels. Raises InputError where no item has both.

    `with_people=False` leaves out the annotators' agreement, which takes most of the time where there are many items.
    """
    value = partial(worth, judge)
    judged = [item for item in items if item.verdicts]
    known = [(item.human, item.final) for item in judged]
    pairs = [(human, final) for human, final in known if human is not None and final is not None]
    if not pairs:
        raise InputError("no item has a label and a verdict both", fix="label items that the judge can read, under the same ids")
    labels, verdicts = [human for human, _ in pairs], [final for _, final in pairs]
    found = statistics.agreement(labels, verdicts, weights="quadratic" if judge.is_ordered else "none", level=level)
    annotators = people(judged, ordered=judge.is_ordered, level=level) if with_people else None
    costs = [item.cost for item in judged]
    unparseable = bias.unread(judged, level=level)
    both = Calibration(
        judge=judge.id,
        name=judge.name,
        model=judge.model,
        at=time.time() if at is None else at,
        items=len(judged),
        n=len(pairs),
        agreement=found.agreement,
        kappa=found.kappa,
        ac1=found.ac1,
        base_rates={str(one): (found.base_rates[0][place], found.base_rates[1][place]) for place, one in enumerate(found.categories)},
        confusion=_confusion(labels, verdicts),
        unparseable=unparseable if unparseable is not None else statistics.proportion(0, len(judged), level=level),
        orders=_orders(judged, value, level),
        length=leaning.length(judged, value, level=level),
        candidates=_candidates(judged, value, level),
        mean=_mean(judged, value, level),
        corrected=_corrected(judge, judged, value, level),
        people=annotators,
        slices=tuple(_slices(judged, value, level)),
        cost=None if None in costs else math.fsum(cost for cost in costs if cost is not None),
    )
    return msgspec.structs.replace(both, findings=(*_found(judge, judged, value, level), *_notes(both, found.alarm, reported)))


def _found(judge: Judge, items: Sequence[Rated], value: Worth, level: float) -> list[Finding]:
    """What stands after looking for everything: the adjusted p below `ALPHA`, and the interval clear of what is fair."""
    looked_for = bias.suspicions(items, value, judge.family, level=level)
    adjusted = statistics.holm([one.p for one in looked_for])
    return [
        Finding(kind=one.kind, severity=one.severity, sentence=one.sentence, estimate=one.estimate, p=p)
        for one, p in zip(looked_for, adjusted, strict=True)
        if p < ALPHA and one.leaves
    ]


def _notes(found: Calibration, alarm: str, reported: Reported | None) -> list[Finding]:
    """What follows from one interval alone."""
    notes: list[Finding] = []
    kappa = found.kappa
    if kappa.high < 0:
        sentence = f"agrees with people less than by chance: kappa {_plain(kappa)}"
        notes.append(Finding(kind="below_chance", severity="alarm", sentence=sentence, estimate=kappa))
    elif kappa.low <= 0:
        sentence = f"not shown to agree with people beyond chance: kappa {_plain(kappa)}"
        notes.append(Finding(kind="no_agreement", severity="warning", sentence=sentence, estimate=kappa))
    elif alarm:
        notes.append(Finding(kind="base_rate", severity="note", sentence=alarm, estimate=kappa))
    if reported is not None:
        first, second = zip(*found.base_rates.values(), strict=True)
        seen = statistics.kappa_alarm(found.agreement.value, reported.kappa, first, second)
        if seen:
            notes.append(Finding(kind="miscomputed", severity="alarm", sentence=f"the kappa reported for it is off: {seen}"))
    gain = found.orders.gain if found.orders is not None else None
    if found.orders is not None and gain is not None and gain.low > 0:
        kept = shown(found.orders.consistency)
        sentence = f"agrees with labels {100 * gain.value:.0f} points more where both orders say the same, which leaves {kept} of the pairs"
        notes.append(Finding(kind="inconsistent", severity="note", sentence=sentence, estimate=gain))
    if found.people is not None and found.people.kappas:
        lowest = min(found.people.kappas.items(), key=lambda one: one[1].low)
        if kappa.high < lowest[1].low:
            sentence = f"agrees with people less (kappa {_plain(kappa)}) than they do among themselves (at least {_plain(lowest[1])})"
            notes.append(Finding(kind="below_people", severity="note", sentence=sentence, estimate=kappa))
    return notes


def _confusion(labels: Sequence[Label], verdicts: Sequence[Label]) -> dict[str, dict[str, int]]:
    counts = Counter(zip(labels, verdicts, strict=True))
    categories = statistics.confusion(labels, verdicts)[0]
    return {str(one): {str(other): counts[one, other] for other in categories} for one in categories}  # pyright: ignore[reportArgumentType]


def _orders(items: Sequence[Rated], value: Worth, level: float) -> Orders | None:
    both = [item for item in items if len(item.verdicts) == 2 and None not in item.verdicts]
    if not both:
        return None
    place = leaning.position(both, value, level=level)
    alike_in_both = [item.verdicts[0] == item.verdicts[1] for item in both]
    shares = [alike(label, lean) for _, label, lean in both_known(both, value)]
    rows = [(share, float(item.verdicts[0] == item.verdicts[1])) for (item, *_), share in zip(both_known(both, value), shares, strict=True)]
    standing = [share for share, stands in rows if stands]
    return Orders(
        consistency=statistics.proportion(sum(alike_in_both), len(both), level=level),
        first=place.judge if place is not None else statistics.mean(_firsts(both, value), level=level),
        once=statistics.mean(shares, level=level) if shares else None,
        standing=statistics.mean(standing, level=level) if standing else None,
        gain=_gain(rows, level),
    )


def _firsts(items: Sequence[Rated], value: Worth) -> list[float]:
    """For each pair, the share of its two verdicts that pick the first place."""
    return [
        (value(one) + 1 - value(other)) / 2 for item in items for one, other in [item.verdicts] if one is not None and other is not None
    ]


def _gain(rows: Sequence[tuple[float, float]], level: float) -> Estimate | None:
    """Agreement over the pairs that stand in both orders, less the agreement of one order over all pairs.

    Both are means over the same items, so each item's pull on the difference is known: a delta-method interval.
    """
    n, standing = len(rows), math.fsum(stands for _, stands in rows)
    if n < FEWEST or standing < FEWEST:
        return None
    among, over_all = math.fsum(share * stands for share, stands in rows) / standing, math.fsum(share for share, _ in rows) / n
    pulls = [(share - among) * stands * n / standing - (share - over_all) for share, stands in rows]
    spread = statistics.mean(pulls, bounds=None, level=level)
    value = among - over_all
    return Estimate(
        value=value, low=value + spread.low - spread.value, high=value + spread.high - spread.value, n=n, method="delta, t", level=level
    )


def _candidates(items: Sequence[Rated], value: Worth, level: float) -> dict[str, Leaning]:
    names = sorted({name for item in items for name in item.candidates})
    if not 1 < len(names) <= bias.MOST_VALUES:
        return {}
    return {name: found for name in names if (found := leaning.candidate(items, name, value, level=level)) is not None}


def _mean(items: Sequence[Rated], value: Worth, level: float) -> Leaning | None:
    if any(len(item.verdicts) == 2 for item in items):
        return None
    found = leaning.lenient(items, value, level=level)
    return None if found is None else found[0]


def _corrected(judge: Judge, items: Sequence[Rated], value: Worth, level: float) -> Estimate | None:
    """The mean worth of all judged items as people would have given it."""
    known = both_known(items, value)
    others = [lean for item in items if item.human is None and (lean := leans(item, value)) is not None]
    labels, judged = [label for _, label, _ in known], [lean for *_, lean in known]
    if judge.is_pairwise or not known:
        return None
    if others:
        return statistics.prediction_powered_mean(labels, judged, others, level=level)
    if {*labels, *judged} <= {0.0, 1.0} and 0 < sum(labels) < len(labels):
        found = sum(lean for label, lean in zip(labels, judged, strict=True) if label == 1)
        cleared = sum(1 - lean for label, lean in zip(labels, judged, strict=True) if label == 0)
        positives = round(sum(labels))
        try:
            return statistics.corrected_prevalence(
                round(sum(judged)), len(judged), found=round(found), positives=positives, cleared=round(cleared),
                negatives=len(labels) - positives, level=level,
            )  # fmt: skip
        except InputError:  # no better than chance: the finding of that name says so
            return None
    return None


def _slices(items: Sequence[Rated], value: Worth, level: float) -> list[Slice]:
    found: list[Slice] = []
    known = both_known(items, value)
    for key, one in bias.slices_of([item for item, *_ in known]):
        inside = [(item, label, lean) for item, label, lean in known if item.metadata.get(key) == one]
        if len(inside) < FEWEST:
            continue
        standing = [alike(label, lean) for item, label, lean in inside if len(item.verdicts) == 2 and item.verdicts[0] == item.verdicts[1]]
        finals = [(item.human, item.final) for item, *_ in inside if item.human is not None and item.final is not None]
        found.append(
            Slice(
                key=key,
                value=str(one),
                agreement=statistics.mean([alike(label, lean) for _, label, lean in inside], level=level),
                kappa=statistics.cohen_kappa([human for human, _ in finals], [final for _, final in finals], level=level),
                standing=statistics.mean(standing, level=level) if standing else None,
            )
        )
    return found


def _plain(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
