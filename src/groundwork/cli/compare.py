"""`groundwork compare`: two runs paired case by case, or several rated."""

from pathlib import Path

import click

from groundwork.cli.compared import (
    find_suite,
    load_runs,
    metrics_for,
    open_runs,
    pick_metric,
    say_comparison,
    say_ratings,
    say_win_rate,
)
from groundwork.cli.measured import write_page
from groundwork.cli.terminal import app_option, dim, json_option, out_json, talk
from groundwork.evaluate.compare import compare
from groundwork.evaluate.ratings import rate_runs
from groundwork.evaluate.win_rates import win_rate
from groundwork.store.folder import Folder

EPILOG = """\b
Examples:
  groundwork compare last~1 last              # the two newest; or by their ids
  groundwork compare run_… run_… --win-rate answer.correct --html compared.html
  groundwork compare run_… run_… run_… --metric answer.correct"""


@click.command(epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN [RUN]...")
@click.option("--metric", default="", help="What more than two runs are rated by. Default: the first that all have.")
@click.option(
    "--win-rate", "wins", default="", metavar="METRIC", help="Also how often B beats A on this metric, ties as half, at equal length too."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the comparison as one HTML file.")
@click.option("--suite", help="Where the runs' cases are. Default: the suite in suites/ that still has them.")
@app_option
@json_option
def command(runs: tuple[str, ...], metric: str, wins: str, html: Path | None, suite: str | None, root: Path, as_json: bool) -> None:
    """Compare run B with run A over the cases both answered; more than two are rated, and compared in pairs.

    Pairing takes the difficulty of the cases out. A winner is named where the test holds after Holm's correction over all metrics (or pairs).
    """
    if len(runs) < 2:
        raise click.UsageError("Name two runs or more.")
    if len(runs) > 2 and (wins or html):
        raise click.UsageError("--win-rate and --html are for two runs.")
    folder = open_runs(root.resolve())
    try:
        if len(runs) > 2:
            _several(root.resolve(), folder, runs, metric, suite, as_json=as_json)
        else:
            _two(root.resolve(), folder, runs, wins, html, suite, as_json=as_json)
    finally:
        folder.close()


def _two(root: Path, folder: Folder, runs: tuple[str, ...], wins: str, html: Path | None, path: str | None, *, as_json: bool) -> None:
    a, b = load_runs(folder, runs)
    suite = find_suite(root, folder, a.run, path)
    metrics = metrics_for((a, b), suite)
    comparison = compare(a, b, metrics)
    won = win_rate(a, b, pick_metric(metrics, wins, (a, b))) if wins else None
    if html is not None:
        from groundwork.evaluate.page import comparison_page

        write_page(html, comparison_page(a, b, comparison, metrics, cases=suite.examples if suite else ()))
    if as_json:
        out_json({"comparison": comparison, "win_rate": won} if won else comparison)
        return
    say_comparison(comparison)
    if won is not None:
        say_win_rate(won)


def _several(root: Path, folder: Folder, runs: tuple[str, ...], name: str, path: str | None, *, as_json: bool) -> None:
    found = load_runs(folder, runs)
    metrics = metrics_for(found, find_suite(root, folder, found[0].run, path))
    metric = pick_metric(metrics, name, found)
    rated = rate_runs(found, metric)
    if as_json:
        out_json(rated)
        return
    if not name:
        talk(dim(f"rated by {metric.name}; name another with --metric"))
    say_ratings(rated, {one.run.id: one.run.change or one.run.release or one.run.target for one in found})
