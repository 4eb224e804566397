"""What a detector is fitted on, computed once: parts, their embeddings and their runs. Any number of fits on some of the rows then costs seconds.

Two forms with one face: written texts, judged as a whole and by their worst part (`Texts`), and documents, judged by their worst sentence
(`Documents`).
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.engine.detector import BLOCK, MOST_PARTS, middle, readable, sentences_of, surroundings
from groundwork.engine.encoder import Encoder, Vectors
from groundwork.engine.lexical import Runs, Sparse, featurise
from groundwork.engine.unmask import unmask
from groundwork.tuning.blocks import Halves, Strength, balanced, fit_halves

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


class Setting(NamedTuple):
    """What of a fit is chosen."""

    runs: Runs
    strength: Strength
    own: float
    """How much our own writing weighs in each class."""
    worst: float
    """How much the worst part of a text counts beside the whole."""


class Texts:
    """Texts that somebody wrote: label and group of each, read in parts."""

    def __init__(self, texts: Sequence[str], attacks: Sequence[bool], groups: Sequence[str], own: Sequence[bool], encoder: Encoder) -> None:
        self.plain = [unmask(text) for text in texts]
        self.attacks: Flags = np.array(attacks, dtype=np.bool_)
        self.groups = list(groups)
        self.own: Flags = np.array(own, dtype=np.bool_)
        listed = [_first(readable(text)) or [""] for text in self.plain]
        self.owner = _owner(listed)
        self.parts = [part for own_parts in listed for part in own_parts]
        self.vectors = embedded(self.parts, encoder)
        starts = np.concatenate([[0], np.cumsum([len(one) for one in listed])])
        self.middles: Vectors = np.vstack([middle(self.vectors[start:end]) for start, end in itertools.pairwise(starts)])
        self._runs: dict[Runs, tuple[Sparse, Sparse]] = {}

    def __len__(self) -> int:
        return len(self.plain)

    def runs(self, runs: Runs) -> tuple[Sparse, Sparse]:
        """The runs of the whole texts, and of their parts."""
        if runs not in self._runs:
            self._runs[runs] = featurise(self.plain, runs), featurise(self.parts, runs)
        return self._runs[runs]

    def fit(self, rows: Places, setting: Setting) -> Halves:
        """Fit on some of the rows."""
        groups = [self.groups[row] for row in rows]
        weights = balanced(groups, self.attacks[rows], self.own[rows], setting.own)
        return fit_halves(self.middles[rows], self.runs(setting.runs)[0].rows(rows), self.attacks[rows], weights, setting.strength)

    def scores(self, halves: Halves, setting: Setting) -> Floats:
        """The score of every text. Of texts with more parts than are embedded the first and the last are taken, whatever they say."""
        whole, parts = self.runs(setting.runs)
        together = halves.scores(self.middles, whole)
        worst = np.full(len(self), -np.inf)
        np.maximum.at(worst, self.owner, halves.scores(self.vectors, parts))
        return np.where(np.bincount(self.owner) > 1, (1 - setting.worst) * together + setting.worst * worst, together)


class Documents:
    """Documents with what was put into them, read sentence by sentence."""

    def __init__(
        self,
        texts: Sequence[str],
        orders: Sequence[tuple[int, int] | None],
        families: Sequence[str],
        kinds: Sequence[str],
        encoder: Encoder,
    ) -> None:
        self.attacks: Flags = np.array([order is not None for order in orders], dtype=np.bool_)
        self.families = list(families)
        self.kinds = list(kinds)
        read = [sentences_of(text) for text in texts]
        self.owner = _owner([listed for _, listed in read])
        self.sentences = [sentence for _, listed in read for sentence in listed]
        self.is_order: Flags = np.array(
            [covers(span, order) for (spans, _), order in zip(read, orders, strict=True) for span in spans], dtype=np.bool_
        )
        vectors = embedded(self.sentences, encoder)
        self.dense: Vectors = np.hstack([vectors, self._surroundings(vectors)])
        beside = np.zeros(len(self.owner), dtype=np.bool_)
        beside[1:] |= self.is_order[:-1]
        beside[:-1] |= self.is_order[1:]
        self.told: Flags = self.is_order | beside | ~self.attacks[self.owner]
        """Sentences that are learned from: the rest of a document with an attack stands in the clean one already."""
        self._runs: dict[Runs, Sparse] = {}

    def __len__(self) -> int:
        return len(self.attacks)

    def _surroundings(self, vectors: Vectors) -> Vectors:
        """Each document in the same blocks in which it is read later."""
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.owner, minlength=len(self)))])
        blocks = [
            surroundings(vectors[first : min(first + BLOCK, end)])
            for start, end in itertools.pairwise(starts)
            for first in range(start, end, BLOCK)
        ]
        return np.vstack(blocks)

    def runs(self, runs: Runs) -> Sparse:
        """The runs of the sentences."""
        if runs not in self._runs:
            self._runs[runs] = featurise(self.sentences, runs)
        return self._runs[runs]

    def fit(self, rows: Places, setting: Setting) -> Halves:
        """Fit on the sentences of some of the documents."""
        taken = np.zeros(len(self), dtype=np.bool_)
        taken[rows] = True
        places = np.flatnonzero(taken[self.owner] & self.told)
        truth = self.is_order[places]
        groups = [
            self.kinds[self.owner[place]] if order else self.families[self.owner[place]] for place, order in zip(places, truth, strict=True)
        ]
        weights = balanced(groups, truth, np.zeros(len(places), dtype=np.bool_), 0.0)
        weights = np.where(truth, weights * _ORDERS, weights)
        return fit_halves(self.dense[places], self.runs(setting.runs).rows(places), truth, weights / weights.sum(), setting.strength)

    def scores(self, halves: Halves, setting: Setting) -> Floats:
        """The score of every document: that of its worst sentence."""
        worst = np.full(len(self), -np.inf)
        np.maximum.at(worst, self.owner, halves.scores(self.dense, self.runs(setting.runs)))
        return worst


_ORDERS = 0.25
"""What all orders weigh beside all other sentences, of which there are ten times as many."""


def covers(span: tuple[int, int], order: tuple[int, int] | None) -> bool:
    """Whether a sentence is (part of) the order: more than half of the shorter of the two is shared."""
    if order is None:
        return False
    shared = min(span[1], order[1]) - max(span[0], order[0])
    return shared > 0.5 * min(span[1] - span[0], order[1] - order[0])


def embedded(texts: Sequence[str], encoder: Encoder) -> Vectors:
    """Each text's vector; texts that occur more than once are computed once."""
    places: dict[str, int] = {}
    order = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
    return encoder.encode(list(places))[order]


def _first(listed: list[str]) -> list[str]:
    return listed if len(listed) <= MOST_PARTS else [*listed[: MOST_PARTS - 1], listed[-1]]


def _owner(listed: Sequence[Sequence[str]]) -> Places:
    return np.repeat(np.arange(len(listed)), [len(one) for one in listed]).astype(np.int64)
