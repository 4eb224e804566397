"""Perturbations: seeded, and never another meaning."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.prompts.perturb import KINDS, from_words, in_words, perturb, reordered

QUESTION = "How long are the 5 backups of three servers kept?"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_and_something_changes(kind: str) -> None:
    assert perturb(QUESTION, kind, 1) == perturb(QUESTION, kind, 1)
    assert perturb(QUESTION, kind, 1) != QUESTION
    assert len({perturb(QUESTION, kind, seed) for seed in range(20)}) > 1 or kind == "numerals"


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(alphabet='abcdefgh INOT0123456789.,_`"?\n', max_size=60), seed=st.integers(0, 9))
def test_any_text_can_be_perturbed_and_quoted_text_stays(kind: str, text: str, seed: int) -> None:
    perturb(text, kind, seed)
    kept = '`SELECT x` "Exact Words" page_size 3.7.0 WAL iPhone https://example.com/a?b=1'
    after = perturb(f"{kept} something longer here", kind, seed)
    assert [word for word in kept.split() if word not in after.split()] == []


def test_a_typo_is_one_slip_inside_of_a_long_word() -> None:
    for seed in range(200):
        after = perturb("not now: delete backups", "typo", seed)
        assert after.startswith("not now: "), "a slip in a short word may be another word"
        one, two = after.removeprefix("not now: ").split()
        assert (one == "delete") != (two == "backups")
        assert (one[0], one[-1], two[0], two[-1]) == ("d", "e", "b", "s")


@given(st.integers(0, 99))
def test_numbers_and_words_are_each_others_way_back(number: int) -> None:
    assert from_words(in_words(number)) == number
    text = f"after {number} days"
    spelled = perturb(text, "numerals", 0)
    assert not re.search(r"\d", spelled)
    if number > 1:
        assert perturb(spelled, "numerals", 0) == text


@pytest.mark.parametrize(
    "text", ["in version 3.7.0", "on 2026-11-21", "for 4,096 bytes", "at 12:30", "in 1868", "5% of it", "one of them", "page_5"]
)
def test_dates_versions_and_pronouns_are_no_numbers_to_spell(text: str) -> None:
    assert perturb(text, "numerals", 0) == text


def test_case_whitespace_and_punctuation_change_nothing_else() -> None:
    for seed in range(20):
        assert perturb(QUESTION, "case", seed).casefold() == QUESTION.casefold()
        assert perturb(QUESTION, "whitespace", seed).split() == QUESTION.split()
        assert perturb(QUESTION, "punctuation", seed).rstrip("?") == QUESTION.rstrip("?")


@given(st.lists(st.integers(), unique=True, max_size=6), st.integers(0, 9))
def test_another_order_holds_the_same(items: list[int], seed: int) -> None:
    made = reordered(items, seed)
    assert sorted(made) == sorted(items)
    assert len(items) < 2 or list(made) != items
    assert reordered(items, seed) == made


def test_nothing_to_change_is_left_as_it_is() -> None:
    assert perturb("", "typo", 0) == ""
    assert perturb("Who?", "typo", 0) == "Who?"
    assert perturb("Who", "punctuation", 0) == "Who"
