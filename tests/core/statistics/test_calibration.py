import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.statistics import calibration, coverage_at

items = st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=60)


@given(found=items, bins=st.integers(1, 12))
def test_the_bins_hold_every_item_once_and_never_part_equal_confidences(found: list[tuple[float, bool]], bins: int) -> None:
    confidences, right = zip(*found, strict=True)
    report = calibration(confidences, right, bins=bins)
    assert sum(one.right.n for one in report.bins) == len(found)
    assert len(report.bins) <= min(bins, len(set(confidences)))
    assert [one.confidence for one in report.bins] == sorted({one.confidence for one in report.bins})
    assert report.brier.value == pytest.approx(np.mean([(c - r) ** 2 for c, r in found]))
    assert 0 <= report.error <= 1


def test_the_error_is_the_distance_of_confidence_and_truth() -> None:
    assert calibration([0.9] * 10 + [0.1] * 10, [True] * 9 + [False] + [True] + [False] * 9).error == pytest.approx(0)
    assert calibration([1.0] * 10, [True] * 6 + [False] * 4).error == pytest.approx(0.4)


@given(found=items, precision=st.sampled_from([0.5, 0.9, 1.0]))
def test_the_coverage_is_the_largest_a_threshold_reaches(found: list[tuple[float, bool]], precision: float) -> None:
    confidences, right = zip(*found, strict=True)
    best = 0
    for threshold in set(confidences):
        kept = [one for confidence, one in found if confidence >= threshold]
        best = max(best, len(kept) if sum(kept) >= precision * len(kept) else 0)
    report = coverage_at(precision, confidences, right)
    assert report.coverage.value == pytest.approx(best / len(found))
    assert (report.threshold is None) == (best == 0)
    if report.precision is not None:
        assert report.precision.value >= precision


def test_what_is_no_confidence_is_refused() -> None:
    for wrong in (
        lambda: calibration([], []),
        lambda: calibration([1.2], [1]),
        lambda: coverage_at(0, [1.0], [1]),
        lambda: coverage_at(0.9, [1.0], []),
    ):
        with pytest.raises(InputError):
            wrong()
