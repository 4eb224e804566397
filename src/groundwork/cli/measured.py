"""What several commands share: measuring with a progress bar, and saying what a run or a gate came to. Several runs: see compared.py."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from groundwork.cli.terminal import bad, bold, dim, good, moment, out, progress, table, talk
from groundwork.core.measure import Decision, Estimate, GateResult
from groundwork.core.text import shorten
from groundwork.evaluate.figures import if_wrong
from groundwork.evaluate.measured import Asked, Measured
from groundwork.evaluate.registry import Unit
from groundwork.evaluate.report import faults, unscored, wrong_answers
from groundwork.evaluate.runner import Progress
from groundwork.evaluate.suite import Suite
from groundwork.evaluate.thresholds import climb
from groundwork.store.files import guarding
from groundwork.store.folder import Folder

_UNREAD = {"unparseable": "unreadable", "error": "where the scorer broke"}
_MOST_FAULTS = 3
_COLOURS = {"pass": good, "fail": bad, "undecided": bold}


async def measure_change(
    root: Path, folder: Folder, suite: str | None, *, split: str | None = None, change: str = "", how: Asked | None = None
) -> Measured:
    """Open the application (with a change, if one is named) and run it over a suite, with a progress bar."""
    from groundwork.loop.measure import measure, open_candidate, suite_of

    async with open_candidate(root, folder, change=change) as live:
        section = live.app.settings.config.gate
        loaded = suite_of(root, folder, suite, section)
        is_gates = section is not None and loaded.path.resolve() == (root / section.suite).resolve()
        chosen = split if split is not None else section.split if section and is_gates else ""
        with showing(loaded, how or Asked()) as shown:
            return await measure(live, loaded, split=chosen, change=change, how=shown)


@contextmanager
def showing(suite: Suite, how: Asked) -> Generator[Asked]:
    """The same, with a progress bar on stderr."""
    with progress(f"evaluating {suite.name}", "cases") as update:

        def report(state: Progress) -> None:
            update(state.done, state.total, f"{state.errors} errors" if state.errors else "")

        yield msgspec.structs.replace(how, progress=report)


def say_run(measured: Measured) -> None:
    """The figures of a run."""
    run = measured.run
    split = f", split {run.split!r}" if run.split else ""
    what = f" with {run.change}" if run.change else f" release {run.release}" if run.release else " as written" if run.config else ""
    what += f", the answers of {run.scored_from}" if run.scored_from else ""
    cases = f"{run.n} answers in {run.repeats} repeats" if run.repeats > 1 else f"{run.n} cases"
    out(f"{bold(run.suite)}{split}: {cases}, {run.target}{what}  {dim(moment(run.started))}")
    rows = [_figure_row(name, figure, measured) for name, figure in run.metrics.items()]
    table(rows, ("metric", "value", "95 % interval", "n", "method"))
    for name, counts in run.unread.items():
        out(f"{name}: {_unread(name, counts, measured)}")
    for rung in climb(measured.suite.actions, run.metrics, measured.suite.metrics):
        out(f"{good(rung.then) if rung.state == 'earned' else rung.then}: {rung.sentence}")
    kept = sum(result.kept for result in measured.results()) if not run.config else 0
    if kept:
        talk(dim(f"{kept} answers were kept from earlier runs: --no-keep-answers asks again"))
    for metric, reasons in unscored(measured.results(), measured.suite.metrics).items():
        talk(dim(f"{metric}: not scored: {', '.join(f'{count} × {reason}' for reason, count in reasons.items())}"))
    if run.errors:
        again = "groundwork eval" if run.config else "the same command with"
        cases = "1 case" if run.errors == 1 else f"{run.errors} cases"
        talk(bad(f"{cases} ended in an error: neither right nor wrong. Ask again: {again} --resume {run.id} --retry-errors"))
        for fault, count in list(faults(measured.results()).items())[:_MOST_FAULTS]:
            talk(f"  {count} × {fault}")
    out(dim(run.id))


def _figure_row(name: str, figure: Estimate, measured: Measured) -> tuple[str, ...]:
    metric = measured.suite.metrics.get(name) or measured.suite.metrics.get(name.rpartition(".")[0])  # pass@k stands behind its metric
    unit = metric.scorer.unit if metric else "share"
    limits = f"[{figure_text(figure.low, unit)}, {figure_text(figure.high, unit)}]"
    return name, figure_text(figure.value, unit), limits, str(figure.n), dim(figure.method)


def _unread(name: str, counts: Mapping[str, int], measured: Measured) -> str:
    """What could not be read, and what the figure were if all of it was wrong."""
    run, metric = measured.run, measured.suite.metrics.get(name)
    said = ", ".join(f"{count} {_UNREAD.get(status, status)}" for status, count in counts.items())
    figure = run.metrics.get(name)
    wrong = if_wrong(figure, sum(counts.values()), metric, repeats=run.repeats) if figure and metric else None
    if figure is None or metric is None or wrong is None:
        return f"{said} of {run.n}: in no figure"
    unit = metric.scorer.unit
    return f"{figure_text(figure.value, unit)}, {said} of {run.n}; {figure_text(wrong, unit)} were they wrong"


def write_page(path: Path, page: str) -> None:
    """Write an HTML file, and say so."""
    with guarding(path):
        path.write_text(page, encoding="utf-8")
    talk(f"wrote {path}")


def say_wrong(measured: Measured, most: int) -> None:
    """The worst wrong answers, with what was expected and the trace to look at."""
    wrong = wrong_answers(measured.results(), measured.suite, limit=most)
    if not wrong:
        return
    out(f"\n{bold('wrong answers')} (the first {len(wrong)}):")
    for one in wrong:
        out(f"  {bad(one.fault)}: {one.example.question}")
        said = one.result.answer.split("\n\n_From", 1)[0]
        out(f"    said: {shorten(said, 200)}")
        out(f"    expected: {shorten(one.expected, 160)}  {dim(one.result.trace)}")


def say_gate(result: GateResult) -> None:
    """The gate's decision and its reasons."""
    for ruling in result.rulings:
        out(f"  {colour(ruling.decision)}  {ruling.requirement}: {ruling.sentence}")
    look = f"; look {result.look} of {result.looks}, bounds at {result.level:.2%}" if result.looks else ""
    out(f"gate: {colour(result.decision)}  {dim(f'(margin {result.margin:g}; {result.run} against {result.current}{look})')}")
    if result.note:
        talk(f"note: {result.note}")


def colour(decision: Decision) -> str:
    return _COLOURS[decision](decision)


def figure_text(value: float, unit: Unit) -> str:
    """A figure in its unit."""
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 10 else f"{value:.3g} s"
    if unit == "USD":
        return f"${value:.5f}"
    return f"{value:.3f}" if unit == "share" else f"{value:.3g} {unit}"


def number(value: float, metric: str) -> str:
    """A figure of one of groundwork's own metrics in its unit."""
    return figure_text(value, "s" if metric.startswith("latency") else "USD" if metric == "cost" else "share")


def interval(figure: Estimate) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}], n = {figure.n}"
