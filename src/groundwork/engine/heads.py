"""Linear heads on the frozen embedding: a matrix of a few kilobytes, loaded whole and sound or refused.

A head reads a text's embedding and, where its wording matters, its runs of words and letters (`lexical`); its logits cost microseconds beside
the embedding's pass. A folder holds `manifest.json` and the file that it names: the weights row by row as little-endian float16, then the
biases as float32. That file is named by its hash, so writing the manifest last puts a new head in the place of an old one at one blow. Not covered: computing embeddings (`batching`), and choosing what a head is told (`tuning`).
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from groundwork.core.errors import InputError, StoreError
from groundwork.core.ids import hash_of
from groundwork.engine.encoder import REINSTALL, WEIGHTS, File, Vectors, check
from groundwork.engine.lexical import Runs, featurise

FORMAT = 1
MANIFEST = "manifest.json"

Scores = npt.NDArray[np.float64]


class Reads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a head reads: the embedding, and beside it runs of words and letters, multiplied by `share` (0: none)."""

    dimensions: int
    """Of the embedding."""
    share: float = 0.0
    bits: int = 10
    words: tuple[int, ...] = (1, 2)
    letters: tuple[int, ...] = (3, 4, 5)

    @property
    def runs(self) -> Runs:
        return Runs(self.bits, self.words, self.letters)

    @property
    def width(self) -> int:
        """How many features a text has."""
        return self.dimensions + (1 << self.bits if self.share else 0)

    def features(self, vectors: Vectors, texts: Sequence[str]) -> Vectors:
        """float32 [texts, width]: what a head is fitted on."""
        if vectors.shape != (len(texts), self.dimensions):
            raise InputError(f"vectors of shape {vectors.shape} for {len(texts)} texts", fix="embed each text with the head's own encoder")
        found: Vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        found[:, : self.dimensions] = vectors
        if self.share:
            runs = featurise(texts, self.runs)
            rows = np.repeat(np.arange(len(texts)), np.diff(runs.starts))
            found[rows, self.dimensions + runs.columns] = np.float32(self.share) * runs.values
        return found


class HeadManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a head is, readable without loading it."""

    format: int = FORMAT
    name: str
    task: str
    """What it was fitted for: `intents`, `injection` …"""
    fingerprint: str
    """`name:` and 12 digits of the hash of everything else here, so of weights, labels and thresholds too."""
    base: str
    """The fingerprint of the encoder whose vectors it reads."""
    labels: tuple[str, ...]
    """One for each logit; a single one is the yes of yes or no."""
    reads: Reads
    calibration: dict[str, float] = {}
    """`temperature`: what logits are divided by before they become probabilities."""
    thresholds: dict[str, float] = {}
    files: dict[str, File]
    licence: str
    made_by: str


def fingerprint_of(manifest: HeadManifest) -> str:
    """What `fingerprint` must say."""
    return f"{manifest.name}:{hash_of(msgspec.structs.replace(manifest, fingerprint=''))[:12]}"


class Head:
    """A head in memory: `weight` float32 [labels, features], `bias` float32 [labels]."""

    def __init__(self, manifest: HeadManifest, weight: Vectors, bias: Vectors) -> None:
        self.manifest = manifest
        self.labels = manifest.labels
        self.temperature = manifest.calibration.get("temperature", 1.0)
        self._embedding = np.ascontiguousarray(weight[:, : manifest.reads.dimensions].T)
        self._runs = np.ascontiguousarray(weight[:, manifest.reads.dimensions :].T)
        self._bias = bias

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    def logits(self, vectors: Vectors, texts: Sequence[str]) -> Vectors:
        """float32 [texts, labels], from the texts' embeddings and, where the head reads them, their runs."""
        reads = self.manifest.reads
        found: Vectors = vectors @ self._embedding + self._bias
        if reads.share:
            runs = featurise(texts, reads.runs)
            for place in range(len(texts)):
                at = slice(runs.starts[place], runs.starts[place + 1])
                found[place] += np.float32(reads.share) * (runs.values[at] @ self._runs[runs.columns[at]])
        return found

    def probabilities(self, logits: Vectors) -> Scores:
        """[texts, labels]: a softmax at the head's temperature, or the sigmoid where there is one label."""
        scaled = logits.astype(np.float64) / self.temperature
        if scaled.shape[1] == 1:
            return np.exp(-np.logaddexp(0.0, -scaled))
        return np.exp(scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True))


def energy(logits: Vectors) -> Scores:
    """[texts]: logsumexp of the logits, high for texts like those that were learned from (the negative of W. Liu et al.'s energy, 2020)."""
    return np.logaddexp.reduce(logits.astype(np.float64), axis=1)


def head_files(manifest: HeadManifest, weight: npt.NDArray[np.floating], bias: npt.NDArray[np.floating]) -> dict[str, bytes]:
    """A head's files by name, in the order to write them; sizes, hashes and the fingerprint are filled in. Raises InputError for weights that no float16 holds."""
    if weight.shape != (len(manifest.labels), manifest.reads.width) or bias.shape != (len(manifest.labels),):
        raise InputError(f"weights of shape {weight.shape} fit no {len(manifest.labels)} labels", fix="fit the head again")
    with np.errstate(over="ignore"):
        halved = weight.astype("<f2")
    if not (np.isfinite(halved).all() and np.isfinite(bias).all()):
        raise InputError("a weight is no number, or too large for a float16", fix="fit the head again with a larger l2")
    data = halved.tobytes() + bias.astype("<f4").tobytes()
    file = File(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    name = f"head-{file.sha256[:12]}.bin"
    whole = msgspec.structs.replace(manifest, files={name: file})
    whole = msgspec.structs.replace(whole, fingerprint=fingerprint_of(whole))
    return {name: data, MANIFEST: msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"}


def read_head_manifest(folder: Path) -> HeadManifest:
    """The manifest of a head's folder. Raises `StoreError` where it is missing, broken, newer than this version, or was changed by hand."""
    path, fix = folder / MANIFEST, _fix(folder)
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=HeadManifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"the head's manifest {path} cannot be read: {error}", fix=fix) from error
    if manifest.format > FORMAT:
        raise StoreError(f"{path} has format {manifest.format}, and this version reads {FORMAT}", fix="update groundwork, or " + fix)
    if manifest.fingerprint != fingerprint_of(manifest):
        raise StoreError(f"{path} was changed: its content does not fit its fingerprint", fix=fix)
    numbers = (*manifest.calibration.values(), *manifest.thresholds.values())
    if not (all(map(math.isfinite, numbers)) and manifest.calibration.get("temperature", 1.0) > 0):
        raise StoreError(f"the calibration of {path} cannot be meant", fix=fix)
    return manifest


def read_head(folder: Path, *, base: str) -> Head:
    """The head in a folder. `base` is the fingerprint of the encoder at hand.

    Raises `StoreError` where a file is missing or damaged, or the head belongs to another encoder.
    """
    manifest, fix = read_head_manifest(folder), _fix(folder)
    if manifest.base != base:
        raise StoreError(
            f"the head in {folder} belongs to the encoder {manifest.base}, and this one is {base}",
            fix="fit it again with this version, or take the version that it was fitted with",
        )
    if len(manifest.files) != 1:
        raise StoreError(f"the manifest of {folder} names {len(manifest.files)} files, not one", fix=fix)
    ((name, file),) = manifest.files.items()
    check(folder / name, file, fix=fix)
    data = (folder / name).read_bytes()
    labels, width = len(manifest.labels), manifest.reads.width
    if not labels or len(data) != labels * (2 * width + 4):
        raise StoreError(f"{folder / name} has {len(data)} bytes, which is no head of {labels} labels and {width} features", fix=fix)
    weight = np.frombuffer(data, dtype="<f2", count=labels * width).astype(np.float32).reshape(labels, width)
    return Head(manifest, weight, np.frombuffer(data, dtype="<f4", offset=2 * labels * width).astype(np.float32))


def _fix(folder: Path) -> str:
    """What helps where a folder is damaged: the package's own weights come with it, others were fitted here."""
    return REINSTALL if folder.resolve().is_relative_to(WEIGHTS.parent) else "fit it again, or restore its folder from a copy"
