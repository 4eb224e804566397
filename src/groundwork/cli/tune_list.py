"""`groundwork tune list`: the models that were trained."""

from pathlib import Path

import click

from groundwork.cli.terminal import app_option, bad, json_option, out, out_json, table
from groundwork.cli.tune_memory import size
from groundwork.tuning.shelf import Model, models

_FIGURES = 3


@click.command(epilog="\b\nExample:\n  groundwork tune list")
@app_option
@json_option
def command(root: Path, as_json: bool) -> None:
    """List trained models: the application's own (.groundwork/models) and those that come with groundwork."""
    found = models(root.resolve())
    if as_json:
        out_json(found)
    elif found:
        table([_row(one) for one in found], ("name", "task", "from", "fingerprint", "size", "figures on the held part"))
    else:
        out("no models yet")


def _row(model: Model) -> tuple[str, ...]:
    figures = list(model.figures.items())
    shown = ", ".join(f"{name} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" for name, one in figures[:_FIGURES])
    more = f" and {len(figures) - _FIGURES} more" if len(figures) > _FIGURES else ""
    return model.name, model.task, model.origin, model.fingerprint, size(model.bytes), bad(model.fault) if model.fault else shown + more
