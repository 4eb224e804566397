import random

import pytest

from groundwork.core.errors import InputError
from groundwork.core.review import Drawn, Note, Review
from groundwork.evaluate.review.modes import count_modes, failures, name_of, probabilities, saturation, tagged
from groundwork.evaluate.review.sampling import Candidate, draw


def review_of(strata: dict[str, int], drawn: dict[str, int]) -> Review:
    items = tuple(
        Drawn(item=f"{name}-{number}", stratum=name, probability=count / strata[name])
        for name, count in drawn.items()
        for number in range(count)
    )
    return Review(id="rv_1", made=1.0, source="traces", by="failures", seed=0, strata=strata, items=items)


def note(item: str, *modes: str, text: str = "") -> Note:
    return Note(review="rv_1", item=item, at=1.0, text=text or " ".join(modes), modes=modes)


def test_a_mode_is_named_in_lower_case_with_hyphens() -> None:
    assert name_of("Wrong_Page seen") == "wrong-page-seen"
    for wrong in ("", "1st", "a/b", "ä"):
        with pytest.raises(InputError):
            name_of(wrong)


def test_a_note_names_modes_with_a_hash() -> None:
    assert tagged("  cites the index #Wrong-page  again #wrong-page #too_long ") == (
        "cites the index #Wrong-page again #wrong-page #too_long",
        ("wrong-page", "too-long"),
    )
    assert tagged("room 4#12 is no mode") == ("room 4#12 is no mode", ())


def test_shares_weigh_by_the_probability_of_being_read() -> None:
    review = review_of({"failed": 20, "other": 180}, {"failed": 10, "other": 10})
    notes = [*(note(f"failed-{place}", "slow") for place in range(10)), *(note(f"other-{place}") for place in range(10))]
    (mode,) = count_modes(review, notes)
    assert (mode.name, len(mode.items), mode.read) == ("slow", 10, 20)
    assert mode.share.value == pytest.approx(0.1)
    assert mode.share.low <= 0.1 <= mode.share.high < 0.5


def test_a_sample_read_halfway_is_a_smaller_sample() -> None:
    review = review_of({"failed": 20, "other": 180}, {"failed": 10, "other": 10})
    assert probabilities(review, [note("failed-0"), note("other-0"), note("other-1"), note("stranger")]) == {
        "failed-0": 1 / 20,
        "other-0": 2 / 180,
        "other-1": 2 / 180,
    }
    only = count_modes(review, [note("failed-0", "slow"), note("failed-1")])
    assert only[0].share.method == "wilson", "one stratum alone is a plain share of itself"


def test_estimates_over_many_samples_find_the_true_share() -> None:
    """Failures first draws many failures, and the weights take that out again."""
    true = {f"i{number}" for number in range(400) if number % 20 == 0}
    population = [Candidate(f"i{number}", number % 5 == 0, {}) for number in range(400)]
    shares, covered = [], 0
    for seed in range(200):
        review = draw(population, 60, by="failures", seed=seed, identifier="rv_1", made=1.0, source="traces")
        found = failures(review, [note(one.item, *(["slow"] if one.item in true else [])) for one in review.items])
        assert found is not None
        shares.append(found.value)
        covered += found.low <= 0.05 <= found.high
    assert sum(shares) / len(shares) == pytest.approx(0.05, abs=0.005)
    assert covered >= 190


def test_an_item_may_show_several_modes_and_an_empty_note_shows_none() -> None:
    review = review_of({"random": 10}, {"random": 4})
    found = count_modes(
        review, [note("random-0", "slow", "rude"), note("random-1", "slow"), note("random-2"), note("random-3", text="odd")]
    )
    assert [(mode.name, mode.share.value) for mode in found] == [("slow", 0.5), ("rude", 0.25)]
    rate = failures(review, [note("random-0", "slow"), note("random-2"), note("random-3", text="odd")])
    assert rate is not None
    assert rate.value == pytest.approx(2 / 3)
    assert failures(review, []) is None


def test_reading_on_pays_while_new_modes_come() -> None:
    chooser = random.Random(1)
    still = saturation([note(f"i{place}", f"m{place}") for place in range(30)])
    assert (still.new_lately, still.window, "read on" in still.sentence) == (20, 20, True)
    done = saturation([note(f"i{place}", chooser.choice(["a", "b"])) for place in range(60)])
    assert (done.new_lately, "no new mode in the last 20" in done.sentence) == (0, True)
    assert done.unseen is not None
    assert done.unseen.value == 0
    few = saturation([note("i1", "a"), note("i2", "a")])
    assert "few" in few.sentence
    assert saturation([note("i1", text="odd")]).unseen is None
