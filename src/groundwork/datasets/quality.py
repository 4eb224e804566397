"""What a curator looks at before training: duplicates, lengths, balance, leaks between the parts, outliers, and labels that give themselves away.

Exact duplicates are equal without case and punctuation; near ones share most of their runs of three words (Jaccard of shingles, Broder 1997),
found exactly by prefix filtering (Chaudhuri, Ganti and Kaushik, 2006), not by sampling. Not covered: paraphrases, and whether labels are right.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import quantiles

import msgspec

from groundwork.core.measure import Estimate
from groundwork.core.statistics import auc
from groundwork.core.text import words
from groundwork.datasets.rows import Row, SpanRow, TextRow
from groundwork.datasets.training import PARTS, Part, Parts, label_of, leaks, read_part, read_training, text_of

ALIKE = 0.7
"""Share of shingles, of all that either of two texts has, from which they are near duplicates."""
_RUN = 3
"""Words of a shingle."""
_LEAST = 6
"""Words from which a text has enough shingles for near duplicates to mean anything."""
_FAR = 3.0
"""Interquartile ranges beyond the quartiles of the logarithm from which a length is an outlier. Source: Tukey (1977), far out."""
_FEWEST = 10
"""Rows of a class in `train` below which little can be learned of it."""
_UNEQUAL = 10.0
_GIVEN_AWAY = 0.65
_MOST_CLASSES = 2
_SHOWN = 3


class Lengths(msgspec.Struct, frozen=True, kw_only=True):
    """Words of one field of the rows, and the rows whose length lies far from the others'."""

    low: float
    """5 % of the rows have at most so many."""
    median: float
    high: float
    """95 % have at most so many."""
    most: int
    outliers: tuple[str, ...]
    """Ids of rows."""


class PartQuality(msgspec.Struct, frozen=True, kw_only=True):
    """One part: how much there is of what."""

    rows: int
    groups: int
    largest_group: float
    """Share of the rows that belong to the largest group."""
    labels: dict[str, int]
    kinds: dict[str, int]
    lengths: dict[str, Lengths]
    doubled: int
    """Rows that say what an earlier one says, with the same label."""
    contradicting: int
    """Rows that say what an earlier one says, with another label."""
    near: dict[str, int]
    """Distinct texts of each field that are nearly the same as an earlier one."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """Texts of one field that stand, or nearly stand, in two parts."""

    field: str
    first: Part
    second: Part
    exact: int
    near: int
    of: int
    """Distinct texts of this field in `second`."""
    example: str


class Giveaway(msgspec.Struct, frozen=True, kw_only=True):
    """How well one field alone tells the label on `held`: 0.5 not at all. By its words as learned from `train`, and by its length."""

    field: str
    by_words: Estimate
    by_length: Estimate


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A training set as a curator sees it; `remarks` are what should be looked at before training, empty where nothing should."""

    name: str
    parts: dict[Part, PartQuality]
    shared: tuple[Shared, ...]
    giveaways: tuple[Giveaway, ...]
    remarks: tuple[str, ...]


def inspect_training(folder: Path) -> Inspection:
    """Look at a training set. Raises as `read_part` does."""
    name = read_training(folder).name
    return inspect_rows(name, {part: read_part(folder, part) for part in PARTS})


def inspect_rows(name: str, parts: Parts) -> Inspection:
    """Look at rows that are not written yet."""
    distinct = {part: _distinct(parts[part]) for part in PARTS}
    fields = list(dict.fromkeys(field for texts in distinct.values() for field in texts))
    near: dict[Part, dict[str, int]] = {part: {} for part in PARTS}
    shared: list[Shared] = []
    for field in fields:
        found, between = _compare(field, {part: list(distinct[part].get(field, {})) for part in PARTS})
        for part in PARTS:
            near[part][field] = found[part]
        shared += between
    seen: dict[Part, PartQuality] = {}
    for part in PARTS:
        if parts[part]:
            seen[part] = _part(parts[part], near[part])
    giveaways = _giveaways(parts)
    return Inspection(
        name=name,
        parts=seen,
        shared=tuple(shared),
        giveaways=tuple(giveaways),
        remarks=tuple(_remarks(parts, seen, shared, giveaways)),
    )


def fields_of(row: Row) -> dict[str, str]:
    """The texts that a row puts before a model."""
    if isinstance(row, SpanRow):
        return {"question": row.question, "passage": row.passage}
    return {"text": row.text} if isinstance(row, TextRow) else {"a": row.a, "b": row.b}


def near_duplicates(texts: Sequence[str], *, alike: float = ALIKE) -> list[tuple[int, int]]:
    """Pairs of places (the earlier first) of texts that share at least `alike` of their shingles. Texts below six words have no pair.

    Exact: of two such texts, the rarest shingles of one must meet the rarest of the other, so only those are looked up.
    """
    shingles = [_shingles(text) for text in texts]
    often = Counter(one for own in shingles for one in own)
    index: dict[tuple[str, ...], list[int]] = {}
    found: list[tuple[int, int]] = []
    for place, own in enumerate(shingles):
        rare = sorted(own, key=lambda one: (often[one], one))[: len(own) - math.ceil(alike * len(own)) + 1]
        candidates = {other for one in rare for other in index.get(one, ())}
        for other in sorted(candidates):
            theirs = shingles[other]
            if min(len(own), len(theirs)) >= alike * max(len(own), len(theirs)):
                common = len(own & theirs)
                if common >= alike * (len(own) + len(theirs) - common):
                    found.append((other, place))
        for one in rare:
            index.setdefault(one, []).append(place)
    return found


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    said = words(text)
    return frozenset(zip(*(said[start:] for start in range(_RUN)), strict=False)) if len(said) >= _LEAST else frozenset()


def _distinct(rows: Iterable[Row]) -> dict[str, dict[str, None]]:
    """The texts of each field, in order, none twice."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for field, text in fields_of(row).items():
            found.setdefault(field, {})[" ".join(words(text))] = None
    return found


def _compare(field: str, texts: Mapping[Part, list[str]]) -> tuple[dict[Part, int], list[Shared]]:
    """Near duplicates within each part, and what two parts share."""
    every: list[tuple[Part, str]] = [(part, text) for part in PARTS for text in texts[part]]
    pairs = near_duplicates([text for _, text in every])
    inside: dict[Part, set[int]] = {part: set() for part in PARTS}
    between: dict[tuple[Part, Part], set[int]] = {}
    for first, second in pairs:
        parts = every[first][0], every[second][0]
        if parts[0] == parts[1]:
            inside[parts[0]].add(second)
        elif every[first][1] != every[second][1]:
            between.setdefault(parts, set()).add(second)
    shared: list[Shared] = []
    for place, first in enumerate(PARTS):
        for second in PARTS[place + 1 :]:
            known = set(texts[first])
            same = {text: None for text in texts[second] if text in known}
            close = sorted(index for index in between.get((first, second), ()) if every[index][1] not in same)
            if same or close:
                example = next(iter(same)) if same else every[close[0]][1]
                shared.append(
                    Shared(
                        field=field,
                        first=first,
                        second=second,
                        exact=len(same),
                        near=len(close),
                        of=len(texts[second]),
                        example=example[:120],
                    )
                )
    return {part: len(found) for part, found in inside.items()}, shared


def _part(rows: Sequence[Row], near: Mapping[str, int]) -> PartQuality:
    groups = Counter(row.group for row in rows)
    labels: dict[str, set[str]] = {}
    doubled = contradicting = 0
    for row in rows:
        before = labels.setdefault(text_of(row), set())
        doubled += label_of(row) in before
        contradicting += bool(before) and label_of(row) not in before
        before.add(label_of(row))
    return PartQuality(
        rows=len(rows),
        groups=len(groups),
        largest_group=max(groups.values()) / len(rows),
        labels=dict(sorted(Counter(label_of(row) for row in rows).items())),
        kinds=dict(sorted(Counter(row.kind for row in rows).items())),
        lengths={field: _lengths(rows, field) for field in fields_of(rows[0])},
        doubled=doubled,
        contradicting=contradicting,
        near=dict(near),
    )


def _lengths(rows: Sequence[Row], field: str) -> Lengths:
    counts = {row.id: len(words(fields_of(row)[field])) for row in rows}
    every = sorted(counts.values())
    cuts = quantiles(every, n=20, method="inclusive") if len(every) > 1 else [float(every[0])] * 19
    low, high = (math.log1p(cuts[place]) for place in (4, 14))
    width = _FAR * (high - low)
    far = [identifier for identifier, count in counts.items() if not low - width <= math.log1p(count) <= high + width] if width else []
    return Lengths(low=cuts[0], median=cuts[9], high=cuts[18], most=every[-1], outliers=tuple(far))


def _giveaways(parts: Parts) -> list[Giveaway]:
    """For two classes: how far each field alone tells them apart, by naive Bayes on words and by its length."""
    classes = sorted({label_of(row) for row in parts["train"]})
    held = [row for row in parts["held"] if label_of(row) in classes]
    if len(classes) != _MOST_CLASSES or len({label_of(row) for row in held}) < _MOST_CLASSES:
        return []
    found: list[Giveaway] = []
    for field in fields_of(held[0]):
        weights = _odds([(words(fields_of(row)[field]), label_of(row) == classes[1]) for row in parts["train"]])
        said = [words(fields_of(row)[field]) for row in held]
        told = [sum(weights.get(word, 0.0) for word in set(one)) / math.sqrt(len(one) or 1) for one in said]
        sides = [label_of(row) == classes[1] for row in held]
        found.append(Giveaway(field=field, by_words=auc(told, sides), by_length=auc([float(len(one)) for one in said], sides)))
    return found


def _odds(rows: Iterable[tuple[Sequence[str], bool]]) -> dict[str, float]:
    """The logarithm of how much oftener a word stands in rows of the second class, with one added to each count."""
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    totals = [1, 1]
    for said, side in rows:
        counts[side].update(set(said))
        totals[side] += 1
    every = counts[0].keys() | counts[1].keys()
    return {word: math.log((counts[1][word] + 1) / totals[1]) - math.log((counts[0][word] + 1) / totals[0]) for word in every}


def _remarks(parts: Parts, seen: Mapping[Part, PartQuality], shared: Sequence[Shared], giveaways: Sequence[Giveaway]) -> list[str]:
    found = leaks(parts)[:_SHOWN]
    for one in shared:
        long = one.field in {"passage", "b", "text"}
        if long and one.near:
            found.append(f"{one.near} of {one.of} texts of {one.second} nearly stand in {one.first} (field {one.field}): {one.example!r}")
    for part, quality in seen.items():
        if quality.contradicting:
            found.append(f"{quality.contradicting} rows of {part} say what another row says, with another label")
        if quality.doubled:
            found.append(f"{quality.doubled} rows of {part} are there twice")
    train = seen["train"].labels if "train" in seen else {}
    if len(train) == 1:
        found.append(f"there is one class only: {next(iter(train))}")
    found += [f"the class {label!r} has {count} rows in train" for label, count in train.items() if count < _FEWEST][:_SHOWN]
    if train and max(train.values()) > _UNEQUAL * min(train.values()):
        found.append(f"the largest class has {max(train.values()) / min(train.values()):.0f} times the rows of the smallest")
    found += [f"the class {label!r} is missing in train" for label in _missing(seen)][:_SHOWN]
    for one in giveaways:
        for how, value in (("words", one.by_words), ("length", one.by_length)):
            if max(value.low, 1 - value.high) > _GIVEN_AWAY:
                found.append(f"the {how} of {one.field} alone tell the label (AUC {value.value:.2f} on held)")
    return found


def _missing(seen: Mapping[Part, PartQuality]) -> list[str]:
    known = seen["train"].labels.keys() if "train" in seen else set[str]()
    return sorted({label for quality in seen.values() for label in quality.labels} - known)


def table(inspection: Inspection) -> list[str]:
    """What a person reads: lines of text."""
    lines = [f"training set {inspection.name}", ""]
    head = ("part", "rows", "groups", "largest", "twice", "contradict", "labels")
    rows = [
        (part, f"{one.rows}", f"{one.groups}", f"{one.largest_group:.0%}", f"{one.doubled}", f"{one.contradicting}", _counts(one.labels))
        for part, one in inspection.parts.items()
    ]
    lines += [*_aligned([head, *rows]), ""]
    head = ("part", "field", "words 5 %", "median", "95 %", "most", "far out", "nearly twice")
    rows = [
        (part, field, f"{own.low:.0f}", f"{own.median:.0f}", f"{own.high:.0f}", f"{own.most}", f"{len(own.outliers)}", f"{one.near[field]}")
        for part, one in inspection.parts.items()
        for field, own in one.lengths.items()
    ]
    lines += [*_aligned([head, *rows]), ""]
    lines += [f"kinds of {part}: {_counts(one.kinds)}" for part, one in inspection.parts.items() if any(one.kinds)]
    for one in inspection.shared:
        lines.append(f"{one.first} and {one.second} share {one.exact} and nearly share {one.near} of {one.of} ({one.field})")
    for one in inspection.giveaways:
        lines.append(f"{one.field} alone tells the label with AUC {_shown(one.by_words)} by words, {_shown(one.by_length)} by length")
    lines += ["", *(f"look at: {remark}" for remark in inspection.remarks)] if inspection.remarks else ["", "nothing to look at"]
    return lines


def _shown(value: Estimate) -> str:
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _counts(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name or '-'} {count}" for name, count in most[:8]) + (f" and {len(most) - 8} more" if len(most) > 8 else "")


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
