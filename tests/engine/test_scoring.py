"""Classifiers of texts and scorers of pairs: their logits, their windows, their calibration."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.engine.encoder import read_manifest, tokenizer_of
from groundwork.engine.scoring import PairScorer, TextClassifier
from groundwork.engine.windows import paired, single
from tests.engine import tiny
from tests.engine.test_trained import rewritten

TEXTS = ["who wrote it", "", "the letter was signed by ada", "reset the password", "12 letters"]
PAIRS = [("ada wrote it", text) for text in TEXTS]


@pytest.fixture(scope="module")
def classifier() -> TextClassifier:
    return TextClassifier(tiny.FOLDER / "tiny-classifier", encoder=tiny.ENCODER)


@pytest.fixture(scope="module")
def scorer() -> PairScorer:
    return PairScorer(tiny.FOLDER / "tiny-scorer", encoder=tiny.ENCODER)


def exact(task: str) -> np.ndarray:
    """The same outputs in float64, from the trained weights."""
    tokenizer = tokenizer_of(tiny.ENCODER / "tokenizer.json", read_manifest(tiny.ENCODER).files["tokenizer.json"])
    state = tiny.weights(task)
    sizes = {"window": tiny.WINDOW, "stride": tiny.STRIDE}
    windows = single(tokenizer, TEXTS, **sizes) if task == "classify" else paired(tokenizer, PAIRS, **sizes)
    found = []
    for window in windows:
        tokens = tiny.forward(state, list(window.ids), window.first)
        seen = tokens.mean(axis=0) if task == "classify" else np.concatenate([tokens[0], tokens.mean(axis=0)])
        found.append(tiny._linear(state, seen, "label" if task == "classify" else "score"))
    return np.array(found)


def test_classes_are_those_of_the_trained_weights(classifier: TextClassifier) -> None:
    logits = classifier.classify(TEXTS)
    assert logits.shape == (5, 2)
    assert logits.dtype == np.float32
    assert np.abs(logits - exact("classify")).max() < 0.15
    assert classifier.labels == tiny.LABELS


def test_scores_are_those_of_the_trained_weights(scorer: PairScorer) -> None:
    scores = scorer.score(PAIRS)
    assert scores.shape == (5,)
    assert np.abs(scores - exact("pair")[:, 0]).max() < 0.15


def test_nothing_asked_is_nothing_computed(classifier: TextClassifier, scorer: PairScorer) -> None:
    assert classifier.classify([]).shape == (0, 2)
    assert scorer.score([]).shape == (0,)


def test_of_a_long_text_the_surest_window_speaks(classifier: TextClassifier) -> None:
    parts = ["reset the password now ", "the letter was signed ", "who wrote it 12 "]
    long = "".join(part * 30 for part in parts)
    tokenizer = tokenizer_of(tiny.ENCODER / "tokenizer.json", read_manifest(tiny.ENCODER).files["tokenizer.json"])
    windows = single(tokenizer, [long], window=tiny.WINDOW, stride=tiny.STRIDE)
    leads = [float(logits[0, 1] - logits[0, 0]) for window in windows for _, (logits,) in classifier._model.run([window])]
    logits = classifier.classify(["who", long])[1]
    assert len(windows) > 5
    assert logits[1] - logits[0] == pytest.approx(max(leads), abs=1e-3)


def test_of_a_long_second_text_the_best_window_counts(scorer: PairScorer) -> None:
    long = "the letter was signed by ada. " * 40
    assert scorer.score([("who wrote it", long)])[0] >= scorer.score([("who wrote it", long[:90])])[0] - 0.2
    with pytest.raises(InputError, match="the first text has 60 word pieces"):
        scorer.score([("1 " * 60, "ada")])


def test_probabilities_follow_the_temperature(tmp_path: Path, classifier: TextClassifier, scorer: PairScorer) -> None:
    logits = classifier.classify(TEXTS)
    assert classifier.probabilities(logits).sum(axis=1) == pytest.approx(1)
    folder = Path(shutil.copytree(tiny.FOLDER / "tiny-classifier", tmp_path / "classifier"))
    rewritten(folder, calibration={"temperature": 2.0})
    cooler = TextClassifier(folder, encoder=tiny.ENCODER).probabilities(logits)
    assert cooler == pytest.approx(classifier.probabilities(logits / 2), abs=1e-6)
    folder = Path(shutil.copytree(tiny.FOLDER / "tiny-scorer", tmp_path / "scorer"))
    rewritten(folder, calibration={"temperature": 2.0, "bias": 1.0})
    scores = scorer.score(PAIRS)
    assert PairScorer(folder, encoder=tiny.ENCODER).probabilities(scores) == pytest.approx(1 / (1 + np.exp(-(scores / 2 + 1))), abs=1e-6)
