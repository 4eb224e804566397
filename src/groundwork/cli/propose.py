"""`groundwork propose`: a change of one setting or one prompt, to be measured before anyone is served by it."""

from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run, talk
from groundwork.core.errors import InputError
from groundwork.core.measure import Change
from groundwork.core.text import shorten
from groundwork.loop.lap import propose
from groundwork.loop.propose import parse_value

EPILOG = """\b
Examples:
  groundwork propose context.retrieve.keep 8 --why "facts were found at ranks 7 and 8"
  groundwork propose prompts.helpdesk --file new.prompt.md --why "answers were too long" """


@click.command(epilog=EPILOG)
@click.argument("path")
@click.argument("value", required=False)
@click.option("--file", "file", type=click.Path(path_type=Path), help="The new text of a prompt.")
@click.option("--why", required=True, help="What it should make better, and why you think so.")
@click.option("--from", "parents", multiple=True, metavar="ID", help="A dataset, run or trace that it was proposed from.")
@app_option
@json_option
def command(path: str, value: str | None, file: Path | None, why: str, parents: tuple[str, ...], root: Path, as_json: bool) -> None:
    """Propose VALUE for the setting PATH, or the text of a file for `prompts.NAME`. Nothing changes until it is released."""
    if (value is None) == (file is None):
        raise InputError("give a value, or a file for a prompt", fix="see `groundwork propose --help`")
    folder = open_folder(root)
    try:
        change = run(propose(root.resolve(), folder, path, _text(file) if file else parse_value(value or ""), why=why, parents=parents))
    finally:
        folder.close()
    if as_json:
        out_json(change)
    else:
        say_change(change)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}", fix="name an existing UTF-8 file") from None


def say_change(change: Change) -> None:
    out(f"{bold(change.id)}: {change.path}: {shorten(str(change.before), 60)} → {shorten(str(change.after), 60)}")
    talk(dim(f"measure and judge it: groundwork gate {change.id}"))
