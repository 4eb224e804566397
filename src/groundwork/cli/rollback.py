"""`groundwork rollback`: move the pointer back. Nothing is removed; a rollback is a release too."""

from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.release import say_release
from groundwork.cli.terminal import app_option, json_option, out_json, run
from groundwork.loop.lap import roll_back


@click.command(epilog="\b\nExamples:\n  groundwork rollback\n  groundwork rollback --to rel_…\n  groundwork rollback --to written")
@click.option("--to", default="", help="A release, or `written` for the files as they are.")
@click.option("--note", default="", help="Why.")
@app_option
@json_option
def command(to: str, note: str, root: Path, as_json: bool) -> None:
    """Go back to the release before the present one."""
    folder = open_folder(root)
    try:
        made = run(roll_back(folder, to=to, note=note))
    finally:
        folder.close()
    if as_json:
        out_json(made)
    else:
        say_release(made)
