from collections import Counter

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, integers, lists, sampled_from

from groundwork.core.errors import InputError
from groundwork.core.review import Review
from groundwork.evaluate.review.sampling import FAILED, OTHER, Candidate, draw


def drawn(population: list[Candidate], n: int, by: str = "random", seed: int = 0) -> Review:
    return draw(population, n, by=by, seed=seed, identifier="rv_1", made=1.0, source="traces")


def candidates(failed: list[bool], topics: str = "ab") -> list[Candidate]:
    return [Candidate(f"i{number}", is_failed, {"topic": topics[number % len(topics)]}) for number, is_failed in enumerate(failed)]


@given(
    failed=lists(booleans(), min_size=1, max_size=60),
    n=integers(1, 80),
    by=sampled_from(["random", "failures", "topic"]),
    seed=integers(0, 5),
)
def test_every_item_is_drawn_once_with_the_probability_of_its_stratum(failed: list[bool], n: int, by: str, seed: int) -> None:
    review = drawn(candidates(failed), n, by, seed)
    assert len(review.items) == min(n, len(failed)) == len({one.item for one in review.items})
    taken = Counter(one.stratum for one in review.items)
    assert sum(review.strata.values()) == len(failed)
    for one in review.items:
        assert one.probability == taken[one.stratum] / review.strata[one.stratum]


def test_failures_come_first_and_some_of_the_others_are_read_too() -> None:
    review = drawn(candidates([True] * 50 + [False] * 50), 20, "failures")
    strata = [one.stratum for one in review.items]
    assert strata == [FAILED] * 14 + [OTHER] * 6
    few = drawn(candidates([True] * 3 + [False] * 50), 20, "failures")
    assert Counter(one.stratum for one in few.items) == {FAILED: 3, OTHER: 17}


def test_a_facet_gives_each_value_its_share_and_reads_them_in_turns() -> None:
    review = drawn(candidates([False] * 90, topics="aaaaaaaab"), 12, "topic")
    assert Counter(one.stratum for one in review.items) == {"a": 6, "b": 6}
    assert [one.stratum for one in review.items][:4] == ["a", "b", "a", "b"]


def test_a_seed_draws_the_same_again_and_another_one_others() -> None:
    population = candidates([False] * 100)
    assert drawn(population, 10, seed=1) == drawn(population, 10, seed=1)
    assert {one.item for one in drawn(population, 10, seed=1).items} != {one.item for one in drawn(population, 10, seed=2).items}


def test_nothing_to_draw_is_said_with_what_there_is() -> None:
    with pytest.raises(InputError, match="nothing to read"):
        drawn([], 5)
    with pytest.raises(InputError, match="nothing here has") as error:
        drawn(candidates([True]), 5, "colour")
    assert "topic" in error.value.fix
    with pytest.raises(InputError):
        drawn(candidates([True]), 0)
