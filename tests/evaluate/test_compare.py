import random

import pytest

from groundwork.core.errors import InputError
from groundwork.evaluate.compare import Difference, compare
from groundwork.evaluate.scorers import metrics_of
from tests.evaluate.builders import OWN, evaluated

METRICS = metrics_of(OWN)


def one(before: list[float | None], after: list[float | None], metric: str = "answer.correct") -> Difference:
    found = compare(evaluated(before, metric=metric), evaluated(after, metric=metric, id="run_b"), METRICS)
    return found.differences[0]


def test_a_clear_difference_names_the_winner_with_its_interval() -> None:
    difference = one([0.0] * 20 + [1.0] * 60, [1.0] * 80)
    assert difference.winner == "B"
    assert difference.sentence.startswith("B is better by 25.0 points [16.")
    assert difference.more_items is None
    assert one([1.0] * 80, [0.0] * 20 + [1.0] * 60).sentence.startswith("A is better by 25.0 points [16.")


def test_less_is_better_where_the_metric_says_so() -> None:
    assert one([0.0] * 20 + [1.0] * 60, [1.0] * 80, "abstention.wrong").winner == "A"


def test_what_cannot_be_told_says_how_many_items_would() -> None:
    difference = one([0.0] * 4 + [1.0] * 3 + [1.0] * 73, [1.0] * 4 + [0.0] * 3 + [1.0] * 73)
    assert difference.winner == ""
    assert difference.sentence == f"not distinguishable; {difference.more_items} more items needed"
    assert difference.more_items is not None
    assert difference.more_items > 1_000
    assert one([1.0] * 5, [1.0] * 5).sentence == "not distinguishable: no difference seen"


def test_percentiles_are_compared_by_their_intervals() -> None:
    chooser = random.Random(1)
    before = [chooser.gauss(1.0, 0.05) for _ in range(100)]
    found = compare(evaluated(before, metric="latency"), evaluated([value / 2 for value in before], metric="latency", id="run_b"), METRICS)
    assert [(difference.metric, difference.winner) for difference in found.differences] == [("latency.p50", "B"), ("latency.p95", "B")]
    assert found.differences[0].sentence.endswith("]")
    assert " s [" in found.differences[0].sentence
    few = compare(
        evaluated(before[:40], metric="latency"), evaluated([value / 2 for value in before[:40]], metric="latency", id="run_b"), METRICS
    )
    assert [difference.winner for difference in few.differences] == ["B", ""]  # 40 items bound no 95th percentile from above


def test_only_items_with_an_answer_in_both_are_paired_and_the_others_are_named() -> None:
    found = compare(evaluated([1.0, None, 1.0, None]), evaluated([1.0, 1.0, None, None], id="run_b"), METRICS)
    assert (found.pairs, found.only_a, found.only_b, found.neither) == (1, ("case-2",), ("case-1",), 1)
    assert found.differences[0].difference.n == 1


def test_runs_over_other_cases_are_not_compared() -> None:
    with pytest.raises(InputError, match="different cases"):
        compare(evaluated([1.0]), evaluated([1.0], id="run_b", suite_sha256="other"), METRICS)
    with pytest.raises(InputError, match="split"):
        compare(evaluated([1.0]), evaluated([1.0], id="run_b", split="choose"), METRICS)
    with pytest.raises(InputError, match="no answered item in common"):
        compare(evaluated([1.0, None]), evaluated([None, 1.0], id="run_b"), METRICS)
