"""`groundwork compare`: two runs, paired case by case."""

from pathlib import Path

import click

from groundwork.app.live import read_settings
from groundwork.cli.measured import say_comparison
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, json_option, out_json, run
from groundwork.evaluate.compare import Comparison, compare
from groundwork.evaluate.report import load_evaluated
from groundwork.evaluate.scorers import all_scorers, metrics_of
from groundwork.loop.measure import suite_of


@click.command(epilog="\b\nExample:\n  groundwork compare run_… run_…")
@click.argument("a")
@click.argument("b")
@click.option("--suite", help="For scorers of your own; the shipped ones are known without it.")
@app_option
@json_option
def command(a: str, b: str, suite: str | None, root: Path, as_json: bool) -> None:
    """Compare run B with run A over the cases both answered. Pairing takes the difficulty of the cases out."""
    comparison = run(_compare(root.resolve(), a, b, suite))
    if as_json:
        out_json(comparison._asdict() | {"differences": [one._asdict() for one in comparison.differences]})
    else:
        say_comparison(comparison)


async def _compare(root: Path, a: str, b: str, suite: str | None) -> Comparison:
    folder = open_folder(root)
    try:
        metrics = metrics_of(all_scorers())
        if suite is not None:
            settings = await read_settings(root, folder)
            metrics = suite_of(root, folder, suite, settings.config.gate).metrics
        return compare(load_evaluated(folder.run_files, a), load_evaluated(folder.run_files, b), metrics)
    finally:
        folder.close()
