"""`groundwork harvest`: traces and feedback become a dataset."""

import time
from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run, talk
from groundwork.core.errors import InputError
from groundwork.core.measure import Dataset
from groundwork.core.units import Duration
from groundwork.loop.harvest import Harvest, Which
from groundwork.loop.lap import harvest_folder

EPILOG = """\b
Example:
  groundwork harvest
  groundwork harvest --which rated --since 7d --name week-47"""


@click.command(epilog=EPILOG)
@click.option("--name", default="harvest", show_default=True, help="What to call the dataset.")
@click.option(
    "--which", type=click.Choice(["down", "demonstrated", "rated"]), default="down", show_default=True, help="Which answers to take."
)
@click.option("--since", default="30d", show_default=True, help="Feedback no older than this.")
@app_option
@json_option
def command(name: str, which: Which, since: str, root: Path, as_json: bool) -> None:
    """Make a dataset of answers that feedback speaks of, with lineage back to each trace. It never changes in place."""
    try:
        seconds = Duration.parse(since).number
    except ValueError as error:
        raise InputError(f"--since: {error}", fix="write it as 12h, 7d or 30d") from None
    folder = open_folder(root)
    try:
        dataset, gathered = run(
            harvest_folder(
                folder, name=name, which=which, since=time.time() - seconds, how=f"groundwork harvest --which {which} --since {since}"
            )
        )
    finally:
        folder.close()
    if as_json:
        out_json(dataset)
    else:
        say_dataset(dataset, gathered, folder.dataset_files)


def say_dataset(dataset: Dataset, gathered: Harvest, place: Path) -> None:
    out(f"{bold(dataset.id)}: {dataset.n} examples, from {len(dataset.parents)} traces and opinions  {dim(str(place / dataset.id))}")
    unlabelled = sum("unlabelled" in example.tags for example in gathered.examples)
    if unlabelled:
        talk(
            f"{unlabelled} of them say only that the answer was bad: a person has to write what it should have been before they can be scored"
        )
