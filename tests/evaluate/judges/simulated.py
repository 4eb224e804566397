"""Judges with known weaknesses over simulated pairs: what a test knows to be there, or not to be there."""

import random
from collections.abc import Callable

from groundwork.evaluate.judges.labels import Label, Rated

TURNED = {"A": "B", "B": "A", "tie": "tie"}
Errs = Callable[[random.Random, Rated, str], Label | None]
"""What the judge says where it does not see which is better; `shown` names the answer that stands first."""


def fair(chooser: random.Random, _item: Rated, _shown: str) -> Label:
    """A coin."""
    return chooser.choice("AB")


def for_first(_chooser: random.Random, _item: Rated, shown: str) -> Label:
    return shown


def for_longer(_chooser: random.Random, item: Rated, _shown: str) -> Label:
    return "A" if item.lengths[0] > item.lengths[1] else "B"


def for_model(name: str) -> Errs:
    def errs(chooser: random.Random, item: Rated, shown: str) -> Label:
        return "AB"[item.candidates.index(name)] if name in item.candidates else fair(chooser, item, shown)

    return errs


def pairs(n: int, sees: float, errs: Errs, *, seed: int = 0, longer_better: float = 0.3, orders: int = 2) -> list[Rated]:
    """`n` pairs judged in both orders. The judge sees which is better with the probability `sees`, else errs in its own way.

    The better answer is the longer one with the probability `longer_better`; three candidates write equally well.
    """
    chooser = random.Random(seed)
    found: list[Rated] = []
    for number in range(n):
        better = chooser.choice("AB")
        short, long = chooser.randint(100, 400), chooser.randint(500, 2000)
        is_long_a = (better == "A") == (chooser.random() < longer_better)
        lengths = (long, short) if is_long_a else (short, long)
        names = tuple(chooser.sample(["red-7b", "green-7b", "blue-7b"], 2))
        item = Rated(str(number), better, {}, (), lengths, names, {"kind": "xyz"[number % 3]})
        verdicts = tuple(better if chooser.random() < sees else errs(chooser, item, shown) for shown in "AB"[:orders])
        found.append(item._replace(verdicts=verdicts))
    return found
