"""The training loop: windows in, the best weights out. Taken up again after a kill it goes on exactly where the last checkpoint was.

On a CPU the result depends on the recipe, the data and the seed alone (one thread; bf16 products are rounded the same way each time). On one
GPU the same recipe runs, faster, and is reproducible up to the GPU's own sums.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.datasets.rows import Row
from groundwork.tuning import checkpoints
from groundwork.tuning.batches import Window, collate, order, targets
from groundwork.tuning.network import Batch, Network, trained
from groundwork.tuning.outcomes import headline
from groundwork.tuning.predict import figures_of
from groundwork.tuning.recipe import Recipe, TrainSection

OUT_OF_SCOPE = "out_of_scope"
"""The label of texts that belong to no class; with an energy loss they are pushed away from all of them."""
_IN_MARGIN, _OUT_MARGIN = -7.0, -3.0
"""Energies below the first for known classes, above the second for others (Liu et al., 2020, after a few thousand steps)."""


@dataclass
class Part:
    """Rows and their windows."""

    rows: Sequence[Row]
    windows: list[Window]


@dataclass
class Progress:
    """Where a fit is; what a checkpoint holds beside weights."""

    step: int = 0
    losses: list[float] = field(default_factory=list[float])
    """Of each step."""
    measured: list[tuple[int, dict[str, float]]] = field(default_factory=list[tuple[int, dict[str, float]]])
    """Figures on dev, by step."""
    best: float = -math.inf
    best_step: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


Watch = Callable[[Progress, int, float], None]
"""Told of each step: the progress, how many steps there are, the learning rate."""


class Fit:
    """One fit of one network. `label` names the recipe, data and seed it belongs to: a checkpoint of another one is refused."""

    def __init__(
        self, network: Network, recipe: Recipe, train: Part, dev: Part, labels: Sequence[str], *, folder: Path, label: str
    ) -> None:
        if not train.windows:
            raise InputError("there is nothing to train on", fix="give the training set rows in train")
        self.network, self.recipe, self.train, self.dev, self.labels = network, recipe, train, dev, labels
        self.folder, self.label = folder, label
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.progress = Progress()
        section = recipe.train
        self.per_epoch = math.ceil(math.ceil(len(train.windows) / section.batch) / section.accumulate)
        self.steps = section.steps or max(1, round(section.epochs * self.per_epoch))
        self.every = section.measure_every or min(self.per_epoch, self.steps)
        self.optimizer = torch.optim.AdamW(_groups(network, section), betas=(0.9, 0.999), eps=1e-8)
        self.rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.groups = _balanced(train, recipe.data.balance)
        self.best: dict[str, Tensor] = {}

    def resume(self) -> bool:
        """Take up the folder's checkpoint; False where there is none."""
        state = checkpoints.load(self.folder, self.label)
        if state is None:
            return False
        self.network.load_state_dict(state["weights"], strict=False)
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = state["best_weights"]
        self.progress = Progress(**state["progress"])
        torch.set_rng_state(state["random"])
        return True

    def run(self, watch: Watch | None = None) -> Progress:
        """Train to the end, or until dev has not become better for `patience` measurements; the network then has its best weights.

        Raises InputError where the loss is no number any more, StoreError where a checkpoint cannot be written.
        """
        section, progress = self.recipe.train, self.progress
        self.network.to(self.device).train()
        began, began_cpu = time.monotonic() - progress.seconds, time.process_time() - progress.cpu_seconds
        while progress.step < self.steps and not self._stopped():
            rate = self._set_rate(progress.step)
            progress.losses.append(self._step(progress.step))
            progress.step += 1
            progress.seconds, progress.cpu_seconds = time.monotonic() - began, time.process_time() - began_cpu
            if watch:
                watch(progress, self.steps, rate)
            if progress.step % self.every == 0 or progress.step == self.steps:
                self._measure()
            if progress.step % section.checkpoint_every == 0:
                self._save()
        self.network.load_state_dict(self.best, strict=False)
        return progress

    def _step(self, step: int) -> float:
        """One step of the optimizer, over `accumulate` passes. Returns the mean loss."""
        section = self.recipe.train
        epoch, place = divmod(step, self.per_epoch)
        batches = self._order(epoch)[place * section.accumulate : (place + 1) * section.accumulate]
        total = 0.0
        for batch in batches:
            windows = [self.train.windows[one] for one in batch]
            chooser = random.Random(f"{self.recipe.seed}/{step}/{batch[0]}")  # noqa: S311 - which of several right answers
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=section.precision == "bf16"):
                loss = loss_of(self.network, windows, section, chooser, self.device)
            if not torch.isfinite(loss):
                raise InputError(f"the loss is {loss.item()} at step {step + 1}", fix="lower [train] learning_rate, or use precision fp32")
            (loss / len(batches)).backward()
            total += loss.item() / len(batches)
        nn.utils.clip_grad_norm_([value for value in self.network.parameters() if value.requires_grad], section.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total

    def _order(self, epoch: int) -> list[list[int]]:
        if getattr(self, "_epoch", None) != epoch:
            self._epoch, self._batches = epoch, order(self.train.windows, self.groups, self.recipe.train.batch, self.recipe.seed, epoch)
        return self._batches

    def _set_rate(self, step: int) -> float:
        share = rate_at(self.recipe.train, step, self.steps)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * share
        return self.rates[0] * share

    def _measure(self) -> None:
        """Figures on dev; the weights are kept where they are the best so far."""
        state = torch.get_rng_state()
        self.network.to("cpu")
        found = self.measure(self.dev)
        self.network.to(self.device)
        torch.set_rng_state(state)
        value = headline(found)
        self.progress.measured.append((self.progress.step, {name: figure.value for name, figure in found.items()}))
        if value > self.progress.best:
            self.progress.best, self.progress.best_step = value, self.progress.step
            self.best = {name: weight.detach().cpu().clone() for name, weight in trained(self.network).items()}

    def measure(self, part: Part) -> dict[str, Estimate]:
        """The figures of the network as it is, on a part."""
        return figures_of(self.network, part.rows, part.windows, self.labels, self.recipe.train.precision)

    def _stopped(self) -> bool:
        patience = self.recipe.train.patience
        later = [step for step, _ in self.progress.measured if step > self.progress.best_step]
        return bool(patience) and len(later) >= patience

    def _save(self) -> None:
        state: dict[str, Any] = {
            "recipe": self.label,
            "weights": {name: value.detach().cpu() for name, value in trained(self.network).items()},
            "optimizer": self.optimizer.state_dict(),
            "best_weights": self.best,
            "progress": vars(self.progress),
            "random": torch.get_rng_state(),
        }
        checkpoints.save(self.folder, state)


def loss_of(network: Network, windows: Sequence[Window], section: TrainSection, chooser: random.Random, device: torch.device) -> Tensor:
    """The loss of one batch, a number."""
    batch = Batch(*(value.to(device) for value in collate(windows)))
    truth = torch.tensor([window.label for window in windows], device=device)
    if network.task == "span":
        logits = network.spans(batch)
        first, last = (place.to(device) for place in targets(windows, chooser))
        ends = (nn.functional.cross_entropy(logits.start, first) + nn.functional.cross_entropy(logits.end, last)) / 2
        return ends + nn.functional.binary_cross_entropy_with_logits(logits.answerable, truth)
    if network.task == "pair":
        return nn.functional.binary_cross_entropy_with_logits(network.scores(batch), truth)
    return _class_loss(network.classes(batch), truth.long(), section)


def _class_loss(logits: Tensor, truth: Tensor, section: TrainSection) -> Tensor:
    """Cross-entropy, and where asked for the energy loss: E(x) = -logsumexp(logits) low for known classes, high for others.

    Source: W. Liu, X. Wang, J. Owens and Y. Li, NeurIPS 2020, equations 7 to 9.
    """
    known = truth >= 0
    loss = logits.new_zeros(())
    if known.any():
        loss = nn.functional.cross_entropy(logits[known], truth[known], label_smoothing=section.smoothing)
    if section.energy:
        energy = -torch.logsumexp(logits, dim=1)
        inside = torch.relu(energy[known] - _IN_MARGIN).square().sum()
        outside = torch.relu(_OUT_MARGIN - energy[~known]).square().sum()
        loss = loss + section.energy * (inside + outside) / len(logits)
    return loss


def rate_at(section: TrainSection, step: int, steps: int) -> float:
    """The learning rate at a step (from 0), as a share of the largest."""
    warm = max(1, round(section.warmup * steps)) if section.warmup else 0
    if step < warm:
        return (step + 1) / warm
    if section.schedule == "constant":
        return 1.0
    done = (step - warm) / max(1, steps - warm)
    return 1 - done if section.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2


def _groups(network: Network, section: TrainSection) -> list[dict[str, Any]]:
    """Parameters by learning rate and decay: the head learns faster, gains and biases do not decay."""
    found: dict[tuple[float, float], list[Tensor]] = {}
    for name, value in trained(network).items():
        rate = section.learning_rate if name.startswith("bert.") else section.head_rate or 10 * section.learning_rate
        decay = 0.0 if value.ndim < 2 or "LayerNorm" in name else section.weight_decay
        found.setdefault((rate, decay), []).append(value)
    return [{"params": values, "lr": rate, "weight_decay": decay} for (rate, decay), values in found.items()]


def _balanced(part: Part, how: str) -> list[list[int]] | None:
    """Places of windows by class or by source, where each is to be drawn as often as the others."""
    if how == "none":
        return None
    groups: dict[str, list[int]] = {}
    for place, window in enumerate(part.windows):
        row = part.rows[window.row]
        groups.setdefault(row.group if how == "group" else str(getattr(row, "label", bool(window.spans))), []).append(place)
    return [groups[name] for name in sorted(groups)]
