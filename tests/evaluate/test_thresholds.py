from pathlib import Path

import pytest

from groundwork.core.config import decode, read_toml
from groundwork.core.errors import ConfigError
from groundwork.evaluate.figures import estimate
from groundwork.evaluate.scorers import metrics_of
from groundwork.evaluate.suite import SuiteSection
from groundwork.evaluate.thresholds import ActionSection, check_actions, climb, earned
from tests.evaluate.builders import OWN, MakeSuite, example

METRICS = metrics_of(OWN)
LADDER = (
    ActionSection(metric="answer.correct", at_least=0.5, then="suggest"),
    ActionSection(metric="answer.correct", at_least=0.9, then="automate 50 %"),
    ActionSection(metric="answer.correct", at_least=0.97, then="automate all"),
)


def test_a_rung_is_earned_by_the_lower_bound_and_not_by_the_figure() -> None:
    figures = {"answer.correct": estimate([1.0] * 57 + [0.0] * 3, METRICS["answer.correct"])}
    rungs = climb(LADDER, figures, METRICS)
    assert [rung.state for rung in rungs] == ["earned", "not yet", "not yet"]
    assert earned(rungs)["answer.correct"].then == "suggest"
    assert rungs[1].more_items is not None
    assert f"{rungs[1].more_items} more items would earn it" in rungs[1].sentence
    assert rungs[2].more_items is None
    assert "more items alone are no remedy" in rungs[2].sentence


def test_the_items_that_it_asks_for_do_earn_it() -> None:
    metric = METRICS["answer.correct"]
    (rung,) = climb(LADDER[1:2], {metric.name: estimate([1.0] * 57 + [0.0] * 3, metric)}, METRICS)
    assert rung.more_items is not None
    n = 60 + rung.more_items
    right = round(n * 57 / 60)
    assert climb(LADDER[1:2], {metric.name: estimate([1.0] * right + [0.0] * (n - right), metric)}, METRICS)[0].state == "earned"


def test_at_most_is_decided_by_the_upper_bound() -> None:
    wrong = METRICS["abstention.wrong"]
    action = ActionSection(metric=wrong.name, at_most=0.1, then="no second reader")
    assert climb([action], {wrong.name: estimate([0.0] * 80, wrong)}, METRICS)[0].state == "earned"
    assert climb([action], {wrong.name: estimate([1.0] * 40 + [0.0] * 40, wrong)}, METRICS)[0].state == "missed"
    assert climb([action], {}, METRICS)[0].sentence == "abstention.wrong was not measured"


def test_an_action_says_one_limit_and_what_is_done() -> None:
    for section in ({}, {"at_least": 0.9, "at_most": 0.1}):
        with pytest.raises(ValueError, match="either `at_least` or `at_most`"):
            ActionSection(metric="answer.correct", then="x", **section)
    with pytest.raises(ValueError, match="says nothing"):
        ActionSection(metric="answer.correct", then=" ", at_least=0.5)
    with pytest.raises(ConfigError, match="corect"):
        check_actions([ActionSection(metric="answer.corect", then="x", at_least=0.5)], METRICS)


def test_a_suite_holds_its_actions(make_suite: MakeSuite, tmp_path: Path) -> None:
    lines = '[[actions]]\nmetric = "answer.correct"\nat_least = 0.9\nthen = "automate 50 %"'
    assert make_suite([example(1)], lines).actions == LADDER[1:2]
    with pytest.raises(ConfigError, match=r"suite\.toml:\d+.*answer\.corect"):
        make_suite([example(1)], lines.replace("correct", "corect"))
    assert decode(read_toml(tmp_path / "suite.toml"), SuiteSection).cases == "cases.jsonl"
