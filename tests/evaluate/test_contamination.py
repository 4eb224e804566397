import pytest

from groundwork.core.errors import InputError
from groundwork.core.measure import Example, Turn
from groundwork.evaluate.contamination import effects, find_contamination, parts_of
from groundwork.evaluate.passages import Passage
from groundwork.evaluate.scorers import metrics_of
from tests.evaluate.builders import OWN, evaluated

LONG = "A train leaves the harbour at nine and covers forty miles in each hour until it reaches the old bridge by noon"
OTHER = "A farmer counts the apples in seven baskets and gives every neighbour as many as fit into one of the smaller ones"
CASES = {"case-0": {"question": LONG, "reference": "120"}, "case-1": {"question": OTHER}, "case-2": {"question": "Why so?"}}


def test_cases_that_stand_elsewhere_are_named_with_their_place_and_counted_with_an_interval() -> None:
    found = find_contamination(CASES, [Passage("train.jsonl", f"Q: {LONG} A: 120", line=7), Passage("book.txt", "Nothing of the kind.")])
    (overlap,) = found.overlaps
    assert (overlap.case, overlap.part, overlap.share, overlap.source, overlap.place) == ("case-0", "question", 1.0, "train.jsonl", 7)
    assert overlap.excerpt in LONG
    assert found.too_short == ("case-2",)
    assert found.share is not None
    assert (found.share.value, found.share.n) == (0.5, 2)
    assert found.read == {"train.jsonl": 25, "book.txt": 4}


def test_a_share_sets_aside_what_is_only_touched() -> None:
    half = " ".join(LONG.split()[:13])
    assert find_contamination(CASES, [Passage("a", half)]).contaminated == {"case-0"}
    assert find_contamination(CASES, [Passage("a", half)], least=0.8).contaminated == frozenset()


def test_every_part_of_a_case_is_looked_for() -> None:
    example = Example(id="a", question="q", reference="r", turns=(Turn(question="q2", reference="r2"), Turn(question="q3")))
    assert parts_of(example) == {"question": "q", "reference": "r", "question 2": "q2", "reference 2": "r2", "question 3": "q3"}


def test_figures_are_shown_with_and_without_the_contaminated_cases() -> None:
    run = evaluated([1.0, 1.0, 0.0, 0.0, None])
    (effect,) = effects(frozenset({"case-0", "case-1"}), run, metrics_of(OWN))
    assert (effect.whole.value, effect.whole.n) == (0.5, 4)
    assert effect.clean is not None
    assert effect.contaminated is not None
    assert effect.difference is not None
    assert (effect.clean.value, effect.contaminated.value, effect.difference.value) == (0.0, 1.0, 1.0)
    (none,) = effects(frozenset(), run, metrics_of(OWN))
    assert (none.contaminated, none.difference) == (None, None)


def test_nothing_to_look_for_or_to_look_through_is_an_error() -> None:
    for cases, passages in (
        ({}, [Passage("a", "text")]),
        ({"a": {"question": " "}}, [Passage("a", "text")]),
        (CASES, []),
        (CASES, [Passage("a", "")]),
    ):
        with pytest.raises(InputError):
            find_contamination(cases, passages)
    with pytest.raises(InputError, match="exceeded"):
        find_contamination(CASES, [Passage("a", "text")], least=1.0)
    only_short = find_contamination({"a": {"question": "Why?"}}, [Passage("a", "text")])
    assert (only_short.share, only_short.too_short) == (None, ("a",))
