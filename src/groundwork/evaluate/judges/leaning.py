"""How far a judge leans: to what stands first, to what is longer, to who wrote it, to high scores. Whether that is a finding: see `bias.py`.

Errors at random are no bias, and two kinds of them look like one. Where people prefer the longer answer in 27 %, a judge that is right in 70 %
prefers it in 41 %; so a leaning must show at equal labels, in a regression of the judge's preference on the label and the leaning. Where labels
err, what people prefer in truth shows through at equal labels; so the judge must also lean further than the labels do. A finding needs both
(an intersection-union test), which errs no more often than its level as long as the judge is not more exact than the labels.
Source: R. L. Berger, Technometrics 24 (1982), 295-300.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.evaluate.judges.labels import Label, Rated

FEWEST = 20
"""Items below which no leaning and no slice is looked at."""
HALF = 0.5

Worth = Callable[[Label], float]


class Leaning(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a judge leans to one side, beside how far people do over the same items."""

    judge: Estimate
    """Share of its preferences, or mean score."""
    people: Estimate | None = None
    slope: Estimate | None = None
    """Log-odds at equal labels: per doubling of the length, or for who wrote it. None where labels and side tell all verdicts apart."""
    people_slope: Estimate | None = None
    lopsided: Estimate | None = None
    """Of a pair: how much more often it errs for this side than against it, each among the labels that leave room for the error."""
    shift: Estimate | None = None
    """How much further than the labels it leans to that side; for a single answer's length, by how much a doubling raises its score more."""
    p: float | None = None
    """Of no leaning, before the correction for looking at several; None where it cannot be tested."""


def leans(item: Rated, worth: Worth) -> float | None:
    """The judge's verdict as a number from 0 to 1, both orders averaged; None where one could not be read."""
    values = [worth(verdict) for verdict in item.verdicts if verdict is not None]
    return math.fsum(values) / len(values) if values and len(values) == len(item.verdicts) else None


def both_known(items: Sequence[Rated], worth: Worth) -> list[tuple[Rated, float, float]]:
    """Items with a label and a verdict, with the worth of both: (item, people, judge)."""
    return [(item, worth(item.human), lean) for item in items if item.human is not None and (lean := leans(item, worth)) is not None]


def position(items: Sequence[Rated], worth: Worth, *, level: float = 0.95) -> Leaning | None:
    """Does it prefer what stands first? From both orders without any label; from one order at equal labels.

    A judge that sees each pair in both orders is fair where it picks the first place in half of its verdicts.
    """
    orders = [item.verdicts for item in items if len(item.verdicts) == 2]
    shares = [(worth(one) + 1 - worth(other)) / 2 for one, other in orders if one is not None and other is not None]
    if len(shares) >= FEWEST:
        p = statistics.sign_test([share - HALF for share in shares]).p
        return Leaning(judge=statistics.mean(shares, level=level), p=p)
    known = both_known([item for item in items if len(item.verdicts) == 1], worth)
    if len(known) < FEWEST:
        return None
    judged, labelled = [lean for *_, lean in known], [label for _, label, _ in known]
    return _leaning(judged, labelled, None, _shift(judged, labelled, level), level, is_pair=True)


def length(items: Sequence[Rated], worth: Worth, *, level: float = 0.95) -> Leaning | None:
    """Does it prefer what is longer (a pair), or score it higher (a single answer), at equal labels? None where lengths are unknown or equal."""
    sized = [(item, doublings) for item in items if (doublings := _doublings(item))]
    is_pair = any(len(item.lengths) == 2 for item, _ in sized)
    leaning = [(item, doublings, lean) for item, doublings in sized if (lean := leans(item, worth)) is not None]
    if len(leaning) < FEWEST:
        return None
    known = [(item, doublings, worth(item.human), lean) for item, doublings, lean in leaning if item.human is not None]
    if len(known) < FEWEST:
        sides = [_toward(lean, doublings) if is_pair else lean for _, doublings, lean in leaning]
        return Leaning(judge=statistics.mean(sides, level=level))
    judged = [_toward(lean, doublings) if is_pair else lean for _, doublings, _, lean in known]
    labelled = [_toward(label, doublings) if is_pair else label for _, doublings, label, _ in known]
    shift = _shift(judged, labelled, level, [] if is_pair else [doublings for _, doublings, *_ in known])
    slope = _slope([([label - HALF, more], lean) for _, more, label, lean in known], 1, level)
    found = _leaning(judged, labelled, slope, shift, level, is_pair=is_pair)
    return msgspec.structs.replace(found, people_slope=_slope([([more], label) for _, more, label, _ in known], 0, level))


def candidate(items: Sequence[Rated], name: str, worth: Worth, *, level: float = 0.95) -> Leaning | None:
    """Does it side with the answers of this candidate (or score them higher), at equal labels and lengths? None below 20 of them."""
    known = [(item, label, lean, sides) for item, label, lean in both_known(items, worth) if (sides := _sides(item, name)) is not None]
    own = [(label, lean, sides) for _, label, lean, sides in known if sides]
    if len(own) < FEWEST:
        return None
    rows = [([label - HALF, _doublings(item) or 0.0, sides], lean) for item, label, lean, sides in known]
    judged = [_toward(lean, sides) for _, lean, sides in own]
    labelled = [_toward(label, sides) for label, _, sides in own]
    is_pair = any(len(item.candidates) == 2 for item, *_ in known)
    every = [sides for *_, sides in known]
    shift = (
        _shift(judged, labelled, level)
        if is_pair
        else _shift([lean for _, _, lean, _ in known], [label for _, label, *_ in known], level, every)
    )
    return _leaning(judged, labelled, _slope(rows, 2, level), shift, level, is_pair=is_pair)


def lenient(items: Sequence[Rated], worth: Worth, *, level: float = 0.95) -> tuple[Leaning, Estimate] | None:
    """Judge's and people's mean over the same single answers, and their paired difference."""
    known = both_known([item for item in items if len(item.verdicts) == 1], worth)
    if len(known) < FEWEST:
        return None
    labelled, judged = [label for _, label, _ in known], [lean for *_, lean in known]
    difference = statistics.paired_difference(labelled, judged, level=level)
    p = statistics.permutation_test([lean - label for label, lean in zip(labelled, judged, strict=True)]).p
    return Leaning(judge=statistics.mean(judged, level=level), people=statistics.mean(labelled, level=level), p=p), difference


# -- numbers


def direct(leaning: Leaning | None) -> Estimate | None:
    """What shows a leaning at equal labels: the slope, or where there is none the lopsided errors."""
    return None if leaning is None else leaning.lopsided if leaning.slope is None else leaning.slope


def _toward(lean: float, side: float) -> float:
    """A preference for A as one for the side that a positive number marks as A."""
    return lean if side > 0 else 1 - lean


def _doublings(item: Rated) -> float | None:
    """How many times the first answer must be doubled from the second's length; of a single answer, the doublings from one character."""
    if not item.lengths:
        return None
    return math.log2(max(1, item.lengths[0])) - (math.log2(max(1, item.lengths[1])) if len(item.lengths) == 2 else 0.0)


def _sides(item: Rated, name: str) -> float | None:
    """1 where the candidate wrote A (or the single answer), -1 where B, 0 where neither or both; None where nobody is named."""
    if not item.candidates:
        return None
    if len(item.candidates) == 1:
        return float(item.candidates[0] == name)
    return float(item.candidates[0] == name) - float(item.candidates[1] == name)


def _slope(rows: Sequence[tuple[list[float], float]], place: int, level: float) -> Estimate | None:
    """The coefficient of a column in a logistic regression, other columns that do not vary left out; None where no finite one is the likeliest."""
    varying = [one for one in range(len(rows[0][0])) if len({row[one] for row, _ in rows}) > 1]
    if not {0, place} <= set(varying):  # without the label a leaning says nothing
        return None
    try:
        fit = statistics.logistic([[row[one] for one in varying] for row, _ in rows], [lean for _, lean in rows], level=level)
    except InputError:
        return None
    found = fit.coefficients[1 + varying.index(place)]
    return None if fit.is_ridged else found


def _shift(judged: Sequence[float], labelled: Sequence[float], level: float, sides: Sequence[float] = ()) -> Estimate | None:
    """How much further the judge goes than the labels: the mean difference, or its slope on `sides` where they are given."""
    differences = [lean - label for lean, label in zip(judged, labelled, strict=True)]
    if not sides:
        return statistics.mean(differences, bounds=(-1.0, 1.0), level=level)
    return statistics.line(sides, differences, level=level).slope if len(set(sides)) > 1 else None


def _lopsided(judged: Sequence[float], labelled: Sequence[float], level: float) -> Estimate | None:
    """Errors for a side among the labels against it, less errors against it among the labels for it."""
    errs_for = [lean for lean, label in zip(judged, labelled, strict=True) if label < HALF]
    errs_against = [1 - lean for lean, label in zip(judged, labelled, strict=True) if label > HALF]
    if min(len(errs_for), len(errs_against)) < FEWEST:
        return None
    return statistics.contrast(statistics.mean(errs_for, level=level), statistics.mean(errs_against, level=level))


def _leaning(
    judged: Sequence[float], labelled: Sequence[float], slope: Estimate | None, shift: Estimate | None, level: float, *, is_pair: bool
) -> Leaning:
    """The two means; slope and errors at equal labels; and the larger p of what shows there and of the shift against the labels."""
    found = Leaning(
        judge=statistics.mean(judged, level=level),
        people=statistics.mean(labelled, level=level),
        slope=slope,
        lopsided=_lopsided(judged, labelled, level) if is_pair else None,
        shift=shift,
    )
    at_equal_labels = direct(found)
    if at_equal_labels is None or shift is None:
        return found
    p = max(p_of(shift), p_of(at_equal_labels))
    if at_equal_labels.value * shift.value < 0:
        p = 1.0  # one of the two is noise in the labels or in the judge
    return msgspec.structs.replace(found, p=p)


def p_of(estimate: Estimate) -> float:
    """The two-sided p of no difference that belongs to an interval, by the half of it that faces 0; 1 where it is open."""
    half = estimate.value - estimate.low if estimate.value > 0 else estimate.high - estimate.value
    if statistics.OPEN in estimate.method or half <= 0:
        return 1.0
    return 2 * (1 - statistics.normal_cdf(abs(estimate.value) / half * statistics.normal_quantile(0.5 + estimate.level / 2)))
