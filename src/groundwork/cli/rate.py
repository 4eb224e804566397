"""`groundwork rate`: ratings from pairwise verdicts, or from runs."""

from pathlib import Path

import click

from groundwork.cli.compared import find_suite, is_run, load_runs, metrics_for, open_runs, pick_metric, say_ratings
from groundwork.cli.terminal import app_option, json_option, out_json
from groundwork.evaluate.ratings import Table, rate, rate_runs, read_games

EPILOG = """\b
Examples:
  groundwork rate verdicts.jsonl       # lines of {"first": "a", "second": "b", "score": 1, "item": "q1"}; a tie is 0.5
  groundwork rate run_… run_… run_…"""


@click.command(epilog=EPILOG)
@click.argument("what", nargs=-1, required=True, metavar="RUN... | FILE")
@click.option("--metric", default="", help="What runs are rated by. Default: the first that all have.")
@app_option
@json_option
def command(what: tuple[str, ...], metric: str, root: Path, as_json: bool) -> None:
    """Rate systems by who beat whom: Bradley-Terry with intervals, and Elo with what the order of the games does to it.

    Runs meet on every case that both scored. Systems that never met, directly or through others, cannot be rated together.
    """
    rated = rate(read_games(Path(what[0]))) if len(what) == 1 and not is_run(what[0]) else _runs(root.resolve(), what, metric)
    if as_json:
        out_json(rated)
    else:
        say_ratings(rated)


def _runs(root: Path, identifiers: tuple[str, ...], name: str) -> Table:
    folder = open_runs(root)
    try:
        found = load_runs(folder, identifiers)
        metrics = metrics_for(found, find_suite(root, folder, found[0].run, None))
        return rate_runs(found, pick_metric(metrics, name, found))
    finally:
        folder.close()
