"""Texts as windows of word pieces: a text that is longer than a model's window is read in several that overlap. Nothing is cut.

A window is `[CLS] text [SEP]`, or `[CLS] first [SEP] part of the second [SEP]`: a question stands whole in every window of its passage.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from groundwork.core.errors import InputError

Ints = npt.NDArray[np.int64]
FIRST, LAST = 101, 102
"""The pieces [CLS] and [SEP]."""
_LEAST = 16
"""Pieces of the second text that a window holds at least."""


class Window(NamedTuple):
    """What a model reads at once."""

    source: int
    """The place of its text, or pair, in what was asked."""
    ids: Sequence[int]
    first: int
    """Pieces of the first text, special ones included; a single text is all first."""
    offsets: Sequence[tuple[int, int]]
    """Code points of the second text's pieces, in the whole second text."""


class Padded(NamedTuple):
    """Windows side by side, int64 [batch, sequence]; 0 where there is none."""

    ids: Ints
    types: Ints
    mask: Ints
    passage: Ints
    """1 on the second text's pieces, without the last [SEP]."""


def starts(length: int, room: int, stride: int) -> list[int]:
    """Where the windows of a text of `length` pieces begin: each takes `room`, and shares `stride` or more with the one before."""
    if length <= room:
        return [0]
    step = room - stride
    return [*range(0, length - room, step), length - room]


def single(tokenizer: Tokenizer, texts: Sequence[str], *, window: int, stride: int) -> list[Window]:
    """The windows of texts that stand alone."""
    room = window - 2
    found: list[Window] = []
    for source, text in enumerate(texts):
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        for start in starts(len(ids), room, min(stride, room // 2)):
            part = ids[start : start + room]
            found.append(Window(source, (FIRST, *part, LAST), len(part) + 2, ()))
    return found


def paired(tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], *, window: int, stride: int, first: str = "first text") -> list[Window]:
    """The windows of pairs. Raises `InputError` where a pair's first text leaves no room for its second; `first` is what it is called."""
    found: list[Window] = []
    asked: dict[str, list[int]] = {}
    for source, (question, passage) in enumerate(pairs):
        if question not in asked:
            asked[question] = tokenizer.encode(question, add_special_tokens=False).ids
        head = asked[question]
        room = window - len(head) - 3
        if room < max(_LEAST, stride + 1):
            most = window - 3 - max(_LEAST, stride + 1)
            raise InputError(
                f"the {first} has {len(head)} word pieces, and the model reads at most {most} beside a passage",
                fix="shorten it, or split it",
            )
        pieces = tokenizer.encode(passage, add_special_tokens=False)
        ids, offsets = pieces.ids, pieces.offsets
        for start in starts(len(ids), room, min(stride, room // 2)):
            part = ids[start : start + room]
            found.append(Window(source, (FIRST, *head, LAST, *part, LAST), len(head) + 2, offsets[start : start + room]))
    return found


def padded(windows: Sequence[Window]) -> Padded:
    """Windows as one batch."""
    shape = (len(windows), max(len(window.ids) for window in windows))
    ids, types, mask, passage = (np.zeros(shape, dtype=np.int64) for _ in range(4))
    for line, window in enumerate(windows):
        size = len(window.ids)
        ids[line, :size] = window.ids
        mask[line, :size] = 1
        types[line, window.first : size] = 1
        passage[line, window.first : size - 1] = 1
    return Padded(ids, types, mask, passage)
