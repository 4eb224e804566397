"""`groundwork release`: put a change into force. A running server takes it up within a second."""

from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, good, json_option, out, out_json, run
from groundwork.core.measure import Release
from groundwork.loop.lap import release_change

EPILOG = """\b
Examples:
  groundwork release chg_…
  groundwork release chg_… --force --note "the old prompt leaks; agreed with the on-call engineer" """


@click.command(epilog=EPILOG)
@click.argument("change")
@click.option("--note", default="", help="What to remember of it.")
@click.option("--force", is_flag=True, help="Without the gate's pass; needs a note. Both are kept.")
@app_option
@json_option
def command(change: str, note: str, force: bool, root: Path, as_json: bool) -> None:
    """Put CHANGE into force where the gate has passed it. It moves a pointer: the files stay as they are."""
    folder = open_folder(root)
    try:
        made = run(release_change(root.resolve(), folder, change, note=note, force=force))
    finally:
        folder.close()
    if as_json:
        out_json(made)
    else:
        say_release(made)


def say_release(made: Release) -> None:
    out(
        f"{good('released')} {bold(made.id)}: {', '.join(made.changes) or 'the application as written'} in force{f' ({made.note})' if made.note else ''}"
    )
