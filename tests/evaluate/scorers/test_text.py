import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.evaluate.scorers.text import overlap, plain_words
from tests.evaluate.scorers.asking import ask

TEXT_SCORERS = ("exact", "normalised", "token_f1", "contains")


@pytest.mark.parametrize(
    ("name", "answer", "reference", "value"),
    [
        ("exact", " Paris ", "paris", 1),
        ("exact", "Paris.", "Paris", 0),
        ("exact", "", "Paris", 0),
        ("normalised", "The Paris!", "paris", 1),
        ("normalised", "Paris, France", "Paris", 0),
        ("token_f1", "the capital Paris", "Paris", 2 / 3),
        ("token_f1", "a cat sat", "the cat sat down", 0.8),
        ("token_f1", "London", "Paris", 0),
        ("token_f1", "", "Paris", 0),
        ("contains", "It is Paris, of course.", "Paris", 1),
        ("contains", "Parisian", "Paris", 0),
    ],
)
async def test_short_answers_are_held_against_the_reference(name: str, answer: str, reference: str, value: float) -> None:
    assert (await ask(name, answer, reference=reference)).value == pytest.approx(value)


@pytest.mark.parametrize("name", [*TEXT_SCORERS, "regex", "semantic", "bleu", "chrf", "ter", "rouge1", "rougeLsum", "edit", "fuzzy"])
async def test_a_case_without_a_reference_is_unscored(name: str) -> None:
    found = await ask(name, "anything")
    assert (found.status, found.value) == ("unscored", None)
    assert "expected" in found.detail


async def test_any_of_several_texts_is_right() -> None:
    assert (await ask("exact", "NYC", text=["New York City", "NYC"])).value == 1
    assert (await ask("token_f1", "New York", text=["LA", "New York City"])).value == pytest.approx(0.8)


@pytest.mark.parametrize("wrong", [5, [], [""], ["a", 3], {"a": 1}, None])
async def test_texts_of_another_shape_are_the_cases_fault(wrong: object) -> None:
    found = await ask("exact", "a", text=wrong)
    assert found.status == "error"
    assert "expected.text" in found.detail


async def test_case_counts_where_it_is_asked_to() -> None:
    assert (await ask("exact", "paris", reference="Paris", settings={"fold_case": False})).value == 0


async def test_contains_wants_all_or_as_many_as_said() -> None:
    texts = ["red", "green", "blue"]
    assert (await ask("contains", "red and blue", contains=texts)).value == 0
    assert (await ask("contains", "red and blue", contains=texts, settings={"at_least": 2})).value == 1
    assert (await ask("contains", "reddish", contains=["red"], settings={"whole_words": False})).value == 1
    assert (await ask("contains", "red", contains=texts, settings={"at_least": 4})).status == "error"


async def test_a_pattern_comes_from_the_setting_or_the_case() -> None:
    assert (await ask("regex", "order 4711 sent", settings={"pattern": r"\b\d{4}\b"})).value == 1
    assert (await ask("regex", "order 47 sent", settings={"pattern": r"\b\d{4}\b"})).value == 0
    assert (await ask("regex", "Yes", regex=["^no$", "^yes$"], settings={"fold_case": True})).value == 1
    assert (await ask("regex", "yes indeed", regex="yes", settings={"whole": True})).value == 0


async def test_a_pattern_that_is_none_or_never_ends_is_an_error_of_its_own() -> None:
    assert "no regular expression" in (await ask("regex", "x", settings={"pattern": "("})).detail
    late = await ask("regex", "a" * 60 + "b", settings={"pattern": "(a+)+$", "seconds": 0.3})
    assert (late.status, late.value) == ("error", None)
    assert "within 0.3 s" in late.detail
    assert (await ask("regex", "a", settings={"pattern": "a"})).value == 1  # the next one is matched as if nothing had happened


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_overlap_is_a_share_the_same_both_ways_and_whole_for_the_same_words(one: list[str], other: list[str]) -> None:
    assert 0 <= overlap(one, other) <= 1
    assert overlap(one, other) == overlap(other, one)
    assert (overlap(one, other) == 1) == (sorted(one) == sorted(other))


def test_articles_and_punctuation_are_no_words() -> None:
    assert plain_words("An apple, the 'pear' & a-z!") == ["apple", "pear", "az"]
