"""Elo ratings, how far they depend on the order of the games, and whether preferences are transitive at all.

Elo follows systems that change; for systems that do not, the order is noise: take `bradley_terry`.
"""

import random
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.intervals import need_items, need_within
from groundwork.core.statistics.ratings import Game

START = 1000.0
"""Where every rating begins."""


class Transitivity(msgspec.Struct, frozen=True, kw_only=True):
    """Of the triples of systems that all met and were not tied, how many form a circle: A beats B, B beats C, C beats A."""

    n: int
    cyclic: int
    triads: int
    share: float | None
    """None where no triple can be judged. A quarter is what tossing coins gives."""
    examples: tuple[tuple[str, str, str], ...]
    """The first circles, each in the order of who beats whom."""


def elo(games: Sequence[Game], *, k: float = 32.0) -> dict[str, float]:
    """Ratings after the games in this order, best first; each game moves `k` times what it surprised.

    Source: A. E. Elo, The Rating of Chessplayers, Past and Present (1978).
    """
    need_items(len(games))
    need_within([score for _, _, score in games], (0.0, 1.0))
    if not k > 0:
        raise InputError(f"a step of {k:g} moves no rating", fix="give a k above 0, such as 32")
    ratings: dict[str, float] = {}
    for one, other, score in games:
        first, second = ratings.setdefault(one, START), ratings.setdefault(other, START)
        step = k * (score - 1 / (1 + 10 ** ((second - first) / 400)))
        ratings[one], ratings[other] = first + step, second - step
    return dict(sorted(ratings.items(), key=lambda item: -item[1]))


def elo_spread(games: Sequence[Game], *, k: float = 32.0, orders: int = 200, seed: int = 0, level: float = 0.95) -> dict[str, Estimate]:
    """The mean rating over shuffled orders of the same games, best first, and the range that holds `level` of them.

    The range shows what the order alone does; it is no interval of the strength, which `bradley_terry` gives.
    """
    if orders < 2:
        raise InputError(f"{orders} orders show no spread", fix="give 2 or more, such as 200")
    chooser, shuffled = random.Random(seed), list(games)  # noqa: S311 -- an order, no secret
    seen: dict[str, list[float]] = {}
    for _ in range(orders):
        chooser.shuffle(shuffled)
        for name, rating in elo(shuffled, k=k).items():
            seen.setdefault(name, []).append(rating)
    out = int((1 - level) / 2 * orders)
    found = {
        name: Estimate(
            value=fmean(ratings),
            low=min(fmean(ratings), sorted(ratings)[out]),
            high=max(fmean(ratings), sorted(ratings)[orders - 1 - out]),
            n=len(games),
            method=f"elo, k {k:g}, range over {orders} orders",
            level=level,
        )
        for name, ratings in seen.items()
    }
    return dict(sorted(found.items(), key=lambda item: -item[1].value))


def transitivity(games: Sequence[Game]) -> Transitivity:
    """How many triples of systems go in circles, by who scored more than half against whom.

    Few games make circles by chance; it looks at the observed scores only.
    Source: M. G. Kendall and B. Babington Smith, Biometrika 31 (1940), 324-345.
    """
    need_items(len(games))
    margin: dict[tuple[str, str], float] = {}
    for one, other, score in games:
        margin[one, other] = margin.get((one, other), 0.0) + score - 0.5
        margin[other, one] = margin.get((other, one), 0.0) + 0.5 - score
    names = sorted({name for pair in margin for name in pair})
    triads, circles = 0, list[tuple[str, str, str]]()
    for a, b, c in combinations(names, 3):
        ahead = [margin.get(pair, 0.0) for pair in ((a, b), (b, c), (c, a))]
        if all(ahead):
            triads += 1
            if min(ahead) > 0:
                circles.append((a, b, c))
            elif max(ahead) < 0:
                circles.append((a, c, b))
    share = len(circles) / triads if triads else None
    return Transitivity(n=len(games), cyclic=len(circles), triads=triads, share=share, examples=tuple(circles[:5]))
