import random
from functools import partial

import pytest

from groundwork.evaluate.judges.labels import Rated
from groundwork.evaluate.judges.leaning import candidate, length, lenient, position
from groundwork.evaluate.judges.verdict import worth
from tests.evaluate.judges.rubrics import judge_of
from tests.evaluate.judges.simulated import fair, for_longer, for_model, pairs

WORTH = partial(worth, judge_of("pairwise"))
POINTS = partial(worth, judge_of("pointwise"))


def test_place_is_the_share_of_verdicts_for_what_stands_first() -> None:
    items = [Rated(str(n), None, {}, ("A", "B")) for n in range(15)] + [Rated(str(n), None, {}, ("A", "A")) for n in range(15, 30)]
    found = position(items, WORTH)
    assert found is not None
    assert found.judge.value == 0.75
    assert position(items[:10], WORTH) is None


def test_who_wrote_it_counts_at_equal_labels() -> None:
    found = candidate(pairs(500, 0.4, for_model("green-7b")), "green-7b", WORTH)
    assert found is not None
    assert found.slope is not None
    assert found.slope.low > 0
    assert found.shift is not None
    assert found.shift.low > 0
    assert candidate(pairs(500, 0.4, fair), "nobody", WORTH) is None


def test_leniency_is_the_paired_difference_of_means() -> None:
    items = [Rated(str(n), 1 + n % 4, {}, (2 + n % 4,)) for n in range(40)]
    found = lenient(items, POINTS)
    assert found is not None
    assert found[1].value == pytest.approx(0.25)
    assert lenient(pairs(50, 0.5, fair), WORTH) is None


@pytest.mark.parametrize("longer_better", [0.2, 0.5, 0.8])
def test_a_judge_that_prefers_length_is_found_whatever_people_prefer(longer_better: float) -> None:
    found = length(pairs(400, 0.5, for_longer, longer_better=longer_better), WORTH)
    assert found is not None
    assert found.slope is not None
    assert found.people is not None
    assert found.p is not None
    assert found.slope.low > 0
    assert found.p < 0.001
    assert found.judge.value > found.people.value
    assert found.people.value == pytest.approx(longer_better, abs=0.08)


def test_noisy_labels_are_no_leaning_of_the_judge() -> None:
    """A judge that sees all is held against people who err: what is better in truth, often the longer, shows through at equal labels."""
    chooser = random.Random(5)
    items = [
        item._replace(human=item.human if chooser.random() < 0.8 else chooser.choice("AB"))
        for item in pairs(1000, 0.9, fair, longer_better=0.85, seed=5)
    ]
    found = length(items, WORTH)
    assert found is not None
    assert found.slope is not None
    assert found.slope.low > 0, "the regression alone would accuse it"
    assert found.p is None or found.p > 0.01


def test_without_labels_a_share_is_reported_and_nobody_accused() -> None:
    found = length([item._replace(human=None) for item in pairs(200, 0.5, for_longer)], WORTH)
    assert found is not None
    assert found.judge.value > 0.5
    assert found.p is None
