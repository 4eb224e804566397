"""Would more data help? Train on a quarter, a half and all of it, measure each on the same held part, and say what doubling would bring.

    points = learned(rows, held_groups, learn, seeds=(0, 1, 2))      # learn(rows, seed) -> one score for each held row
    doubling(points).sentence

The shares are nested (a smaller one's groups are among a larger one's) and never cut through a group. Any way to learn can be measured: the
torch fit, the linear heads. Two forms are fitted: the score as a line in log2(rows), and the error as a power law (Hestness et al., 2017).
Three shares cannot tell which form is right, and neither is proved beyond the data there is: what is said is a guide, with its interval.
"""

import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics import bootstrap, mean
from groundwork.datasets.rows import Row
from groundwork.tuning.fit import subset

SHARES = (0.25, 0.5, 1.0)
DRAWS = 2000
_NORMAL = 1.959964

Learn = Callable[[Sequence[Row], int], Sequence[float]]
"""Rows to learn from and a seed → a score from 0 to 1 for each row of the held part, always in the same order."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the training rows and what was reached with it. `items`: each held row's score for each seed, where they are known."""

    share: float
    rows: int
    groups: int
    figure: Estimate
    items: tuple[tuple[float, ...], ...] = ()


class Doubling(msgspec.Struct, frozen=True, kw_only=True):
    """What twice the rows would bring: `gain` by the line in log2(rows), `power` by the power law of the error (None where it has none)."""

    gain: Estimate
    power: Estimate | None
    sentence: str


def learned(
    rows: Sequence[Row], held_groups: Sequence[str], learn: Learn, *, shares: Sequence[float] = SHARES, seeds: Sequence[int] = (0,)
) -> list[Point]:
    """Learn from each share with each seed. `held_groups` names the group of each held row; intervals are over groups.

    Raises InputError for fewer than two shares, no rows, or scores that do not fit the held part.
    """
    if len(set(shares)) < 2 or not all(0 < share <= 1 for share in shares):
        raise InputError(
            f"the shares are {', '.join(f'{share:g}' for share in shares)}", fix="two or more between 0 and 1, such as 0.25, 0.5, 1"
        )
    if not rows or not held_groups or not seeds:
        raise InputError("there is nothing to learn from or to measure on", fix="give rows in train and held, and a seed")
    points: list[Point] = []
    for share in sorted(set(shares)):
        chosen = [subset(rows, share, seed) for seed in seeds]
        items = [tuple(learn(part, seed)) for part, seed in zip(chosen, seeds, strict=True)]
        if any(len(one) != len(held_groups) for one in items):
            raise InputError(f"{len(items[0])} scores for {len(held_groups)} held rows", fix="score every held row, in order")
        means = [fmean(one[place] for one in items) for place in range(len(held_groups))]
        is_grouped = len(set(held_groups)) > 1
        points.append(
            Point(
                share=share,
                rows=round(fmean(len(part) for part in chosen)),
                groups=round(fmean(len({row.group for row in part}) for part in chosen)),
                figure=bootstrap(means, clusters=held_groups, draws=DRAWS) if is_grouped else mean(means),
                items=tuple(items),
            )
        )
    return points


def doubling(points: Sequence[Point], held_groups: Sequence[str] = (), *, seed: int = 0, draws: int = DRAWS) -> Doubling:
    """What twice the rows would bring.

    Where the points know each row's score, held groups and seeds are drawn again, the same ones for all shares (what a share gains over another
    is then paired); else each figure is drawn from its own interval, as if they were independent, which is too wide. Raises InputError for
    fewer than two sizes.
    """
    sizes = [float(point.rows) for point in points]
    if len(set(sizes)) < 2:
        raise InputError("a curve needs two sizes or more", fix="the training set has too few groups to take a share of: give it more")
    values = [point.figure.value for point in points]
    chooser = random.Random(seed)  # noqa: S311  draws, not secrets
    is_paired = bool(held_groups) and all(point.items for point in points)
    sampled = _paired_draws(points, held_groups, chooser, draws) if is_paired else _free_draws(points, chooser, draws)
    method = f"bootstrap percentile, {draws} draws" + (", paired" if is_paired else ", figures taken as independent")
    n = points[-1].figure.n
    gain = _estimate(_slope(sizes, values), [_slope(sizes, one) for one in sampled], n, method)
    power = None
    if all(0 <= value <= 1 for value in values):
        least = 0.5 / n
        power = _estimate(_power_gain(sizes, values, least), [_power_gain(sizes, one, least) for one in sampled], n, method)
    return Doubling(gain=gain, power=power, sentence=_sentence(points[-1], gain, power))


def _slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Of the least-squares line in log2(rows): the gain of one doubling."""
    x = [math.log2(size) for size in sizes]
    centre, level = fmean(x), fmean(values)
    return math.fsum((one - centre) * (value - level) for one, value in zip(x, values, strict=True)) / math.fsum(
        (one - centre) ** 2 for one in x
    )


def _power_gain(sizes: Sequence[float], values: Sequence[float], least: float) -> float:
    """By error = c · rows^-a: the fitted error at the last size less that at twice as many rows. No error counts as half a row's, `least`."""
    errors = [math.log2(min(1.0, max(least, 1 - value))) for value in values]
    slope = _slope(sizes, errors)
    level = fmean(errors) + slope * (math.log2(sizes[-1]) - fmean(math.log2(size) for size in sizes))
    return 2 ** min(0.0, level) - 2 ** min(0.0, level + slope)


def _paired_draws(points: Sequence[Point], held_groups: Sequence[str], chooser: random.Random, draws: int) -> list[list[float]]:
    """Each draw: groups and seeds with replacement, the same for all points; each point's mean over them."""
    seeds = len(points[0].items)
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(held_groups):
        groups.setdefault(name, []).append(place)
    names = list(groups)
    sums = [[[math.fsum(row[place] for place in groups[name]) for name in names] for row in point.items] for point in points]
    found: list[list[float]] = []
    for _ in range(draws):
        drawn = chooser.choices(range(len(names)), k=len(names))
        runs = chooser.choices(range(seeds), k=seeds)
        n = sum(len(groups[names[place]]) for place in drawn) * seeds
        found.append([math.fsum(one[run][place] for run in runs for place in drawn) / n for one in sums])
    return found


def _free_draws(points: Sequence[Point], chooser: random.Random, draws: int) -> list[list[float]]:
    spreads = [(point.figure.high - point.figure.low) / (2 * _NORMAL) for point in points]
    return [[chooser.gauss(point.figure.value, spread) for point, spread in zip(points, spreads, strict=True)] for _ in range(draws)]


def _estimate(value: float, drawn: Sequence[float], n: int, method: str) -> Estimate:
    ordered = sorted(drawn)
    low, high = ordered[int(0.025 * len(ordered))], ordered[min(len(ordered) - 1, int(0.975 * len(ordered)))]
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=method)


class _Said(NamedTuple):
    value: str
    bounds: str


def _sentence(last: Point, gain: Estimate, power: Estimate | None) -> str:
    if power and last.figure.value >= 1 - 0.5 / last.figure.n:
        return f"nothing is left to gain on these {last.figure.n} held rows: harder or more of them would tell whether more data helps"
    best = power or gain
    said = _Said(f"{best.value:+.3f}", f"[{best.low:+.3f}, {best.high:+.3f}]")
    form = "by the power law" if power else "by the line in log2(rows)"
    other = f"; by the line in log2(rows) {gain.value:+.3f}" if power else ""
    reach = f"twice the rows ({2 * last.rows:,}) would bring {said.value} {said.bounds} {form}{other}"
    if best.low <= 0 <= best.high:
        return f"{reach}: not distinguishable from nothing"
    return f"{reach}, if the curve goes on as it went: {len(SHARES)} points cannot prove that it does"


def curve_of(points: Sequence[Point], doubled: Doubling) -> list[str]:
    """Lines for a terminal or a card."""
    lines = [
        f"{point.share:>4.0%}  {point.rows:>7,} rows  {point.groups:>6,} groups  {point.figure.value:.3f} [{point.figure.low:.3f}, {point.figure.high:.3f}]"
        for point in points
    ]
    return [*lines, doubled.sentence]
