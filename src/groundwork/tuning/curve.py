"""What a loss curve says about the learning rate: functions on a list of losses, one a step.

The rules are those of practice (Huyen, AI Engineering, chapter 7): a curve that fluctuates asks for a smaller rate, one that is stable and falls
slowly for a larger one. What counts as fluctuating is measured against the noise that steps have anyway: neighbouring steps see different rows,
so means of blocks of steps are compared, with the noise that is left in such a mean.
Not covered: whether the model is any good. That is what the held part says.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import fmean, median
from typing import Literal

import msgspec

Shape = Literal["short", "diverges", "fluctuates", "flat", "crawls", "overfits", "falling", "fine"]
Losses = Sequence[float | None]
"""None stands for a loss that was not finite."""

SHORTEST = 20
"""Steps below which nothing is said."""
BLOCKS = 20
RISES = 4.0
"""Standard errors by which a block's mean must lie above an earlier one to count as a rise …"""
WORTH = 0.15
"""… and by which share of the first level."""
FALLS = 3.0
"""Standard errors by which it must have fallen to count as falling."""
SWINGS = -0.6
"""Correlation of neighbouring steps' differences from the trend below which the loss swings to and fro with every step."""
SLOW = 0.5
"""A curve that lost less than this share of its first level, and still falls, crawls; one that lost more merely is not done yet."""
STILL = 0.15
"""Share of the whole fall that lies in the last third of the way for a curve that still falls."""
OVERFIT = 1.05
"""The dev part's last loss over its best, above which the model has begun to learn its rows by heart."""
_MEDIAN_BEND = 1.652  # of |a - 2b + c| of normal values, in standard deviations: 0.6745 · sqrt(6); a straight trend cancels out
_BARS = "▁▂▃▄▅▆▇█"


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """How a curve looks, in a sentence, and what to change. `first` and `last` are means of its first and last block."""

    shape: Shape
    sentence: str
    fix: str = ""
    first: float | None = None
    last: float | None = None
    noise: float | None = None
    """Standard deviation of single steps about the trend."""


def smooth(losses: Losses, span: int = 20) -> list[float | None]:
    """Exponential moving average over about `span` steps, corrected at its start; it passes over what is not finite.

    Source of the correction: D. P. Kingma and J. Ba, Adam (2015), section 3.
    """
    keep = 1 - 2 / (max(1, span) + 1)
    mean, weight = 0.0, 0.0
    found: list[float | None] = []
    for loss in losses:
        if loss is not None and math.isfinite(loss):
            mean, weight = keep * mean + (1 - keep) * loss, keep * weight + (1 - keep)
        found.append(mean / weight if weight else None)
    return found


def advice(losses: Losses, *, rate: float, rates: Sequence[float] = (), dev: Losses = ()) -> Advice:
    """What the curve says about the learning rate `rate`.

    `rates` are those of each step, where a schedule changes them: the way is then measured in learning rate and not in steps, so that a curve
    which flattens because its rate does is not taken for one that is done. `dev` are the losses of the dev part, in order.
    """
    finite = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    if len(finite) < len(losses):
        place = next(step for step, loss in enumerate(losses, start=1) if loss is None or not math.isfinite(loss))
        return Advice(
            shape="diverges", sentence=f"the loss is not a number from step {place} on", fix=f"try a learning rate of {rate / 10:.2g}"
        )
    if len(finite) < SHORTEST:
        return Advice(shape="short", sentence=f"{len(finite)} steps say nothing about the learning rate: {SHORTEST} or more do")
    blocks = _blocks(finite)
    means = [fmean(block) for block in blocks]
    noise = median(abs(a - 2 * b + c) for a, b, c in zip(finite, finite[1:], finite[2:], strict=False)) / _MEDIAN_BEND
    shape, sentence, fix = _shape(finite, means, noise, rate, rates, [loss for loss in dev if loss is not None and math.isfinite(loss)])
    return Advice(shape=shape, sentence=sentence, fix=fix, first=means[0], last=means[-1], noise=noise)


def _shape(
    losses: Sequence[float], means: Sequence[float], noise: float, rate: float, rates: Sequence[float], dev: Sequence[float]
) -> tuple[Shape, str, str]:
    error = noise * math.sqrt(2 * len(means) / len(losses))
    first, last = means[0], means[-1]
    least = max(RISES * error, WORTH * abs(first))
    rise = max(mean - lowest for mean, lowest in zip(means, accumulate(means, min), strict=True))
    quarter = len(losses) // 4
    slowly = fmean(losses[:quarter]) - fmean(losses[-quarter:]) > FALLS * noise * math.sqrt(2 / quarter)
    falls = slowly or first - last > FALLS * error
    if last - first > least:
        return "diverges", f"the loss rose from {first:.3g} to {last:.3g}", f"try a learning rate of {rate / 10:.2g}"
    swings = _neighbours(losses)
    if rise > least or (swings < SWINGS and noise > WORTH * abs(last)):
        how = (
            f"it rose by {rise:.3g} on the way, with step noise accounting for {error:.2g}" if rise > least else "it swings with every step"
        )
        return "fluctuates", f"the loss fluctuates: {how}", f"try a learning rate of {rate / 3:.2g}, or a larger batch"
    if not falls:
        return (
            "flat",
            f"the loss did not fall: {first:.3g} at first, {last:.3g} at last",
            f"try a learning rate of {rate * 10:.2g}; where it stays flat, look at the labels",
        )
    if len(dev) > 2 and dev[-1] > OVERFIT * min(dev):
        best = dev.index(min(dev)) + 1
        return (
            "overfits",
            f"the dev part was best at measurement {best} of {len(dev)} ({min(dev):.3g}, {dev[-1]:.3g} at last)",
            "train for fewer epochs, or on more rows",
        )
    late = _late_fall(losses, rates) / (first - last)
    if late < STILL:
        return "fine", f"the loss fell from {first:.3g} to {last:.3g} and has flattened", ""
    if first - last < SLOW * abs(first):
        return (
            "crawls",
            f"the loss crawls: {first:.3g} to {last:.3g}, {late:.0%} of it in the last third",
            f"try a learning rate of {rate * 3:.2g}, or more epochs",
        )
    return "falling", f"the loss fell from {first:.3g} to {last:.3g} and still falls", "more epochs may help"


def _blocks(losses: Sequence[float]) -> list[Sequence[float]]:
    count = min(BLOCKS, len(losses) // 5)
    edges = [round(place * len(losses) / count) for place in range(count + 1)]
    return [losses[low:high] for low, high in pairwise(edges)]


def _neighbours(losses: Sequence[float]) -> float:
    """Correlation of neighbouring steps about the trend: near 0 for rows in random order, near -1 where each step overshoots."""
    trend = [fmean(losses[max(0, place - 2) : place + 4]) for place in range(len(losses))]
    away = [loss - level for loss, level in zip(losses, trend, strict=True)]
    square = math.fsum(one * one for one in away)
    return math.fsum(one * other for one, other in pairwise(away)) / square if square else 0.0


def _late_fall(losses: Sequence[float], rates: Sequence[float]) -> float:
    """How far the straight line through the last third of the way falls over that third."""
    way = list(accumulate(rates if len(rates) == len(losses) else [1.0] * len(losses)))
    start = next(place for place, done in enumerate(way) if done >= 2 / 3 * way[-1])
    x, y = way[start:], losses[start:]
    if len(y) < 3:
        return 0.0
    centre, level = fmean(x), fmean(y)
    spread = math.fsum((one - centre) ** 2 for one in x)
    slope = math.fsum((one - centre) * (loss - level) for one, loss in zip(x, y, strict=True)) / spread
    return -slope * (x[-1] - x[0])


def sparkline(losses: Losses, width: int = 60) -> str:
    """The curve as a line of at most `width` block characters, from its lowest to its highest mean; × where a loss was not finite."""
    count = min(width, len(losses))
    if not count:
        return ""
    edges = [round(place * len(losses) / count) for place in range(count + 1)]
    levels: list[float | None] = []
    for low, high in pairwise(edges):
        piece = losses[low:high]
        finite = [loss for loss in piece if loss is not None and math.isfinite(loss)]
        levels.append(fmean(finite) if len(finite) == len(piece) else None)
    known = [level for level in levels if level is not None]
    if not known:
        return "×" * count
    low, spread = min(known), max(known) / 2 - min(known) / 2  # halves: the difference of two finite numbers may be none
    heights = (None if level is None else (level / 2 - low / 2) / spread if spread else 0.0 for level in levels)
    return "".join("×" if height is None else _BARS[round(height * (len(_BARS) - 1))] for height in heights)
