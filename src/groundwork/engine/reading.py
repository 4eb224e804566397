"""A trained reader: a question and passages in, the spans that answer it out, each with what is known of it.

It says where an answer would stand in every passage; whether there is one is read from `confidence` and the manifest's thresholds.
"""

import math
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.engine.door import drained
from groundwork.engine.encoder import WEIGHTS, Vectors
from groundwork.engine.trained import Trained
from groundwork.engine.windows import Window, paired

LONGEST = 30
"""Word pieces of the longest span that is looked for."""
MOST = 5
"""Spans that are returned."""


class SpanFound(NamedTuple):
    """`passages[passage][start:end]`, in code points."""

    passage: int
    start: int
    end: int
    score: float
    """Start logit plus end logit."""
    margin: float
    """The score less its window's score of no answer (the first token's logits)."""
    answerable: float
    """The logit of its window holding the answer, from the head made for it."""
    share: float
    """The span's probability among all spans of its window."""
    confidence: float
    """The calibrated probability that the span answers the question."""


class Place(NamedTuple):
    """A span among the pieces of one window, the last one included."""

    first: int
    last: int
    score: float
    share: float


def best_places(start: Vectors, end: Vectors, *, longest: int = LONGEST, most: int = 1) -> list[Place]:
    """The best spans that do not overlap, by start logit plus end logit, best first. `start`, `end`: [pieces] of the passage alone."""
    count = len(start)
    if not count:
        return []
    reach = min(longest, count)
    ends = np.full(count + reach - 1, -np.inf)
    ends[:count] = end
    table: npt.NDArray[np.float64] = start.astype(np.float64)[:, None] + np.lib.stride_tricks.sliding_window_view(ends, reach)
    total = float(np.exp(table - table.max()).sum())
    highest = float(table.max())
    found: list[Place] = []
    while len(found) < most:
        first, length = divmod(int(table.argmax()), reach)
        score = float(table[first, length])
        if score == -math.inf:
            break
        last = first + length
        found.append(Place(first, last, score, math.exp(score - highest) / total))
        table[first : last + 1] = -np.inf
        for before in range(max(0, first - reach + 1), first):
            table[before, first - before :] = -np.inf
    return found


class SpanReader:
    """One loaded reader. Raises `StoreError` as `Trained` does."""

    def __init__(self, folder: Path, *, encoder: Path = WEIGHTS) -> None:
        self._model = Trained(folder, "span", encoder=encoder)
        self.manifest = self._model.manifest
        self._weights = self.manifest.calibration or {"answerable": 1.0}

    def read(self, question: str, passages: Sequence[str], *, most: int = MOST) -> list[SpanFound]:
        """The best spans of all passages that do not overlap, at most `most`, surest first; none for an empty question or empty passages.

        Long passages are read in windows. Raises `InputError` where the question leaves no room for a passage in the window.
        """
        return drained(self.reading(question, passages, most=most))

    def reading(self, question: str, passages: Sequence[str], *, most: int = MOST) -> Generator[None, None, list[SpanFound]]:
        """The same, pausing after each batch (see `door`)."""
        manifest = self.manifest
        pairs = [(question, passage) for passage in passages] if question.strip() else []
        made = paired(self._model.tokenizer, pairs, window=manifest.window, stride=manifest.stride, first="question")
        windows = [window for window in made if window.offsets]
        found: list[SpanFound] = []
        for places, (logits, answerable) in self._model.run(windows):
            for line, place in enumerate(places):
                found += self._spans(windows[place], logits[line], float(answerable[line]), most)
            yield
        return apart(found, most)

    def judging(self, question: str, passages: Sequence[str]) -> Generator[None, None, list[float]]:
        """For each passage the logit of its holding the answer, of a long one that of its surest window; pauses after each batch (see `door`).

        Nothing can be read where the question or a passage is empty: negative infinity. Raises `InputError` as `read` does.
        """
        manifest = self.manifest
        found = [-math.inf] * len(passages)
        pairs = [(question, passage) for passage in passages] if question.strip() else []
        made = paired(self._model.tokenizer, pairs, window=manifest.window, stride=manifest.stride, first="question")
        windows = [window for window in made if window.offsets]
        for places, (_, answerable) in self._model.run(windows):
            for line, place in enumerate(places):
                source = windows[place].source
                found[source] = max(found[source], float(answerable[line]))
            yield
        return found

    def _spans(self, window: Window, logits: Vectors, answerable: float, most: int) -> list[SpanFound]:
        """The best spans of one window; `logits` [sequence, 2]."""
        inside = logits[window.first : window.first + len(window.offsets)]
        nothing = float(logits[0, 0]) + float(logits[0, 1])
        found: list[SpanFound] = []
        for place in best_places(inside[:, 0], inside[:, 1], most=most):
            margin = place.score - nothing
            known = {"bias": 1.0, "answerable": answerable, "margin": margin, "score": place.score, "share": place.share}
            confidence = sigmoid(sum(weight * known[name] for name, weight in self._weights.items()))
            start, end = window.offsets[place.first][0], window.offsets[place.last][1]
            found.append(SpanFound(window.source, start, end, place.score, margin, answerable, place.share, confidence))
        return found


def apart(found: Sequence[SpanFound], most: int) -> list[SpanFound]:
    """The surest spans of which no two overlap."""
    kept: list[SpanFound] = []
    for span in sorted(found, key=lambda span: (-span.confidence, -span.answerable, -span.margin, span.passage, span.start)):
        if len(kept) == most:
            break
        if all(span.passage != other.passage or span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return kept


def sigmoid(value: float) -> float:
    """The logistic function, without overflow."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else 1 - 1 / (1 + math.exp(value))
