"""Trained classifiers of texts and scorers of pairs: texts in, logits out, and what the calibration makes of them.

Long texts are read in windows; the surest window speaks for the text, so an attack at the end of a long document counts like one at its start.
"""

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from groundwork.engine.door import drained
from groundwork.engine.encoder import WEIGHTS, Vectors
from groundwork.engine.trained import Trained
from groundwork.engine.windows import Window, paired, single


class TextClassifier:
    """One loaded classifier. Raises `StoreError` as `Trained` does."""

    def __init__(self, folder: Path, *, encoder: Path = WEIGHTS) -> None:
        self._model = Trained(folder, "classify", encoder=encoder)
        self.manifest = self._model.manifest
        self.labels = self.manifest.labels

    def classify(self, texts: Sequence[str]) -> Vectors:
        """Logits, float32 [len(texts), labels], in the order given. An empty text has logits too: those of no words.

        Of several windows, that with the largest lead of the last label over the first speaks where there are two labels (the last one is what
        is looked for), else that with the highest logit of all.
        """
        return drained(self.classifying(texts))

    def classifying(self, texts: Sequence[str]) -> Generator[None, None, Vectors]:
        """The same, pausing after each batch (see `door`)."""
        windows = single(self._model.tokenizer, texts, window=self.manifest.window, stride=self.manifest.stride)
        logits = yield from _computed(self._model, windows, len(self.labels))
        lead = logits[:, 1] - logits[:, 0] if len(self.labels) == 2 else logits.max(axis=1)
        return logits[_surest(windows, lead, len(texts))]

    def probabilities(self, logits: Vectors) -> Vectors:
        """Calibrated probabilities of the labels, of the same shape: a softmax at the manifest's temperature (Guo et al., 2017)."""
        scaled = logits / np.float32(self.manifest.calibration.get("temperature", 1.0))
        raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return raised / raised.sum(axis=-1, keepdims=True)


class PairScorer:
    """One loaded scorer of pairs: how well the second text answers, or supports, the first. Raises `StoreError` as `Trained` does."""

    def __init__(self, folder: Path, *, encoder: Path = WEIGHTS) -> None:
        self._model = Trained(folder, "pair", encoder=encoder)
        self.manifest = self._model.manifest

    def score(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """Logits, float32 [len(pairs)], in the order given; of a long second text the highest of its windows.

        Raises `InputError` where a first text leaves no room for its second in the window.
        """
        return drained(self.scoring(pairs))

    def scoring(self, pairs: Sequence[tuple[str, str]]) -> Generator[None, None, Vectors]:
        """The same, pausing after each batch (see `door`)."""
        windows = paired(self._model.tokenizer, pairs, window=self.manifest.window, stride=self.manifest.stride)
        scores = (yield from _computed(self._model, windows, 1))[:, 0]
        return scores[_surest(windows, scores, len(pairs))]

    def judging(self, pairs: Sequence[tuple[str, str]]) -> Generator[None, None, Vectors]:
        """Calibrated probabilities, pausing likewise."""
        return self.probabilities((yield from self.scoring(pairs)))

    def probabilities(self, scores: Vectors) -> Vectors:
        """Calibrated probabilities, of the same shape (Platt scaling)."""
        calibration = self.manifest.calibration
        values = scores.astype(np.float64) / calibration.get("temperature", 1.0) + calibration.get("bias", 0.0)
        return (1 / (1 + np.exp(-np.clip(values, -60, 60)))).astype(np.float32)


def _computed(model: Trained, windows: Sequence[Window], columns: int) -> Generator[None, None, Vectors]:
    """The logits of all windows, [windows, columns]."""
    found: Vectors = np.empty((len(windows), columns), dtype=np.float32)
    for places, (logits,) in model.run(windows):
        found[places] = logits.reshape(len(places), columns)
        yield
    return found


def _surest(windows: Sequence[Window], values: Vectors, count: int) -> list[int]:
    """For each of `count` texts, the place of its window with the largest value."""
    best = [-1] * count
    for place, window in enumerate(windows):
        if best[window.source] < 0 or values[place] > values[best[window.source]]:
            best[window.source] = place
    return best
