"""The reader: spans at their places, in windows, apart from each other, calibrated."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import floats, integers

from groundwork.core.errors import InputError
from groundwork.engine.encoder import read_manifest, tokenizer_of
from groundwork.engine.reading import SpanReader, best_places
from groundwork.engine.windows import paired
from tests.engine import tiny
from tests.engine.test_trained import rewritten

FOLDER = tiny.FOLDER / "tiny-reader"
PASSAGES = ["Ada wrote it. The letter was signed by Ada.", "", "Nobody knows who reset the password 12 times."]


@pytest.fixture(scope="module")
def reader() -> SpanReader:
    return SpanReader(FOLDER, encoder=tiny.ENCODER)


def test_it_says_what_the_trained_weights_say(reader: SpanReader) -> None:
    """The int8 graph beside BERT and the heads in float64, step by step."""
    tokenizer = tokenizer_of(tiny.ENCODER / "tokenizer.json", read_manifest(tiny.ENCODER).files["tokenizer.json"])
    state = tiny.weights("span")
    read: list[tuple[float, float]] = []
    for question in ("who wrote it?", "who signed the letter", "when", "who reset it 3 times"):
        for passage in (PASSAGES[0], PASSAGES[2]):
            (window,) = paired(tokenizer, [(question, passage)], window=tiny.WINDOW, stride=tiny.STRIDE)
            logits, answerable = tiny.answers(state, list(window.ids), window.first)
            (span,) = reader.read(question, [passage], most=1)
            inside = logits[window.first : -1]
            (best,) = best_places(inside[:, 0].astype(np.float32), inside[:, 1].astype(np.float32))
            read.append((answerable, span.answerable))
            assert span.answerable == pytest.approx(answerable, abs=0.15)
            assert span.score == pytest.approx(best.score, abs=0.4)
            assert span.margin == pytest.approx(best.score - logits[0].sum(), abs=0.5)
    exact, served = np.array(read).T
    assert np.corrcoef(exact, served)[0, 1] > 0.99
    assert exact.std() > 0.1  # else anything would agree


def test_spans_lie_in_their_passages_and_apart(reader: SpanReader) -> None:
    found = reader.read("who wrote it?", PASSAGES, most=6)
    assert len(found) == 6
    assert {span.passage for span in found} <= {0, 2}
    for place, span in enumerate(found):
        assert 0 <= span.start < span.end <= len(PASSAGES[span.passage])
        assert 0 < span.share <= 1
        for other in found[place + 1 :]:
            assert other.passage != span.passage or other.end <= span.start or other.start >= span.end
            assert other.confidence <= span.confidence


@pytest.mark.parametrize(("question", "passages"), [("who", []), ("who", [""]), ("who", [" \n"]), ("", PASSAGES), ("  ", PASSAGES)])
def test_where_there_is_nothing_to_read_there_is_no_span(reader: SpanReader, question: str, passages: list[str]) -> None:
    assert reader.read(question, passages) == []


def test_a_passage_far_longer_than_the_window_is_read_to_its_end(reader: SpanReader) -> None:
    filler = "the letter was signed. " * 80
    found = reader.read("who wrote it?", [filler + "Ada wrote it."], most=400)
    covered = {place for span in found for place in range(span.start, span.end)}
    assert max(covered) >= len(filler)
    assert min(covered) < 30
    assert all(span.end - span.start <= 30 * 8 for span in found)


def test_passages_do_not_change_each_other_s_spans(reader: SpanReader) -> None:
    alone = reader.read("who wrote it?", [PASSAGES[2]], most=1)[0]
    among = [span for span in reader.read("who wrote it?", PASSAGES * 8, most=99) if span.passage == 2]
    assert any((span.start, span.end) == (alone.start, alone.end) for span in among)
    assert max(span.score for span in among) == pytest.approx(alone.score, abs=1e-3)


def test_offsets_count_code_points(reader: SpanReader) -> None:
    passage = "🙂 Zürich 東京 ada"
    (span, *_) = reader.read("who", [passage], most=1)
    assert passage[span.start : span.end].strip() == passage[span.start : span.end] != ""


def test_a_question_longer_than_the_window_is_refused(reader: SpanReader) -> None:
    with pytest.raises(InputError, match="the question has 200 word pieces, and the model reads at most 29"):
        reader.read("1 " * 200, PASSAGES)


def test_confidence_follows_the_manifest(tmp_path: Path, reader: SpanReader) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "reader"))
    rewritten(folder, calibration={"bias": -0.25, "answerable": 0.5, "margin": 0.125, "share": 2.0}, thresholds={"answer": 0.4})
    calibrated = SpanReader(folder, encoder=tiny.ENCODER)
    (span,) = calibrated.read("who wrote it?", PASSAGES[:1], most=1)
    logit = -0.25 + 0.5 * span.answerable + 0.125 * span.margin + 2 * span.share
    assert span.confidence == pytest.approx(1 / (1 + math.exp(-logit)))
    assert calibrated.manifest.thresholds == {"answer": 0.4}
    (plain,) = reader.read("who wrote it?", PASSAGES[:1], most=1)
    assert plain.confidence == pytest.approx(1 / (1 + math.exp(-plain.answerable)))
    assert calibrated.manifest.fingerprint != reader.manifest.fingerprint


LOGITS = arrays(np.float32, integers(1, 40), elements=floats(-9, 9, width=32))


@given(start=LOGITS, end=LOGITS, longest=integers(1, 12), most=integers(1, 5))
def test_the_best_places_are_those_that_trying_all_finds(start: np.ndarray, end: np.ndarray, longest: int, most: int) -> None:
    count = min(len(start), len(end))
    start, end = start[:count], end[:count]
    spans = [(first, last) for first in range(count) for last in range(first, min(count, first + longest))]
    scores = {span: float(start[span[0]]) + float(end[span[1]]) for span in spans}
    total = sum(math.exp(score) for score in scores.values())
    left = dict(scores)
    found = best_places(start, end, longest=longest, most=most)
    assert len(found) <= most
    for place in found:
        assert place.score == pytest.approx(max(left.values()), abs=1e-5)
        assert place.score == pytest.approx(scores[place.first, place.last], abs=1e-5)
        assert place.share == pytest.approx(math.exp(place.score) / total, rel=1e-4)
        left = {span: score for span, score in left.items() if span[1] < place.first or span[0] > place.last}
    assert len(found) == most or not left


def test_no_pieces_have_no_places() -> None:
    assert best_places(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.float32)) == []
