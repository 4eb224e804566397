"""`groundwork components RUN`: what each step of the pipeline takes, and which one lost the wrong answers."""

from pathlib import Path

import click

from groundwork.app.live import read_settings
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run, table, talk
from groundwork.core.config import unknown
from groundwork.core.measure import Estimate
from groundwork.evaluate.audit.sensitivity import QUALITY
from groundwork.evaluate.components import Components, components
from groundwork.evaluate.conversation import Conversation
from groundwork.loop.stored import read_stored

EPILOG = """\b
Example:
  groundwork components run_…
  groundwork components run_… --metric facts.found --json"""


@click.command(epilog=EPILOG)
@click.argument("identifier", metavar="RUN")
@click.option("--suite", help="The suite it was run over. Default: the one of suites/ that holds its cases.")
@click.option("--metric", default="", help="Which answers are wrong. Default: the suite's first metric that judges answers.")
@app_option
@json_option
def command(identifier: str, suite: str | None, metric: str, root: Path, as_json: bool) -> None:
    """Show a RUN by its components: time and tokens of each step, how far the facts came, and where wrong answers were lost.

    Needs the traces of its answers, which runs of the application itself leave.
    """
    found = run(_components(root.resolve(), identifier, suite, metric))
    if as_json:
        out_json(found)
    else:
        say_components(found)


async def _components(root: Path, identifier: str, suite: str | None, metric: str) -> Components:
    folder = open_folder(root)
    try:
        settings = await read_settings(root, folder)
        stored = await read_stored(root, folder, identifier, suite=suite, gate=settings.config.gate)
        metrics = {name: one for name, one in stored.suite.metrics.items() if one.scorer.unit in QUALITY and one.percent is None}
        name = metric or next(iter(metrics), "")
        if name not in metrics:
            raise unknown("metric", name, metrics, str(stored.suite.path))
        return components(identifier, stored.evaluated.results, stored.examples, stored.traces, metrics[name])
    finally:
        folder.close()


def say_components(found: Components) -> None:
    """Steps, the facts' way, rails, and what wrong answers are put down to."""
    out(f"{bold(found.run)}: {found.answers} answers, {found.traced} with their trace")
    if found.steps:
        rows = [
            (
                step.name,
                str(step.n),
                f"{step.share.value:.0%} [{step.share.low:.0%}, {step.share.high:.0%}]",
                f"{step.median.value * 1000:.1f} ms",
                f"{step.p95.value * 1000:.1f} ms",
                f"{step.failed.value:.0%}",
                _tokens(step.input_tokens, step.output_tokens),
            )
            for step in found.steps
        ]
        table(rows, ("step", "answers", "share of the time", "p50", "p95", "failed", "tokens in, out"))
    if found.retrieval:
        out(f"\n{bold('how far the facts came')}")
        table([(where, _share(figure), str(figure.n)) for where, figure in found.retrieval.items()], ("all facts", "share", "n"))
    if found.verdicts:
        out(f"\n{bold('rails')}")
        table([(verdict, _share(figure), str(figure.n)) for verdict, figure in found.verdicts.items()], ("verdict", "answers", "n"))
    if found.conversation:
        say_conversation(found.conversation)
    out(f"\n{found.wrong} wrong answers by {found.metric}")
    if found.attributions:
        rows = [(one.cause, str(len(one.cases)), _share(one.share), one.meaning) for one in found.attributions]
        table(rows, ("lost at", "answers", "share of the wrong ones", "meaning"))
    if found.traced < found.answers:
        talk(dim(f"{found.answers - found.traced} answers have no trace here: their steps are in no figure"))


def say_conversation(found: Conversation) -> None:
    """Turn by turn, and the whole."""
    out(f"\n{bold('conversations')}: {found.conversations}, by {found.metric}")
    rows = [(f"turn {turn}", _share(figure), _share(found.reached[turn]), str(figure.n)) for turn, figure in found.turns.items()]
    table(rows, ("", "right", "goal reached by then", "n"))
    out(f"every turn right {_share(found.all_right)}; came to the end {_share(found.ended)}")
    median = found.turns_to_success
    out(f"turns to success {median.value:g} [{median.low:g}, {median.high:g}]" if median else "half or more never reached the goal")


def _share(figure: Estimate) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _tokens(sent: Estimate | None, said: Estimate | None) -> str:
    return f"{sent.value:.0f}, {said.value:.0f}" if sent and said else "–"
