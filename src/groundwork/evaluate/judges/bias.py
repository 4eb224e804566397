"""What moves a judge beside the quality of the answers, as sentences: everything that is looked for, with how surely it was found."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.measure import Estimate
from groundwork.evaluate.judges.labels import Rated
from groundwork.evaluate.judges.leaning import FEWEST, HALF, Leaning, Worth, both_known, candidate, direct, length, lenient, p_of, position

MOST_VALUES = 40
"""Of a metadata key: one with more values names items, not kinds of items."""
UNREAD = 0.01
"""Share of verdicts that may be unreadable without a finding."""

FindingKind = Literal[
    "position",
    "length",
    "candidate",
    "own_kind",
    "lenient",
    "slice",
    "unparseable",
    "inconsistent",
    "no_agreement",
    "below_chance",
    "base_rate",
    "miscomputed",
    "below_people",
]
Severity = Literal["alarm", "warning", "note"]


class Suspicion(NamedTuple):
    """A finding before it is known how many were looked for. `leaves` says whether the interval leaves out what is fair."""

    kind: FindingKind
    severity: Severity
    sentence: str
    estimate: Estimate
    p: float
    leaves: bool


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A weakness of a judge, as a sentence. `p` is adjusted for all that was looked for (Holm); a note needs none."""

    kind: FindingKind
    severity: Severity
    sentence: str
    estimate: Estimate | None = None
    p: float | None = None


def suspicions(items: Sequence[Rated], worth: Worth, family: str = "", *, level: float = 0.95) -> list[Suspicion]:
    """Everything that is looked for, found or not: what was looked at decides how strong a finding must be."""
    is_pair = any(len(item.lengths) == 2 or len(item.verdicts) == 2 or len(item.candidates) == 2 for item in items)
    found = [_unread(items, level), *_slices(items, worth, level, is_pair=is_pair)]
    if is_pair:
        found.append(_first(position(items, worth, level=level)))
    else:
        found.append(_leniency(lenient(items, worth, level=level)))
    found.append(_longer(length(items, worth, level=level), is_pair=is_pair))
    names = Counter(name for item in items for name in item.candidates)
    if 1 < len(names) <= MOST_VALUES:
        found += [_sided(name, candidate(items, name, worth, level=level), family, is_pair=is_pair) for name in sorted(names)]
    return [one for one in found if one is not None]


def _first(leaning: Leaning | None) -> Suspicion | None:
    if leaning is None or leaning.p is None:
        return None
    if leaning.lopsided is None:
        side = "first" if leaning.judge.value > HALF else "second"
        share = leaning.judge if side == "first" else _rest(leaning.judge)
        sentence = f"picks the {side} answer in {shown(share)} of its verdicts, where half is fair"
        return Suspicion("position", "alarm", sentence, share, leaning.p, leaves=leaves(share, HALF))
    side = "first" if leaning.lopsided.value > 0 else "second"
    sentence = f"leans to the {side} answer: {_more_errors(leaning.lopsided)}"
    return Suspicion("position", "alarm", sentence, leaning.lopsided, leaning.p, leaves=leaves(leaning.lopsided, 0.0))


def _longer(leaning: Leaning | None, *, is_pair: bool) -> Suspicion | None:
    shown_by = direct(leaning)
    if leaning is None or leaning.p is None or shown_by is None or leaning.people is None:
        return None
    is_up = shown_by.value > 0
    what = f"prefers the {'longer' if is_up else 'shorter'} answer" if is_pair else f"scores the {'longer' if is_up else 'shorter'} higher"
    judge, labels = (leaning.judge, leaning.people) if is_up else (_rest(leaning.judge), _rest(leaning.people))
    shares = f" in {shown(judge)} where labels do in {shown(labels)}" if is_pair else " at equal labels"
    how = f"at equal labels twice the length has odds of {_odds(shown_by)}" if shown_by is leaning.slope else _more_errors(shown_by)
    return Suspicion("length", "alarm", f"{what}{shares}; {how}", shown_by, leaning.p, leaves=leaves(shown_by, 0.0))


def _sided(name: str, leaning: Leaning | None, family: str, *, is_pair: bool) -> Suspicion | None:
    shown_by = direct(leaning)
    if leaning is None or leaning.p is None or shown_by is None or leaning.people is None:
        return None
    is_own = bool(family) and family.casefold() in name.casefold()
    for_it = shown_by.value > 0
    who = f"{name}, its own kind," if is_own else name
    verb = ("sides with" if is_pair else "scores up") if for_it else ("sides against" if is_pair else "scores down")
    share = f"{shown(leaning.judge)} for it where labels give {shown(leaning.people)}"
    kind: FindingKind = "own_kind" if is_own else "candidate"
    return Suspicion(kind, "alarm", f"{verb} {who} beyond the labels: {share}", shown_by, leaning.p, leaves=leaves(shown_by, 0.0))


def _leniency(found: tuple[Leaning, Estimate] | None) -> Suspicion | None:
    if found is None:
        return None
    leaning, difference = found
    if leaning.p is None or leaning.people is None:
        return None
    how = "more leniently" if difference.value > 0 else "more strictly"
    sentence = f"scores {how} than people: {leaning.judge.value:.2f} on average where they give {leaning.people.value:.2f}"
    return Suspicion("lenient", "warning", sentence, difference, leaning.p, leaves=leaves(difference, 0.0))


def _unread(items: Sequence[Rated], level: float) -> Suspicion | None:
    share = unread(items, level=level)
    if share is None:
        return None
    count = round(share.value * share.n)
    p = 1 - statistics.binomial_cdf(count - 1, share.n, UNREAD)
    sentence = f"{count} of {share.n} items have no verdict that could be read, {shown(share)}"
    return Suspicion("unparseable", "warning", sentence, share, min(1.0, max(0.0, p)), leaves=share.low > UNREAD)


def unread(items: Sequence[Rated], *, level: float = 0.95) -> Estimate | None:
    """Share of the judged items of which an order could not be read."""
    judged = [item for item in items if item.verdicts]
    return statistics.proportion(sum(None in item.verdicts for item in judged), len(judged), level=level) if judged else None


def _slices(items: Sequence[Rated], worth: Worth, level: float, *, is_pair: bool) -> list[Suspicion]:
    known = both_known(items, worth)
    found: list[Suspicion] = []
    for key, value in slices_of([item for item, *_ in known]):
        inside = [alike(label, lean) for item, label, lean in known if item.metadata.get(key) == value]
        outside = [alike(label, lean) for item, label, lean in known if item.metadata.get(key) != value]
        if min(len(inside), len(outside)) < FEWEST:
            continue

        here, there = statistics.mean(inside, level=level), statistics.mean(outside, level=level)
        difference = statistics.contrast(here, there)
        coin = "; that is worse than a coin" if is_pair and here.high < HALF else ""
        sentence = f"agrees with labels in {shown(here)} where {key} is {value}, in {shown(there)} elsewhere{coin}"
        severity: Severity = "alarm" if coin else "warning"
        found.append(Suspicion("slice", severity, sentence, difference, p_of(difference), leaves=difference.high < 0))
    return found


def slices_of(items: Sequence[Rated]) -> list[tuple[str, object]]:
    """Every key of the metadata with each of its values, for keys that name kinds of items."""
    keys = sorted({key for item in items for key in item.metadata})
    found: list[tuple[str, object]] = []
    for key in keys:
        values = {item.metadata[key] for item in items if key in item.metadata}
        if 1 < len(values) <= MOST_VALUES:
            found += [(key, value) for value in sorted(values, key=str)]
    return found


def alike(label: float, lean: float) -> float:
    """How far a verdict agrees with a label: 1 where equal, 0 at the other end; of two orders that differ, half."""
    return 1 - abs(label - lean)


# -- in words and numbers


def shown(share: Estimate) -> str:
    """A share with its interval, in percent."""
    return f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def leaves(estimate: Estimate, fair: float) -> bool:
    """Whether an interval leaves out a value; an open one leaves out nothing."""
    return statistics.OPEN not in estimate.method and not estimate.low <= fair <= estimate.high


def _more_errors(lopsided: Estimate) -> str:
    low, high = sorted((abs(lopsided.low), abs(lopsided.high)))
    return f"it errs for it more often than against it, by {100 * abs(lopsided.value):.0f} points [{100 * low:.0f}, {100 * high:.0f}]"


def _odds(slope: Estimate) -> str:
    """Log-odds as odds, always above 1: which side they are for is said beside them."""
    low, high = sorted((slope.low, slope.high)) if slope.value > 0 else sorted((-slope.low, -slope.high))
    return f"{math.exp(abs(slope.value)):.3g} to 1 [{math.exp(low):.3g}, {math.exp(high):.3g}]"


def _rest(share: Estimate) -> Estimate:
    return msgspec.structs.replace(share, value=1 - share.value, low=1 - share.high, high=1 - share.low)
