from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError, GroundworkError, InputError
from groundwork.evaluate.following import Unclear, all_instructions, instruction, loose, parse, strict
from groundwork.evaluate.following.table import Arguments, Mode
from tests.evaluate.scorers.asking import ask

NO_COMMA = {"type": "punctuation:no_comma"}
TITLE = {"type": "detectable_format:title"}
MODES: tuple[Mode, ...] = ("official", "fixed")


@pytest.mark.parametrize("mode", MODES)
def test_a_blank_answer_follows_nothing(mode: Mode) -> None:
    wanted = parse([NO_COMMA])[0]
    assert strict(" \n", wanted, mode) is False
    assert loose("", wanted, mode) is False


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("Sure, here:\na b", True), ("a b\nBye, now", True), ("Sure,\na b\nbye,", True), ("a, b", False), ("x,\na, b\ny", False)],
)
def test_loose_leaves_the_first_and_the_last_line_aside(answer: str, expected: bool) -> None:
    assert loose(answer, parse([NO_COMMA])[0], "fixed") is expected
    assert strict(answer, parse([NO_COMMA])[0], "fixed") is False


def test_loose_leaves_asterisks_aside() -> None:
    wanted = parse([{"type": "startend:end_checker", "end_phrase": "so * be it"}])[0]
    assert loose("**so be it", parse([{"type": "startend:end_checker", "end_phrase": "so be it"}])[0], "official") is True
    assert strict("so * be it", wanted, "official") is True


@pytest.mark.parametrize("mode", MODES)
@given(answer=st.text(alphabet="aB,* \n.[]<>-1", max_size=40))
def test_what_is_followed_strictly_is_followed_loosely(mode: Mode, answer: str) -> None:
    for written in (NO_COMMA, TITLE, {"type": "detectable_format:number_bullet_lists", "num_bullets": 1}):
        wanted = parse([written])[0]
        assert not (strict(answer, wanted, mode) is True and loose(answer, wanted, mode) is not True)


# -- what a case writes


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "expected.instructions"),
        ([], "expected.instructions"),
        (["no comma"], "names no type"),
        ([{"type": 5}], "names no type"),
        ([{"type": "punctuation:no_commas"}], "did you mean"),
        ([{"type": "punctuation:no_comma", "extra": 1}], "extra"),
        ([{"type": "keywords:existence"}], "keywords"),
        ([{"type": "keywords:existence", "keywords": []}], "keywords"),
        ([{"type": "keywords:letter_frequency", "letter": "ab", "let_frequency": 1, "let_relation": "at least"}], "not one character"),
        ([{"type": "length_constraints:number_words", "num_words": -1, "relation": "at least"}], ">= 0"),
        ([{"type": "length_constraints:number_words", "num_words": 1, "relation": "about"}], "relation"),
    ],
)
def test_instructions_of_another_shape_say_what_is_wrong(written: Any, said: str) -> None:
    with pytest.raises(GroundworkError) as error:
        parse(written)
    assert said in f"{error.value} {error.value.fix}"


def test_arguments_that_are_null_count_as_not_given() -> None:
    assert parse([NO_COMMA | {"num_words": None}])[0].arguments == Arguments()


def test_the_official_mode_refuses_what_its_checkers_do_not_know() -> None:
    exactly = parse([{"type": "length_constraints:number_words", "num_words": 1, "relation": "exactly"}])[0]
    with pytest.raises(InputError, match="do not know the relation"):
        strict("a", exactly, "official")
    with pytest.raises(InputError, match="no regular expression"):
        strict("a", parse([{"type": "keywords:existence", "keywords": ["("]}])[0], "official")


def test_a_paragraph_that_cannot_be_is_the_cases_fault() -> None:
    wanted = parse([{"type": "length_constraints:nth_paragraph_first_word", "num_paragraphs": 1, "nth_paragraph": 2, "first_word": "a"}])[0]
    with pytest.raises(InputError, match="no paragraph 2 of 1"):
        strict("a", wanted, "fixed")


def test_a_second_check_of_a_type_is_refused_naming_both_places() -> None:
    with pytest.raises(ConfigError, match=r"punctuation\.py:\d+.*test_verdict\.py:\d+"):

        @instruction("punctuation:no_comma")
        def again(answer: str, _wanted: Arguments, mode: Mode) -> bool:
            return bool(answer and mode)


def test_every_check_says_what_it_asks() -> None:
    assert all(one.summary.endswith(".") for one in all_instructions())


# -- the scorers


async def test_scorers_give_the_share_and_whether_all_were_followed() -> None:
    both = [NO_COMMA, TITLE]
    assert (await ask("following.strict", "<<a>>", instructions=both)).value == 1
    half = await ask("following.strict", "Sure,\n<<a>>", instructions=both)
    assert (half.value, half.evidence) == (0.5, {"failed": ["punctuation:no_comma"]})
    assert (await ask("following.strict.all", "Sure,\n<<a>>", instructions=both)).value == 0
    assert (await ask("following.loose", "Sure,\n<<a>>", instructions=both)).value == 1
    assert (await ask("following.loose.all", "Sure,\n<<a>>", instructions=both)).value == 1


async def test_an_unclear_verdict_makes_the_answer_unparseable() -> None:
    language = {"type": "language:response_language", "language": "de"}
    found = await ask("following.strict", "42", instructions=[NO_COMMA, language])
    assert (found.status, found.value) == ("unparseable", None)
    assert "language" in found.detail
    assert (await ask("following.strict", "42", instructions=[NO_COMMA, language], settings={"mode": "official"})).value == 1
    assert isinstance(loose("42\n", parse([language])[0], "fixed"), Unclear)


async def test_a_case_without_instructions_is_unscored_and_a_wrong_one_at_fault() -> None:
    assert (await ask("following.loose", "x")).status == "unscored"
    assert (await ask("following.loose", "x", instructions=[{"type": "no:such"}])).status == "error"
