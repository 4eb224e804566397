"""The encoder against stored fp32 vectors, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from, text

from groundwork.core.errors import InputError, StoreError
from groundwork.engine.encoder import WEIGHTS, Encoder, batches, read_manifest

REFERENCE = Path(__file__).parent.parent / "data" / "engine" / "reference.json"
WORDS = [
    "naïve",
    "Ünïcödé",
    "東京",
    "🙂🙃",
    "don't",
    "3.14",
    "e\u0301",
    "ﬁne",
    "İstanbul",
    "\u200b",
    "\x00",
    "unbelievably",
    "[SEP]",
    "[MASK]",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_vectors_stay_close_to_the_fp32_model(encoder: Encoder) -> None:
    rows = json.loads(REFERENCE.read_text(encoding="utf-8"))
    exact = np.array([row["vector"] for row in rows])
    vectors = encoder.encode([row["text"] for row in rows])
    cosines = (vectors * exact).sum(axis=1)
    assert cosines.mean() > 0.99
    assert cosines.min() > 0.96  # "No.": a text of one word is the hardest
    # Each text is nearest to its own reference: vectors in another order would fail.
    assert np.array_equal((vectors @ exact.T).argmax(axis=1), np.arange(len(rows)))


def test_meaning_is_in_the_vectors(encoder: Encoder) -> None:
    question, answer, other = encoder.encode(
        ["How can I get my money back?", "Customers may ask for a refund within two weeks.", "The cat sat on the mat."]
    )
    assert question @ answer > question @ other + 0.2


def test_shape_type_and_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(["", "one", "two words"])
    assert vectors.shape == (3, encoder.dimensions) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, 384)


@settings(max_examples=15)
@given(
    chosen=lists(sampled_from(["a", "short text", "", "word " * 200, "Ünïcödé text with a few more words in it", "no " * 90]), max_size=9)
)
def test_a_vector_does_not_depend_on_its_batch_or_place(encoder: Encoder, chosen: list[str]) -> None:
    together = encoder.encode(chosen)
    for vector, alone in zip(together, chosen, strict=True):
        # The same sums in another order may round one activation differently; a scale shared by the batch would be off by 1e-2.
        assert np.abs(vector - encoder.encode([alone])[0]).max() < 2e-3


def test_the_manifest_says_what_the_encoder_is(encoder: Encoder) -> None:
    manifest = read_manifest()
    assert encoder.fingerprint == manifest.fingerprint
    assert encoder.window == manifest.window == 256
    name, _, digest = manifest.fingerprint.partition(":")
    assert name == "all-minilm-l6-v2-int8"
    assert len(digest) == 12


def test_the_longest_text_fits_and_one_piece_more_is_refused(encoder: Encoder) -> None:
    most = encoder.window - 2
    assert encoder.count("word " * most) == most
    assert encoder.encode(["word " * most]).shape == (1, 384)
    with pytest.raises(InputError, match=f"text 2 has {most + 1} word pieces") as refusal:
        encoder.encode(["fine", "word " * (most + 1)])
    assert str(most) in refusal.value.fix


def test_nothing_after_the_file_s_own_128_pieces_is_lost(encoder: Encoder) -> None:
    start = "the weather is mild " * 40
    assert encoder.count(start) == 160
    with_end, without_end = encoder.encode([start + "volcano eruption " * 20, start])
    assert with_end @ without_end < 0.98


@settings(max_examples=150)
@given(content=text(max_size=80) | lists(sampled_from(WORDS), max_size=20).map(" ".join))
def test_pieces_lie_in_the_text_in_order(encoder: Encoder, content: str) -> None:
    pieces = encoder.pieces(content)
    assert len(pieces) == encoder.count(content)
    assert all(0 <= start < end <= len(content) for start, end in pieces)
    assert pieces == sorted(pieces)


def test_offsets_count_code_points_not_bytes(encoder: Encoder) -> None:
    content = "Zürich 東京 🙂 café playing"
    found = [content[start:end] for start, end in encoder.pieces(content)]
    assert found == ["Zürich", "東", "京", "🙂", "café", "playing"]


@given(lengths=lists(integers(2, 256), max_size=60), most=integers(64, 1024))
def test_batches_hold_every_place_once_and_stay_small(lengths: list[int], most: int) -> None:
    found = list(batches(lengths, most=most))
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= most


def test_one_changed_byte_is_found(copied: Path) -> None:
    content = bytearray((copied / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copied / "model.onnx").write_bytes(content)
    with pytest.raises(StoreError, match=r"model\.onnx is damaged") as failure:
        Encoder(copied)
    assert "reinstall" in failure.value.fix


def test_a_cut_file_is_found(copied: Path) -> None:
    (copied / "tokenizer.json").write_bytes((copied / "tokenizer.json").read_bytes()[:-10])
    with pytest.raises(StoreError, match=r"tokenizer\.json is damaged: \d+ bytes where \d+"):
        Encoder(copied)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(StoreError, match=name.replace(".json", "").replace(".", r"\.")):
        Encoder(copied)


def test_a_manifest_that_is_no_manifest_is_refused(copied: Path) -> None:
    (copied / "manifest.json").write_text('{"fingerprint": 7}')
    with pytest.raises(StoreError, match="manifest"):
        read_manifest(copied)


def test_several_workers_compute_the_very_same_vectors() -> None:
    texts = [f"sentence {number} of a folder that is indexed, " * (1 + number % 7) for number in range(40)]
    assert np.array_equal(Encoder(workers=3).encode(texts), Encoder().encode(texts))
