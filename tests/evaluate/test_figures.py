"""Figures from streamed results: the same numbers as from lists, without the lists; and what stands together is not counted twice."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate, Result, Score
from groundwork.evaluate.figures import Columns, Item, columns_of, estimate, figure_of, figures_of, if_wrong, items_of
from groundwork.evaluate.scorers import metrics_of
from tests.evaluate.builders import OWN

METRICS = metrics_of(OWN)
CORRECT, P95 = METRICS["answer.correct"], METRICS["latency.p95"]


def result(
    place: int,
    value: float | None,
    *,
    metric: str = "answer.correct",
    repeat: int = 0,
    turn: int = 0,
    probability: float = 1.0,
    **more: object,
) -> Result:
    score = Score(metric=metric, value=value, status="ok" if value is not None else "unparseable", probability=probability)
    return Result(example=f"case-{place}", place=place, repeat=repeat, turn=turn, status="ok", scores=(score,), **more)  # type: ignore[arg-type]


def figures(results: Sequence[Result]) -> dict[str, Estimate]:
    return figures_of(columns_of(results, METRICS), METRICS)


@given(some.lists(some.sampled_from([0.0, 1.0, 0.25, None]), min_size=1, max_size=60))
def test_columns_give_back_what_was_put_in(values: list[float | None]) -> None:
    columns = columns_of([result(place, value) for place, value in enumerate(values)], METRICS)
    found = columns.sample(CORRECT)
    assert ([] if found is None else list(found.values)) == [value for value in values if value is not None]


@given(some.lists(some.lists(some.sampled_from([0.0, 1.0]), min_size=3, max_size=3), min_size=2, max_size=20))
def test_repeats_of_an_item_are_averaged_and_the_items_counted(items: list[list[float]]) -> None:
    results = [result(place, value, repeat=repeat) for place, values in enumerate(items) for repeat, value in enumerate(values)]
    random.Random(1).shuffle(results)
    figure = figures(results)["answer.correct"]
    assert figure.n == len(items)
    assert figure.value == pytest.approx(sum(map(sum, items)) / (3 * len(items)))


def test_repeats_that_agree_do_not_narrow_the_interval() -> None:
    once = figures([result(place, float(place % 2)) for place in range(20)])["answer.correct"]
    often = figures([result(place, float(place % 2), repeat=repeat) for place in range(20) for repeat in range(10)])["answer.correct"]
    assert often.high - often.low == pytest.approx(once.high - once.low)
    assert (often.n, often.method) == (20, "wilson")


def test_passing_once_and_passing_always_are_told_apart() -> None:
    results = [result(place, float(repeat == 0 or place == 0), repeat=repeat) for place in range(10) for repeat in range(4)]
    found = figures(results)
    assert found["answer.correct.pass@4"].value == 1.0
    assert found["answer.correct.pass^4"].value == pytest.approx(0.1)
    assert found["answer.correct.pass@2"].value == pytest.approx((1 + 9 * 0.5) / 10)
    assert not [name for name in figures([result(place, 1.0) for place in range(5)]) if "pass" in name]


def test_turns_of_a_conversation_are_no_attempts() -> None:
    found = figures([result(place, 1.0, turn=turn) for place in range(5) for turn in range(3)])
    assert found["answer.correct"].n == 5
    assert not [name for name in found if "pass" in name]


def test_clusters_widen_the_interval() -> None:
    alone = figures([result(place, float(place % 10 < 5)) for place in range(40)])["answer.correct"]
    bound = figures([result(place, float(place % 10 < 5), cluster=f"page {place // 5}") for place in range(40)])["answer.correct"]
    assert bound.value == alone.value
    assert bound.high - bound.low > 1.5 * (alone.high - alone.low)
    assert "8 clusters" in bound.method


def test_an_item_without_a_cluster_among_clusters_stands_alone() -> None:
    results = [result(place, float(place % 2), cluster="page" if place < 3 else "") for place in range(10)]
    assert "8 clusters" in figures(results)["answer.correct"].method
    late = [result(place, float(place % 2), cluster="page" if place > 6 else "") for place in range(10)]
    assert "8 clusters" in figures(late)["answer.correct"].method


def test_spot_checks_weigh_by_the_chance_of_being_drawn() -> None:
    rare = [result(place, 1.0, probability=0.1) for place in range(10)]
    common = [result(place, 0.0, probability=1.0) for place in range(10, 110)]
    assert figures([*common, *rare])["answer.correct"].value == pytest.approx(0.5)
    even = figures([result(place, float(place % 2), probability=0.1) for place in range(20)])["answer.correct"]
    assert even.method == "wilson"


def test_kept_answers_are_in_no_latency() -> None:
    fresh = [result(place, 1.0, metric="latency") for place in range(5)]
    kept = [result(place, 0.001, metric="latency", kept=True) for place in range(5, 10)]
    assert (figures([*fresh, *kept])["latency.p50"].value, figures(fresh)["latency.p50"].n) == (1.0, 5)
    assert list(items_of([*fresh, *kept], P95)) == [f"case-{place}" for place in range(5)]


def test_percentiles_are_of_answers_and_stay_open_where_the_items_bound_nothing() -> None:
    results = [result(place, float(place), metric="latency", repeat=repeat) for place in range(40) for repeat in range(5)]
    figure = figures(results)["latency.p95"]
    assert statistics.is_open(figure, "above")
    assert (figure.value, figure.n) == (pytest.approx(37.05), 40)
    assert "mean of 5 repeats" in figure.method


def test_unread_answers_would_make_a_share_worse_by_so_much() -> None:
    share = estimate([1.0] * 46 + [0.0] * 27, CORRECT)
    assert if_wrong(share, 5, CORRECT) == pytest.approx(46 / 78)
    assert if_wrong(share, 0, CORRECT) is None
    worse = METRICS["abstention.wrong"]
    assert if_wrong(estimate([0.0] * 9, worse), 1, worse) == pytest.approx(0.1)
    assert if_wrong(estimate([1.0] * 9, P95), 1, P95) is None


def test_a_metric_that_scored_nothing_has_no_figure() -> None:
    assert figures([result(0, None)]) == {}
    assert figures([]) == {}
    with pytest.raises(InputError, match="nothing was scored"):
        figure_of({}, CORRECT)
    assert figure_of({"a": Item(1.0)}, CORRECT).n == 1


def test_an_answer_takes_a_byte_for_a_share() -> None:
    columns = Columns(METRICS)
    for place in range(1_000):
        columns.add(result(place, float(place % 2)))
    assert len(columns._columns["answer.correct"].narrow) == 1_000  # pyright: ignore[reportPrivateUsage]
    assert columns._columns["answer.correct"].wide is None  # pyright: ignore[reportPrivateUsage]
