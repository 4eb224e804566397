"""From trained weights to a folder that the engine serves: `layers.onnx` and `manifest.json`. No torch; onnx through `graph`, on call.

    manifest = export(read_state(folder / "trained.safetensors"), out, task="span", name="reader", window=256, stride=64, ...)
    calibrated(out, calibration={"bias": -0.4, "answerable": 0.9}, thresholds={"answerable": 0.3})

The word table is not exported: models share the encoder's, so a state whose table was trained is refused. The weights' card is written elsewhere
(`card`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.datasets.rows import Task
from groundwork.engine.encoder import WEIGHTS, File, read_manifest
from groundwork.engine.trained import CALIBRATED, LAYERS, MANIFEST, TrainedManifest, calibration_fault, fingerprint_of, read_trained
from groundwork.engine.words import FILE, Words, word_table
from groundwork.store.files import write_whole
from groundwork.tuning.recipe import TARGETS

Floats = npt.NDArray[np.float32]
State = Mapping[str, Floats]
"""Weights by name: the base's names without a prefix, the head's, and adapters as `lora.<layer>.<target>.A` and `.B`."""

TABLE = "embeddings.word_embeddings.weight"
_PLACES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}


def read_state(path: Path) -> dict[str, Floats]:
    """Weights as a fit wrote them. Raises StoreError where the file cannot be read."""
    need_onnx()
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return {name: np.asarray(value, dtype=np.float32) for name, value in load_file(str(path)).items()}
    except (OSError, SafetensorError) as error:
        raise StoreError(f"the weights {path} cannot be read: {error}", fix="fit the model again, or name the folder of a fit") from None


def export(
    state: State,
    folder: Path,
    *,
    task: Task,
    name: str,
    window: int,
    stride: int,
    labels: Sequence[str] = (),
    licence: str,
    made_by: str,
    precision: Literal["int8", "fp32"] = "int8",
    heads: int = 12,
    encoder: Path = WEIGHTS,
) -> TrainedManifest:
    """Write the model's folder: a graph of one task on the encoder in `encoder`, and its manifest, uncalibrated (see `calibrated`).

    Raises InputError where weights are missing, not finite or belong to other words, or the window is longer than the positions; ConfigError
    where onnx is not installed; StoreError where the folder cannot be written.
    """
    need_onnx()
    from groundwork.tuning.graph import PRECISIONS, shape_of, task_graph

    base = read_manifest(encoder)
    words = find_words(encoder)
    whole = merged(state)
    _check(whole, task, labels, words, encoder)
    shape = shape_of(whole, heads)
    positions = shape.positions
    if shape.width != base.dimensions:
        raise InputError(
            f"the weights are {shape.width} wide, and the encoder's words {base.dimensions}", fix="export onto their own encoder"
        )
    if not 16 <= window <= positions or not 0 <= stride <= window // 2:
        raise InputError(f"a window of {window} and a stride of {stride} do not fit", fix=f"16 to {positions}, and 0 to half of the window")
    layers = task_graph(name, whole, task, PRECISIONS[precision], heads)
    manifest = TrainedManifest(
        name=name,
        task=task,
        fingerprint="",
        base=base.fingerprint,
        window=window,
        stride=stride,
        labels=tuple(labels),
        words=words,
        files={LAYERS: File(bytes=len(layers), sha256=hashlib.sha256(layers).hexdigest())},
        precision=precision,
        licence=licence,
        made_by=made_by,
    )
    write_whole(folder / LAYERS, layers)
    return _written(manifest, folder)


def calibrated(folder: Path, *, calibration: Mapping[str, float], thresholds: Mapping[str, float]) -> TrainedManifest:
    """Write calibration and thresholds, which are fitted on what the exported model says, into its manifest.

    Raises StoreError where the folder holds no sound model, InputError where the calibration is none of its task.
    """
    numbers, limits = ({name: float(value) for name, value in given.items()} for given in (calibration, thresholds))
    after = msgspec.structs.replace(read_trained(folder), calibration=numbers, thresholds=limits)
    fault = calibration_fault(after)
    if fault:
        raise InputError(f"{after.name} cannot be calibrated so: {fault}", fix=f"name any of {', '.join(sorted(CALIBRATED[after.task]))}")
    return _written(after, folder)


def merged(state: State) -> dict[str, Floats]:
    """The state with its adapters added to the weights they adapt (W + B A; Hu et al., 2021).

    Raises InputError for an adapter that has no place, or lacks its half.
    """
    whole = {name: np.asarray(value, dtype=np.float32) for name, value in state.items() if not name.startswith("lora.")}
    for name in state:
        if not name.startswith("lora."):
            continue
        layer, target, half = _adapter(name)
        place = f"encoder.layer.{layer}.{_PLACES[target]}.weight"
        other = f"lora.{layer}.{target}.{'B' if half == 'A' else 'A'}"
        if place not in whole or other not in state:
            raise InputError(f"the adapter `{name}` lacks {place if place not in whole else other}", fix="export the whole state of a fit")
        if half == "A":
            whole[place] = whole[place] + (state[other] @ state[name]).astype(np.float32)
    return whole


def find_words(encoder: Path) -> Words:
    """Where the word table lies in the encoder's file. Raises StoreError where there is none."""
    from groundwork.tuning.graph import constants_of

    path = encoder / FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"the encoder's file {path} cannot be read: {error.strerror}", fix="reinstall groundwork") from error
    found = constants_of(content, ("words", "words.scale"))
    if len(found) < 2:
        raise StoreError(f"{path} has no int8 word table", fix="build it by scripts/build_encoder.py")
    return Words(values=content.find(found["words"]), scales=content.find(found["words.scale"]), count=len(found["words.scale"]) // 4)


def need_onnx() -> None:
    """Raises ConfigError where the extra is not installed."""
    for name in ("onnx", "safetensors"):
        if find_spec(name) is None:
            raise ConfigError(f"exporting needs {name}, which is not installed", fix="pip install 'groundwork-ai[tune]'")


def _adapter(name: str) -> tuple[str, str, str]:
    """Layer, target and half of `lora.<layer>.<target>.<A or B>`."""
    layer, _, rest = name.removeprefix("lora.").partition(".")
    target, _, half = rest.rpartition(".")
    if not layer.isdigit() or target not in TARGETS or half not in {"A", "B"}:
        raise InputError(f"`{name}` names no adapter", fix=f"lora.<layer>.<target>.A and .B, with a target of {', '.join(TARGETS)}")
    return layer, target, half


def _check(whole: State, task: Task, labels: Sequence[str], words: Words, encoder: Path) -> None:
    odd = sorted(name for name, value in whole.items() if not np.isfinite(value).all())
    if odd:
        raise InputError(f"the weights `{odd[0]}` are not finite", fix="the fit diverged: lower its learning rate and fit again")
    if (task == "classify") != bool(labels) or (task == "classify" and whole["label.weight"].shape[0] != len(labels)):
        raise InputError(f"{len(labels)} labels do not fit the task `{task}` and its head", fix="name the labels of the fit, in its order")
    if TABLE in whole:
        served = word_table(words, encoder).rows(np.arange(words.count))
        if served.shape != whole[TABLE].shape or float(np.abs(served - whole[TABLE]).max()) > 1e-5:
            raise InputError("the word table differs from the encoder's: models share it, so it cannot be trained", fix="keep it frozen")


def _written(manifest: TrainedManifest, folder: Path) -> TrainedManifest:
    known = msgspec.structs.replace(manifest, fingerprint=fingerprint_of(manifest))
    write_whole(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")
    return known
