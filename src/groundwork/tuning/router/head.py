"""The head of a router: a logistic regression whose weights are drawn to the intents' prototypes.

A prototype is the mean of an intent's features, scaled to one length (J. Snell et al., Prototypical Networks, NeurIPS 2017). Drawn to them, a
few examples suffice, and the energy (logsumexp of the logits) falls off with the distance from all intents. Given examples out of scope, the
head is pushed away from them (W. Liu et al., 2020).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.errors import InputError
from groundwork.datasets.rows import TextRow
from groundwork.engine.encoder import SPECIAL, Encoder, Vectors
from groundwork.engine.intents import OUT_OF_SCOPE, reads
from groundwork.tuning.linear import Array, Energy, Integers, Linear, fit, logsumexp

LENGTH = 10.0
"""Of a prototype. Chosen by cross-validation within CLINC150's training part, like the two below."""
L2 = 1e-5
PUSH = 0.1
"""Weight of the energy loss, where there are examples out of scope."""
_STEPS, _TOLERANCE = 200, 1e-4


class Table(NamedTuple):
    """Examples as numbers: features [rows, width], the intent's number [rows] (-1: out of scope), and the intents."""

    features: Vectors
    numbers: Integers
    labels: tuple[str, ...]

    def only(self, kept: npt.NDArray[np.bool_]) -> "Table":
        return Table(self.features[kept], self.numbers[kept], self.labels)


def tabulate(rows: Sequence[TextRow], labels: Sequence[str], encoder: Encoder) -> Table:
    """Examples as numbers. Raises InputError for a text longer than the encoder's window, and for a label that is none of these."""
    for row in rows:
        pieces = encoder.count(row.text)
        if pieces > encoder.window - SPECIAL:
            raise InputError(
                f"the example `{row.id}` has {pieces} word pieces, and the encoder reads {encoder.window - SPECIAL}",
                fix="shorten it to what a message says of its intent",
            )
    check_labels(rows, labels)
    place = {label: number for number, label in enumerate(labels)} | {OUT_OF_SCOPE: -1}
    texts = [row.text for row in rows]
    features = reads(encoder.dimensions).features(encoder.encode(texts), texts)
    return Table(features, np.array([place[row.label] for row in rows], dtype=np.int64), tuple(labels))


def check_labels(rows: Sequence[TextRow], labels: Sequence[str]) -> None:
    """Raises InputError for a row whose label is none of these and not out of scope, and where no row is in scope."""
    if strange := sorted({row.label for row in rows} - {*labels, OUT_OF_SCOPE}):
        raise InputError(f"`{strange[0]}` is no intent of this router", fix=f"its intents: {', '.join(labels)}")
    if all(row.label == OUT_OF_SCOPE for row in rows):
        raise InputError("no row is in scope", fix="give messages of the router's own intents")


def solve(table: Table) -> Linear:
    """The head: logistic regression towards prototypes, pushed away from what is out of scope."""
    inside = table.only(table.numbers >= 0)
    outside = table.features[table.numbers < 0]
    classes = len(table.labels)
    towards = _prototypes(inside, classes)

    def fitted(push: Energy | None, start: Linear | None) -> Linear:
        return fit(
            inside.features,
            inside.numbers,
            classes=classes,
            l2=L2,
            towards=towards,
            energy=push,
            start=start,
            iterations=_STEPS,
            tolerance=_TOLERANCE,
        )

    plain = fitted(None, None)
    if not len(outside):
        return plain
    # Margins on the scale that the energy has by itself: rows stay where they are on average, outliers move to below where they are.
    high, low = logsumexp(plain.logits(inside.features)).mean(), logsumexp(plain.logits(outside)).mean()
    return fitted(Energy(outside, weight=PUSH, inside=float(high), outside=float(low) - 1), plain)


def _prototypes(table: Table, classes: int) -> Array:
    sums = np.zeros((classes, table.features.shape[1]))
    np.add.at(sums, table.numbers, table.features)
    return LENGTH * sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
