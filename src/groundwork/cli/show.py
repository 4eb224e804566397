"""`groundwork show ID`: everything about anything that has an id, and its lineage both ways."""

from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.records import Shown, look_up
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run

EPILOG = """\b
Examples:
  groundwork show tr_…     # request, rendered prompt, passages, steps with times, verdicts, versions, feedback
  groundwork show rel_…    # what a release holds, on which evidence, and the latest answers it gave"""


@click.command(epilog=EPILOG)
@click.argument("identifier", metavar="ID")
@app_option
@json_option
def command(identifier: str, root: Path, as_json: bool) -> None:
    """Show a trace, feedback, document, chunk, prompt, configuration, dataset, run, change, release, key or review.

    Behind it stand what it was made from, and what was made from it.
    """
    folder = open_folder(root)
    try:
        shown = run(look_up(identifier, folder))
    finally:
        folder.close()
    if as_json:
        out_json({"id": identifier, "kind": shown.kind, "record": shown.record, "made_from": shown.parents, "used_by": shown.children})
    else:
        say(identifier, shown)


def say(identifier: str, shown: Shown) -> None:
    """A record for people: its lines, then both ways of its lineage."""
    out(f"{bold(shown.kind)} {identifier}")
    for line in shown.lines:
        out(line)
    for title, rows in (("made from", shown.parents), ("used by", shown.children)):
        if rows:
            out(f"\n{bold(title)}")
        for row, what in rows.items():
            out(f"  {row}  {dim(what)}")
