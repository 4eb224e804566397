import msgspec
import pytest

from groundwork.core.errors import ConfigError
from groundwork.core.measure import Run
from groundwork.core.statistics import mean, proportion
from groundwork.evaluate.require import hold, parse_required
from groundwork.evaluate.runner import new_run
from groundwork.evaluate.suite import make_suite
from tests.evaluate.builders import example

SUITE = make_suite([example(1)])


def run_of(right: int, n: int) -> Run:
    return msgspec.structs.replace(new_run(SUITE, target="t"), n=n, metrics={"answer.correct": proportion(right, n)})


@pytest.mark.parametrize(
    ("right", "n", "text", "decision"),
    [
        (95, 100, "answer.correct >= 0.8", "pass"),
        (85, 100, "answer.correct >= 0.8", "undecided"),
        (79, 100, "answer.correct >= 0.8", "undecided"),
        (50, 100, "answer.correct >= 0.8", "fail"),
        (8, 8, "answer.correct >= 0.8", "undecided"),
        (5, 100, "answer.correct <= 0.2", "pass"),
    ],
)
def test_a_bound_decides_and_never_the_figure(right: int, n: int, text: str, decision: str) -> None:
    (ruling,) = hold(run_of(right, n), parse_required([text], SUITE))
    assert ruling.decision == decision
    assert f"(n = {n})" in ruling.sentence
    assert (ruling.more_items is not None) == (decision == "undecided" and right / n > 0.8)


def test_what_was_not_scored_is_undecided_and_what_broke_is_said() -> None:
    (ruling,) = hold(run_of(9, 10), parse_required(["cost <= 0.01 USD"], SUITE))
    assert (ruling.decision, ruling.sentence) == ("undecided", "no case was scored on `cost`")
    broken = msgspec.structs.replace(run_of(99, 100), errors=3, n=103)
    (ruling,) = hold(broken, parse_required(["answer.correct >= 0.8"], SUITE))
    assert (ruling.decision, "3 of 103 answers broke" in ruling.sentence) == ("undecided", True)


def test_units_are_read() -> None:
    timed = msgspec.structs.replace(run_of(9, 10), metrics={"cost": mean([0.001] * 40 + [0.0012], bounds=None)})
    (ruling,) = hold(timed, parse_required(["cost <= 0.01 USD"], SUITE))
    assert ruling.decision == "pass"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("answer.corect >= 0.8", "unknown metric"),
        ("answer.correct = 0.8", "cannot read"),
        ("answer.correct not_inferior", "second run"),
        ("cost <= 1.1 * current", "second run"),
    ],
)
def test_what_cannot_be_decided_on_one_run_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_required([text], SUITE)
