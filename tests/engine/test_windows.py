"""Nothing is cut: every piece of a text stands in a window, and every window fits."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from, text
from tokenizers import Tokenizer

from groundwork.core.errors import InputError
from groundwork.engine.encoder import read_manifest, tokenizer_of
from groundwork.engine.windows import padded, paired, single, starts
from tests.engine import tiny


def tokenizer() -> Tokenizer:
    return tokenizer_of(tiny.ENCODER / "tokenizer.json", read_manifest(tiny.ENCODER).files["tokenizer.json"])


@given(length=integers(0, 400), room=integers(2, 60), stride=integers(0, 30))
def test_windows_cover_the_whole_text_and_share_what_they_should(length: int, room: int, stride: int) -> None:
    stride = min(stride, room // 2)
    found = starts(length, room, stride)
    assert found[0] == 0
    assert all(0 < after - before <= room - stride for before, after in itertools.pairwise(found))
    assert found[-1] + room >= length
    assert len(found) == 1 or found[-1] + room == length


@settings(max_examples=60)
@given(passage=text(alphabet=sampled_from("ab c1.é東\n"), max_size=300), question=sampled_from(["who", "who wrote it?", "a" * 12]))
def test_every_piece_of_a_passage_stands_in_a_window_at_its_place(passage: str, question: str) -> None:
    windows = paired(tokenizer(), [(question, passage)], window=48, stride=8)
    pieces = tokenizer().encode(passage, add_special_tokens=False)
    seen: dict[tuple[int, int], set[int]] = {}
    for window in windows:
        assert len(window.ids) <= 48
        assert len(window.ids) == window.first + len(window.offsets) + 1
        for number, offset in zip(window.ids[window.first : -1], window.offsets, strict=True):
            seen.setdefault(offset, set()).add(number)
    assert seen.keys() == set(pieces.offsets)
    assert all(number in seen[offset] for number, offset in zip(pieces.ids, pieces.offsets, strict=True))


def test_a_question_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(InputError, match="the question has 29 word pieces, and the model reads at most 28") as refusal:
        paired(tokenizer(), [("a" * 29, "ada")], window=48, stride=16, first="question")
    assert "shorten" in refusal.value.fix
    assert len(paired(tokenizer(), [("a" * 28, "ada")], window=48, stride=16)) == 1


def test_padding_marks_what_is_real_and_what_is_passage() -> None:
    short, long = paired(tokenizer(), [("who", "ada"), ("who", "ada wrote it")], window=48, stride=8)
    batch = padded([short, long])
    assert batch.ids.dtype == np.int64
    assert batch.mask.tolist() == [[1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 1]]
    assert batch.types.tolist() == [[0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 1]]
    assert batch.passage.tolist() == [[0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1, 0]]


def test_an_empty_text_has_one_window() -> None:
    assert [list(window.ids) for window in single(tokenizer(), ["", " "], window=48, stride=8)] == [[101, 102], [101, 102]]
