"""`groundwork tune data`: training sets, from raw files or from a harvested dataset."""

import os
from importlib import import_module
from pathlib import Path
from typing import get_args

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, json_option, out, out_json, run, table, talk
from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import Dataset, Example
from groundwork.core.record import Trace
from groundwork.datasets.dataset import read_dataset
from groundwork.datasets.rows import Task
from groundwork.datasets.training import PARTS, TrainingSet, write_training
from groundwork.tuning.harvested import Harvested, span_rows, text_rows
from groundwork.tuning.own_rows import read_own
from groundwork.tuning.prepare.__main__ import SETS, Prepare

EPILOG = """\b
Examples:
  groundwork tune data
  groundwork tune data reader --from data --out training/reader
  groundwork tune data mine --rows rows.jsonl --task classify --out training/mine
  groundwork tune data mine --from-dataset ds_… --out training/mine
  groundwork tune data intents --from-dataset ds_… --label intent --out training/intents"""


@click.command(epilog=EPILOG)
@click.argument("name", required=False, default="")
@click.option("--from", "source", type=click.Path(path_type=Path, file_okay=False), help="Raw files. Default: $GROUNDWORK_DATA.")
@click.option("--rows", "rows_file", type=click.Path(path_type=Path, dir_okay=False), help="Rows of your own, as JSON lines, instead.")
@click.option("--task", type=click.Choice(get_args(Task)), help="With --rows: what they teach.")
@click.option("--from-dataset", "dataset", default="", metavar="DATASET", help="A harvested dataset of the application instead.")
@click.option("--label", default="", metavar="KEY", help="With --from-dataset: a classifier's rows, labelled by what stands under KEY.")
@click.option("--licence", default="own", show_default=True, help="Of your own rows, documents and answers.")
@click.option(
    "--accept-licence", "accepted", multiple=True, metavar="NAME", help="A generator's licence that you know to allow training on outputs."
)
@click.option("--out", "target", type=click.Path(path_type=Path), help="Where to write the training set; must not exist.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same rows.")
@app_option
@json_option
def command(
    name: str,
    source: Path | None,
    rows_file: Path | None,
    task: Task | None,
    dataset: str,
    label: str,
    licence: str,
    accepted: tuple[str, ...],
    target: Path | None,
    seed: int,
    root: Path,
    as_json: bool,
) -> None:
    """Make the training set NAME; without a name, list those that can be made from raw files.

    With --rows, rows of your own are dealt to train, dev and held by their `group`. With --from-dataset the rows are a dataset's questions
    with the passages that were found for them; answers that a model wrote are refused unless its licence lets outputs be trained on.
    """
    if not name:
        rows = [(one, kind, _how(function)) for one, (kind, function) in SETS.items()]
        out_json([dict(zip(("name", "task", "how"), row, strict=True)) for row in rows]) if as_json else table(
            rows, ("name", "task", "how")
        )
        return
    if target is None:
        raise InputError("where should it be written?", fix="name a folder that does not exist yet: --out training/NAME")
    if rows_file is not None:
        made, left_out = _own(name, rows_file, task, licence, target, seed)
    elif dataset:
        made, left_out = _harvested(name, dataset, label, licence, accepted, target, root)
    else:
        made, left_out = _prepared(name, source, target, seed), {}
    if as_json:
        out_json({"training": made, "left_out": left_out, "folder": str(target)})
        return
    for reason, count in left_out.items():
        talk(f"left out: {count} × {reason}")
    say_training(made, target)


def say_training(made: TrainingSet, folder: Path) -> None:
    """What each part holds, and where it comes from."""
    out(f"{bold(made.name)}, task {made.task}, in {folder}")
    labels = sorted({label for part in PARTS for label in made.labels[part]})
    shown = labels if len(labels) <= 4 else []
    rows = [
        (part, str(made.counts[part]), str(made.groups[part]), *(str(made.labels[part].get(one, 0)) for one in shown)) for part in PARTS
    ]
    table(rows, ("part", "rows", "groups", *shown))
    for origin in made.origins:
        out(f"{origin.rows} rows of {origin.name}, {origin.licence}{f': {origin.note}' if origin.note else ''}")


def _how(function: str) -> str:
    return str(getattr(import_module(function.partition(":")[0]), "HOW", ""))


def _prepared(name: str, source: Path | None, target: Path, seed: int) -> TrainingSet:
    if name not in SETS:
        raise unknown("training set", name, SETS)
    folder = source or (Path(os.environ["GROUNDWORK_DATA"]) if os.environ.get("GROUNDWORK_DATA") else None)
    if folder is None:
        raise ConfigError("no folder of raw files is named", fix="name it with --from, or set GROUNDWORK_DATA")
    task, function = SETS[name]
    module, _, called = function.partition(":")
    prepare: Prepare = getattr(import_module(module), called)
    parts, origins = prepare(folder, seed)
    return write_training(parts, folder=target, name=name, task=task, origins=origins, how=_how(function), seed=seed)


def _own(name: str, path: Path, task: Task | None, licence: str, target: Path, seed: int) -> tuple[TrainingSet, dict[str, int]]:
    if task is None:
        raise ConfigError("what do the rows teach?", fix=f"name it: --task {'|'.join(get_args(Task))}")
    own = read_own(path, task, licence=licence, seed=seed)
    how = f"groundwork tune data {name} --rows {path.name} --task {task}"
    made = write_training(own.parts, folder=target, name=name, task=task, origins=(own.origin,), how=how, seed=seed)
    return made, {"it says what an earlier row says": own.doubled} if own.doubled else {}


def _harvested(
    name: str, identifier: str, label: str, licence: str, accepted: tuple[str, ...], target: Path, root: Path
) -> tuple[TrainingSet, dict[str, int]]:
    dataset, examples, traces = run(_read(root, identifier))
    if label:
        found: Harvested = text_rows(dataset, examples, label, licence=licence, accepted=accepted)
    else:
        found = span_rows(dataset, examples, traces, licence=licence, accepted=accepted)
    if missing := [part for part in PARTS if not found.parts[part]]:
        for reason, count in found.left_out.items():
            talk(f"left out: {count} × {reason}")
        kept = sum(len(rows) for rows in found.parts.values())
        raise InputError(
            f"{len(examples)} examples made {kept} rows, and none for {', '.join(missing)}", fix="harvest more, or label what is left out"
        )
    how = f"groundwork tune data {name} --from-dataset {identifier}" + (f" --label {label}" if label else "")
    task = "classify" if label else "span"
    return write_training(found.parts, folder=target, name=name, task=task, origins=found.origins, how=how), found.left_out


async def _read(root: Path, identifier: str) -> tuple[Dataset, tuple[Example, ...], dict[str, Trace]]:
    """The dataset, its examples, and the traces of theirs that are still kept."""
    folder = open_folder(root)
    try:
        dataset, examples = read_dataset(folder.dataset_files, identifier)
        traces = [await folder.trace_store.get(one.lineage.trace) for one in examples if one.lineage.trace]
        return dataset, examples, {one.id: one for one in traces if one is not None}
    finally:
        folder.close()
