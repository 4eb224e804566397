"""Failure modes counted: how often each was seen, what that says of all answers, and whether reading on still finds new ones."""

import re
from collections.abc import Sequence

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.review import Note, Review

WINDOW = 20
"""Notes that the hint on saturation looks back over."""
_TAG = re.compile(r"(?:^|\s)#([A-Za-z][\w-]*)")
_NAME = re.compile(r"[a-z][a-z0-9-]*")


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """A failure mode: the items that show it, and its share of all items, read or not, as the sample tells it."""

    name: str
    items: tuple[str, ...]
    read: int
    share: Estimate
    notes: tuple[str, ...]


class Saturation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether reading on pays: modes first seen in the last notes, and the chance that the next failure is of a mode not seen yet."""

    notes: int
    new_lately: int
    window: int
    unseen: Estimate | None
    sentence: str


def name_of(text: str) -> str:
    """A mode's name as it is kept: lower case, words joined by hyphens. Raises InputError for what is none."""
    name = re.sub(r"[\s_]+", "-", text.strip().casefold())
    if not _NAME.fullmatch(name):
        raise InputError(f"{text!r} cannot name a failure mode", fix="use letters, digits and hyphens, such as wrong-page")
    return name


def tagged(text: str) -> tuple[str, tuple[str, ...]]:
    """A note's text, and the modes that it names with `#`."""
    return " ".join(text.split()), tuple(dict.fromkeys(name_of(match) for match in _TAG.findall(text)))


def probabilities(review: Review, notes: Sequence[Note]) -> dict[str, float]:
    """With which probability each item that was read came to be read: of its stratum, as many as were read so far.

    A sample that was read halfway is a smaller sample: within a stratum the order is random.
    """
    strata = {one.item: one.stratum for one in review.items}
    read: dict[str, int] = {}
    for note in notes:
        stratum = strata.get(note.item)
        if stratum is not None:
            read[stratum] = read.get(stratum, 0) + 1
    return {note.item: read[strata[note.item]] / review.strata[strata[note.item]] for note in notes if note.item in strata}


def count_modes(review: Review, notes: Sequence[Note], *, level: float = 0.95) -> tuple[Mode, ...]:
    """Every mode, most frequent first. Shares weigh by the probability of being read; strata of which nothing was read are in none."""
    chances = probabilities(review, notes)
    known = [note for note in notes if note.item in chances]
    names = dict.fromkeys(mode for note in known for mode in note.modes)
    found = [_mode(name, known, chances, level) for name in names]
    return tuple(sorted(found, key=lambda mode: (-mode.share.value, mode.name)))


def failures(review: Review, notes: Sequence[Note], *, level: float = 0.95) -> Estimate | None:
    """The share of all items with any failure; None before anything was read."""
    chances = probabilities(review, notes)
    known = [note for note in notes if note.item in chances]
    return _share([note.is_failure for note in known], [chances[note.item] for note in known], level) if known else None


def _mode(name: str, notes: Sequence[Note], chances: dict[str, float], level: float) -> Mode:
    shows = [name in note.modes for note in notes]
    return Mode(
        name=name,
        items=tuple(note.item for note in notes if name in note.modes),
        read=len(notes),
        share=_share(shows, [chances[note.item] for note in notes], level),
        notes=tuple(note.text for note in notes if name in note.modes and note.text),
    )


def _share(shows: Sequence[bool], chances: Sequence[float], level: float) -> Estimate:
    """Equal chances are a plain share, whose interval is narrower; all of everything read is no sample, and still an estimate of what comes."""
    if len(set(chances)) == 1:
        return statistics.proportion(sum(shows), len(shows), level=level)
    return statistics.weighted_mean([float(one) for one in shows], chances, level=level)


def saturation(notes: Sequence[Note]) -> Saturation:
    """How many modes were new among the last failures, in the order they were noted.

    The chance of an unseen mode is the share of failures whose mode was seen once. Source: I. J. Good, Biometrika 40 (1953), 237-264.
    """
    rows = [note.modes for note in notes if note.modes]
    seen: dict[str, int] = {}
    new: list[int] = []
    for modes in rows:
        new.append(sum(mode not in seen for mode in modes))
        for mode in modes:
            seen[mode] = seen.get(mode, 0) + 1
    window = min(WINDOW, len(rows))
    lately = sum(new[len(new) - window :])
    once = sum(any(seen[mode] == 1 for mode in modes) for modes in rows)
    unseen = statistics.proportion(once, len(rows)) if rows else None
    return Saturation(notes=len(rows), new_lately=lately, window=window, unseen=unseen, sentence=_said(len(rows), window, lately, unseen))


def _said(notes: int, window: int, lately: int, unseen: Estimate | None) -> str:
    if unseen is None:
        return "no failure has a mode yet: name some, or tag notes with #mode"
    chance = f"the next failure is of an unseen mode {unseen.value:.0%} of the time [{unseen.low:.0%}, {unseen.high:.0%}]"
    if notes < WINDOW:
        return f"{notes} failures are few: {chance}"
    if not lately:
        return f"no new mode in the last {window} failures: {chance}; reading on mostly sharpens the counts"
    return f"{lately} new modes in the last {window} failures: {chance}; read on"
