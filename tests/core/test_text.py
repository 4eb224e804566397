import string
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.text import content_words, fold, sentences, shorten, stem, words


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It is 3.40.1 now. See sqlite.org today.", ["It is 3.40.1 now.", "See sqlite.org today."]),
        ("Use it, e.g. With WAL. Dr. Ada knows. See Fig. 3.", ["Use it, e.g. With WAL.", "Dr. Ada knows.", "See Fig. 3."]),
        ("J. R. Smith wrote it. Then it ran approx. 3 days.", ["J. R. Smith wrote it.", "Then it ran approx. 3 days."]),
        ('He said “Stop.” Then he left. "Why?" She asked.', ["He said “Stop.”", "Then he left.", '"Why?"', "She asked."]),
        ("A paragraph\n\nanother one\nwrapped here", ["A paragraph", "another one\nwrapped here"]),
        ("Steps:\n- one thing\n- another\n1. first\n2) second", ["Steps:", "- one thing", "- another", "1. first", "2) second"]),
        ("1. The first step. It is long.", ["1. The first step.", "It is long."]),
        ("a | b\nc | d", ["a | b", "c | d"]),
        ("no capital. so it goes on", ["no capital. so it goes on"]),
        ("  \n\n ", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@settings(max_examples=400)
@given(st.lists(st.sampled_from([*"aBc.!?\"'”’)]([\n -*1|", "e.g. ", "Dr. ", ". A", "\n\n", "\n- "]), max_size=60).map("".join))
def test_sentences_are_in_order_and_lose_nothing_but_blanks(text: str) -> None:
    at = 0
    for start, end in sentences(text):
        assert at <= start < end <= len(text)
        assert not text[at:start].strip(), "something between two sentences is lost"
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize("piece", ["Mr. A ", "e.g. ", ". ", '." ', "\n", " ", "A. ", "1.1.", "\n- ", "a | b\n", ".))) ", "A) "])
def test_a_hostile_text_is_split_in_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert all(start < end for start, end in sentences(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The page_size of 3.40.1 isn't SQLite’s", ["the", "page_size", "of", "3.40.1", "isn't", "sqlite’s"]),
        ("a-b -- c_ _d 'e'", ["a-b", "c", "d", "e"]),
        ("Größe ÉTÉ", ["grösse", "été"]),
        ("...", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("query", "queries"), ("index", "indexes"), ("lock", "locks"), ("lock", "locking"), ("lock", "locked"), ("pass", "passes")],
)
def test_a_word_finds_its_other_forms(one: str, other: str) -> None:
    assert stem(one) == stem(other)
    assert content_words(f"The {one} is the") == content_words(f"some of {other}")


def test_short_words_keep_their_endings() -> None:
    assert [stem(word) for word in ("is", "as", "red", "ring", "class", "ed")] == ["is", "as", "red", "ring", "class", "ed"]


@pytest.mark.parametrize(("one", "other"), [("Ｗａｌ  mode", "wal MODE"), ("STRASSE", "straße"), (" a\u00a0b\n", "A B"), ("ﬁle", "FILE")])
def test_fold_finds_the_same_in_other_clothes(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(alphabet=string.printable + "äÄßéＡﬁ", max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert fold(unicodedata.normalize("NFD", text)) == once


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("one two three", 20, "one two three"),
        ("one two three", 10, "one two…"),
        ("one\n  two", 7, "one two"),
        ("abcdefgh", 5, "abcd…"),
        ("ab cd", 1, "…"),
    ],
)
def test_shorten(text: str, length: int, expected: str) -> None:
    assert shorten(text, length) == expected


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_short_text_is_short_and_on_one_line(text: str, length: int) -> None:
    short = shorten(text, length)
    assert len(short) <= length
    assert "\n" not in short
