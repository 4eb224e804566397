"""`groundwork tune fit`: from a recipe to a model that can be served."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, progress, stoppable, table, talk
from groundwork.cli.tune_memory import size
from groundwork.tuning.base_weights import find_base
from groundwork.tuning.curve import advice, sparkline
from groundwork.tuning.fit import Job, data_folder, fit, need_torch, start_folder
from groundwork.tuning.memory import recipe_memory
from groundwork.tuning.recipe import read_recipe
from groundwork.tuning.record import FitRecord
from groundwork.tuning.shelf import models_folder
from groundwork.tuning.subset import SHARES, Doubling, Point, curve_of, doubling

if TYPE_CHECKING:
    from groundwork.tuning.train import Progress

EPILOG = """\b
Examples:
  groundwork tune fit recipes/reader.toml --smoke
  groundwork tune fit recipes/mine.toml --data training/mine --resume
  groundwork tune fit recipes/mine.toml --subset-curve"""


@click.command(epilog=EPILOG)
@click.argument("recipe_file", metavar="RECIPE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out", "target", type=click.Path(path_type=Path, file_okay=False), help="The model's folder. Default: .groundwork/models/NAME."
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Another training set than the recipe's.")
@click.option("--base", type=click.Path(path_type=Path, file_okay=False), help="Other base weights than those of `tune base`.")
@click.option("--resume", is_flag=True, help="Go on at the last checkpoint, exactly as if nothing had happened.")
@click.option("--smoke", is_flag=True, help="A few steps on a few rows: does everything hold together?")
@click.option("--seed", type=int, help="Another seed than the recipe's.")
@click.option("--subset-curve", "is_curve", is_flag=True, help="Train on 25, 50 and 100 % and say what twice the rows would bring.")
@app_option
@json_option
def command(
    recipe_file: Path,
    target: Path | None,
    data: Path | None,
    base: Path | None,
    resume: bool,
    smoke: bool,
    seed: int | None,
    is_curve: bool,
    root: Path,
    as_json: bool,
) -> None:
    """Train by a RECIPE, measure on the held part, export, compare the export with what was trained, and write record and card.

    Ctrl-C or a kill loses nothing after the last checkpoint: the same command with --resume goes on.
    """
    recipe = read_recipe(recipe_file)
    if seed is not None:
        recipe = msgspec.structs.replace(recipe, seed=seed)
    job = Job(
        recipe=recipe,
        text=recipe_file.read_text(encoding="utf-8"),
        base=base or _base(),
        out=target or models_folder(root.resolve()) / recipe.name,
        data=data or data_folder(recipe, recipe_file.parent),
        start=start_folder(recipe, recipe_file.parent),
        is_smoke=smoke,
    )
    with stoppable():
        if is_curve:
            points = _curve(job)
            out_json(points) if as_json else say_curve(points)
            return
        record = fitted(job, resume=resume)
    if as_json:
        out_json(record)
    else:
        say_fit(record, job.out)


def fitted(job: Job, *, resume: bool = False) -> FitRecord:
    """Train with a progress bar, then export, compare, calibrate and write the card."""
    with _showing(job) as shown:
        record, run = fit(shown, resume=resume)
    from groundwork.tuning.finish import finish

    memory = msgspec.structs.replace(record.memory, predicted=recipe_memory(record.recipe).total)
    record = msgspec.structs.replace(record, memory=memory)
    talk("exporting, comparing, calibrating")
    return finish(job, record, run)


def _base() -> Path:
    need_torch()  # the first thing to say where nothing is there yet
    return find_base()


@contextmanager
def _showing(job: Job) -> Generator[Job]:
    """The same job, its progress told to a bar on stderr."""
    share = f", {job.share:.0%} of the rows" if job.share < 1 else ""
    with progress(f"{job.recipe.name}{share}", "steps") as update:

        def tell(state: "Progress", steps: int, rate: float) -> None:
            update(state.step, steps, f"loss {state.losses[-1]:.3f}, rate {rate:.1e}")

        yield replace(job, told=tell)


# -- what came out


def say_fit(record: FitRecord, folder: Path) -> None:
    """The curve and what it says, figures, memory beside its prediction, cost, and where it all is."""
    stopped = f"; {record.stopped}" if record.stopped else ""
    out(f"{bold(record.name)}: {record.steps} steps, {record.epochs:.3g} epochs, best at step {record.best_step}{stopped}")
    found = advice(record.losses, rate=record.recipe.train.learning_rate)
    out(f"loss {sparkline(record.losses)}  {found.sentence}{f': {found.fix}' if found.fix else ''}")
    if record.figures:
        said = "a smoke run's figures say nothing" if record.is_smoke else "nothing was chosen on it"
        out(f"\nheld part ({record.training.counts['held']} rows; {said})")
        rows = [
            (name, f"{one.value:.3f}", f"[{one.low:.3f}, {one.high:.3f}]", str(one.n), dim(one.method))
            for name, one in record.figures.items()
        ]
        table(rows, ("figure", "value", "95 % interval", "n", "method"))
    kept = sum(file.bytes for file in record.files.values())
    out(
        f"\n{record.trained_parameters:,} of {record.parameters:,} parameters trained in {record.cpu_seconds / 60:.1f} CPU minutes; "
        f"memory {size(record.memory.used)}, predicted {size(record.memory.predicted or 0)}"
    )
    out(f"{size(kept)} in {folder}; card: {folder / 'README.md'}")


def _curve(job: Job) -> dict[str, tuple[list[Point], Doubling]]:
    """Each figure of the held part by the share that was learned from."""
    points: dict[str, list[Point]] = {}
    for share in SHARES:
        with _showing(replace(job, share=share, out=job.out / f"share-{round(100 * share)}")) as part:
            record, run = fit(part)
        for name, figure in record.figures.items():
            rows = run.train.rows
            point = Point(share=share, rows=len(rows), groups=len({row.group for row in rows}), figure=figure)
            points.setdefault(name, []).append(point)
    return {name: (several, doubling(several)) for name, several in points.items() if len(several) == len(SHARES)}


def say_curve(points: dict[str, tuple[list[Point], Doubling]]) -> None:
    """Each figure's curve, and what twice the rows would bring."""
    for name, (several, doubled) in points.items():
        out(bold(name))
        for line in curve_of(several, doubled):
            out(f"  {line}")
