from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import GateResult
from groundwork.evaluate.config import GateSection
from groundwork.evaluate.scorers import metrics_of
from groundwork.loop.gate import gate
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
