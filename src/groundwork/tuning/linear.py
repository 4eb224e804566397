"""Logistic regression on fixed features, in numpy: the head of a router or a detector, fitted in seconds and always to the same numbers.

    fitted = fit(vectors, labels, classes=3, l2=1e-4)     # labels: 0, 1 or 2
    logits = fitted.logits(vectors)                       # [rows, 3]
    logits / temperature(logits_of_other_rows, their_labels)

One class (`classes=1`) is the yes-or-no case: one logit, whose sigmoid is the probability of yes. The loss is convex, so the seed plays no
part. Not covered: features that change while the head is learned (see `network`), and choosing the settings (see `stratified_folds`).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.errors import InputError

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Objective = Callable[[Array], tuple[float, Array]]
"""Parameters → loss and gradient."""

_HISTORY = 10  # pairs of steps and gradient changes that stand for the curvature
_SUFFICIENT, _CURVATURE = 1e-4, 0.9  # the Wolfe conditions as Nocedal and Wright recommend them for quasi-Newton steps
_SEARCHES = 30


class Linear(NamedTuple):
    """A fitted head: logits = features · weightᵀ + bias."""

    weight: Array
    """[classes, features]"""
    bias: Array
    """[classes]"""
    loss: float
    """Mean loss with all its penalties, where the search ended."""
    iterations: int
    converged: bool
    """Whether the gradient was small enough before the iterations ran out."""

    def logits(self, features: npt.NDArray[Any]) -> Array:
        """float64 [rows, classes]."""
        return np.asarray(features, dtype=np.float64) @ self.weight.T + self.bias


class Energy(NamedTuple):
    """Pushes rows that belong to no class to low energy scores, as a squared hinge (W. Liu et al., Energy-based Out-of-distribution Detection,
    NeurIPS 2020, equation 8; the score here is logsumexp of the logits, the negative of their energy).
    """

    outliers: npt.NDArray[Any]
    """Features of rows outside every class, [rows, features]."""
    weight: float = 0.1
    inside: float = 5.0
    """Rows of the classes should score at least this."""
    outside: float = 0.0
    """Outliers should score at most this."""


def fit(
    features: npt.NDArray[Any],
    targets: npt.NDArray[Any],
    *,
    classes: int,
    l2: float = 1e-4,
    row_weights: npt.NDArray[Any] | None = None,
    balanced: bool = False,
    towards: npt.NDArray[Any] | None = None,
    energy: Energy | None = None,
    start: Linear | None = None,
    iterations: int = 500,
    tolerance: float = 1e-5,
) -> Linear:
    """Minimise the mean cross-entropy + l2 / 2 · |weight - towards|²; biases are free.

    `features` is [rows, features], float32 or float64, and is read as it is: float32 takes half the memory and time; `targets` is [rows] of class numbers, or [rows, classes] of probabilities, and for `classes=1` [rows] of
    0, 1 or what lies between. `row_weights` counts rows more or less; `balanced` makes every class weigh the same; `towards` [classes,
    features] is where the weights stay without evidence (0 when left out); `start` is where the search begins (at `towards` when left out).
    Raises InputError for shapes that do not fit, numbers that are no numbers, a class without a row, and weights that sum to nothing.
    """
    x = np.asarray(features)
    x = x if x.dtype == np.float32 else x.astype(np.float64)
    y = _targets(np.asarray(targets), len(x), classes)
    weights = _row_weights(row_weights, y, balanced=balanced)
    centre = np.zeros((classes, x.shape[1] if x.ndim == 2 else 0)) if towards is None else np.asarray(towards, dtype=np.float64)
    outliers = np.zeros((0, centre.shape[1]), x.dtype) if energy is None else np.asarray(energy.outliers, dtype=x.dtype)
    _check(x, centre, outliers, classes)

    def objective(parameters: Array) -> tuple[float, Array]:
        weight, bias = _unpacked(parameters, classes)
        there = weight.astype(x.dtype)
        logits = (x @ there.T).astype(np.float64) + bias
        losses, slopes = _cross_entropy(logits, y)
        loss = float(weights @ losses)
        slopes *= weights[:, None]
        away = weight - centre
        gradient = np.zeros_like(weight)
        gradient_bias = np.zeros_like(bias)
        if energy is not None:
            penalty, inside, outside = _energy(logits, (outliers @ there.T).astype(np.float64) + bias, energy, weights)
            loss += penalty
            slopes += inside
            gradient += outside.T.astype(x.dtype) @ outliers
            gradient_bias += outside.sum(axis=0)
        gradient += slopes.T.astype(x.dtype) @ x + l2 * away
        gradient_bias += slopes.sum(axis=0)
        return loss + 0.5 * l2 * float(np.vdot(away, away)), np.concatenate([gradient.ravel(), gradient_bias])

    begin = [centre.ravel(), np.zeros(classes)] if start is None else [start.weight.ravel(), start.bias]
    found, loss, steps, converged = minimise(objective, np.concatenate(begin), iterations=iterations, tolerance=tolerance)
    weight, bias = _unpacked(found, classes)
    return Linear(weight, bias, loss, steps, converged)


def minimise(objective: Objective, start: Array, *, iterations: int, tolerance: float) -> tuple[Array, float, int, bool]:
    """L-BFGS: parameters, loss, steps taken, and whether no part of the gradient is larger than `tolerance`.

    Source: J. Nocedal and S. J. Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5, with a bisection for the Wolfe conditions.
    """
    place = start.copy()
    loss, gradient = objective(place)
    history: list[tuple[Array, Array]] = []
    for step in range(iterations):
        if float(np.abs(gradient).max(initial=0.0)) <= tolerance:
            return place, loss, step, True
        direction = -_inverse_hessian_times(gradient, history)
        first = 1.0 if history else min(1.0, 1.0 / float(np.linalg.norm(gradient)))
        found = _search(objective, place, loss, gradient, direction, first)
        if found is None:  # the loss cannot be told from itself any more
            return place, loss, step, False
        after, loss, slope = found
        moved, bent = after - place, slope - gradient
        if float(moved @ bent) > 1e-12 * float(np.linalg.norm(moved)) * float(np.linalg.norm(bent)):
            history = [*history[-_HISTORY + 1 :], (moved, bent)]
        place, gradient = after, slope
    return place, loss, iterations, False


def temperature(logits: npt.NDArray[Any], targets: npt.NDArray[Any]) -> float:
    """What to divide logits by, so that their softmax (or sigmoid, for [rows] or [rows, 1]) is as likely as can be. Between 1/50 and 50.

    To be fitted on rows that the head was not fitted on. Source: C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    scores = np.asarray(logits, dtype=np.float64)
    scores = scores[:, None] if scores.ndim == 1 else scores
    y = _targets(np.asarray(targets), len(scores), scores.shape[1], every=False)

    def loss(log_t: float) -> float:
        return float(_cross_entropy(scores / np.exp(log_t), y)[0].mean())

    low, high = -np.log(50.0), np.log(50.0)
    ratio = (np.sqrt(5.0) - 1) / 2
    for _ in range(60):  # golden section: the loss has one valley in 1 / T
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def logsumexp(logits: npt.NDArray[Any]) -> Array:
    """[rows]: the score that is high for rows of any class."""
    values = np.asarray(logits, dtype=np.float64)
    top = values.max(axis=1, keepdims=True)
    return np.log(np.exp(values - top).sum(axis=1)) + top[:, 0]


def softmax(logits: npt.NDArray[Any]) -> Array:
    """[rows, classes]: each row sums to 1."""
    values = np.asarray(logits, dtype=np.float64)
    return np.exp(values - logsumexp(values)[:, None])


def sigmoid(logits: npt.NDArray[Any]) -> Array:
    """The same shape, 0 to 1."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(logits, dtype=np.float64)))


def stratified_folds(labels: Sequence[str | int], folds: int, *, seed: int = 0, groups: Sequence[str] | None = None) -> Integers:
    """The fold (0 to folds - 1) of each row: every label is spread evenly, and rows of one group stay in one fold.

    Raises InputError where there are fewer rows (or groups) than folds. A label with fewer rows than folds is missing from some of them.
    """
    names = [str(place) for place in range(len(labels))] if groups is None else list(groups)
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        first.setdefault(name, place)
    if len(first) < max(folds, 2):
        raise InputError(f"{len(first)} groups cannot be dealt into {folds} folds", fix="take fewer folds, at least 2, or give more rows")
    chance = np.random.default_rng(seed)
    by_label: dict[str, list[str]] = {}
    for name in chance.permutation(sorted(first)):
        by_label.setdefault(str(labels[first[str(name)]]), []).append(str(name))
    dealt = [name for label in sorted(by_label) for name in by_label[label]]
    fold = {name: place % folds for place, name in enumerate(dealt)}
    return np.array([fold[name] for name in names], dtype=np.int64)


def _targets(targets: npt.NDArray[Any], rows: int, classes: int, *, every: bool = True) -> Array:
    """Targets as probabilities, [rows, classes]."""
    if len(targets) != rows:
        raise InputError(f"{rows} rows and {len(targets)} targets are no pairs", fix="give a target for each row")
    if targets.ndim == 1 and classes > 1:
        numbers = targets.astype(np.int64)
        if not (np.array_equal(numbers, targets) and np.all((numbers >= 0) & (numbers < classes))):
            raise InputError(f"a target is no class number from 0 to {classes - 1}", fix="number the classes from 0")
        values = np.zeros((rows, classes))
        values[np.arange(rows), numbers] = 1.0
    else:
        values = targets.reshape(rows, -1).astype(np.float64)
    if values.shape != (rows, classes) or not np.all((values >= 0) & (values <= 1)):
        raise InputError(f"targets of shape {targets.shape} are no probabilities of {classes} classes", fix="give class numbers")
    sides = np.hstack([values, 1 - values]) if classes == 1 else values
    if every and rows and not np.all(sides.sum(axis=0) > 0):
        raise InputError("a class has no row", fix="give examples of every class, and at least two classes")
    return values


def _row_weights(given: npt.NDArray[Any] | None, targets: Array, *, balanced: bool) -> Array:
    """Weights that sum to 1, [rows]."""
    weights = np.ones(len(targets)) if given is None else np.asarray(given, dtype=np.float64)
    if weights.shape != (len(targets),) or not np.all(weights >= 0) or not weights.sum() > 0:
        raise InputError("the weights of the rows are no weights", fix="give one number of at least 0 for each row, not all of them 0")
    if balanced:
        sides = np.hstack([targets, 1 - targets]) if targets.shape[1] == 1 else targets
        counts = weights @ sides
        weights = weights * (sides @ (1 / np.maximum(counts, 1e-12)))
    return weights / weights.sum()


def _check(x: npt.NDArray[Any], centre: Array, outliers: npt.NDArray[Any], classes: int) -> None:
    if x.ndim != 2 or not len(x):
        raise InputError(f"features of shape {x.shape} are no rows", fix="give an array [rows, features] with a row or more")
    if centre.shape != (classes, x.shape[1]) or outliers.ndim != 2 or outliers.shape[1] != x.shape[1]:
        raise InputError("rows, outliers and starting weights differ in their features", fix="compute them with the same encoder")
    if not (np.isfinite(x).all() and np.isfinite(outliers).all()):
        raise InputError("a feature is no number", fix="look for empty or damaged vectors")


def _unpacked(parameters: Array, classes: int) -> tuple[Array, Array]:
    return parameters[:-classes].reshape(classes, -1), parameters[-classes:]


def _cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Each row's loss [rows], and its slope in the logits [rows, classes]."""
    if logits.shape[1] == 1:
        losses = np.logaddexp(0.0, logits) - targets * logits
        return losses[:, 0], sigmoid(logits) - targets
    total = logsumexp(logits)
    return targets.sum(axis=1) * total - (targets * logits).sum(axis=1), targets.sum(axis=1)[:, None] * np.exp(
        logits - total[:, None]
    ) - targets


def _energy(inside: Array, outside: Array, energy: Energy, weights: Array) -> tuple[float, Array, Array]:
    """The penalty, and its slopes in the logits of rows and of outliers."""
    high, low = logsumexp(inside), logsumexp(outside)
    short = np.maximum(0.0, energy.inside - high)
    over = np.maximum(0.0, low - energy.outside)
    share = energy.weight / max(len(outside), 1)
    penalty = energy.weight * float(weights @ short**2) + share * float(over @ over)
    slopes = (-2 * energy.weight * weights * short)[:, None] * np.exp(inside - high[:, None])
    return penalty, slopes, (2 * share * over)[:, None] * np.exp(outside - low[:, None])


def _inverse_hessian_times(gradient: Array, history: Sequence[tuple[Array, Array]]) -> Array:
    """The two loops of L-BFGS."""
    result = gradient.copy()
    shares: list[float] = []
    for moved, bent in reversed(history):
        share = float(moved @ result) / float(moved @ bent)
        shares.append(share)
        result -= share * bent
    if history:
        moved, bent = history[-1]
        result *= float(moved @ bent) / float(bent @ bent)
    for (moved, bent), share in zip(history, reversed(shares), strict=True):
        result += moved * (share - float(bent @ result) / float(moved @ bent))
    return result


def _search(
    objective: Objective, place: Array, loss: float, gradient: Array, direction: Array, first: float
) -> tuple[Array, float, Array] | None:
    """A step along the direction that fulfils the Wolfe conditions, or the lowest loss that was met; None where nothing is lower."""
    slope = float(gradient @ direction)
    low, high, size = 0.0, np.inf, first
    best: tuple[Array, float, Array] | None = None
    for _ in range(_SEARCHES):
        after = place + size * direction
        value, there = objective(after)
        if value < loss and (best is None or value < best[1]):
            best = (after, value, there)
        if not value <= loss + _SUFFICIENT * size * slope:
            high = size
        elif float(there @ direction) < _CURVATURE * slope:
            low = size
        else:
            return after, value, there
        size = 2 * low if np.isinf(high) else (low + high) / 2
    return best
