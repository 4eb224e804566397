import json

import msgspec
import numpy as np
import pytest

from groundwork.core.errors import InputError, StoreError
from groundwork.engine.heads import MANIFEST, HeadManifest, Reads, energy, head_files, read_head, read_head_manifest

BASE = "encoder:1"
CHANCE = np.random.default_rng(1)
TEXTS = ["where is my parcel", "", "cancel the order, please"]
VECTORS = CHANCE.normal(size=(3, 8)).astype(np.float32)


def manifest(labels=("a", "b", "c"), share=0.5, **others):
    settings = {
        "name": "mine",
        "task": "intents",
        "fingerprint": "",
        "base": BASE,
        "files": {},
        "licence": "Apache-2.0",
        "made_by": "a test",
    }
    return HeadManifest(labels=labels, reads=Reads(dimensions=8, share=share, bits=8), **(settings | others))


def written(folder, made=None):
    made = made or manifest()
    weight = CHANCE.normal(size=(len(made.labels), made.reads.width)).astype(np.float32)
    bias = CHANCE.normal(size=len(made.labels)).astype(np.float32)
    for name, data in head_files(made, weight, bias).items():
        (folder / name).write_bytes(data)
    return weight, bias


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_head_comes_back_as_it_was_fitted(tmp_path, share):
    made = manifest(share=share, calibration={"temperature": 2.0}, thresholds={"energy": 1.5})
    weight, bias = written(tmp_path, made)
    head = read_head(tmp_path, base=BASE)
    features = made.reads.features(VECTORS, TEXTS)
    assert features.shape == (3, 8 + (256 if share else 0))
    assert np.allclose(head.logits(VECTORS, TEXTS), features @ weight.T + bias, atol=0.02)
    assert head.manifest.thresholds == {"energy": 1.5}
    assert head.fingerprint.startswith("mine:")
    logits = head.logits(VECTORS, TEXTS)
    raised = np.exp(logits / 2)
    assert np.allclose(head.probabilities(logits), raised / raised.sum(axis=1, keepdims=True), atol=1e-5)
    assert np.allclose(energy(logits), np.log(np.exp(logits).sum(axis=1)), atol=1e-5)


def test_one_label_is_yes_or_no(tmp_path):
    written(tmp_path, manifest(labels=("attack",)))
    head = read_head(tmp_path, base=BASE)
    assert np.allclose(head.probabilities(np.array([[0.0], [2.0]], dtype=np.float32)), [[0.5], [0.8807971]])


def test_a_text_among_others_has_the_same_logits(tmp_path):
    written(tmp_path)
    head = read_head(tmp_path, base=BASE)
    together = head.logits(VECTORS, TEXTS)
    alone = np.concatenate([head.logits(VECTORS[place : place + 1], [text]) for place, text in enumerate(TEXTS)])
    assert np.allclose(together, alone, atol=1e-5)


def test_the_fingerprint_names_weights_and_thresholds():
    weight, bias = np.zeros((3, 264), dtype=np.float32), np.zeros(3, dtype=np.float32)

    def print_of(made, weight):
        return json.loads(head_files(made, weight, bias)[MANIFEST])["fingerprint"]

    first = print_of(manifest(), weight)
    assert first == print_of(manifest(), weight)
    assert first != print_of(manifest(), weight + 1)
    assert first != print_of(manifest(thresholds={"energy": 1.0}), weight)


def test_a_head_of_another_encoder_is_refused(tmp_path):
    written(tmp_path)
    with pytest.raises(StoreError, match="belongs to the encoder encoder:1, and this one is encoder:2") as caught:
        read_head(tmp_path, base="encoder:2")
    assert "fit it again" in caught.value.fix


def test_damage_is_named(tmp_path):
    written(tmp_path)
    (file,) = tmp_path.glob("head-*.bin")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(StoreError, match="is damaged"):
        read_head(tmp_path, base=BASE)
    file.write_bytes(b"\1" + whole[1:])
    with pytest.raises(StoreError, match="is damaged"):
        read_head(tmp_path, base=BASE)
    file.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        read_head(tmp_path, base=BASE)


def test_a_changed_threshold_is_noticed(tmp_path):
    written(tmp_path, manifest(thresholds={"energy": 1.0}))
    changed = (tmp_path / MANIFEST).read_bytes().replace(b'"energy": 1.0', b'"energy": 9.0')
    (tmp_path / MANIFEST).write_bytes(changed)
    with pytest.raises(StoreError, match="was changed"):
        read_head_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: b"{", "cannot be read"),
        (lambda one: b"\xff", "cannot be read"),
        (lambda one: json.dumps(one | {"surprise": 1}).encode(), "unknown field"),
        (lambda one: json.dumps(one | {"format": 2}).encode(), "format 2"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path, change, said):
    written(tmp_path)
    (tmp_path / MANIFEST).write_bytes(change(json.loads((tmp_path / MANIFEST).read_bytes())))
    with pytest.raises(StoreError, match=said):
        read_head(tmp_path, base=BASE)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        read_head(tmp_path / "nothing", base=BASE)


@pytest.mark.parametrize("changed", [{"labels": ("a", "b")}, {"files": {}}, {"calibration": {"temperature": 0.0}}])
def test_a_manifest_that_cannot_be_meant_is_refused_even_with_a_fitting_fingerprint(tmp_path, changed):
    from groundwork.engine.heads import fingerprint_of

    written(tmp_path)
    made = msgspec.structs.replace(read_head_manifest(tmp_path), **changed)
    made = msgspec.structs.replace(made, fingerprint=fingerprint_of(made))
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(made))
    with pytest.raises(StoreError):
        read_head(tmp_path, base=BASE)


@pytest.mark.parametrize("weight", [np.full((3, 264), 1e6), np.full((3, 264), np.nan), np.zeros((3, 5))])
def test_weights_that_cannot_be_kept_are_refused(weight):
    with pytest.raises(InputError):
        head_files(manifest(), weight, np.zeros(3))


def test_vectors_and_texts_must_be_pairs():
    with pytest.raises(InputError, match="3, 8"):
        manifest().reads.features(VECTORS, TEXTS[:2])
