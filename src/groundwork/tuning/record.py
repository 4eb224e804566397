"""The record of a fit: all that it depended on, what happened, and what came out. One JSON file beside the weights.

With the recipe, the training set's hash, the code's version and the seed, a fit on a CPU can be run again to the same weights.
"""

import hashlib
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from groundwork.core.errors import NotFound, StoreError
from groundwork.core.ids import hash_of
from groundwork.core.measure import Estimate
from groundwork.datasets.training import TrainingSet
from groundwork.store.files import write_whole
from groundwork.tuning.recipe import Recipe

FILE = "record.json"
LIBRARIES = ("torch", "transformers", "peft", "safetensors", "onnx", "onnxruntime", "numpy", "tokenizers")
_PIECE = 1 << 20


class KeptFile(msgspec.Struct, frozen=True, kw_only=True):
    """Size and hash of a file that came out."""

    bytes: int
    sha256: str


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The dev part's figures after so many steps, and the training loss of that step; None where it was not finite."""

    step: int
    loss: float | None
    figures: dict[str, float] = {}
    seconds: float = 0.0
    """Since the start."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it ran."""

    processor: str
    cores: int
    """That the process was allowed to use."""
    device: str = "cpu"
    """`cpu`, or the GPU's name."""


class MemoryUse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes. `before`: resident once the libraries were loaded and the network was not; `peak`: the most until the end, all included."""

    before: int
    peak: int
    predicted: int | None = None
    """What `groundwork tune memory` says for weights, gradients, optimizer and activations: to be held against peak less before."""

    @property
    def used(self) -> int:
        """What the fit itself took at its highest."""
        return max(0, self.peak - self.before)


class FitRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fit. Figures are of the held part, with their intervals; nothing was chosen on it."""

    name: str
    recipe: Recipe
    recipe_text: str
    """As it was written, comments included."""
    training: TrainingSet
    code: str
    versions: dict[str, str]
    machine: Machine
    seed: int
    started: float
    """Unix seconds."""
    seconds: float
    cpu_seconds: float
    """Of all threads, all starts of a resumed fit together."""
    steps: int
    epochs: float
    losses: tuple[float | None, ...]
    """Mean loss of each step; None where it was not finite."""
    measurements: tuple[Measurement, ...]
    best_step: int
    """Whose weights were kept."""
    memory: MemoryUse
    figures: dict[str, Estimate] = {}
    baselines: dict[str, dict[str, Estimate]] = {}
    """The same figures of what it has to beat, by its name."""
    calibration: dict[str, Any] = {}
    """What was fitted on the dev part: temperature, thresholds by name."""
    parity: dict[str, float] = {}
    """How far the exported model's outputs lie from the trained one's."""
    parameters: int = 0
    trained_parameters: int = 0
    files: dict[str, KeptFile] = {}
    stopped: str = ""
    """Why it ended before its last epoch; empty where it did not."""
    resumed: int = 0
    """How often it was taken up again after a break."""
    is_smoke: bool = False
    """A few steps on a few rows, to see that all parts hold together: its figures say nothing."""

    @property
    def recipe_sha256(self) -> str:
        return hashlib.sha256(self.recipe_text.encode()).hexdigest()

    @property
    def training_sha256(self) -> str:
        """Of the training set's manifest, which holds the hash of every part."""
        return hash_of(self.training)


def write_record(record: FitRecord, folder: Path) -> Path:
    """Write the record into a model's folder, whole or not at all. Raises StoreError, StoreFull."""
    path = folder / FILE
    write_whole(path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    return path


def read_record(folder: Path) -> FitRecord:
    """The record of a model's folder. Raises NotFound, or StoreError for a damaged one."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=FitRecord)
    except FileNotFoundError:
        raise NotFound(f"there is no record of a fit in {folder}", fix="name a folder that `groundwork tune fit` wrote") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}", fix="restore it from a backup, or fit again") from None


def finite(loss: float) -> float | None:
    """A loss as it is kept: JSON knows no NaN and no infinity."""
    return round(loss, 6) if math.isfinite(loss) else None


# -- what a record says of its surroundings


def code_version() -> str:
    """`groundwork 0.1.0`, with the commit where this is a checkout, and ` with changes` where files differ from it."""
    named = f"groundwork {library_versions(('groundwork-ai',)).get('groundwork-ai', '(not installed)')}"
    root = Path(__file__).resolve().parents[3]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return named
    commit = _said(git, root, "rev-parse", "HEAD")
    if not commit:
        return named
    return f"{named}, commit {commit}" + (" with changes" if _said(git, root, "status", "--porcelain", "--", "src", "recipes") else "")


def _said(git: str, root: Path, *words: str) -> str:
    done = subprocess.run([git, "-C", str(root), *words], capture_output=True, text=True, check=False)  # noqa: S603  fixed words
    return done.stdout.strip() if done.returncode == 0 else ""


def library_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Versions of Python and of those libraries that are installed."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def this_machine(device: str = "cpu") -> Machine:
    """The processor, its cores, and the device that trains."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), processor)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(processor=processor, cores=cores, device=device)


def resident() -> int:
    """Bytes of memory that this process holds now; its peak where the system does not tell."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return peak_resident()
    return int(status.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_resident() -> int:
    """The most bytes of memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # not what `getrusage` says there: that remembers what the parent held when it began this process
        line = next((line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")), "")
        if line:
            return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def kept_files(folder: Path) -> dict[str, KeptFile]:
    """Size and hash of every file of a model's folder but its record and card, by its name."""
    found: dict[str, KeptFile] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in {FILE, "README.md"} and not path.name.startswith("."):
            found[path.name] = _kept(path)
    return found


def _kept(path: Path) -> KeptFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return KeptFile(bytes=size, sha256=digest.hexdigest())
