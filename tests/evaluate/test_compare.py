import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from groundwork.core.errors import InputError
from groundwork.core.measure import Result, Score
from groundwork.evaluate.comparable import metrics_of_runs
from groundwork.evaluate.compare import Difference, compare
from groundwork.evaluate.registry import recalled
from groundwork.evaluate.report import Evaluated
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


# -- tests, corrections, and what stands beside a verdict


def with_metrics(values: dict[str, list[float]], **run: Any) -> Evaluated:
    """A run with several metrics an item."""
    n = len(next(iter(values.values())))
    results = tuple(
        Result(
            example=f"case-{place}",
            place=place,
            status="ok",
            scores=tuple(Score(metric=name, value=of[place]) for name, of in values.items()),
        )
        for place in range(n)
    )
    return evaluated([], **run)._replace(results=results)


def test_each_kind_of_value_has_its_test() -> None:
    assert one([0.0] * 20 + [1.0] * 60, [1.0] * 80).test.method == "McNemar, exact"
    assert one([0.5] * 40, [0.6] * 40).test.method.startswith("paired permutation")
    assert one([0.5] * 40, [0.6] * 40).difference.method == "paired t, augmented"
    chooser = random.Random(2)
    seconds = [chooser.gauss(1.0, 0.05) for _ in range(100)]
    latency = one(seconds, [value / 2 for value in seconds], "latency")  # type: ignore[arg-type]
    assert latency.test.method.startswith("paired permutation")
    assert latency.bootstrap is not None
    assert latency.bootstrap.low <= latency.difference.value <= latency.bootstrap.high


def test_a_lucky_metric_among_many_is_no_winner() -> None:
    """6 gained and none lost is p = 0.03 alone, and 0.16 among five."""
    same = [1.0] * 40
    names = ("answer.correct", "facts.found", "abstention.right", "abstention.wrong", "citation.correct")
    before = dict.fromkeys(names, same) | {"answer.correct": [0.0] * 6 + [1.0] * 34}
    found = compare(with_metrics(before), with_metrics(dict.fromkeys(names, same), id="run_b"), METRICS)
    lucky = found.differences[0]
    assert lucky.test.p < 0.05 < lucky.adjusted
    assert lucky.winner == ""
    assert lucky.sentence.startswith("not distinguishable beside the other metrics; ")
    alone = compare(with_metrics({"answer.correct": before["answer.correct"]}), with_metrics({"answer.correct": same}, id="run_b"), METRICS)
    assert alone.differences[0].winner == "B"


def test_no_comparison_without_the_difference_it_could_have_shown() -> None:
    few, many = one([1.0] * 20, [1.0] * 20).detectable, one([1.0] * 2_000, [1.0] * 2_000).detectable
    assert few is not None
    assert many is not None
    assert few > 0.3 > 0.01 > many
    assert one([0.01] * 30, [0.02] * 30, "cost").detectable is None  # no spread, so nothing to plan with


def test_clusters_are_what_is_counted() -> None:
    def clustered(values: list[float], **run: Any) -> Evaluated:
        made = evaluated(values, **run)
        return made._replace(
            results=tuple(msgspec.structs.replace(result, cluster=f"page {place // 10}") for place, result in enumerate(made.results))
        )

    before, after = [0.0] * 10 + [1.0] * 70, [1.0] * 80
    assert one(before, after).winner == "B"  # type: ignore[arg-type]
    found = compare(clustered(before), clustered(after, id="run_b"), METRICS).differences[0]
    assert found.winner == ""
    assert "8 clusters" in found.difference.method
    assert "8 clusters" in found.test.method


def test_repeats_are_averaged_before_items_are_paired() -> None:
    def repeated(values: list[list[float]], **run: Any) -> Evaluated:
        results = tuple(
            Result(example=f"case-{place}", place=place, repeat=repeat, status="ok", scores=(Score(metric="answer.correct", value=value),))
            for place, each in enumerate(values)
            for repeat, value in enumerate(each)
        )
        return evaluated([], repeats=len(values[0]), **run)._replace(results=results)

    found = compare(repeated([[0.0, 1.0]] * 30), repeated([[1.0, 1.0]] * 30, id="run_b"), METRICS)
    assert (found.pairs, found.differences[0].difference.n) == (30, 30)
    assert found.differences[0].difference.value == 0.5
    assert (
        compare(evaluated([1.0]), repeated([[1.0, 0.0]], id="run_b"), METRICS).notes[0].startswith("A asked each case once and B 2 times")
    )


# -- what makes two runs unlike


def recorded(**record: Any) -> dict[str, dict[str, Any]]:
    return {"answer.correct": {"use": "answer.correct", "version": "1"} | record}


def test_metrics_that_were_scored_otherwise_are_left_out_and_named() -> None:
    a, b = evaluated([1.0] * 5, scorers=recorded()), evaluated([1.0] * 5, id="run_b", scorers=recorded(settings={"judge": "other"}))
    found = compare(a, b, METRICS)
    assert found.differences == ()
    assert found.left_out == ("`answer.correct` was not scored alike: settings none in run_a, judge = 'other' in run_b",)
    drawn = evaluated([1.0] * 5, id="run_b", scorers=recorded(sample=0.5))
    assert compare(a, drawn, METRICS).left_out == ()


def test_more_than_one_cause_of_a_difference_is_said() -> None:
    a = evaluated([1.0] * 5, endpoint={"model": "small", "parameters": {"temperature": 0}})
    other = evaluated([1.0] * 5, id="run_b", endpoint={"model": "large", "parameters": {"temperature": 0}})
    both = evaluated([1.0] * 5, id="run_b", endpoint={"model": "large", "parameters": {"temperature": 1}})
    assert compare(a, other, METRICS).notes == ()
    (note,) = compare(a, both, METRICS).notes
    assert note.startswith("A and B differ in the endpoint, parameters.temperature: which of them")
    assert "parameters.temperature: 0 in A, 1 in B" in note


def test_answering_less_is_not_hidden_behind_a_better_figure() -> None:
    a, b = evaluated([0.0] * 10 + [1.0] * 30), evaluated([1.0] * 40, id="run_b")
    silent = tuple(msgspec.structs.replace(one, status="refused", scores=()) if place < 10 else one for place, one in enumerate(b.results))
    found = compare(a, b._replace(results=silent), METRICS)
    assert found.statuses == {"ok": (40, 30), "refused": (0, 10)}
    assert found.notes == ("0 answers of A were refused and 10 of B: figures over answered cases flatter B",)
    unread = tuple(
        msgspec.structs.replace(one, scores=(Score(metric="answer.correct", value=None, status="unparseable"),)) if place < 3 else one
        for place, one in enumerate(b.results)
    )
    assert compare(a, b._replace(results=unread), METRICS).differences[0].unread == (0, 3)


def test_a_run_can_be_read_without_its_suite() -> None:
    records = {
        "helpful": {"use": "judge", "version": "2", "better": "lower", "unit": "points", "bounds": [1.0, 5.0]},
        "slow": {"use": "latency", "version": "1", "better": "lower", "unit": "s", "quantiles": [50]},
    }
    found = metrics_of_runs([evaluated([], scorers=records).run])
    assert set(found) == {"helpful", "slow.p50"}
    helpful = found["helpful"].scorer
    assert (helpful.better, helpful.unit, helpful.bounds) == ("lower", "points", (1.0, 5.0))
    assert set(metrics_of_runs([evaluated([]).run])) >= {"answer.correct", "latency.p95"}
    a, b = (evaluated([value] * 12, metric="helpful", id=name, scorers=records) for value, name in ((4.0, "run_a"), (2.0, "run_b")))
    assert compare(a, b, found).differences[0].sentence.startswith("B is better by 2 points")
    assert {name: recalled(name, one.record).metrics for name, one in ((one.name, one) for one in OWN)} == {
        one.name: one.metrics for one in OWN
    }


@given(some.lists(some.tuples(some.booleans(), some.booleans()), min_size=2, max_size=40))
def test_exchanging_the_runs_exchanges_the_winner(pairs: list[tuple[bool, bool]]) -> None:
    before, after = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    there = compare(evaluated(before), evaluated(after, id="run_b"), METRICS).differences[0]
    back = compare(evaluated(after), evaluated(before, id="run_b"), METRICS).differences[0]
    assert {"A": "B", "B": "A", "": ""}[there.winner] == back.winner
    assert there.test.p == pytest.approx(back.test.p)
    assert there.difference.low == pytest.approx(-back.difference.high, abs=1e-9)
