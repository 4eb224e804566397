"""A trained model as a folder: `layers.onnx` (int8 layers and the head of one task) and `manifest.json`. Loaded whole and sound, or refused.

The folder belongs to one encoder: word vectors come from that encoder's file (`words`), so a model of a few megabytes is all there is.
`reading` and `scoring` give its outputs their meaning. Not covered: threads (one model belongs to one thread at a time, see `door`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import msgspec
import numpy as np

from groundwork.core.errors import StoreError
from groundwork.core.ids import hash_of
from groundwork.engine.encoder import REINSTALL, WEIGHTS, File, Vectors, batches, check, read_manifest, session, tokenizer_of
from groundwork.engine.windows import Window, padded
from groundwork.engine.words import Words, word_table

Task = Literal["span", "classify", "pair"]
FORMAT = 1
LAYERS = "layers.onnx"
MANIFEST = "manifest.json"
OUTPUTS: dict[str, tuple[str, ...]] = {"span": ("span", "answerable"), "classify": ("logits",), "pair": ("score",)}
CALIBRATED: dict[str, frozenset[str]] = {
    "span": frozenset({"bias", "answerable", "margin", "score", "share"}),
    "classify": frozenset({"temperature"}),
    "pair": frozenset({"bias", "temperature"}),
}
"""What a calibration may name. For spans: the weights of what is known of a span."""


class TrainedManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a trained model is, readable without loading it."""

    format: int = FORMAT
    name: str
    task: str
    fingerprint: str
    """`name:` and 12 digits of the hash of everything else here, so of weights, labels and thresholds too."""
    base: str
    """The fingerprint of the encoder that it belongs to."""
    window: int
    """Word pieces that are read at once, special ones included."""
    stride: int
    """Word pieces that two windows of one text share."""
    labels: tuple[str, ...] = ()
    words: Words
    calibration: dict[str, float] = {}
    thresholds: dict[str, float] = {}
    files: dict[str, File]
    precision: str = "int8"
    licence: str
    made_by: str


def fingerprint_of(manifest: TrainedManifest) -> str:
    """What `fingerprint` must say."""
    return f"{manifest.name}:{hash_of(msgspec.structs.replace(manifest, fingerprint=''))[:12]}"


def read_trained(folder: Path) -> TrainedManifest:
    """The manifest of a trained model's folder.

    Raises `StoreError` where it is missing, broken, was changed by hand, or describes what this version does not know.
    """
    path, fix = folder / MANIFEST, _fix(folder)
    try:
        content = path.read_bytes()
        written: object = msgspec.json.decode(content)
        version = cast("Mapping[str, object]", written).get("format") if isinstance(written, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise StoreError(
                f"{path} has format {version}, and this version reads {FORMAT}", fix="update groundwork, or export the model again"
            )
        manifest = msgspec.json.decode(content, type=TrainedManifest)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise StoreError(f"the model's manifest {path} cannot be read: {error}", fix=fix) from error
    if manifest.task not in get_args(Task):
        known = ", ".join(get_args(Task))
        raise StoreError(f"the model in {folder} is for the task `{manifest.task}`; known are {known}", fix="update groundwork, or " + fix)
    if manifest.fingerprint != fingerprint_of(manifest):
        raise StoreError(f"{path} was changed: its content does not fit its fingerprint", fix=fix)
    fault = calibration_fault(manifest)
    if fault:
        raise StoreError(f"the calibration of {path} cannot be meant: {fault}", fix=fix)
    return manifest


def calibration_fault(manifest: TrainedManifest) -> str:
    """What is wrong with calibration and thresholds; empty where they are sound."""
    known = CALIBRATED[manifest.task]
    for name in manifest.calibration:
        if name not in known:
            return f"`{name}` is none of {', '.join(sorted(known))}"
    for name, value in (*manifest.calibration.items(), *manifest.thresholds.items()):
        if not math.isfinite(value) or (name == "temperature" and value <= 0):
            return f"`{name}` is {value}"
    return ""


def _fix(folder: Path) -> str:
    """What helps where a folder is damaged: the package's own weights come with it, others were trained here."""
    return REINSTALL if folder.resolve().is_relative_to(WEIGHTS.parent) else "export the model again, or restore its folder from a copy"


class Trained:
    """One loaded model: about 0.1 s to load, 15 MB of memory beside the encoder's word table.

    Raises `StoreError` where a file is missing or damaged, the model belongs to another encoder, or it is for another task than `task`.
    """

    def __init__(self, folder: Path, task: Task, *, encoder: Path = WEIGHTS) -> None:
        manifest = read_trained(folder)
        if manifest.task != task:
            raise StoreError(f"the model in {folder} is for the task `{manifest.task}`, not `{task}`", fix=f"name a model for `{task}`")
        base = read_manifest(encoder)
        if manifest.base != base.fingerprint:
            raise StoreError(
                f"the model in {folder} belongs to the encoder {manifest.base}, and this one is {base.fingerprint}",
                fix="fit it again with this version, or take the version that it was fitted with",
            )
        for name, file in manifest.files.items():
            check(folder / name, file, fix=_fix(folder))
        self.manifest = manifest
        self.tokenizer = tokenizer_of(encoder / "tokenizer.json", base.files["tokenizer.json"])
        self._words = word_table(manifest.words, encoder)
        self._session = session(folder / LAYERS)
        self._outputs = OUTPUTS[task]

    def run(self, windows: Sequence[Window]) -> Iterator[tuple[list[int], list[Vectors]]]:
        """The graph's outputs, batch by batch: places among `windows`, and the task's outputs for them.

        A batch holds at most 512 pieces with padding, or one window: more are slower on one thread, and each further 256 take 8 MB.
        """
        for places in batches([len(window.ids) for window in windows]):
            batch = padded([windows[place] for place in places])
            feed: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
                "rows": self._words.rows(batch.ids),
                "token_type_ids": batch.types,
                "attention_mask": batch.mask,
            }
            if self.manifest.task == "span":
                feed["passage_mask"] = batch.passage
            yield places, [np.asarray(value) for value in self._session.run(list(self._outputs), feed)]
