"""Ratings from pairwise comparisons: Bradley-Terry strengths with intervals. Elo and its dependence on order: see elo.py.

One number a system assumes that preferences are transitive: see `transitivity` in elo.py.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import normal_quantile, t_quantile
from groundwork.core.statistics.intervals import OPEN, need_items, need_within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

Game = tuple[str, str, float]
"""Two systems, and the score of the first: 1 won, 0 lost, 0.5 a tie."""

ELO_PER_LOG_ODDS = 400 / math.log(10)
"""A strength of 1 in these steps on the scale of Elo."""
PRIOR = 0.5
"""Ties added to each pair that met, where some systems never lost to some others: without them no finite strengths are the likeliest."""
FEW = 10


class Ratings(msgspec.Struct, frozen=True, kw_only=True):
    """Strengths in log-odds, their mean 0, best first: a system beats another with odds e^(difference). Times 173.7 it is Elo's scale."""

    n: int
    strengths: dict[str, Estimate]
    covariance: tuple[tuple[float, ...], ...]
    """Of the strengths, in their order."""
    method: str

    def chance(self, one: str, other: str) -> Estimate:
        """How often `one` beats `other`, ties as half, with the interval of the difference of their strengths."""
        names = list(self.strengths)
        for name in (one, other):
            if name not in self.strengths:
                raise InputError(f"{name} has no rating", fix=f"choose among {', '.join(names)}")
        i, j = names.index(one), names.index(other)
        difference = self.strengths[one].value - self.strengths[other].value
        variance = self.covariance[i][i] + self.covariance[j][j] - 2 * self.covariance[i][j]
        level = self.strengths[one].level
        half = normal_quantile(0.5 + level / 2) * math.sqrt(max(0.0, variance))
        low, value, high = (1 / (1 + math.exp(-odds)) for odds in (difference - half, difference, difference + half))
        return Estimate(value=value, low=low, high=high, n=self.n, method=self.method, level=level)


def bradley_terry(games: Sequence[Game], *, clusters: Sequence[Hashable] | None = None, level: float = 0.95) -> Ratings:
    """Bradley-Terry strengths by Newton's method, a tie as half a win to each, with sandwich intervals over games (or clusters of them).

    Name `clusters` where several games share a question, or one pair was judged in both orders. Systems that were never compared, directly
    or through others, have no common scale: InputError names the groups. Where some systems won every game against the others, the
    likeliest strengths are infinite: half a tie each way is then added to each pair that met, the method says so, and the intervals of
    those systems are open on that side. Below 10 games a system the model's own variance is the least that is reported.
    Source: R. A. Bradley and M. E. Terry, Biometrika 39 (1952), 324-345; L. R. Ford, American Mathematical Monthly 64 (1957), 28-33.
    """
    import numpy as np

    need_items(len(games))
    need_within([score for _, _, score in games], (0.0, 1.0))
    if any(one == other for one, other, _ in games):
        raise InputError("a system was compared with itself", fix="leave such games out")
    names = sorted({name for one, other, _ in games for name in (one, other)})
    place = {name: index for index, name in enumerate(names)}
    first = np.array([place[one] for one, _, _ in games])
    second = np.array([place[other] for _, other, _ in games])
    scores = np.array([score for _, _, score in games], dtype=np.float64)
    beats: dict[int, set[int]] = {index: set() for index in range(len(names))}
    for one, other, score in zip(first.tolist(), second.tolist(), scores.tolist(), strict=True):
        if score > 0:
            beats[one].add(other)
        if score < 1:
            beats[other].add(one)
    _connected(beats, names)
    above, below = _unbeaten(beats)
    prior = PRIOR if above or below else 0.0
    beta, information = _strengths(first, second, scores, len(names), prior)
    covariance, t = _sandwich(first, second, scores, beta, information, clusters, level)
    method = "bradley-terry, sandwich" + ("" if clusters is None else f", {len(set(clusters))} clusters")
    method += f", not strongly connected: {prior:g} ties added to each pair" if prior else ""
    strengths: dict[str, Estimate] = {}
    order = sorted(range(len(names)), key=lambda index: -float(beta[index]))
    for index in order:
        sides = [side for side, found in (("below", below), ("above", above)) if index in found]
        value, half = float(beta[index]), t * math.sqrt(max(0.0, float(covariance[index, index])))
        told = method + (f", {OPEN} {' and '.join(sides)}" if sides else "")
        strengths[names[index]] = Estimate(value=value, low=value - half, high=value + half, n=len(games), method=told, level=level)
    shown = tuple(tuple(float(covariance[i, j]) for j in order) for i in order)
    return Ratings(n=len(games), strengths=strengths, covariance=shown, method=method)


def _reached(start: int, neighbours: Callable[[int], set[int]]) -> set[int]:
    found, waiting = {start}, [start]
    while waiting:
        fresh = neighbours(waiting.pop()) - found
        found |= fresh
        waiting.extend(fresh)
    return found


def _connected(beats: dict[int, set[int]], names: Sequence[str]) -> None:
    """Refuses systems that were never compared, directly or through others."""
    met = {index: set(found) for index, found in beats.items()}
    for index, found in beats.items():
        for other in found:
            met[other].add(index)
    left, groups = set(beats), list[str]()
    while left:
        group = _reached(min(left), met.__getitem__)
        groups.append(", ".join(sorted(names[index] for index in group)))
        left -= group
    if len(groups) > 1:
        raise InputError(
            f"no game links these groups: {' | '.join(groups)}", fix="compare one system of each group, or rate the groups apart"
        )


def _unbeaten(beats: dict[int, set[int]]) -> tuple[set[int], set[int]]:
    """Systems that some others never scored against, by any chain of games (their strength has no bound above), and those below them."""
    reach = {index: _reached(index, beats.__getitem__) for index in beats}
    above = {index for index in beats if any(index not in reach[other] for other in beats)}
    below = {index for index in beats if len(reach[index]) < len(beats)}
    return above, below


def _strengths(first: "Places", second: "Places", scores: "Floats", k: int, prior: float) -> "tuple[Floats, Floats]":
    """The likeliest strengths with mean 0, and the information matrix there."""
    import numpy as np

    won, played = np.zeros((k, k)), np.zeros((k, k))
    np.add.at(won, (first, second), scores)
    np.add.at(won, (second, first), 1 - scores)
    played = won + won.T
    won, played = won + prior * (played > 0), played + 2 * prior * (played > 0)
    beta, information = np.zeros(k), np.zeros((k, k))
    for _ in range(200):
        share = 1 / (1 + np.exp(-(beta[:, None] - beta[None, :])))
        weight = played * share * (1 - share)
        information = np.diag(weight.sum(axis=1)) - weight
        # A matrix of ones added where only differences count: the step then keeps the mean.
        step = np.linalg.solve(information + 1 / k, (won - played * share).sum(axis=1))
        beta = beta + step * min(1.0, 2 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-11:
            break
    return beta - beta.mean(), information


def _sandwich(
    first: "Places",
    second: "Places",
    scores: "Floats",
    beta: "Floats",
    information: "Floats",
    clusters: Sequence[Hashable] | None,
    level: float,
) -> "tuple[Floats, float]":
    """The covariance of the strengths, robust to games of one cluster rising and falling together; and how many deviations to go."""
    import numpy as np

    k, n = len(beta), len(scores)
    if clusters is not None and len(clusters) != n:
        raise InputError(f"{n} games and {len(clusters)} cluster names are no pairs", fix="name the cluster of each game")
    names = {cluster: place for place, cluster in enumerate(dict.fromkeys(range(n) if clusters is None else clusters))}
    if len(names) < 2 and n > 1:
        raise InputError("one cluster of games has no spread", fix="name more clusters, or none")
    places = np.array([names[cluster] for cluster in (range(n) if clusters is None else clusters)])
    residuals = scores - 1 / (1 + np.exp(-(beta[first] - beta[second])))
    pulls = np.zeros((len(names), k))
    np.add.at(pulls, (places, first), residuals)
    np.add.at(pulls, (places, second), -residuals)
    bread = np.linalg.pinv(information)
    g = len(names)
    covariance = np.asarray(bread @ pulls.T @ pulls @ bread * (g / max(1, g - 1)), dtype=np.float64)
    if clusters is None and n < FEW * k:
        # The residuals of few games are too small: never below what the model itself says of independent games.
        model = np.diag(bread)
        if np.diag(covariance).min() <= 1e-9 * model.max():
            return np.asarray(bread, dtype=np.float64), normal_quantile(0.5 + level / 2)
        widen = np.sqrt(np.maximum(1.0, model / np.diag(covariance)))
        covariance = np.asarray(covariance * np.outer(widen, widen), dtype=np.float64)
    t = normal_quantile(0.5 + level / 2) if clusters is None else t_quantile(0.5 + level / 2, g - 1)
    return covariance, t
