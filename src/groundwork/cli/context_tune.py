"""`groundwork context tune`: chunking and retrieval, chosen by questions on the user's own documents."""

from pathlib import Path
from typing import Any, get_args

import click

from groundwork.cli.index import processors
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, good, json_option, out, out_json, progress, run, stoppable, table, talk
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.loop.propose import parse_value
from groundwork.loop.retrieval import Asked, Wanted, tune_retrieval
from groundwork.tuning.retrieval.candidates import Kind
from groundwork.tuning.retrieval.verdict import Tried, Tuned

EPILOG = """\b
Examples:
  groundwork context tune
  groundwork context tune --only retrieve --try context.retrieve.keep=8
  groundwork context tune --from documents --only chunk"""


@click.command(epilog=EPILOG)
@click.option(
    "--from",
    "asked",
    type=click.Choice(get_args(Asked)),
    default=None,
    help="Where the questions come from. Default: the gate's suite, else the documents.",
)
@click.option("--suite", help="The suite whose cases are asked. Default: the gate's.")
@click.option("--split", default=None, help="Its split. Default: all that the gate does not report on.")
@click.option(
    "--only", type=click.Choice(get_args(Kind)), multiple=True, help="Try chunkings only (they are indexed anew), or retrieval only."
)
@click.option("--try", "more", multiple=True, metavar="PATH=VALUE", help="Try this setting besides, as in context.chunk.tokens=120.")
@click.option("--most", type=click.IntRange(10, 5_000), default=200, show_default=True, help="Questions made from the documents at most.")
@click.option("--seed", default=0, show_default=True, help="Which sections they are made from.")
@click.option("--no-propose", is_flag=True, help="Compare only.")
@app_option
@json_option
def command(
    asked: Asked | None,
    suite: str | None,
    split: str | None,
    only: tuple[Kind, ...],
    more: tuple[str, ...],
    most: int,
    seed: int,
    no_propose: bool,
    root: Path,
    as_json: bool,
) -> None:
    """Compare ways to split and to search the indexed documents, and propose the best where it is better than what is in force.

    Questions are a suite's cases with facts, answers that people approved, or made from the documents by rules. Every candidate may hand over as
    many characters as the settings in force do; what counts is the share of what a question needs. Each chunking gets an index of its
    own beside the one in use, which is only read.
    """
    wanted = Wanted(asked or "", suite, split, only or get_args(Kind), _more(more), most, seed, not no_propose)
    folder = open_folder(root)
    try:
        with stoppable(), progress("tuning", "documents") as update:
            found = run(tune_retrieval(root.resolve(), folder, wanted, progress=update, workers=processors()))
    finally:
        folder.close()
    if as_json:
        out_json(found)
    else:
        say_tuned(found)


def say_tuned(found: Tuned) -> None:
    """The questions, every candidate against what is in force, and what to do now."""
    clusters = "" if found.clusters == found.questions else f" in {found.clusters} clusters"
    out(f"{bold(str(found.questions))} questions{clusters}: {found.asked}; {found.budget:,} characters handed over for each")
    for reason, count in sorted(found.left_out.items()):
        talk(dim(f"left out: {count} × {reason}"))
    rows = [_row(found.current, is_current=True), *(_row(one) for one in sorted(found.tried, key=lambda one: -one.difference.value))]
    table(rows, ("settings", "chunks", "held", "1/place", "difference", "p (Holm)", ""))
    for one in found.tried:
        if one.left_out:
            talk(dim(f"{one.name}: {len(one.left_out)} documents cannot be split this way, {one.left_out[0]} among them"))
    for note in found.notes:
        talk(dim(f"note: {note}"))
    out(f"\n{bold(found.sentence)}")
    if found.toml:
        out(f"\nwrite into groundwork.toml, then `groundwork index --rebuild`:\n\n{found.toml}")
    if found.change:
        out(f"proposed as {bold(found.change)}")
        talk(dim(f"measure and judge it: groundwork gate {found.change}"))


def _row(one: Tried, *, is_current: bool = False) -> tuple[str, ...]:
    difference = "" if is_current else f"{one.difference.value:+.3f} [{one.difference.low:+.3f}, {one.difference.high:+.3f}]"
    p = "" if is_current else f"{one.p:.3f}"
    return one.name, str(one.chunks), _shown(one.held), f"{one.first.value:.3f}", difference, p, good("better") if one.better else ""


def _shown(figure: Estimate) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _more(given: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        path, equals, value = one.partition("=")
        if not equals or not path.strip() or not value.strip():
            raise InputError(f"--try {one!r} names no setting and value", fix="write it as --try context.retrieve.keep=8")
        found[path.strip()] = parse_value(value.strip())
    return found
