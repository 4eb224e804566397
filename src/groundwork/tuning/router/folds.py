"""What to expect of a router: its examples dealt into folds, each scored by a head that was fitted without it.

Examples of one intent that are almost the same stay in one fold: else the folds would promise more than new messages keep.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.measure import Estimate
from groundwork.core.statistics import auc, mean, proportion
from groundwork.datasets.rows import TextRow
from groundwork.tuning.linear import Array, Integers, logsumexp, stratified_folds
from groundwork.tuning.router.head import Table, solve
from groundwork.tuning.router.record import Confusion, Doubtful

FOLDS = 5
_REPEATS = 3
_FEW = 2_000
"""Rows up to which the folds are dealt several times."""
_SHOWN = 10
_ALIKE = 0.9
"""Cosine of the features (of meaning and wording) from which on two examples of an intent say the same in almost the same words."""
_ENOUGH = 3
"""Intents from which on one can be left out and a choice remains."""

Bools = npt.NDArray[np.bool_]


class Held(NamedTuple):
    """Rows in scope as heads scored them that were fitted without them; the repeats of the folds one after the other."""

    rows: Integers
    """The place of each among the rows in scope."""
    numbers: Integers
    """Its intent."""
    logits: Array
    energy: Array
    fold: Integers
    outside: Array
    """Energies of the rows out of scope, of the first repeat."""
    folds: int
    repeats: int

    @property
    def guesses(self) -> Integers:
        return self.logits.argmax(axis=1)

    @property
    def right(self) -> Bools:
        return self.guesses == self.numbers

    @property
    def first(self) -> Bools:
        """Which entries belong to the first repeat."""
        return self.fold < self.folds


def hold_out(table: Table, seed: int) -> Held:
    """Deal all rows into folds, fit without each fold, score it; small sets several times."""
    inside = table.numbers >= 0
    place = np.cumsum(inside) - 1
    folds = min(FOLDS, *(int(np.sum(table.numbers == number)) for number in range(len(table.labels))))
    groups = groups_of(table, folds)
    repeats = _REPEATS if len(table.numbers) <= _FEW else 1
    rows: list[Integers] = []
    logits: list[Array] = []
    outside: list[Array] = []
    fold: list[Integers] = []
    for repeat in range(repeats):
        dealt = stratified_folds(table.numbers.tolist(), folds, seed=1000 * seed + repeat, groups=groups)
        for one in range(folds):
            head = solve(table.only(dealt != one))
            scored = (dealt == one) & inside
            rows.append(place[scored])
            logits.append(head.logits(table.features[scored]))
            fold.append(np.full(int(scored.sum()), repeat * folds + one, dtype=np.int64))
            beyond = table.features[(dealt == one) & ~inside]
            if not repeat and len(beyond):
                outside.append(logsumexp(head.logits(beyond)))
    at, found = np.concatenate(rows), np.concatenate(logits)
    beyond = np.concatenate(outside) if outside else np.empty(0)
    return Held(at, table.numbers[inside][at], found, logsumexp(found), np.concatenate(fold), beyond, folds, repeats)


def groups_of(table: Table, least: int) -> list[str]:
    """A name for each row, shared by rows of one intent that are almost the same, directly or by way of others.

    An intent that would have fewer than `least` groups keeps each row by itself: it could not be spread over the folds.
    """
    names = [str(place) for place in range(len(table.numbers))]
    for number in np.unique(table.numbers):
        places = np.flatnonzero(table.numbers == number)
        rows = table.features[places]
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        near = rows @ rows.T >= _ALIKE
        first = np.arange(len(places))
        while True:  # the smallest place that is reached from each
            reached = np.where(near, first[None, :], len(places)).min(axis=1, initial=len(places))
            if np.array_equal(reached := np.minimum(reached, first), first):
                break
            first = reached
        if len(np.unique(first)) >= least:
            for place, one in zip(places, first, strict=True):
                names[place] = str(places[one])
    return names


def by_row(values: Bools, held: Held) -> Estimate:
    """The mean over rows, each counted once however often it was dealt."""
    sums = np.bincount(held.rows, weights=values.astype(np.float64))
    shares: list[float] = (sums / held.repeats).tolist()
    if all(share in {0.0, 1.0} for share in shares):
        return proportion(sum(shares), len(shares))
    return mean(shares)


def falsely_rejected(held: Held, asked: float) -> Bools:
    """Which rows lie below a threshold that was chosen, for this share, on the other folds of their repeat."""
    rejected = np.zeros(len(held.energy), dtype=np.bool_)
    for one in np.unique(held.fold):
        same = held.fold == one
        others = (held.fold // held.folds == one // held.folds) & ~same
        rejected[same] = held.energy[same] < np.quantile(held.energy[others], asked)
    return rejected


def told_apart(inside: Array, outside: Array) -> Estimate | None:
    """How often a row in scope has the higher energy; None where there are no others."""
    if not len(outside):
        return None
    return auc([*inside.tolist(), *outside.tolist()], [1] * len(inside) + [0] * len(outside))


def unseen(table: Table, seed: int) -> Estimate | None:
    """Leave each intent out of the fit once, and see whether its messages stand out; None where too few intents would stay."""
    classes = len(table.labels)
    if classes < _ENOUGH:
        return None
    groups = min(classes, FOLDS)
    dealt = np.random.default_rng(seed).permutation(classes) % groups
    folds = stratified_folds(table.numbers.tolist(), FOLDS, seed=1000 * seed, groups=groups_of(table, FOLDS))
    inside: list[Array] = []
    outside: list[Array] = []
    for group in range(groups):
        stay = np.flatnonzero(dealt != group)
        renumbered = np.full(classes + 1, -1, dtype=np.int64)  # the last entry is what -1 becomes
        renumbered[stay] = np.arange(len(stay))
        known = renumbered[table.numbers] >= 0
        left = (table.numbers >= 0) & ~known
        learned = Table(table.features, renumbered[table.numbers], tuple(table.labels[number] for number in stay)).only(
            known & (folds != group)
        )
        head = solve(learned)
        inside.append(logsumexp(head.logits(table.features[known & (folds == group)])))
        outside.append(logsumexp(head.logits(table.features[left])))
    return told_apart(np.concatenate(inside), np.concatenate(outside))


def confusions(held: Held, labels: Sequence[str]) -> tuple[Confusion, ...]:
    """The commonest confusions of one intent with another, of the first repeat."""
    wrong = ~held.right & held.first
    pairs: list[tuple[int, int]] = [(int(one), int(other)) for one, other in zip(held.numbers[wrong], held.guesses[wrong], strict=True)]
    common = sorted(Counter(pairs).items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    return tuple(Confusion(intent=labels[one], taken_for=labels[other], count=count) for (one, other), count in common)


def doubtful(held: Held, probabilities: Array, rows: Sequence[TextRow], labels: Sequence[str]) -> tuple[Doubtful, ...]:
    """The examples that are taken for another intent on average over the repeats, the surest first."""
    shares = np.zeros((len(rows), len(labels)))
    np.add.at(shares, held.rows, probabilities / held.repeats)
    best = shares.argmax(axis=1)
    found = [
        Doubtful(id=row.id, text=row.text, intent=row.label, taken_for=labels[int(one)], probability=round(float(share[one]), 4))
        for row, one, share in zip(rows, best, shares, strict=True)
        if labels[int(one)] != row.label
    ]
    return tuple(sorted(found, key=lambda one: -one.probability)[:_SHOWN])
