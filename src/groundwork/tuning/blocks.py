"""A detector's two halves, fitted apart and added up: a logistic regression on embeddings, and one on runs of words and letters.

Fitted together, the runs (thousands of features) explain the training texts so well that the embedding learns nothing; apart, each makes its own
mistakes, and the sum is better than either (benchmarks/guard.py). Each half is divided by its spread, so that both count alike.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.errors import InputError
from groundwork.engine.encoder import Vectors
from groundwork.engine.lexical import Sparse
from groundwork.tuning import linear

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Strength(NamedTuple):
    """How strongly each half is held back (l2 on the mean loss), and how long it is fitted."""

    embedding: float = 4e-4
    runs: float = 4e-5
    iterations: int = 100


USUAL = Strength()


class Halves(NamedTuple):
    """What was fitted: score = dense · embedding + sparse · runs + bias."""

    embedding: Floats
    runs: Floats
    bias: float

    def scores(self, dense: npt.NDArray[np.floating], sparse: Sparse) -> Floats:
        """float64 [rows]."""
        return np.asarray(dense, dtype=np.float64) @ self.embedding + sparse.times(self.runs) + self.bias


def fit_halves(dense: Vectors, sparse: Sparse, truth: Flags, weights: Floats, strength: Strength = USUAL) -> Halves:
    """Fit both halves on the same rows. `dense` is [rows, features], `truth` [rows], `weights` [rows].

    Raises InputError where a class has no row.
    """
    first = linear.fit(
        dense, truth.astype(np.float64), classes=1, l2=strength.embedding, row_weights=weights, iterations=strength.iterations
    )
    embedding, bias = first.weight[0], float(first.bias[0])
    runs, offset = _fit_runs(sparse, truth, weights, strength)
    spread = max(float((np.asarray(dense, dtype=np.float64) @ embedding).std()), 1e-9)
    width = max(float(sparse.times(runs).std()), 1e-9)
    return Halves(embedding / spread, runs / width, bias / spread + offset / width)


def _fit_runs(sparse: Sparse, truth: Flags, weights: Floats, strength: Strength) -> tuple[Floats, float]:
    if not 0 < truth.sum() < len(truth):
        raise InputError("a class has no row", fix="give examples of both classes")
    share = weights / weights.sum()
    targets = truth.astype(np.float64)

    def objective(parameters: Floats) -> tuple[float, Floats]:
        weight = parameters[:-1]
        logits = sparse.times(weight) + parameters[-1]
        loss = float(share @ (np.logaddexp(0.0, logits) - targets * logits))
        slopes = share * (linear.sigmoid(logits) - targets)
        gradient = np.concatenate([sparse.transposed_times(slopes) + strength.runs * weight, [slopes.sum()]])
        return loss + 0.5 * strength.runs * float(weight @ weight), gradient

    found, *_ = linear.minimise(objective, np.zeros(sparse.width + 1), iterations=strength.iterations, tolerance=1e-5)
    return found[:-1], float(found[-1])


def balanced(groups: Sequence[str], truth: Flags, own: Flags, share: float) -> Floats:
    """A weight for each row: both classes the same; in each, rows of our own writing have `share`; within, a group counts as the root of its rows.

    So a source with thousands of rows does not drown one with fifty, and one with fifty does not speak as loud as thousands.
    """
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    weights = np.zeros(len(truth))
    for attack in (False, True):
        for ours in (False, True):
            here = (truth == attack) & (own == ours)
            if not here.any():
                continue
            counts = np.bincount(place[here], minlength=len(names))
            weights[here] = 1 / np.sqrt(counts[place[here]])
            other = ((truth == attack) & (own != ours)).any()
            weights[here] *= (share if ours else 1 - share) / weights[here].sum() if other else 1 / weights[here].sum()
    return weights / weights.sum()
