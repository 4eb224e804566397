import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import GateResult
from groundwork.core.statistics import non_inferiority
from groundwork.evaluate.config import GateSection
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.scorers import metrics_of
from groundwork.loop.gate import cluster_units, gate, level_at
from tests.evaluate.builders import OWN, evaluated

METRICS = metrics_of(OWN)


def judge(
    before: Sequence[float | None], after: Sequence[float | None], *require: str, metric: str = "answer.correct", **section: Any
) -> GateResult:
    candidate = evaluated(after, metric=metric, id="run_b", change="chg_1")
    rules = GateSection(suite="s.toml", **({"require": require} if require else {}), **section)
    return gate(candidate, evaluated(before, metric=metric), rules, METRICS, at=1.0)


def test_an_equal_change_passes_where_there_are_items_enough() -> None:
    result = judge([1.0] * 80, [1.0] * 80)
    assert (result.decision, result.change, result.run, result.current) == ("pass", "chg_1", "run_b", "run_a")
    assert result.rulings[0].more_items is None
    assert "not worse by the margin of 5" in result.rulings[0].sentence


def test_with_few_items_it_is_undecided_and_says_how_many_it_takes() -> None:
    (ruling,) = judge([1.0] * 30, [1.0] * 30).rulings
    assert ruling.decision == "undecided"
    assert ruling.more_items == 33
    assert "33 more items would decide" in ruling.sentence
    with_more = judge([1.0] * 63, [1.0] * 63)
    assert with_more.decision == "pass"


def test_a_bad_change_fails_and_a_worse_looking_one_is_promised_nothing() -> None:
    assert judge([1.0] * 80, [0.0] * 20 + [1.0] * 60).decision == "fail"
    (ruling,) = judge([1.0] * 80, [0.0] * 6 + [1.0] * 74).rulings
    assert (ruling.decision, ruling.more_items) == ("undecided", None)
    assert "more items are no remedy" in ruling.sentence


def test_less_is_better_where_the_metric_says_so() -> None:
    require = "abstention.wrong not_inferior"
    assert judge([1.0] * 20 + [0.0] * 60, [0.0] * 80, require, metric="abstention.wrong").decision == "pass"
    assert judge([0.0] * 80, [1.0] * 20 + [0.0] * 60, require, metric="abstention.wrong").decision == "fail"


@pytest.mark.parametrize(
    ("values", "require", "decision"),
    [
        ([1.0] * 80, "answer.correct >= 0.9", "pass"),
        ([1.0] * 72 + [0.0] * 8, "answer.correct >= 0.9", "undecided"),
        ([1.0] * 60 + [0.0] * 20, "answer.correct >= 0.9", "fail"),
        ([0.0] * 80, "answer.correct <= 0.1", "pass"),
    ],
)
def test_a_limit_is_decided_on_the_bound_of_the_interval(values: list[float], require: str, decision: str) -> None:
    assert judge(values, values, require).decision == decision


def test_an_undecided_limit_says_how_many_items_would_tell() -> None:
    values = [1.0] * 38 + [0.0] * 2
    (ruling,) = judge(values, values, "answer.correct >= 0.9").rulings
    assert ruling.decision == "undecided"
    assert ruling.more_items is not None
    assert 50 < ruling.more_items < 300
    (wrong_side,) = judge(values, values, "answer.correct >= 0.96").rulings
    assert wrong_side.more_items is None


def test_a_percentile_needs_the_items_that_bound_it() -> None:
    quick = [0.1] * 40
    (ruling,) = judge(quick, quick, "latency.p95 <= 800ms", metric="latency").rulings
    assert (ruling.decision, ruling.more_items) == ("undecided", 19)
    assert judge([0.1] * 59, [0.1] * 59, "latency.p95 <= 800ms", metric="latency").decision == "pass"
    assert judge([0.1] * 59, [0.9] * 59, "latency.p95 <= 800ms", metric="latency").decision == "fail"


def test_a_limit_relative_to_what_serves_is_paired() -> None:
    before = [0.01 * number for number in range(1, 41)]
    dearer = [1.3 * value for value in before]
    assert judge(before, before, "cost <= 1.1 * current", metric="cost").decision == "pass"
    assert judge(before, dearer, "cost <= 1.1 * current", metric="cost").decision == "fail"
    assert judge([0.0] * 20, [0.0] * 20, "cost <= 1.1 * current", metric="cost").decision == "pass"
    assert judge([0.0], [0.0], "cost <= 1.1 * current", metric="cost").decision == "undecided"
    assert judge([0.5] * 70, [0.5] * 70, "latency.p95 <= 1.2 * current", metric="latency").decision == "pass"
    assert judge([0.5] * 70, [0.9] * 70, "latency.p95 <= 1.2 * current", metric="latency").decision == "fail"
    assert judge([0.5] * 40, [0.5] * 40, "latency.p95 <= 1.2 * current", metric="latency").decision == "undecided"
    shares = [1.0] * 20 + [0.0] * 60
    assert judge(shares, [0.0] * 80, "abstention.wrong <= 1.0 * current", metric="abstention.wrong").decision == "pass"


def test_all_requirements_must_pass_and_one_failure_fails() -> None:
    values = [1.0] * 80
    assert judge(values, values, "answer.correct not_inferior", "answer.correct >= 0.9").decision == "pass"
    assert judge(values, values, "answer.correct not_inferior", "answer.correct >= 0.97").decision == "undecided"
    assert judge(values, values, "answer.correct <= 0.5", "answer.correct >= 0.97").decision == "fail"
    assert judge(values, values, "facts.found >= 0.5").decision == "undecided"


def test_what_broke_is_not_counted_as_good() -> None:
    for before, after in (([1.0] * 80 + [None], [1.0] * 81), ([1.0] * 81, [1.0] * 80 + [None])):
        (ruling,) = judge(before, after).rulings
        assert ruling.decision == "undecided"
        assert "1 item broke" in ruling.sentence
    assert judge([1.0] * 80 + [None], [0.0] * 30 + [1.0] * 51).decision == "fail"


def test_runs_that_cannot_be_held_against_each_other_are_refused() -> None:
    section = GateSection(suite="s.toml")
    current = evaluated([1.0] * 3)
    for changed, says in (
        ({"suite_sha256": "other"}, "different cases"),
        ({"split": "choose"}, "split"),
        ({"finished": None}, "not finished"),
        ({"id": "run_a"}, "against itself"),
    ):
        with pytest.raises(InputError, match=says):
            gate(evaluated([1.0] * 3, **({"id": "run_b"} | changed)), current, section, METRICS, at=1.0)
    with pytest.raises(InputError, match="different items"):
        gate(evaluated([1.0] * 2, id="run_b"), current, section, METRICS, at=1.0)
    with pytest.raises(InputError, match="decides on 'choose'"):
        gate(evaluated([1.0] * 3, id="run_b"), current, msgspec.structs.replace(section, split="choose"), METRICS, at=1.0)
    with pytest.raises(ConfigError, match="unknown metric"):
        judge([1.0], [1.0], "answer.corect not_inferior")


# -- asking again


def asked(n: int, look: int, *, looks: int = 3, before: Sequence[GateResult] = (), run: str = "") -> GateResult:
    section = GateSection(suite="s.toml", looks=looks)
    candidate = evaluated([1.0] * n, id=run or f"run_{look}", change="chg_1")
    return gate(candidate, evaluated([1.0] * n, id="run_a"), section, METRICS, at=1.0, before=before)


def test_planned_looks_share_the_five_percent() -> None:
    levels = [level_at(look, 4) for look in range(1, 5)]
    assert math.fsum(1 - level for level in levels) == pytest.approx(0.05)
    assert levels == sorted(levels, reverse=True)
    assert (level_at(1, 0), level_at(1, 1)) == (0.95, pytest.approx(0.95))


def test_an_early_look_needs_more_than_a_late_one() -> None:
    first = asked(80, 1)
    assert (first.decision, first.look, first.looks, first.note) == ("undecided", 1, 3, "")
    second = asked(120, 2, before=[first])
    assert (second.decision, second.look) == ("pass", 2)
    assert asked(80, 1, looks=0).decision == "pass"


def test_the_same_two_runs_are_the_same_look() -> None:
    first = asked(80, 1)
    again = asked(80, 1, before=[first], run=first.run)
    assert (again.look, again.level) == (1, first.level)
    second = asked(90, 2, before=[first, again])
    assert second.look == 2
    assert asked(80, 1, before=[first, second], run=first.run).look == 1


def test_more_looks_than_planned_are_refused() -> None:
    before = [asked(80 + look, look) for look in (1, 2, 3)]
    with pytest.raises(InputError, match="all 3 planned looks"):
        asked(200, 4, before=before)


def test_a_second_look_without_a_plan_says_that_the_error_rate_is_gone() -> None:
    first = asked(30, 1, looks=0)
    assert first.note == ""
    second = asked(80, 2, looks=0, before=[first])
    assert second.decision == "pass"
    assert "look 2" in second.note
    assert "`looks` in [gate]" in second.note
    late = asked(120, 2, looks=3, before=[first])
    assert "only after the first" in late.note


def test_looking_five_times_lets_a_bad_change_through_no_more_often() -> None:
    """Changes worse by exactly the margin, looked at as items come in; and asked anew each time, which shares nothing between looks."""
    chooser = random.Random(5)
    weights = [0.05, 0.10, 0.85]
    for fresh in (False, True):
        passed = 0
        for _ in range(300):
            seen: list[int] = []
            for look in range(1, 6):
                seen = ([] if fresh else seen) + chooser.choices([1, -1, 0], weights, k=60 * look if fresh else 60)
                if non_inferiority(seen, 0.05, level=level_at(look, 5))[0] == "pass":
                    passed += 1
                    break
        assert passed <= 25  # 5 % of 300 are 15; 26 or more come once in 200 times


# -- items that stand together


def test_clusters_and_not_items_decide() -> None:
    def clustered(values: Sequence[float], size: int, **run: Any) -> Evaluated:
        made = evaluated(values, **run)
        return made._replace(
            results=tuple(msgspec.structs.replace(one, cluster=f"p{place // size}") for place, one in enumerate(made.results))
        )

    section = GateSection(suite="s.toml")

    def decide(size: int) -> GateResult:
        return gate(clustered([1.0] * 80, size, id="run_b"), clustered([1.0] * 80, size), section, METRICS, at=1.0)

    assert decide(1).decision == "pass"
    bound = decide(4).rulings[0]
    assert bound.decision == "undecided"
    assert "on 20 clusters of 80 paired items" in bound.sentence
    assert bound.more_items is not None
    assert bound.more_items > 100


@given(some.lists(some.tuples(some.sampled_from([-1.0, 0.0, 1.0]), some.integers(0, 6)), min_size=1, max_size=60))
def test_cluster_units_keep_the_mean_and_the_bounds(items: list[tuple[float, int]]) -> None:
    units, stretch = cluster_units([value for value, _ in items], [cluster for _, cluster in items])
    assert all(-1 <= unit <= 1 for unit in units)
    assert math.fsum(units) / len(units) * stretch == pytest.approx(math.fsum(value for value, _ in items) / len(items))


def test_a_bad_change_does_not_pass_because_its_items_repeat_each_other() -> None:
    chooser = random.Random(6)
    passed = {"items": 0, "clusters": 0}
    for _ in range(300):
        differences = [one for one in chooser.choices([1, -1, 0], [0.05, 0.10, 0.85], k=40) for _ in range(4)]
        units, stretch = cluster_units(differences, [place // 4 for place in range(160)])
        passed["clusters"] += non_inferiority(units, 0.05 / stretch)[0] == "pass"
        passed["items"] += non_inferiority(differences, 0.05)[0] == "pass"
    assert passed["clusters"] <= 25
    assert passed["items"] > 25  # what ignoring clusters would do


def test_runs_that_were_scored_otherwise_are_not_held_against_each_other() -> None:
    records = [{"answer.correct": {"use": "answer.correct", "version": version}} for version in "12"]
    with pytest.raises(InputError, match="not scored alike"):
        gate(
            evaluated([1.0], id="run_b", scorers=records[1]),
            evaluated([1.0], scorers=records[0]),
            GateSection(suite="s.toml"),
            METRICS,
            at=1.0,
        )
