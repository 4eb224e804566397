"""What several commands share: measuring with a progress bar, and saying what a run, a comparison or a gate came to."""

from pathlib import Path

from groundwork.cli.terminal import bad, bold, dim, good, moment, out, progress, table, talk
from groundwork.core.measure import Decision, Estimate, GateResult
from groundwork.core.text import shorten
from groundwork.evaluate.compare import Comparison
from groundwork.evaluate.report import unscored, wrong_answers
from groundwork.evaluate.runner import Progress
from groundwork.loop.measure import Measured, measure, open_candidate, suite_of
from groundwork.store.folder import Folder

_COLOURS = {"pass": good, "fail": bad, "undecided": bold}


async def measure_change(
    root: Path,
    folder: Folder,
    suite: str | None,
    *,
    split: str | None = None,
    change: str = "",
    resume: str | None = None,
    retry_errors: bool = False,
) -> Measured:
    """Open the application (with a change, if one is named) and run it over a suite, with a progress bar."""
    async with open_candidate(root, folder, change=change) as live:
        section = live.app.settings.config.gate
        loaded = suite_of(root, folder, suite, section)
        is_gates = section is not None and loaded.path.resolve() == (root / section.suite).resolve()
        chosen = split if split is not None else section.split if section and is_gates else ""
        with progress(f"evaluating {loaded.name}", "cases") as update:

            def report(state: Progress) -> None:
                update(state.done, state.total, f"{state.errors} errors" if state.errors else "")

            return await measure(live, loaded, split=chosen, change=change, resume=resume, retry_errors=retry_errors, progress=report)


def say_run(measured: Measured) -> None:
    """The figures of a run."""
    run = measured.run
    split = f", split {run.split!r}" if run.split else ""
    what = f"with {run.change}" if run.change else f"release {run.release}" if run.release else "as written"
    out(f"{bold(run.suite)}{split}: {run.n} cases, {run.target} {what}  {dim(moment(run.started))}")
    rows = [
        (name, number(figure.value, name), f"[{number(figure.low, name)}, {number(figure.high, name)}]", str(figure.n), dim(figure.method))
        for name, figure in run.metrics.items()
    ]
    table(rows, ("metric", "value", "95 % interval", "n", "method"))
    for metric, reasons in unscored(measured.evaluated.results, measured.suite.metrics).items():
        talk(dim(f"{metric}: not scored: {', '.join(f'{count} × {reason}' for reason, count in reasons.items())}"))
    if run.errors:
        talk(
            bad(
                f"{run.errors} cases ended in an error: they are neither right nor wrong. Ask them again: groundwork eval --resume {run.id} --retry-errors"
            )
        )
    out(dim(run.id))


def say_wrong(measured: Measured, most: int) -> None:
    """The worst wrong answers, with what was expected and the trace to look at."""
    wrong = wrong_answers(measured.evaluated, measured.suite, limit=most)
    if not wrong:
        return
    out(f"\n{bold('wrong answers')} (the first {len(wrong)}):")
    for one in wrong:
        out(f"  {bad(one.fault)}: {one.example.question}")
        said = one.result.answer.split("\n\n_From", 1)[0]
        out(f"    said: {shorten(said, 200)}")
        out(f"    expected: {shorten(one.expected, 160)}  {dim(one.result.trace)}")


def say_comparison(comparison: Comparison) -> None:
    """Two runs, metric by metric."""
    out(f"{bold('A')} {comparison.a}\n{bold('B')} {comparison.b}\n{comparison.pairs} cases answered in both")
    for name, only in (("A", comparison.only_a), ("B", comparison.only_b)):
        if only:
            talk(f"{len(only)} cases have an answer in {name} only: {', '.join(only[:5])}")
    rows = [
        (one.metric, number(one.before.value, one.metric), number(one.after.value, one.metric), one.sentence)
        for one in comparison.differences
    ]
    table(rows, ("metric", "A", "B", "verdict"))


def say_gate(result: GateResult) -> None:
    """The gate's decision and its reasons."""
    for ruling in result.rulings:
        out(f"  {colour(ruling.decision)}  {ruling.requirement}: {ruling.sentence}")
    out(f"gate: {colour(result.decision)}  {dim(f'(margin {result.margin:g}; {result.run} against {result.current})')}")


def colour(decision: Decision) -> str:
    return _COLOURS[decision](decision)


def number(value: float, metric: str) -> str:
    """A figure in its unit."""
    if metric.startswith("latency"):
        return f"{value * 1000:.0f} ms"
    if metric == "cost":
        return f"${value:.5f}"
    return f"{value:.3f}"


def interval(figure: Estimate) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}], n = {figure.n}"
