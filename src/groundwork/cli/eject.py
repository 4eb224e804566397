"""`groundwork eject`: the request path as a file of one's own project."""

from importlib import resources
from pathlib import Path

import click

from groundwork.app.compose import EJECTED
from groundwork.cli.terminal import app_option, talk
from groundwork.core.errors import InputError


@click.command(epilog="\b\nExample:\n  groundwork eject answer")
@click.argument("what", type=click.Choice(["answer"]))
@app_option
def command(what: str, root: Path) -> None:
    """Copy WHAT into the application's folder. From then on that file answers: change it as you like."""
    target = root / EJECTED
    if target.exists():
        raise InputError(f"{target} exists already", fix="remove it first, or change it: it answers already")
    if not (root / "groundwork.toml").is_file():
        raise InputError(f"there is no groundwork.toml in {root}", fix="name the application's folder with --app")
    target.write_text(resources.files("groundwork.app").joinpath(f"{what}.py").read_text(encoding="utf-8"), encoding="utf-8")
    talk(f"{target} answers from now on; remove it to go back. A running server takes it up when it is restarted.")
