"""From a recipe to a trained model: rows, windows, training, figures on the held part, the trained weights, the record.

What is written is a folder: `trained.safetensors` (all weights, adapters merged), `record.json`, and, once exported (`export`), what the engine
serves. A smoke run takes a few steps on a few rows and walks the whole way.
"""

import hashlib
import importlib.util
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from groundwork.core.errors import InputError, StoreError
from groundwork.core.ids import canonical
from groundwork.core.measure import Estimate
from groundwork.datasets.rows import Row, TextRow
from groundwork.datasets.training import PARTS, TrainingSet, read_part, read_training
from groundwork.datasets.training import Part as Which
from groundwork.tuning.recipe import Recipe
from groundwork.tuning.record import (
    FitRecord,
    Measurement,
    MemoryUse,
    code_version,
    finite,
    kept_files,
    library_versions,
    peak_resident,
    resident,
    this_machine,
    write_record,
)

if TYPE_CHECKING:
    from groundwork.tuning.network import Arrays, Network
    from groundwork.tuning.train import Fit, Part, Progress

TRAINED = "trained.safetensors"
_SMOKE_STEPS = 6
_SMOKE_ROWS = 24

Told = Callable[["Progress", int, float], None]


@dataclass
class Job:
    """What a fit needs beside the recipe."""

    recipe: Recipe
    text: str
    """The recipe as written."""
    base: Path
    """The folder of the base's fp32 weights (`groundwork tune base`)."""
    out: Path
    data: Path
    """The training set's folder."""
    start: Path | None = None
    """The folder of the earlier fit that is begun with."""
    is_smoke: bool = False
    share: float = 1.0
    """The share of the training rows' groups that is used (a subset curve)."""
    told: Told | None = None
    notes: list[str] = field(default_factory=list[str])


def data_folder(recipe: Recipe, beside: Path) -> Path:
    """Where the recipe's training set lies: relative to the recipe's file, variables of the environment filled in.

    Raises InputError where a variable is not set.
    """
    return _folder(recipe.data.folder, beside, "[data] folder")


def start_folder(recipe: Recipe, beside: Path) -> Path | None:
    """The earlier fit that the recipe begins with, likewise; None where it begins with the base."""
    return _folder(recipe.train.start, beside, "[train] start") if recipe.train.start else None


def _folder(written: str, beside: Path, key: str) -> Path:
    text = os.path.expandvars(written)
    if "$" in text:
        name = text.partition("$")[2].partition("/")[0].strip("{}")
        raise InputError(f"the variable {name} of {key} is not set", fix=f"set it, such as `export {name}=./data`")
    return (beside / Path(text).expanduser()).resolve()


def fit(job: Job, *, resume: bool = False) -> tuple[FitRecord, "Fit"]:
    """Train, measure and write; the fit is returned too, for the export and for comparing with it.

    Raises ConfigError, InputError, NotFound and StoreError, each with what to do; what was trained until the last checkpoint is kept.
    """
    need_torch()
    import torch

    from groundwork.tuning import checkpoints
    from groundwork.tuning.train import Fit

    recipe = smoke(job.recipe) if job.is_smoke else job.recipe
    made = read_training(job.data)
    if made.task != recipe.task:
        raise InputError(
            f"the recipe's task is {recipe.task}, and the training set's is {made.task}", fix="name another training set, or task"
        )
    started, before = time.time(), resident()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(recipe.seed)
    labels = labels_of(made)
    parts = {part: _part(job, recipe, part, labels) for part in PARTS}
    first = job.start / TRAINED if job.start else None
    network = _network(recipe, job.base, labels, first)
    job.out.mkdir(parents=True, exist_ok=True)
    run = Fit(network, recipe, parts["train"], parts["dev"], labels, folder=job.out, label=label_of(recipe, made, job.share, first))
    if not resume and (job.out / "checkpoint.pt").exists():
        raise StoreError(f"{job.out} holds a fit that was broken off", fix="take it up with --resume, or remove the folder")
    resumed = run.resume() if resume else False
    run.run(job.told)
    held = run.measure(parts["held"])
    write_weights(run, job.out)
    use = MemoryUse(before=before, peak=peak_resident())
    record = msgspec.structs.replace(_record(job, run, made, held), started=started, memory=use, resumed=int(resumed))
    write_record(record, job.out)
    checkpoints.remove(job.out)
    return record, run


def _record(job: Job, run: "Fit", made: TrainingSet, held: dict[str, Estimate]) -> FitRecord:
    """What a fit says of itself at its end; when it began and what memory it took is added by who watched it."""
    recipe, progress, network = run.recipe, run.progress, run.network
    return FitRecord(
        name=recipe.name,
        recipe=recipe,
        recipe_text=job.text,
        training=made,
        code=code_version(),
        versions=library_versions(),
        machine=this_machine(str(run.device)),
        seed=recipe.seed,
        started=0.0,
        seconds=progress.seconds,
        cpu_seconds=progress.cpu_seconds,
        steps=progress.step,
        epochs=progress.step / run.per_epoch,
        losses=tuple(finite(loss) for loss in progress.losses),
        measurements=_measurements(progress),
        best_step=progress.best_step,
        memory=MemoryUse(before=0, peak=0),
        figures=held,
        parameters=sum(value.numel() for value in network.parameters()),
        trained_parameters=sum(value.numel() for value in network.parameters() if value.requires_grad),
        files=kept_files(job.out),
        stopped="" if progress.step >= run.steps else f"dev was not better for {recipe.train.patience} measurements",
        is_smoke=job.is_smoke,
    )


def need_torch() -> None:
    """Raises InputError where the extra is not installed."""
    for name in ("torch", "transformers", "peft"):
        if importlib.util.find_spec(name) is None:
            raise InputError(
                f"training needs {name}, which is not installed", fix="pip install torch==2.13.0, then pip install 'groundwork-ai[tune]'"
            )


def labels_of(made: TrainingSet) -> tuple[str, ...]:
    """The classes of a classifier in their order of logits: those of the train part, sorted; `out_of_scope` is none. Empty for other tasks."""
    if made.task != "classify":
        return ()
    from groundwork.tuning.train import OUT_OF_SCOPE

    return tuple(sorted(label for label in made.labels["train"] if label != OUT_OF_SCOPE))


def label_of(recipe: Recipe, made: TrainingSet, share: float = 1.0, first: Path | None = None) -> str:
    """What a checkpoint belongs to: recipe, data, share, and the weights it began with."""
    begun = first.read_bytes() if first else b""
    return hashlib.sha256(canonical(recipe) + canonical(made) + repr(share).encode() + begun).hexdigest()


def smoke(recipe: Recipe) -> Recipe:
    """The recipe, cut to a few steps of small batches: to see that everything holds together."""
    train = msgspec.structs.replace(recipe.train, steps=_SMOKE_STEPS, batch=4, measure_every=3, checkpoint_every=2, accumulate=1)
    return msgspec.structs.replace(recipe, train=train, data=msgspec.structs.replace(recipe.data, window=min(recipe.data.window, 192)))


def subset(rows: Sequence[Row], share: float, seed: int) -> list[Row]:
    """The rows of a share of the groups, at least one; a smaller share's rows are among a larger one's."""
    if share >= 1:
        return list(rows)
    names = sorted({row.group for row in rows}, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    kept: set[str] = set()
    count, wanted = 0, share * len(rows)
    sizes = {name: sum(row.group == name for row in rows) for name in names}
    for name in names:
        if kept and count >= wanted:
            break
        kept.add(name)
        count += sizes[name]
    return [row for row in rows if row.group in kept]


def write_weights(run: "Fit", folder: Path) -> None:
    """All weights as trained, float32, adapters merged: what is exported, and what the export is compared with."""
    import torch
    from safetensors.torch import save

    from groundwork.store.files import write_whole
    from groundwork.tuning.network import arrays

    kept: Arrays = {name: value for name, value in arrays(run.network).items() if name != "embeddings.word_embeddings.weight"}
    write_whole(folder / TRAINED, save({name: torch.from_numpy(value).contiguous() for name, value in kept.items()}))


def _part(job: Job, recipe: Recipe, part: Which, labels: Sequence[str]) -> "Part":
    from groundwork.tuning.batches import tokenizer_of, windows_of
    from groundwork.tuning.train import Part

    rows = list(read_part(job.data, part))
    if part == "train":
        rows = subset(rows, job.share, recipe.seed)
    if job.is_smoke:
        rows = rows[:_SMOKE_ROWS]
    if part == "train" and recipe.task == "classify" and len({row.label for row in rows if isinstance(row, TextRow)}) < 2:
        raise InputError("the rows to train on have one class", fix="a classifier needs rows of two classes or more")
    numbers = {label: place for place, label in enumerate(labels)}
    tokenizer = tokenizer_of(str(job.base / "tokenizer.json"))
    return Part(rows, windows_of(rows, tokenizer, numbers, window=recipe.data.window, stride=recipe.data.stride))


def _network(recipe: Recipe, base: Path, labels: Sequence[str], first: Path | None) -> "Network":
    from groundwork.tuning.network import build

    return build(recipe, base, len(labels), first)


def _measurements(progress: "Progress") -> tuple[Measurement, ...]:
    return tuple(Measurement(step=step, loss=finite(progress.losses[step - 1]), figures=figures) for step, figures in progress.measured)


def shown(figures: dict[str, Estimate]) -> list[str]:
    """Lines of figures for a terminal."""
    return [f"{name:<26} {figure.value:.3f}  [{figure.low:.3f}, {figure.high:.3f}]  n {figure.n}" for name, figure in figures.items()]
