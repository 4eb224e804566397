"""From trained weights to a folder that is served: what is written, what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.engine.reading import SpanReader
from groundwork.engine.scoring import TextClassifier
from groundwork.engine.trained import read_trained
from groundwork.tuning.export import TABLE, calibrated, export, merged, read_state
from tests.engine import tiny

SETTINGS = {"name": "small", "window": 48, "stride": 8, "licence": "Apache-2.0", "made_by": "a test", "heads": 2, "encoder": tiny.ENCODER}


def state(task: str) -> dict[str, np.ndarray]:
    return {name: value for name, value in tiny.weights(task).items() if name != TABLE}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny.FOLDER / "tiny-reader", tmp_path / "reader"))


def test_without_onnx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("groundwork.tuning.export.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="exporting needs onnx") as refusal:
        export(state("span"), tmp_path, task="span", **SETTINGS)
    assert "groundwork-ai[tune]" in refusal.value.fix


def test_calibration_is_written_into_the_manifest(copied: Path) -> None:
    before = read_trained(copied)
    after = calibrated(copied, calibration={"bias": -1, "answerable": 2}, thresholds={"answer": 0.5})
    assert read_trained(copied) == after
    assert after.calibration == {"bias": -1.0, "answerable": 2.0}
    assert after.fingerprint != before.fingerprint
    assert after.files == before.files
    assert SpanReader(copied, encoder=tiny.ENCODER).read("who", ["ada"])


@pytest.mark.parametrize("calibration", [{"temperature": 1.0}, {"bias": float("nan")}, {"luck": 1.0}])
def test_a_calibration_that_cannot_be_meant_leaves_the_model_as_it_was(copied: Path, calibration: dict[str, float]) -> None:
    before = (copied / "manifest.json").read_bytes()
    with pytest.raises(InputError, match="cannot be calibrated so"):
        calibrated(copied, calibration=calibration, thresholds={})
    assert (copied / "manifest.json").read_bytes() == before


def test_adapters_are_added_to_the_weights_they_adapt() -> None:
    chooser = np.random.default_rng(0)
    low, high = chooser.normal(size=(3, 16)).astype(np.float32), chooser.normal(size=(32, 3)).astype(np.float32)
    whole = merged(state("span") | {"lora.0.intermediate.A": low, "lora.0.intermediate.B": high})
    place = "encoder.layer.0.intermediate.dense.weight"
    assert np.allclose(whole[place], state("span")[place] + high @ low, atol=1e-5)
    assert not [name for name in whole if name.startswith("lora.")]
    assert whole.keys() == state("span").keys()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lora.0.output.A", r"lacks lora\.0\.output\.B"),
        ("lora.7.output.A", r"lacks encoder\.layer\.7\.output\.dense\.weight"),
        ("lora.0.words.A", "names no adapter"),
        ("lora.x.output.A", "names no adapter"),
    ],
)
def test_adapters_without_a_place_are_refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        merged(state("span") | {name: np.zeros((3, 16), dtype=np.float32)})


class TestWithOnnx:
    """What needs the graph writer."""

    @pytest.fixture(autouse=True)
    def _onnx(self) -> None:
        pytest.importorskip("onnx", reason="needs onnx: run `make test-all`")
        pytest.importorskip("safetensors", reason="needs safetensors: run `make test-all`")

    def test_what_is_exported_is_served(self, tmp_path: Path) -> None:
        manifest = export(state("classify"), tmp_path, task="classify", labels=("a", "b"), **SETTINGS)
        assert read_trained(tmp_path) == manifest
        served = TextClassifier(tmp_path, encoder=tiny.ENCODER)
        kept = TextClassifier(tiny.FOLDER / "tiny-classifier", encoder=tiny.ENCODER)
        assert np.array_equal(served.classify(["who wrote it"]), kept.classify(["who wrote it"]))
        assert manifest.words == kept.manifest.words

    def test_fp32_is_closer_than_int8(self, tmp_path: Path) -> None:
        export(state("classify"), tmp_path, task="classify", labels=("a", "b"), precision="fp32", **SETTINGS)
        exact = TextClassifier(tmp_path, encoder=tiny.ENCODER).classify([""])
        tokens = tiny.forward(tiny.weights("classify"), [101, 102], 2)
        assert exact[0] == pytest.approx(tiny._linear(tiny.weights("classify"), tokens.mean(axis=0), "label"), abs=1e-4)

    def test_a_trained_word_table_is_refused(self, tmp_path: Path) -> None:
        served = tiny.served(tiny.weights("span")[TABLE])
        export(state("span") | {TABLE: served}, tmp_path / "same", task="span", **SETTINGS)
        served[50, 3] += 0.01
        with pytest.raises(InputError, match="the word table differs"):
            export(state("span") | {TABLE: served}, tmp_path / "other", task="span", **SETTINGS)
        assert not (tmp_path / "other").exists()

    @pytest.mark.parametrize(
        ("task", "changes", "message"),
        [
            ("span", {"window": 65}, "a window of 65"),
            ("span", {"window": 8}, "a window of 8"),
            ("span", {"stride": 25}, "a stride of 25"),
            ("span", {"labels": ("a", "b")}, "2 labels do not fit the task `span`"),
            ("classify", {}, "0 labels do not fit"),
            ("classify", {"labels": ("a", "b", "c")}, "3 labels do not fit"),
            ("pair", {"heads": 5}, "5 heads do not divide"),
            ("pair", {"encoder": Path("/nowhere")}, "manifest"),
        ],
    )
    def test_settings_that_do_not_fit_are_refused(self, tmp_path: Path, task: str, changes: dict[str, object], message: str) -> None:
        with pytest.raises((InputError, StoreError), match=message):
            export(state(task), tmp_path / "out", task=task, **(SETTINGS | changes))  # type: ignore[arg-type]
        assert not (tmp_path / "out").exists()

    def test_weights_that_are_not_finite_are_refused(self, tmp_path: Path) -> None:
        broken = state("pair")
        broken["score.weight"] = broken["score.weight"] * np.float32("nan")
        with pytest.raises(InputError, match=r"`score\.weight` are not finite") as refusal:
            export(broken, tmp_path, task="pair", **SETTINGS)
        assert "learning rate" in refusal.value.fix

    def test_a_head_of_another_task_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"answerable\.weight|span\.weight"):
            export(state("pair"), tmp_path, task="span", **SETTINGS)

    def test_weights_are_read_back_or_refused(self, tmp_path: Path) -> None:
        from safetensors.numpy import save_file

        save_file(state("pair"), tmp_path / "trained.safetensors")
        assert {name: value.tolist() for name, value in read_state(tmp_path / "trained.safetensors").items()} == {
            name: value.tolist() for name, value in state("pair").items()
        }
        (tmp_path / "trained.safetensors").write_bytes(b"none")
        with pytest.raises(StoreError, match="cannot be read"):
            read_state(tmp_path / "trained.safetensors")
        with pytest.raises(StoreError, match="cannot be read"):
            read_state(tmp_path / "absent.safetensors")
