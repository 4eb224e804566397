"""A suite as a test: whatever is its target is measured, and the run held against what is required of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from groundwork.app.config import FILE
from groundwork.core.measure import Ruling, Run
from groundwork.evaluate.measured import Asked, Measured, measure_function, measure_target
from groundwork.evaluate.require import hold, parse_required
from groundwork.evaluate.suite import Suite, load_suite
from groundwork.evaluate.targets import named_target
from groundwork.loop.measure import measure, open_candidate
from groundwork.store.folder import Folder


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run with the ruling on each requirement."""

    run: Run
    rulings: tuple[Ruling, ...]

    @property
    def passed(self) -> bool:
        return all(one.decision == "pass" for one in self.rulings)

    @property
    def sentences(self) -> list[str]:
        """What each ruling says."""
        return [f"{one.decision}: {one.requirement}: {one.sentence}" for one in self.rulings]


async def check_suite(
    path: Path,
    root: Path,
    *,
    require: Sequence[str] = (),
    target: str | Callable[..., Any] = "",
    model: str = "",
    split: str = "",
    repeats: int | None = None,
) -> Checked:
    """Measure a target over a suite: a function, what `--target` would name, the suite's own, or else the application in `root`.

    Raises ConfigError for a suite, target or requirement that cannot be read, before anything is asked.
    """
    folder = Folder(root)
    try:
        suite = load_suite(path, root=root, datasets=folder.dataset_files)
        required = parse_required(require, suite)
        measured = await _measure(suite, folder, target, model, split, Asked(repeats=repeats))
    finally:
        folder.close()
    return Checked(run=measured.run, rulings=hold(measured.run, required))


def root_of(path: Path, otherwise: Path) -> Path:
    """The application that a suite belongs to: the nearest folder above it with a groundwork.toml, or `otherwise`."""
    return next((folder for folder in path.resolve().parents if (folder / FILE).is_file()), otherwise)


async def _measure(suite: Suite, folder: Folder, target: str | Callable[..., Any], model: str, split: str, how: Asked) -> Measured:
    if not isinstance(target, str):
        return await measure_function(target, how.adjusted(suite), folder, split=split)
    section = named_target(target, model, suite.target)
    if section is not None:
        return await measure_target(section, suite, folder.root, folder, split=split, how=how)
    async with open_candidate(folder.root, folder) as live:
        return await measure(live, suite, split=split, how=how)
