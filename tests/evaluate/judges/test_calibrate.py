import random
from functools import partial
from pathlib import Path

import msgspec
import pytest

from groundwork.core.errors import InputError
from groundwork.evaluate.judges.bias import suspicions
from groundwork.evaluate.judges.calibrate import ALPHA, Calibration, Reported, calibrate
from groundwork.evaluate.judges.labels import Label, Rated, rated, read_labels, read_verdicts
from groundwork.evaluate.judges.verdict import worth
from tests.evaluate.judges.rubrics import judge_of
from tests.evaluate.judges.simulated import fair, for_first, for_longer, for_model, pairs

PAIR, POINTS, LABELS = judge_of("pairwise"), judge_of("pointwise"), judge_of("labels")
YES_NO = judge_of("reference")
DATA = Path(__file__).parents[2] / "data" / "judges"


def single(labels: list[Label | None], verdicts: list[Label | None], **more: object) -> list[Rated]:
    return [Rated(str(n), label, {}, (verdict,)) for n, (label, verdict) in enumerate(zip(labels, verdicts, strict=True))]


def kinds(found: Calibration) -> set[str]:
    return {finding.kind for finding in found.findings}


def test_a_judge_without_a_weakness_has_no_findings() -> None:
    found = calibrate(PAIR, pairs(400, 0.9, fair))
    assert found.orders is not None
    assert found.alarms == ()
    assert kinds(found) <= {"inconsistent"}
    assert found.kappa.low < found.kappa.value < found.agreement.value
    assert found.orders.first.low < 0.5 < found.orders.first.high


@pytest.mark.parametrize(("errs", "kind"), [(for_first, "position"), (for_longer, "length"), (for_model("green-7b"), "candidate")])
def test_each_weakness_is_found_and_the_others_are_not(errs: object, kind: str) -> None:
    found = calibrate(PAIR, pairs(500, 0.5, errs))  # pyright: ignore[reportArgumentType]
    assert {finding.kind for finding in found.alarms} == {kind}
    assert all(finding.p is not None and finding.p < ALPHA for finding in found.alarms)


def test_looking_for_much_is_paid_for() -> None:
    items = pairs(80, 0.8, for_longer)
    looked_for = suspicions(items, partial(worth, PAIR))
    surest = min(looked_for, key=lambda one: one.p)
    (finding,) = calibrate(PAIR, items).alarms
    assert finding.sentence == surest.sentence
    assert finding.p == pytest.approx(len(looked_for) * surest.p)
    assert finding.p > surest.p


def test_a_small_p_alone_accuses_nobody() -> None:
    """More items lean to the first place than to the second, those less far: the share of the verdicts is not shown to differ from half."""
    items = [Rated(str(n), "A", {}, ("A", "tie") if n < 60 else ("B", "A")) for n in range(88)]
    found = calibrate(PAIR, items)
    assert found.orders is not None
    assert found.orders.first.low < 0.5 < found.orders.first.high
    assert min(one.p for one in suspicions(items, partial(worth, PAIR))) < 0.001
    assert "position" not in kinds(found)


def test_base_rates_and_confusion_are_shares_and_counts() -> None:
    found = calibrate(LABELS, single(["yes", "yes", "no", "partly"], ["yes", "no", "no", "yes"]))
    assert found.base_rates["yes"] == (0.5, 0.5)
    assert found.confusion["yes"] == {"no": 1, "partly": 0, "yes": 1}
    assert sum(sum(row.values()) for row in found.confusion.values()) == found.n == 4


def test_agreement_on_what_is_nearly_always_so_says_little_and_a_bell_rings() -> None:
    labels: list[Label | None] = ["right"] * 95 + ["wrong"] * 5
    verdicts: list[Label | None] = ["right"] * 92 + ["wrong"] * 3 + ["right"] * 3 + ["wrong"] * 2
    found = calibrate(YES_NO, single(labels, verdicts))
    assert found.agreement.value > 0.9
    assert found.kappa.value < 0.5
    rare = calibrate(YES_NO, single(["right"] * 190 + ["wrong"] * 10, ["right"] * 185 + ["wrong"] * 5 + ["right"] * 7 + ["wrong"] * 3))
    assert "base_rate" in kinds(rare) or "no_agreement" in kinds(rare)


def test_a_published_kappa_that_cannot_be_is_called_out() -> None:
    """An agreement of 0.78 at even base rates is a kappa near 0.55; 0.195 was once published beside it."""
    labels: list[Label | None] = ["right", "wrong"] * 50
    verdicts = [{"right": "wrong", "wrong": "right"}[str(one)] if place < 22 else one for place, one in enumerate(labels)]
    items = single(labels, verdicts)
    found = calibrate(YES_NO, items, reported=Reported(kappa=0.195))
    assert found.agreement.value == 0.78
    assert "miscomputed" in kinds(found)
    assert "miscomputed" not in kinds(calibrate(YES_NO, items, reported=Reported(kappa=found.kappa.value)))


def test_a_judge_that_turns_labels_around_agrees_less_than_by_chance() -> None:
    labels: list[Label | None] = ["right", "wrong"] * 30
    verdicts: list[Label | None] = ["wrong", "right"] * 30
    found = calibrate(YES_NO, single(labels, verdicts))
    assert "below_chance" in kinds(found)
    assert found.corrected is None


def test_a_coin_is_not_shown_to_agree() -> None:
    chooser = random.Random(2)
    labels: list[Label | None] = [chooser.choice(["right", "wrong"]) for _ in range(200)]
    assert "no_agreement" in kinds(calibrate(YES_NO, single(labels, [chooser.choice(["right", "wrong"]) for _ in labels])))


def test_the_share_is_corrected_for_the_judges_errors() -> None:
    """People find 50 %, a judge that lets a fifth of the wrong pass says 60 %."""
    labels: list[Label | None] = ["right"] * 100 + ["wrong"] * 100
    verdicts: list[Label | None] = ["right"] * 120 + ["wrong"] * 80
    found = calibrate(YES_NO, single(labels, verdicts))
    assert found.mean is not None
    assert found.corrected is not None
    assert found.mean.judge.value == 0.6
    assert found.corrected.value == pytest.approx(0.5)
    assert "lenient" in kinds(found)


def test_items_without_a_label_count_in_the_corrected_mean() -> None:
    labels: list[Label | None] = ["right"] * 50 + ["wrong"] * 50 + [None] * 300
    verdicts: list[Label | None] = ["right"] * 60 + ["wrong"] * 40 + ["right"] * 240 + ["wrong"] * 60
    found = calibrate(YES_NO, single(labels, verdicts))
    assert (found.items, found.n) == (400, 100)
    assert found.corrected is not None
    assert "prediction-powered" in found.corrected.method
    assert found.corrected.low < 0.7 < found.corrected.high, "the judge says 0.8 over the others, and is 0.1 too lenient"


def test_points_that_nearly_fit_count_for_something() -> None:
    near = calibrate(POINTS, single([1, 2, 3, 4, 5] * 20, [2, 3, 4, 5, 4] * 20))
    assert near.agreement.value == 0.0
    assert near.kappa.value > 0.5


def test_what_the_judge_could_not_read_is_neither_right_nor_wrong() -> None:
    found = calibrate(YES_NO, single(["right", "wrong", "right"], ["right", None, "right"]))
    assert (found.items, found.n, found.agreement.value) == (3, 2, 1.0)
    assert found.unparseable.value == pytest.approx(1 / 3)


def test_costs_add_up_and_an_unknown_one_makes_the_sum_unknown() -> None:
    items = [item._replace(cost=0.01) for item in single(["right", "wrong"], ["right", "wrong"])]
    assert calibrate(YES_NO, items).cost == pytest.approx(0.02)
    assert calibrate(YES_NO, [items[0], items[1]._replace(cost=None)]).cost is None


def test_people_are_the_ceiling() -> None:
    chooser = random.Random(4)
    items = [
        item._replace(humans=dict.fromkeys(("ann", "bob"), item.human or "A"), verdicts=(chooser.choice("AB"),) * 2)
        for item in pairs(200, 1.0, fair)
    ]
    found = calibrate(PAIR, items)
    assert found.people is not None
    assert found.people.kappas["ann~bob"].value == 1.0
    assert "below_people" in kinds(found)
    assert calibrate(PAIR, items, with_people=False).people is None


@pytest.mark.parametrize("items", [[], single(["right"], [None]), single([None], ["right"])])
def test_without_a_label_and_a_verdict_there_is_nothing_to_hold(items: list[Rated]) -> None:
    with pytest.raises(InputError, match="both"):
        calibrate(YES_NO, items)


@pytest.mark.parametrize(
    "items", [single(["right"], ["right"]), single(["right"] * 40, ["right"] * 40), pairs(1, 1.0, fair), pairs(30, 0.0, for_first)]
)
def test_one_item_and_no_variance_have_wide_intervals_and_no_findings_of_bias(items: list[Rated]) -> None:
    judge = PAIR if len(items[0].verdicts) == 2 else YES_NO
    found = calibrate(judge, items)
    assert found.agreement.low < 1
    assert not {"length", "candidate", "slice"} & kinds(found)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Calibration) == found


def test_the_excerpt_of_public_records_shows_its_known_defects() -> None:
    labels, verdicts = read_labels(DATA / "llmbar.labels.jsonl", PAIR), read_verdicts(DATA / "llmbar.verdicts.jsonl", PAIR)
    found = calibrate(PAIR, rated(PAIR, labels, verdicts))
    assert {finding.kind for finding in found.alarms} == {"position", "length", "slice"}
    assert found.orders is not None
    assert found.orders.standing is not None
    slices = {one.value: one for one in found.slices}
    assert slices["Natural"].standing is not None
    assert slices["GPTInst"].standing is not None
    assert slices["Natural"].standing.value > slices["Natural"].agreement.value, "what stands in both orders is worth more"
    assert slices["GPTInst"].standing.high < 0.5, "and does not rescue a biased judge on adversarial items"
