import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.engine.parts import MOST, parts

TEXTS = st.text(alphabet=st.sampled_from("ab .!?\nÄ日\t"), max_size=900)


@given(TEXTS, st.sampled_from([0, 60]))
def test_parts_hold_every_letter_once_and_fit(text: str, least: int) -> None:
    found = parts(text, least=least)
    assert all(0 < end - start <= MOST for start, end in found)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))
    assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())


def test_short_sentences_are_joined_and_long_ones_cut_at_a_blank() -> None:
    text = "Hi. Yes. Well. This is fine. " + "Word " * 80
    found = [text[start:end] for start, end in parts(text, least=60)]
    assert found[0] == "Hi. Yes. Well. This is fine."
    assert parts("One. Two.", least=0) == [(0, 4), (5, 9)]


@pytest.mark.parametrize("text", ["", "  \n "])
def test_blanks_have_no_part(text: str) -> None:
    assert parts(text, least=0) == []


def test_a_word_without_end_is_cut() -> None:
    assert [end - start for start, end in parts("x" * 500, least=0)] == [240, 240, 20]
