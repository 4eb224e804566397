"""`groundwork tune card`: what a trained model is, learned from and cannot do."""

from pathlib import Path

import click

from groundwork.cli.terminal import app_option, out, talk
from groundwork.store.files import write_whole
from groundwork.tuning.shelf import card_of, find_model


@click.command(epilog="\b\nExamples:\n  groundwork tune card reader\n  groundwork tune card .groundwork/models/reader --out docs/reader.md")
@click.argument("name", metavar="NAME|FOLDER")
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file instead.")
@app_option
def command(name: str, target: Path | None, root: Path) -> None:
    """Print the card of a trained model: data, licences, figures with intervals, cost, limits."""
    text = card_of(find_model(root.resolve(), name))
    if target is None:
        out(text.rstrip("\n"))
    else:
        write_whole(target, text.encode())
        talk(f"wrote {target}")
