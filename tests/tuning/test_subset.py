"""Subset curves of learners whose law is known, and of a real one: the linear head."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.datasets.rows import Row, TextRow
from groundwork.tuning.linear import fit
from groundwork.tuning.subset import Point, curve_of, doubling, learned

ROWS = [TextRow(id=str(place), text=f"text {place}", label="a", group=f"g{place % 100}") for place in range(1000)]
HELD = [f"h{place % 60}" for place in range(1200)]


def by_law(error_at: float, power: float):
    """A learner whose error is `error_at` · (rows / 1000)^-power; which rows it gets wrong depends on a fixed order of difficulty."""
    difficulty = random.Random(5)
    levels = [difficulty.random() for _ in HELD]

    def learn(rows: Sequence[Row], seed: int) -> list[float]:
        error = error_at * (len(rows) / 1000) ** -power
        return [float(level > error) for level in levels]

    return learn


def test_a_power_law_is_found_again_and_doubling_is_worth_what_it_says() -> None:
    points = learned(ROWS, HELD, by_law(0.2, 0.5))
    assert [(point.share, point.rows, point.groups) for point in points] == [(0.25, 250, 25), (0.5, 500, 50), (1.0, 1000, 100)]
    found = doubling(points, HELD)
    assert found.power is not None
    assert found.power.value == pytest.approx(0.2 * (1 - 2**-0.5), abs=0.015)
    assert found.power.low > 0
    assert "if the curve goes on" in found.sentence
    assert "(2,000)" in found.sentence
    assert len(curve_of(points, found)) == 4


def test_a_flat_curve_is_not_distinguishable_from_nothing() -> None:
    noise = random.Random(1)

    def learn(rows: Sequence[Row], seed: int) -> list[float]:
        return [float(noise.random() < 0.8) for _ in HELD]

    found = doubling(learned(ROWS, HELD, learn, seeds=(0, 1, 2)), HELD)
    assert found.gain.low <= 0 <= found.gain.high
    assert "not distinguishable from nothing" in found.sentence


def test_the_same_rows_and_draws_give_the_same_numbers() -> None:
    one, other = (doubling(learned(ROWS, HELD, by_law(0.3, 0.2), seeds=(0, 1)), HELD) for _ in range(2))
    assert one == other


def test_shares_are_nested_and_never_cut_through_a_group() -> None:
    seen: dict[int, list[set[str]]] = {}

    def learn(rows: Sequence[Row], seed: int) -> list[float]:
        seen.setdefault(seed, []).append({row.id for row in rows})
        return [0.5] * len(HELD)

    learned(ROWS, HELD, learn, shares=(1.0, 0.1, 0.5), seeds=(0, 1))
    for small, middle, whole in seen.values():
        assert small < middle < whole
        assert len(whole) == 1000
        groups = {row.group for row in ROWS if row.id in small}
        assert small == {row.id for row in ROWS if row.group in groups}
    assert seen[0][0] != seen[1][0]


def test_pairing_is_narrower_than_taking_figures_as_independent() -> None:
    points = learned(ROWS, HELD, by_law(0.2, 0.5))
    paired, free = doubling(points, HELD).gain, doubling(points).gain
    assert paired.high - paired.low < 0.8 * (free.high - free.low)
    assert "independent" in free.method


def test_figures_alone_are_enough() -> None:
    points = [
        Point(share=share, rows=round(share * 1000), groups=10, figure=Estimate(value=value, low=value - 0.02, high=value + 0.02, n=500, method="t"))
        for share, value in ((0.25, 3.0), (0.5, 3.2), (1.0, 3.4))
    ]  # fmt: skip
    found = doubling(points)
    assert found.power is None, "a score above 1 has no error"
    assert found.gain.value == pytest.approx(0.2)
    assert "line in log2" in found.sentence


def test_where_all_is_right_already_nothing_is_said_of_more_data() -> None:
    points = learned(ROWS, HELD, lambda rows, seed: [1.0] * len(HELD))
    found = doubling(points, HELD)
    assert "nothing is left to gain" in found.sentence


def test_wide_intervals_near_the_top_stay_within_what_a_share_can_gain() -> None:
    points = [
        Point(share=share, rows=round(share * 60), groups=6, figure=Estimate(value=0.9, low=0.3, high=1.0, n=10, method="t"))
        for share in (0.25, 0.5, 1.0)
    ]
    found = doubling(points)
    assert found.power is not None
    assert -1 <= found.power.low <= found.power.high <= 1


@pytest.mark.parametrize(
    ("shares", "held", "what"),
    [
        ((1.0,), HELD, "shares are 1"),
        ((0.5, 1.5), HELD, "shares are"),
        ((0.5, 1.0), [], "nothing to learn"),
        ((0.5, 1.0), HELD[:5], "for 5 held rows"),
    ],
)
def test_what_cannot_be_measured_is_refused(shares: tuple[float, ...], held: list[str], what: str) -> None:
    with pytest.raises(InputError, match=what):
        learned(ROWS, held, lambda rows, seed: [0.5] * len(HELD), shares=shares)


def test_one_group_has_no_curve() -> None:
    rows = [TextRow(id=str(place), text="x", label="a", group="all") for place in range(100)]
    points = learned(rows, HELD, lambda rows, seed: [0.5] * len(HELD))
    with pytest.raises(InputError, match="two sizes"):
        doubling(points, HELD)


def test_a_linear_head_gains_from_more_rows() -> None:
    """Two clouds in 40 dimensions: with few rows the head overfits, with more it approaches the best line."""
    chance = np.random.default_rng(3)
    centre = np.full(40, 0.22)
    labels = chance.integers(0, 2, 400)
    vectors = chance.normal(size=(400, 40)) + np.where(labels[:, None] == 1, centre, -centre)
    held = chance.integers(0, 2, 2000)
    held_vectors = chance.normal(size=(2000, 40)) + np.where(held[:, None] == 1, centre, -centre)
    rows = [TextRow(id=str(place), text=str(place), label=str(label), group=str(place)) for place, label in enumerate(labels)]

    def learn(part: Sequence[Row], seed: int) -> list[float]:
        places = [int(row.id) for row in part]
        head = fit(vectors[places], labels[places], classes=2, l2=1e-3)
        return [float(right) for right in head.logits(held_vectors).argmax(axis=1) == held]

    groups = [str(place) for place in range(2000)]
    points = learned(rows, groups, learn, seeds=(0, 1, 2))
    assert points[0].figure.value < points[1].figure.value < points[2].figure.value
    found = doubling(points, groups, draws=500)
    assert found.power is not None
    assert found.power.low > 0
