"""`groundwork tune advise`: prompt, retrieval or fine-tuning?"""

from pathlib import Path
from typing import cast, get_args

import click

from groundwork.app.live import read_settings
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run, table, talk
from groundwork.core.config import unknown
from groundwork.core.errors import InputError
from groundwork.core.measure import Example
from groundwork.core.text import fold
from groundwork.evaluate.audit.sensitivity import QUALITY
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.review.modes import count_modes
from groundwork.evaluate.scorers.facts import facts_of, holds
from groundwork.loop.review import latest_review
from groundwork.loop.stored import read_stored
from groundwork.store.folder import Folder
from groundwork.tuning.advice import Advised, Kind, advise_modes, advise_run

EPILOG = """\b
Examples:
  groundwork tune advise run_…
  groundwork tune advise --review --mode wrong-page=information"""


@click.command(epilog=EPILOG)
@click.argument("identifier", metavar="[RUN]", default="")
@click.option("--suite", help="The suite it was run over. Default: the one of suites/ that holds its cases.")
@click.option("--metric", default="", help="Which answers are wrong. Default: the suite's first metric that judges answers.")
@click.option("--review", "is_review", is_flag=True, help="Take the failure modes that a reader named instead of a run's wrong answers.")
@click.option(
    "--mode", "given", multiple=True, metavar="MODE=KIND", help="With --review: a mode is of information, behaviour, form or other."
)
@app_option
@json_option
def command(identifier: str, suite: str | None, metric: str, is_review: bool, given: tuple[str, ...], root: Path, as_json: bool) -> None:
    """Say whether prompting, retrieval or fine-tuning fits the failures of a RUN (default: the latest), with counts and intervals.

    A failure is of information where the facts did not reach the model, of behaviour where they did, of form where only the form is wrong.
    """
    folder = open_folder(root)
    try:
        if is_review:
            found = run(_from_review(folder, identifier, _kinds(given)))
        else:
            found = run(_from_run(root.resolve(), folder, identifier, suite, metric))
    finally:
        folder.close()
    if as_json:
        out_json(found)
    else:
        say_advice(found)


def say_advice(found: Advised) -> None:
    """Counts by kind, then what to try in order."""
    out(f"{found.failures} failures of {found.looked_at} that were looked at")
    rows = [
        (one.kind, str(len(one.items)), f"{one.share.value:.0%} [{one.share.low:.0%}, {one.share.high:.0%}]", _of(one.of), dim(one.meaning))
        for one in found.counts
    ]
    if rows:
        table(rows, ("kind", "failures", "of the failures", "by", "meaning"))
    if found.steps:
        out(f"\n{bold('to try, in this order')}")
        table(
            [(str(place), step.remedy, str(step.failures), step.why) for place, step in enumerate(found.steps, start=1)],
            ("", "try", "may mend", "why"),
        )
    out(f"\n{bold(found.sentence)}")


def _of(causes: dict[str, int]) -> str:
    return ", ".join(f"{count} {cause}" for cause, count in causes.items())


def _kinds(given: tuple[str, ...]) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for one in given:
        mode, _, kind = one.partition("=")
        if kind not in get_args(Kind):
            raise unknown("kind of failure", kind or one, get_args(Kind))
        found[mode] = cast("Kind", kind)
    return found


async def _from_run(root: Path, folder: Folder, identifier: str, suite: str | None, metric: str) -> Advised:
    settings = await read_settings(root, folder)
    runs = await folder.runs.list(limit=1)
    if not identifier and not runs:
        raise InputError("there is no run yet", fix="evaluate first: groundwork eval")
    stored = await read_stored(root, folder, identifier or runs[0].id, suite=suite, gate=settings.config.gate)
    metrics = {name: one for name, one in stored.suite.metrics.items() if one.scorer.unit in QUALITY and one.percent is None}
    name = metric or next(iter(metrics), "")
    if name not in metrics:
        raise unknown("metric", name, metrics, str(stored.suite.path))
    chosen: list[Metric] = [metrics[name], *(one for other, one in metrics.items() if other != name)]
    if not identifier:
        talk(dim(f"the latest run: {runs[0].id}"))
    texts = _texts(folder)
    return advise_run(
        stored.evaluated.results,
        stored.examples,
        stored.traces,
        chosen,
        prompts_tried=await _prompts_tried(folder),
        holds=(lambda example: _stand_in(example, texts)) if texts else None,
    )


async def _from_review(folder: Folder, identifier: str, given: dict[str, Kind]) -> Advised:
    review = await latest_review(folder, identifier)
    notes = await folder.reviews.notes(review.id)
    read = len({note.item for note in notes})
    return advise_modes(count_modes(review, notes), read, given, prompts_tried=await _prompts_tried(folder))


async def _prompts_tried(folder: Folder) -> int:
    return sum(change.kind == "prompt" for change in await folder.changes.list())


def _texts(folder: Folder) -> list[str]:
    """Every indexed document, folded."""
    return [fold(folder.index.document(entry.id).text) for entry in folder.index.documents()]


def _stand_in(example: Example, texts: list[str]) -> bool:
    """Whether some document states each fact of a case."""
    return all(any(holds(text, accepted) for text in texts for accepted in fact.accepted) for fact in facts_of(example))
