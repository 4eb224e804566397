"""A trained model's folder is loaded whole and sound, or refused with what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from groundwork.core.errors import StoreError
from groundwork.engine.encoder import WEIGHTS
from groundwork.engine.trained import Trained, fingerprint_of, read_trained
from groundwork.engine.windows import single
from tests.engine import tiny

READER = tiny.FOLDER / "tiny-reader"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(READER, tmp_path / "reader"))


def rewritten(folder: Path, **changes: object) -> None:
    """A manifest with other content and a fingerprint that fits it: what a wrong export would write."""
    path = folder / "manifest.json"
    written = json.loads(path.read_bytes()) | changes
    path.write_text(json.dumps(written))
    manifest = msgspec.json.decode(path.read_bytes(), type=type(read_trained(READER)))
    path.write_text(json.dumps(written | {"fingerprint": fingerprint_of(manifest)}))


def test_the_manifest_says_what_the_model_is() -> None:
    manifest = read_trained(READER)
    assert (manifest.name, manifest.task, manifest.window, manifest.stride) == ("tiny-reader", "span", tiny.WINDOW, tiny.STRIDE)
    assert manifest.fingerprint.startswith("tiny-reader:")
    assert manifest.base.startswith("tiny:")


def test_one_changed_byte_is_found(copied: Path) -> None:
    content = bytearray((copied / "layers.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copied / "layers.onnx").write_bytes(content)
    with pytest.raises(StoreError, match=r"layers\.onnx is damaged") as refusal:
        Trained(copied, "span", encoder=tiny.ENCODER)
    assert "export the model again" in refusal.value.fix


@pytest.mark.parametrize("name", ["layers.onnx", "manifest.json"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(StoreError, match=name):
        Trained(copied, "span", encoder=tiny.ENCODER)


def test_a_cut_file_is_found(copied: Path) -> None:
    (copied / "layers.onnx").write_bytes((copied / "layers.onnx").read_bytes()[:-9])
    with pytest.raises(StoreError, match=r"damaged: \d+ bytes where \d+"):
        Trained(copied, "span", encoder=tiny.ENCODER)


def test_a_model_of_another_encoder_is_refused() -> None:
    with pytest.raises(StoreError, match=r"belongs to the encoder tiny:.*all-minilm") as refusal:
        Trained(READER, "span", encoder=WEIGHTS)
    assert "fit it again" in refusal.value.fix


def test_a_model_for_another_task_is_refused() -> None:
    with pytest.raises(StoreError, match="for the task `span`, not `pair`"):
        Trained(READER, "pair", encoder=tiny.ENCODER)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "translate"}, "`translate`; known are span, classify, pair"),
        ({"calibration": {"luck": 1.0}}, "`luck` is none of answerable, bias"),
        ({"words": {"values": 0, "scales": 10**9, "count": 100}}, "no word table at byte"),
        ({"words": {"values": -5, "scales": 0, "count": 100}}, "no word table at byte"),
    ],
)
def test_what_a_manifest_cannot_mean_is_refused(copied: Path, changes: dict[str, object], message: str) -> None:
    rewritten(copied, **changes)
    with pytest.raises(StoreError, match=message):
        Trained(copied, "span", encoder=tiny.ENCODER)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[: len(text) // 2], "cannot be read"),
        (lambda text: text.replace('"stride": 8', '"stride": 9'), "does not fit its fingerprint"),
        (lambda text: text.replace('"stride"', '"strides"'), "cannot be read"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format 2, and this version reads 1"),
        (lambda text: "[]", "cannot be read"),
        (lambda text: "\udcff", "cannot be read"),
    ],
)
def test_a_manifest_that_was_changed_or_broken_is_refused(copied: Path, spoil: Callable[[str], str], message: str) -> None:
    path = copied / "manifest.json"
    path.write_bytes(spoil(path.read_text()).encode("utf-8", "surrogateescape"))
    with pytest.raises(StoreError, match=message):
        read_trained(copied)


def test_a_damaged_encoder_is_named_before_its_words_are_read(tmp_path: Path) -> None:
    encoder = Path(shutil.copytree(tiny.ENCODER, tmp_path / "encoder"))
    content = bytearray((encoder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (encoder / "model.onnx").write_bytes(content)
    with pytest.raises(StoreError, match=r"model\.onnx is damaged") as refusal:
        Trained(READER, "span", encoder=encoder)
    assert "reinstall" in refusal.value.fix


def test_a_window_s_outputs_do_not_depend_on_its_batch() -> None:
    model = Trained(tiny.FOLDER / "tiny-classifier", "classify", encoder=tiny.ENCODER)
    windows = single(model.tokenizer, ["ada wrote it", "", "the letter was signed by ada, and nobody knows it"] * 9, window=48, stride=8)
    alone = np.concatenate([outputs[0] for window in windows for _, outputs in model.run([window])])
    together = np.empty_like(alone)
    for places, (logits,) in model.run(windows):
        together[places] = logits
    assert np.abs(alone - together).max() < 1e-4
