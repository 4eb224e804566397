import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.evaluate import ranking

GRADES = {"a": 3.0, "b": 2.0, "c": 0.0, "d": 1.0}
LIST = ["x", "b", "a", "c"]
METRICS = [ranking.recall, ranking.precision, ranking.hit, ranking.reciprocal_rank, ranking.average_precision, ranking.ndcg]


def test_values_worked_out_by_hand() -> None:
    assert ranking.recall(LIST, GRADES) == pytest.approx(2 / 3)
    assert ranking.recall(LIST, GRADES, at=2) == pytest.approx(1 / 3)
    assert ranking.precision(LIST, GRADES) == pytest.approx(2 / 4)
    assert ranking.precision(LIST, GRADES, at=10) == pytest.approx(2 / 10)
    assert ranking.hit(LIST, GRADES, at=1) == 0
    assert ranking.hit(LIST, GRADES, at=2) == 1
    assert ranking.reciprocal_rank(LIST, GRADES) == 1 / 2
    assert ranking.average_precision(LIST, GRADES) == pytest.approx((1 / 2 + 2 / 3) / 3)
    exponential = (3 / math.log2(3) + 7 / math.log2(4)) / (7 + 3 / math.log2(3) + 1 / math.log2(4))
    linear = (2 / math.log2(3) + 3 / math.log2(4)) / (3 + 2 / math.log2(3) + 1 / math.log2(4))
    assert ranking.ndcg(LIST, GRADES) == pytest.approx(exponential)
    assert ranking.ndcg(LIST, GRADES, gain="linear") == pytest.approx(linear)
    assert ranking.weighted_precision([False, True, True]) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert ranking.weighted_precision([]) == 0


def test_what_is_named_twice_counts_at_its_first_place() -> None:
    assert ranking.unique(["a", "b", "a"]) == ["a", "b"]
    assert ranking.precision(["a", "a", "x"], GRADES) == 1 / 2
    assert ranking.ndcg(["a", "a", "b", "d"], GRADES) == pytest.approx(1)


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_found_is_zero_and_nothing_relevant_is_refused(metric: object) -> None:
    assert metric([], GRADES) == 0  # type: ignore[operator]
    with pytest.raises(InputError, match="nothing is relevant"):
        metric(["a"], {"a": 0.0})  # type: ignore[operator]


@pytest.mark.parametrize("metric", METRICS)
@given(ranked=st.lists(st.sampled_from("abcdxyz"), max_size=8), at=st.integers(0, 5))
def test_all_are_shares_and_the_ideal_order_is_never_beaten(metric: object, ranked: list[str], at: int) -> None:
    best = ["a", "b", "d"]
    assert 0 <= metric(ranked, GRADES, at=at) <= 1  # type: ignore[operator]
    assert metric(ranked, GRADES, at=at) <= metric(best, GRADES, at=at) + 1e-12  # type: ignore[operator]
