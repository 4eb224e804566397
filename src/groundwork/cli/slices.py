"""`groundwork slices`: where a run is bad, or where one run beats another."""

from pathlib import Path

import click

from groundwork.cli.compared import (
    find_suite,
    load_runs,
    metrics_for,
    open_runs,
    pick_metric,
    questions_of,
    say_anomalies,
    say_reliability,
    say_search,
    say_slice_differences,
)
from groundwork.cli.terminal import app_option, json_option, out_json
from groundwork.evaluate.anomalies import anomalies
from groundwork.evaluate.comparable import check_same_cases
from groundwork.evaluate.facets import facets_of
from groundwork.evaluate.figures import items_of
from groundwork.evaluate.reliability import reliability
from groundwork.evaluate.reversals import reversals, slice_differences
from groundwork.evaluate.slices import LEAST, search
from groundwork.store.folder import Folder

EPILOG = """\b
Examples:
  groundwork slices last                      # the worst of all slices, corrected for how many there are
  groundwork slices run_… --by tag --by topic
  groundwork slices run_… run_…               # where B beats A; Simpson's reversals are named"""


@click.command(epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN]")
@click.option(
    "--by", multiple=True, metavar="FACET", help="A key of metadata, `tag`, `split`, `question length` or `answer length`. Default: all."
)
@click.option("--metric", default="", help="Default: the first of the run.")
@click.option("--least", default=LEAST, show_default=True, help="Items that a slice must have.")
@click.option("--single", is_flag=True, help="Single facets only, not pairs of them.")
@click.option("--most", default=20, show_default=True, help="How many slices to show.")
@click.option("--suite", help="Where the runs' cases are. Default: the suite in suites/ that still has them.")
@app_option
@json_option
def command(
    runs: tuple[str, ...],
    by: tuple[str, ...],
    metric: str,
    least: int,
    single: bool,
    most: int,
    suite: str | None,
    root: Path,
    as_json: bool,
) -> None:
    """Cut a run by everything its cases are labelled with, and find the slice that is worse than chance explains.

    With two runs: who leads in which slice, and whether a lead is only another mix of cases.
    """
    if len(runs) > 2 or least < 1:
        raise click.UsageError("Name one run or two, and --least 1 or more.")
    folder = open_runs(root.resolve())
    try:
        if len(runs) == 1:
            _one(root.resolve(), folder, runs[0], by, metric, least, suite, pairs=not single, most=most, as_json=as_json)
        else:
            _two(root.resolve(), folder, runs, by, metric, least, suite, most=most, as_json=as_json)
    finally:
        folder.close()


def _one(
    root: Path,
    folder: Folder,
    identifier: str,
    by: tuple[str, ...],
    name: str,
    least: int,
    path: str | None,
    *,
    pairs: bool,
    most: int,
    as_json: bool,
) -> None:
    (one,) = load_runs(folder, (identifier,))
    suite = find_suite(root, folder, one.run, path)
    metrics = metrics_for((one,), suite)
    metric = pick_metric(metrics, name, (one,))
    facets = facets_of(one.results, questions_of(suite))
    found = search(items_of(one.results, metric), metric, facets, by=by, least=least, pairs=pairs)
    trusted, odd = reliability((one,), metric), anomalies(one.results, metrics)
    if as_json:
        out_json({"search": found, "reliability": trusted, "anomalies": odd})
        return
    say_search(found, most)
    say_reliability(trusted)
    say_anomalies(odd)


def _two(
    root: Path,
    folder: Folder,
    runs: tuple[str, ...],
    by: tuple[str, ...],
    name: str,
    least: int,
    path: str | None,
    *,
    most: int,
    as_json: bool,
) -> None:
    a, b = load_runs(folder, runs)
    check_same_cases(a, b)
    suite = find_suite(root, folder, a.run, path)
    metric = pick_metric(metrics_for((a, b), suite), name, (a, b))
    facets = facets_of((*a.results, *b.results), questions_of(suite), answers=False)
    one, other = items_of(a.results, metric), items_of(b.results, metric)
    found = slice_differences(one, other, metric, facets, by=by, least=least)
    turned = reversals(one, other, metric, facets)
    if as_json:
        out_json({"slices": found, "reversals": turned})
        return
    say_slice_differences(found, turned, metric, most)
