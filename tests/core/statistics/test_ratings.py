import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from groundwork.core.errors import InputError
from groundwork.core.statistics import bradley_terry, elo, elo_spread, is_open, transitivity

names = st.sampled_from("abcd")
TRUE = {"a": 1.0, "b": 0.3, "c": -0.3, "d": -1.0}


def played(n: int, seed: int = 0) -> list[tuple[str, str, float]]:
    chooser = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        one, other = chooser.choice(list(TRUE), 2, replace=False)
        found.append((str(one), str(other), float(chooser.random() < 1 / (1 + math.exp(TRUE[other] - TRUE[one])))))
    return found


def test_the_strengths_are_the_likeliest_ones() -> None:
    games = [*played(80), ("a", "d", 0.5), ("c", "b", 0.5)]
    place = {name: k for k, name in enumerate("abcd")}

    def loss(free: np.ndarray) -> float:
        strength = np.append(free, -free.sum())
        return sum(
            score * math.log1p(math.exp(strength[place[y]] - strength[place[x]]))
            + (1 - score) * math.log1p(math.exp(strength[place[x]] - strength[place[y]]))
            for x, y, score in games
        )

    best = optimize.minimize(loss, np.zeros(3), tol=1e-12).x
    found = bradley_terry(games).strengths
    assert [found[name].value for name in "abc"] == pytest.approx(best.tolist(), abs=1e-4)
    assert math.fsum(one.value for one in found.values()) == pytest.approx(0, abs=1e-9)


def test_two_systems_have_the_win_rates_own_interval() -> None:
    found = bradley_terry([("a", "b", 1.0)] * 70 + [("a", "b", 0.0)] * 30)
    chance = found.chance("a", "b")
    assert chance.value == pytest.approx(0.7)
    half = 1.959964 * math.sqrt(100 / 99 / (100 * 0.7 * 0.3))
    assert math.log(chance.high / (1 - chance.high)) - math.log(0.7 / 0.3) == pytest.approx(half, rel=1e-6)


def test_more_games_of_one_question_are_no_more_questions() -> None:
    games = played(100)
    thrice = [game for game in games for _ in range(3)]
    once, clustered = bradley_terry(games), bradley_terry(thrice, clusters=[k // 3 for k in range(300)])
    for name in TRUE:
        one, other = once.strengths[name], clustered.strengths[name]
        assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.03)
    assert bradley_terry(thrice).strengths["a"].low > clustered.strengths["a"].low


def test_who_never_lost_has_no_bound_above() -> None:
    found = bradley_terry([("a", "b", 1.0)] * 5 + [("b", "c", 1.0), ("c", "b", 1.0)])
    assert next(iter(found.strengths)) == "a"
    assert is_open(found.strengths["a"], "above")
    assert not is_open(found.strengths["a"], "below")
    assert is_open(found.strengths["b"], "below")
    assert "0.5 ties added" in found.method
    single = bradley_terry([("a", "b", 0.5)]).strengths["a"]
    assert single.low < -1 < 1 < single.high


def test_groups_that_never_met_are_named() -> None:
    with pytest.raises(InputError, match=r"a, b \| c, d"):
        bradley_terry([("a", "b", 1.0), ("d", "c", 0.5)])
    for wrong in (
        lambda: bradley_terry([]),
        lambda: bradley_terry([("a", "a", 1.0)]),
        lambda: bradley_terry([("a", "b", 2.0)]),
        lambda: bradley_terry(played(20), clusters=[1]),
        lambda: bradley_terry(played(20), clusters=[1] * 20),
        lambda: bradley_terry(played(20)).chance("a", "x"),
        lambda: elo([("a", "b", 1.0)], k=0),
        lambda: elo_spread([("a", "b", 1.0)], orders=1),
        lambda: transitivity([]),
    ):
        with pytest.raises(InputError):
            wrong()


@given(games=st.lists(st.tuples(names, names, st.sampled_from([0.0, 0.5, 1.0])).filter(lambda game: game[0] != game[1]), min_size=1))
def test_elo_hands_points_on_and_makes_none(games: list[tuple[str, str, float]]) -> None:
    found = elo(games)
    assert math.fsum(found.values()) == pytest.approx(1_000 * len(found))
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_elos_order_matters_and_its_spread_shows_it() -> None:
    assert elo([("a", "b", 1.0)]) == {"a": 1_016.0, "b": 984.0}
    games = played(200)
    assert elo(games) != elo(games[::-1])
    spread = elo_spread(games, orders=60)
    assert next(iter(spread)) == "a"
    assert all(one.high > one.low for one in spread.values())
    assert spread["a"].low <= elo(games)["a"] <= spread["a"].high


def test_circles_are_counted() -> None:
    ring = [("a", "b", 1.0), ("b", "c", 1.0), ("c", "a", 1.0)]
    found = transitivity([*ring, ("a", "d", 1.0), ("b", "d", 1.0), ("c", "d", 1.0)])
    assert (found.cyclic, found.triads, found.share) == (1, 4, 0.25)
    assert found.examples == (("a", "b", "c"),)
    assert transitivity([(y, x, score) for x, y, score in ring]).examples == (("a", "c", "b"),)
    assert transitivity([("a", "b", 0.5)]).share is None
