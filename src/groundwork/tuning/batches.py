"""Rows as windows of word pieces, and windows as batches: the same windows in training, measuring and serving.

A text longer than the window is read in several that overlap; nothing is cut. Batches hold windows of about one length, in an order that
depends on the seed and the epoch alone, so that a fit taken up again sees what it would have seen.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from groundwork.core.errors import InputError, StoreError
from groundwork.datasets.rows import PairRow, Row, SpanRow, TextRow
from groundwork.engine.windows import FIRST, LAST, starts
from groundwork.tuning.network import Batch

_POOL = 32
"""Batches whose windows are sorted by length together."""


class Window(NamedTuple):
    """A part of a row, as the network reads it."""

    row: int
    ids: tuple[int, ...]
    first: int
    """Pieces of the first text, special ones included; a single text is all first."""
    offsets: tuple[tuple[int, int], ...]
    """Code points of the second text's pieces, in the row's text."""
    spans: tuple[tuple[int, int], ...]
    """Places of accepted answers among `ids`, first and last piece; none where this window holds no answer."""
    label: float


def tokenizer_of(path: str) -> Tokenizer:
    """The base's tokenizer, neither cutting nor padding. Raises StoreError where the file is not there."""
    if not Path(path).is_file():
        raise StoreError(f"the base's {path} is missing", fix="fetch the base: `groundwork tune base`")
    tokenizer: Tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def windows_of(rows: Sequence[Row], tokenizer: Tokenizer, labels: Mapping[str, int], *, window: int, stride: int) -> list[Window]:
    """All windows of all rows. Raises InputError where a question leaves no room for its passage."""
    found: list[Window] = []
    for place, row in enumerate(rows):
        if isinstance(row, TextRow):
            found += _text_windows(place, row, tokenizer, labels, window, stride)
        else:
            found += _pair_windows(place, row, tokenizer, window, stride)
    return found


def _text_windows(place: int, row: TextRow, tokenizer: Tokenizer, labels: Mapping[str, int], window: int, stride: int) -> list[Window]:
    pieces = tokenizer.encode(row.text, add_special_tokens=False)
    room = window - 2
    label = float(labels.get(row.label, -1))
    return [
        Window(place, (FIRST, *pieces.ids[start : start + room], LAST), min(len(pieces.ids), room) + 2, (), (), label)
        for start in starts(len(pieces.ids), room, stride)
    ]


def _pair_windows(place: int, row: SpanRow | PairRow, tokenizer: Tokenizer, window: int, stride: int) -> list[Window]:
    first, second = (row.question, row.passage) if isinstance(row, SpanRow) else (row.a, row.b)
    asked = tokenizer.encode(first, add_special_tokens=False).ids
    room = window - len(asked) - 3
    if room < max(16, stride + 1):
        raise InputError(
            f"`{row.id}`: its first text has {len(asked)} word pieces, which leaves {max(room, 0)} of the window of {window} for the second",
            fix="shorten the question or claim, or widen [data] window (at most 512)",
        )
    pieces = tokenizer.encode(second, add_special_tokens=False)
    head = len(asked) + 2
    made: list[Window] = []
    for start in starts(len(pieces.ids), room, min(stride, room // 2)):
        ids = pieces.ids[start : start + room]
        offsets = tuple(pieces.offsets[start : start + room])
        spans = _spans(row, offsets, head) if isinstance(row, SpanRow) else ()
        label = float(bool(spans)) if isinstance(row, SpanRow) else row.label
        made.append(Window(place, (FIRST, *asked, LAST, *ids, LAST), head, offsets, spans, label))
    return made


def _spans(row: SpanRow, offsets: Sequence[tuple[int, int]], head: int) -> tuple[tuple[int, int], ...]:
    """The answers that lie in a window whole, as places among its pieces."""
    found: list[tuple[int, int]] = []
    for answer in row.answers:
        begin, end = answer.start, answer.start + len(answer.text)
        inside = [place for place, (low, high) in enumerate(offsets) if low < end and high > begin]
        if inside and offsets[inside[0]][0] <= begin and offsets[inside[-1]][1] >= end:
            found.append((head + inside[0], head + inside[-1]))
    return tuple(dict.fromkeys(found))


def order(windows: Sequence[Window], groups: Sequence[Sequence[int]] | None, batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The batches of one epoch, as places among the windows.

    With `groups` (places by class or source) as many windows are drawn as there are, each group as often as the others.
    """
    chooser = random.Random(f"{seed}/{epoch}")  # noqa: S311 - an order, not a secret
    places = list(range(len(windows)))
    if groups:
        places = [chooser.choice(groups[number % len(groups)]) for number in range(len(windows))]
    chooser.shuffle(places)
    batches: list[list[int]] = []
    for start in range(0, len(places), batch * _POOL):
        pool = sorted(places[start : start + batch * _POOL], key=lambda place: len(windows[place].ids))
        batches += [pool[begin : begin + batch] for begin in range(0, len(pool), batch)]
    chooser.shuffle(batches)
    return batches


def collate(windows: Sequence[Window]) -> Batch:
    """One padded batch."""
    length = max(len(window.ids) for window in windows)
    ids, types, mask, passage = (torch.zeros(len(windows), length, dtype=torch.long) for _ in range(4))
    for line, window in enumerate(windows):
        size = len(window.ids)
        ids[line, :size] = torch.tensor(window.ids)
        mask[line, :size] = 1
        types[line, window.first : size] = 1
        passage[line, window.first : size - 1] = 1
    return Batch(ids, types, mask, passage)


def targets(windows: Sequence[Window], chooser: random.Random) -> tuple[Tensor, Tensor]:
    """Start and end places to learn, one of the accepted answers at random; the first token where there is none. [batch] each."""
    chosen = [chooser.choice(window.spans) if window.spans else (0, 0) for window in windows]
    return torch.tensor([start for start, _ in chosen]), torch.tensor([end for _, end in chosen])


def in_turns(windows: Sequence[Window], most: int) -> Iterator[list[int]]:
    """Places of windows of about one length, at most `most` word pieces together, for measuring."""
    turn: list[int] = []
    for place in sorted(range(len(windows)), key=lambda place: len(windows[place].ids)):
        if turn and (len(turn) + 1) * len(windows[place].ids) > most:
            yield turn
            turn = []
        turn.append(place)
    if turn:
        yield turn
