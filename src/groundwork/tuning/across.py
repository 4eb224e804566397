"""Fits that never saw what they are measured on: sources dealt into folds, one fit a fold, thresholds from the scores of left-out sources.

The honest number of a detector is what it does with a source that it never saw: half of each source in training, and it learns the source.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.errors import InputError
from groundwork.tuning import linear
from groundwork.tuning.corpus import Documents, Setting, Texts

_FAMILIES = 5
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Platt(NamedTuple):
    """A score as a probability: sigmoid(slope · score + offset). Source: J. Platt, Probabilistic Outputs for Support Vector Machines (1999)."""

    slope: float
    offset: float


def deal(groups: Sequence[str], truth: Flags, own: Flags, folds: int) -> dict[str, int]:
    """The fold in which each source is left out: sources of attacks and harmless ones dealt by size, so that every fold has some of both.

    Our own writing is in no fold: it is always trained on. Raises InputError where a class has fewer sources than folds.
    """
    found: dict[str, int] = {}
    for attack in (True, False):
        counts: dict[str, int] = {}
        for group, label, ours in zip(groups, truth, own, strict=True):
            if label == attack and not ours and group not in found:
                counts[group] = counts.get(group, 0) + 1
        if len(counts) < folds:
            raise InputError(
                f"{len(counts)} sources of one class cannot be dealt into {folds} folds", fix="give more sources, or fewer folds"
            )
        for place, group in enumerate(sorted(counts, key=lambda group: (-counts[group], group))):
            turn, offset = divmod(place, folds)
            found[group] = offset if turn % 2 == 0 else folds - 1 - offset
    return found


def left_out(texts: Texts, setting: Setting, folds: int = 3) -> Floats:
    """For each text of a source, its score by a fit that never saw that source; nan for our own writing."""
    fold = deal(texts.groups, texts.attacks, texts.own, folds)
    where = np.array([-1 if ours else fold[group] for group, ours in zip(texts.groups, texts.own, strict=True)])
    found = np.full(len(texts), np.nan)
    for place in range(folds):
        halves = texts.fit(np.flatnonzero(where != place), setting)
        found[where == place] = texts.scores(halves, setting)[where == place]
    return found


def left_out_documents(documents: Documents, setting: Setting, folds: int = 3) -> Floats:
    """For each document, its score by a fit that saw neither its family nor the kind of its order.

    Families are left out in five folds or fewer: there are few of them, and a fit without a third of them knows too little of documents.
    """
    names = sorted(set(documents.families))
    families = {name: place % min(_FAMILIES, len(names)) for place, name in enumerate(names)}
    kinds = {name: place % folds for place, name in enumerate(sorted(set(documents.kinds)))}
    family = np.array([families[name] for name in documents.families])
    kind = np.array([kinds[name] if attack else -1 for name, attack in zip(documents.kinds, documents.attacks, strict=True)])
    found = np.full(len(documents), np.nan)
    for place in range(max(families.values()) + 1):
        for other in range(folds):
            here = (family == place) & ((kind == other) | ((kind < 0) & (other == place % folds)))
            if here.any():
                halves = documents.fit(np.flatnonzero((family != place) & (kind != other)), setting)
                found[here] = documents.scores(halves, setting)[here]
    return found


def threshold(scores: Floats, groups: Sequence[str], alarms: float) -> float:
    """The score above which a share `alarms` of harmless texts lies, every source counting the same however large."""
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    weights = 1 / np.bincount(place, minlength=len(names))[place]
    order = np.argsort(-scores, kind="stable")
    above = np.cumsum(weights[order]) / weights.sum()
    return float(scores[order][min(int(np.searchsorted(above, alarms, side="right")), len(order) - 1)])


def platt(scores: Floats, truth: Flags, groups: Sequence[str]) -> Platt:
    """Fitted with both classes weighing the same, and every source in its class by the root of its size."""
    from groundwork.tuning.blocks import balanced

    weights = balanced(groups, truth, np.zeros(len(truth), dtype=np.bool_), 0.0)
    fitted = linear.fit(scores[:, None], truth.astype(np.float64), classes=1, l2=1e-6, row_weights=weights)
    return Platt(max(float(fitted.weight[0, 0]), 1e-3), float(fitted.bias[0]))
