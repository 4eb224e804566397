"""The recipe of a small model: base, task, data, method, schedule. One TOML file, the same on a CPU and on a GPU.

name = "reader"
task = "span"
[data]
folder = "training/reader"
[train]
epochs = 3
"""

from pathlib import Path
from typing import Literal

from groundwork.core.config import Section, Written, decode, read_toml
from groundwork.core.errors import ConfigError
from groundwork.datasets.rows import Task

BASE = "all-minilm-l6-v2"
WINDOW = 512
"""Positions that the base knows."""
TARGETS = ("query", "key", "value", "attention.output", "intermediate", "output")
"""The linear parts of a layer that LoRA may adapt."""


class DataSection(Section, frozen=True, kw_only=True):
    """What is learned from."""

    folder: str
    """A training set (`groundwork tune data` makes them), relative to the recipe; `$NAME` stands for a variable of the environment."""
    window: int = 256
    """Word pieces that are read at once, special ones included. Longer texts are read in several windows, never cut."""
    stride: int = 64
    """Word pieces that two windows of one text share."""
    balance: Literal["none", "label", "group"] = "none"
    """`label`: each class is drawn as often as the others; `group`: each source is."""


class LoraSection(Section, frozen=True, kw_only=True):
    """Low-rank adapters (Hu et al., 2021): each target's weights W become W + alpha / rank · B A."""

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05
    targets: tuple[str, ...] = TARGETS


class TrainSection(Section, frozen=True, kw_only=True):
    """How it is learned."""

    method: Literal["full", "lora", "head"] = "full"
    """`full`: all weights of the layers (the word table stays, it is shared); `lora`: adapters; `head`: the head alone."""
    start: str = ""
    """The folder of an earlier fit whose weights are begun with, relative to the recipe; "": the base's own. Of another task, or of other
    classes, the layers are taken and the head begins anew.
    """
    learning_rate: float = 1e-4
    head_rate: float = 0.0
    """The head's own learning rate; 0: ten times the other."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: float = 0.06
    """Share of the steps in which the learning rate rises."""
    batch: int = 16
    """Windows in one forward pass."""
    accumulate: int = 1
    """Passes whose gradients are added up before a step."""
    epochs: float = 3.0
    steps: int = 0
    """At most so many steps; 0: as many as the epochs have."""
    weight_decay: float = 0.01
    clip: float = 1.0
    """The gradient's largest norm."""
    dropout: float = 0.1
    smoothing: float = 0.0
    """Label smoothing of classes."""
    energy: float = 0.0
    """Weight of the energy loss (Liu et al., 2020) on rows labelled `out_of_scope`; 0: they are a class like any other."""
    precision: Literal["fp32", "bf16"] = "fp32"
    measure_every: int = 0
    """Steps between two measurements on the dev part; 0: once an epoch."""
    patience: int = 0
    """Stop after so many measurements without a better one; 0: never. The best weights are kept either way."""
    checkpoint_every: int = 100
    """Steps between two checkpoints."""


class Recipe(Section, frozen=True, kw_only=True):
    """All that a fit depends on, beside the versions of data and code."""

    name: str
    task: Task
    base: Literal["all-minilm-l6-v2"] = BASE
    seed: int = 0
    data: DataSection
    train: TrainSection = TrainSection()
    lora: LoraSection = LoraSection()


def read_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises ConfigError, with file and line, for unknown keys and for values that cannot be meant."""
    written = read_toml(path)
    recipe = decode(written, Recipe)
    _check(recipe, written)
    return recipe


def _check(recipe: Recipe, written: Written) -> None:
    train, data, lora = recipe.train, recipe.data, recipe.lora
    rules: tuple[tuple[tuple[str, ...], bool, str, str], ...] = (
        (
            ("name",),
            recipe.name.replace("-", "").replace("_", "").isalnum(),
            "a name has letters, digits, - and _",
            'write name = "reader"',
        ),
        (("data", "window"), 16 <= data.window <= WINDOW, f"the window is {data.window}", f"16 to {WINDOW} word pieces fit the base"),
        (("data", "stride"), 0 <= data.stride <= data.window // 2, f"the stride is {data.stride}", "0 to half of the window"),
        (("train", "learning_rate"), 0 < train.learning_rate < 1, f"the learning rate is {train.learning_rate}", "1e-5 to 1e-3 are usual"),
        (("train", "head_rate"), 0 <= train.head_rate < 1, f"the head's learning rate is {train.head_rate}", "0, or 1e-4 to 1e-2"),
        (("train", "warmup"), 0 <= train.warmup < 1, f"the warm-up is {train.warmup}", "a share of the steps, such as 0.06"),
        (("train", "batch"), 1 <= train.batch <= 1024, f"a batch of {train.batch}", "1 to 1024"),
        (("train", "accumulate"), 1 <= train.accumulate <= 1024, f"accumulating {train.accumulate} passes", "1 to 1024"),
        (("train", "epochs"), 0 < train.epochs <= 1000, f"{train.epochs} epochs", "thousands of rows need 3 to 10"),
        (("train", "steps"), train.steps >= 0, f"{train.steps} steps", "0 for as many as the epochs have"),
        (("train", "dropout"), 0 <= train.dropout < 1, f"a dropout of {train.dropout}", "0 to 0.5"),
        (("train", "smoothing"), 0 <= train.smoothing < 1, f"a smoothing of {train.smoothing}", "0 to 0.2"),
        (("train", "checkpoint_every"), train.checkpoint_every >= 1, f"every {train.checkpoint_every} steps", "1 or more"),
        (("lora", "rank"), 1 <= lora.rank <= 384, f"the rank is {lora.rank}", "4 to 64 are usual"),
        (("lora", "targets"), bool(lora.targets), "LoRA has no targets", f"any of {', '.join(TARGETS)}"),
    )
    for path, fine, what, fix in rules:
        if not fine:
            raise ConfigError(what, where=written.where(path), fix=fix)
    for target in lora.targets:
        if target not in TARGETS:
            raise ConfigError(
                f"LoRA has no target `{target}`", where=written.where(("lora", "targets")), fix=f"any of {', '.join(TARGETS)}"
            )
