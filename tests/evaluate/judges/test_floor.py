from pathlib import Path

import pytest

from groundwork.core.errors import StoreError
from groundwork.evaluate.judges.calibrate import Calibration, calibrate
from groundwork.evaluate.judges.floor import check_floor, find_calibration, floor_rulings, keep_calibration
from groundwork.evaluate.judges.judge import FloorSection
from tests.evaluate.judges.rubrics import judge_of
from tests.evaluate.judges.simulated import fair, pairs


def calibrated(n: int = 400, *lines: str) -> Calibration:
    return calibrate(judge_of("pairwise", *lines), pairs(n, 0.9, fair))


@pytest.mark.parametrize(
    ("floor", "decision"),
    [
        (FloorSection(kappa=0.5), "pass"),
        (FloorSection(kappa=0.99), "fail"),
        (FloorSection(agreement=0.8), "pass"),
        (FloorSection(consistency=0.5), "pass"),
        (FloorSection(unparseable=0.05), "pass"),
        (FloorSection(unparseable=0.001), "undecided"),
    ],
)
def test_a_floor_is_decided_by_the_intervals_nearer_bound(floor: FloorSection, decision: str) -> None:
    (ruling,) = check_floor(calibrated(), floor)
    assert ruling.decision == decision
    (name, limit), *_ = floor.asked.items()
    assert f"{name} {'<=' if name == 'unparseable' else '>='} {limit:g}" in ruling.requirement


def test_a_value_above_the_floor_is_not_enough() -> None:
    few = calibrated(30)
    floor = FloorSection(kappa=(few.kappa.low + few.kappa.value) / 2)
    (ruling,) = check_floor(few, floor)
    assert (ruling.decision, ruling.estimate) == ("undecided", few.kappa)
    assert ruling.more_items is not None
    assert ruling.more_items > 0
    assert "more labelled items" in ruling.sentence


def test_what_was_not_measured_does_not_pass() -> None:
    found = calibrate(judge_of("pairwise"), pairs(100, 0.9, fair, orders=1))
    (ruling,) = check_floor(found, FloorSection(consistency=0.5))
    assert ruling.decision == "fail"
    assert "both orders" in ruling.sentence


def test_a_gate_finds_the_calibration_of_exactly_this_judge(tmp_path: Path) -> None:
    line = "floor = { kappa = 0.5 }"
    judge = judge_of("pairwise", line)
    (missing,) = floor_rulings([judge], tmp_path)
    assert missing.decision == "fail"
    assert "groundwork judge calibrate pairwise" in missing.sentence
    keep_calibration(tmp_path, calibrated(400, line))
    assert [ruling.decision for ruling in floor_rulings([judge], tmp_path)] == ["pass"]
    changed = judge_of("pairwise", line, "sampling = { temperature = 1.0 }")
    assert [ruling.decision for ruling in floor_rulings([changed], tmp_path)] == ["fail"]
    assert floor_rulings([judge_of("pairwise")], tmp_path) == ()


def test_a_calibration_comes_back_as_it_was(tmp_path: Path) -> None:
    found = calibrated()
    keep_calibration(tmp_path / "judges", found)
    assert find_calibration(tmp_path / "judges", found.judge) == found
    assert find_calibration(tmp_path / "judges", "jd_other") is None
    (tmp_path / "judges" / "jd_bad.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        find_calibration(tmp_path / "judges", "jd_bad")
