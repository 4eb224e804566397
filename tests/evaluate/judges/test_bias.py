import random
from functools import partial

import pytest

from groundwork.core.measure import Estimate
from groundwork.evaluate.judges import leaning
from groundwork.evaluate.judges.bias import Suspicion, suspicions
from groundwork.evaluate.judges.labels import Rated
from groundwork.evaluate.judges.verdict import worth
from tests.evaluate.judges.rubrics import judge_of
from tests.evaluate.judges.simulated import Errs, fair, for_first, for_longer, for_model, pairs

WORTH = partial(worth, judge_of("pairwise"))
POINTS = partial(worth, judge_of("pointwise"))


def by_kind(items: list[Rated], family: str = "") -> dict[str, Suspicion]:
    return {one.kind: one for one in suspicions(items, WORTH, family) if one.p < 0.01 and one.leaves}


def test_a_judge_that_prefers_what_stands_first_is_found_in_both_orders_without_labels() -> None:
    items = [item._replace(human=None) for item in pairs(300, 0.4, for_first)]
    found = leaning.position(items, WORTH)
    assert found is not None
    assert found.people is None
    assert found.judge.low > 0.7
    assert "picks the first answer" in by_kind(pairs(300, 0.4, for_first))["position"].sentence


def test_in_one_order_place_shows_at_equal_labels() -> None:
    found = by_kind(pairs(400, 0.5, for_first, orders=1))
    assert "leans to the first answer" in found["position"].sentence
    assert "position" not in by_kind(pairs(400, 0.5, fair, orders=1))


def test_a_judge_that_only_looks_at_length_is_found_although_no_regression_fits_it() -> None:
    found = by_kind(pairs(200, 0.0, for_longer))["length"]
    assert "prefers the longer answer in 100 %" in found.sentence
    assert "errs for it more often" in found.sentence


@pytest.mark.parametrize("longer_better", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("sees", [0.2, 0.6, 1.0])
def test_errors_at_random_are_no_leaning_although_shares_move(longer_better: float, sees: float) -> None:
    items = pairs(500, sees, fair, longer_better=longer_better, seed=3)
    found = leaning.length(items, WORTH)
    assert found is not None
    assert found.p is None or found.p > 0.01
    assert not {"position", "length", "candidate", "slice"} & by_kind(items).keys()


def test_a_candidate_that_is_favoured_is_named_and_its_own_kind_called_so() -> None:
    items = pairs(500, 0.4, for_model("green-7b"))
    sentences = [one.sentence for one in suspicions(items, WORTH) if one.kind == "candidate" and one.p < 0.01]
    assert any(one.startswith("sides with green-7b") for one in sentences)
    assert all(one.startswith("sides against") for one in sentences if "green-7b" not in one), "what one gains the others lose"
    assert "its own kind" in by_kind(items, "Green")["own_kind"].sentence
    assert "candidate" not in by_kind(pairs(500, 0.4, fair))


def test_the_slice_where_a_judge_fails_is_named() -> None:
    turned = {"A": "B", "B": "A"}
    items = [
        item._replace(verdicts=tuple(turned[str(verdict)] for verdict in item.verdicts)) if item.metadata["kind"] == "y" else item
        for item in pairs(300, 0.8, fair)
    ]
    found = by_kind(items)["slice"]
    assert "where kind is y" in found.sentence
    assert "worse than a coin" in found.sentence
    assert found.severity == "alarm"


@pytest.mark.parametrize(("unread", "is_found"), [(0, False), (1, False), (12, True)])
def test_unreadable_verdicts_count_beyond_one_in_a_hundred(unread: int, is_found: bool) -> None:
    items = [item._replace(verdicts=(None, "A")) if place < unread else item for place, item in enumerate(pairs(200, 0.8, fair))]
    assert ("unparseable" in by_kind(items)) == is_found


def scores(n: int, more: int, *, seed: int = 1) -> list[Rated]:
    """Points of a judge that gives `more` than people for every long answer, and errs by one point now and then."""
    chooser = random.Random(seed)
    found: list[Rated] = []
    for number in range(n):
        human, length = chooser.randint(1, 5), chooser.choice([100, 1000])
        given = human + (more if length == 1000 else 0) + chooser.choice([-1, 0, 0, 1])
        found.append(Rated(str(number), human, {}, (max(1, min(5, given)),), (length,), (chooser.choice(["m", "n"]),)))
    return found


def test_points_show_leniency_and_length_too() -> None:
    found = {one.kind: one for one in suspicions(scores(400, 1), POINTS) if one.p < 0.01 and one.leaves}
    assert "scores the longer higher" in found["length"].sentence
    assert "more leniently" in found["lenient"].sentence
    assert not {"position", "candidate"} & found.keys()
    quiet = {one.kind for one in suspicions(scores(400, 0), POINTS) if one.p < 0.01 and one.leaves}
    assert quiet == set()


@pytest.mark.parametrize("change", ["few", "same_length", "no_lengths", "no_labels", "all_right", "all_tie", "nothing_read", "one_label"])
def test_what_cannot_be_looked_at_is_left_out(change: str) -> None:
    items = pairs(200, 0.5, fair)
    changed = {
        "few": items[:5],
        "same_length": [item._replace(lengths=(10, 10)) for item in items],
        "no_lengths": [item._replace(lengths=()) for item in items],
        "no_labels": [item._replace(human=None) for item in items],
        "all_right": pairs(200, 1.0, fair),
        "all_tie": [item._replace(verdicts=("tie", "tie")) for item in items],
        "nothing_read": [item._replace(verdicts=(None, None)) for item in items],
        "one_label": [item._replace(human="A") for item in pairs(200, 0.0, fair)],
    }[change]
    found = suspicions(changed, WORTH)
    assert all(isinstance(one.estimate, Estimate) and 0 <= one.p <= 1 for one in found)
    assert "length" not in {one.kind for one in found if one.p < 0.01 and one.leaves}


@pytest.mark.parametrize("errs", [for_first, for_longer, for_model("red-7b")])
def test_what_is_found_does_not_hang_on_which_answer_is_called_a(errs: Errs) -> None:
    items = pairs(300, 0.4, errs)
    turned = {"A": "B", "B": "A"}
    mirrored = [
        item._replace(
            human=turned[str(item.human)],
            verdicts=tuple(turned[str(one)] for one in reversed(item.verdicts)),
            lengths=item.lengths[::-1],
            candidates=item.candidates[::-1],
        )
        for item in items
    ]
    assert by_kind(items).keys() == by_kind(mirrored).keys()
    for kind, one in by_kind(items).items():
        assert one.estimate.value == pytest.approx(by_kind(mirrored)[kind].estimate.value, abs=1e-6)
