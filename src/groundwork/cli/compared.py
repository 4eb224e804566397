"""Runs as commands name them, and what is said of several of them: comparison, win rate, ratings, slices."""

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from groundwork.app.config import check_folder
from groundwork.cli.measured import figure_text
from groundwork.cli.terminal import bold, dim, good, out, table, talk
from groundwork.core.errors import ConfigError, InputError, NotFound
from groundwork.core.measure import Estimate, Run
from groundwork.core.text import shorten
from groundwork.evaluate.anomalies import Anomaly
from groundwork.evaluate.comparable import metrics_of_runs
from groundwork.evaluate.compare import Comparison, Difference, in_words
from groundwork.evaluate.journal import list_runs
from groundwork.evaluate.ratings import Table, circles_in_words
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.reliability import Reliability
from groundwork.evaluate.report import Evaluated, load_evaluated
from groundwork.evaluate.reversals import Reversal, SliceDifference
from groundwork.evaluate.slices import Search
from groundwork.evaluate.suite import Suite, load_suite
from groundwork.evaluate.win_rates import Won
from groundwork.store.folder import NAME, Folder

_SUITES = "suites/*.toml"
_LAST = re.compile(r"last(?:~(\d{1,6}))?")


def open_runs(root: Path) -> Folder:
    """The state folder that runs are kept in: an application's, or one that only evaluates. Raises ConfigError where there is neither."""
    if not (root / NAME).is_dir():
        check_folder(root)
    return Folder(root)


def load_runs(folder: Folder, identifiers: Sequence[str]) -> list[Evaluated]:
    """Finished runs with their results, by id or as `last`, `last~1` and so on. Raises NotFound, InputError for one that is not finished."""
    found = [load_evaluated(folder.run_files, _named(folder, identifier)) for identifier in identifiers]
    for one in found:
        if one.run.finished is None:
            raise InputError(f"{one.run.id} is not finished", fix=f"resume it: `groundwork eval --resume {one.run.id}`")
    return found


def is_run(name: str) -> bool:
    """Whether a word on the command line names a run."""
    return name.startswith("run_") or _LAST.fullmatch(name) is not None


def _named(folder: Folder, name: str) -> str:
    found = _LAST.fullmatch(name)
    if found is None:
        return name
    back = int(found[1] or 0)
    finished = [run.id for run in list_runs(folder.run_files) if run.finished is not None]
    if back >= len(finished):
        raise NotFound(f"there is no run {name!r}: {len(finished)} are finished", fix="see `groundwork list runs`")
    return finished[back]


def find_suite(root: Path, folder: Folder, run: Run, path: str | None) -> Suite | None:
    """The suite that a run was over: the one named, else one in suites/ that still has the run's cases. None where there is none."""
    if path is not None:
        chosen = Path(path) if Path(path).exists() else root / path
        return load_suite(chosen, root=root, datasets=folder.dataset_files)
    for candidate in sorted(root.glob(_SUITES)):
        with contextlib.suppress(ConfigError):  # one that cannot be read is not the one this run was over
            suite = load_suite(candidate, root=root, datasets=folder.dataset_files)
            if suite.sha256 == run.suite_sha256:
                return suite
    return None


def metrics_for(runs: Iterable[Evaluated], suite: Suite | None) -> dict[str, Metric]:
    """The metrics of runs, as the suite has them where it is at hand."""
    return metrics_of_runs((one.run for one in runs), suite.metrics if suite else None)


def pick_metric(metrics: Mapping[str, Metric], name: str, runs: Sequence[Evaluated]) -> Metric:
    """The metric named, else the first that is a mean and that every run has a figure of. Raises InputError where there is none."""
    if name:
        if name not in metrics:
            raise InputError(f"no metric {name!r} in these runs", fix=f"known: {', '.join(metrics)}")
        return metrics[name]
    for metric in metrics.values():
        if metric.percent is None and all(metric.name in one.run.metrics for one in runs):
            return metric
    raise InputError("these runs have no metric in common", fix="evaluate them with the same metrics")


def questions_of(suite: Suite | None) -> dict[str, str]:
    """What was asked, by the case's name; empty where the suite is not at hand."""
    return {example.id: example.question for example in suite.examples} if suite else {}


# -- saying


def say_comparison(comparison: Comparison) -> None:
    """Two runs, metric by metric."""
    out(f"{bold('A')} {comparison.a}\n{bold('B')} {comparison.b}\n{comparison.pairs} cases answered in both")
    for name, only in (("A", comparison.only_a), ("B", comparison.only_b)):
        if only:
            talk(f"{len(only)} cases have an answer in {name} only: {', '.join(only[:5])}")
    for note in (*comparison.left_out, *comparison.notes):
        talk(f"note: {note}")
    rows = [
        (
            one.metric,
            figure_text(one.before.value, one.unit),
            figure_text(one.after.value, one.unit),
            str(one.difference.n),
            _difference(one),
            f"{one.adjusted:.2g}",
            "" if one.detectable is None else in_words(one.detectable, one.unit),
            good(one.sentence) if one.winner == "B" else one.sentence,
        )
        for one in comparison.differences
    ]
    table(rows, ("metric", "A", "B", "pairs", "B less A", "p (Holm)", "detectable", "verdict"))


def say_win_rate(won: Won) -> None:
    """How often B is better than A."""
    out(f"\n{bold('win rate')} on {won.metric}: {won.sentence}")
    if won.at_equal_length is not None:
        fair = won.at_equal_length
        lengths = f"A's answers have {won.mean_lengths[0]:.0f} characters on average, B's {won.mean_lengths[1]:.0f}"
        out(f"  at equal length: {fair.value:.1%} [{fair.low:.1%}, {fair.high:.1%}]; {lengths}")
    for name, rate in won.by_length.items():
        out(f"  where B is {name}: {rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}], n = {rate.n}")


def say_ratings(found: Table, names: Mapping[str, str] | None = None) -> None:
    """A table of ratings, best first, and every pair."""
    rows = [
        (
            one.name,
            "" if one.figure is None else _interval(one.figure),
            f"{one.rating.value:.0f} [{one.rating.low:.0f}, {one.rating.high:.0f}]",
            f"{one.elo.value:.0f} [{one.elo.low:.0f}, {one.elo.high:.0f}]",
            f"{one.won:g} of {one.games}",
            (names or {}).get(one.name, ""),
        )
        for one in found.standings
    ]
    table(rows, ("name", found.metric or "figure", "Bradley-Terry", "Elo, over orders", "won", "what"))
    talk(dim(f"{found.method}; intervals of Elo show what the order of the games alone does"))
    for sentence in circles_in_words(found.transitivity):
        talk(f"note: {sentence}")
    if found.pairwise:
        out()
        pairs = [(*name.split(" "), _difference(one), f"{one.adjusted:.2g}", one.sentence) for name, one in found.pairwise.items()]
        table(pairs, ("A", "B", "B less A", "p (Holm)", "verdict"))


def say_search(found: Search, most: int) -> None:
    """The slices of one run, those that are surest to be bad first."""
    out(f"{bold(found.metric)} {_interval(found.whole)}, n = {found.whole.n}; {found.searched} slices")
    rows = [
        (
            one.name,
            str(one.n),
            _interval(one.figure),
            f"{one.rest:.3f}",
            f"{one.p:.2g}",
            bold("worse beyond chance") if one.is_worse else dim("no worse than chance explains"),
        )
        for one in found.slices[:most]
    ]
    if rows:
        table(rows, ("slice", "items", "figure", "others", "p", "verdict"))
    talk(dim(f"p: {found.method}"))


def say_slice_differences(found: Sequence[SliceDifference], reversed_: Sequence[Reversal], metric: Metric, most: int) -> None:
    """Two runs, slice by slice."""
    rows = [
        (
            one.name,
            str(one.n),
            f"{_signed(one.difference, metric)}",
            f"{one.adjusted:.2g}",
            f"{one.winner} is better{', against the whole' if one.against else ''}" if one.winner else "not distinguishable",
        )
        for one in found[:most]
    ]
    if rows:
        table(rows, (f"{metric.name} in", "pairs", "B less A", "p (Holm)", "verdict"))
    for one in reversed_:
        out(bold(one.sentence))
    if not reversed_:
        talk(dim("no Simpson's reversal: in no facet does every slice say the opposite of the whole"))


def say_reliability(found: Reliability) -> None:
    out(found.sentence)


def say_anomalies(found: Sequence[Anomaly]) -> None:
    for one in found:
        out(f"{bold('odd')}: {one.sentence} ({shorten(', '.join(one.examples[:4]), 100)})")


def _difference(one: Difference) -> str:
    scale = 100 if one.unit == "share" else 1
    value, low, high = (f"{scale * number:+.1f}" if one.unit == "share" else f"{number:+.3g}" for number in _numbers(one.difference))
    return f"{value} [{low}, {high}]"


def _signed(difference: Estimate, metric: Metric) -> str:
    numbers = [f"{100 * one:+.1f}" if metric.scorer.unit == "share" else f"{one:+.3g}" for one in _numbers(difference)]
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def _interval(figure: Estimate) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _numbers(figure: Estimate) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high
