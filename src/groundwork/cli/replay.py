"""`groundwork replay`: what would be answered now?"""

from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, good, json_option, out, out_json, run
from groundwork.core.errors import InputError
from groundwork.core.text import shorten
from groundwork.loop.replay import Replayed, replay
from groundwork.store.folder import Folder

EPILOG = """\b
Examples:
  groundwork replay tr_…
  groundwork replay --last 20 --change chg_…"""


@click.command(epilog=EPILOG)
@click.argument("traces", nargs=-1)
@click.option("--last", default=0, help="The latest so many requests, instead of naming them.")
@click.option("--change", default="", help="With this change laid over the configuration.")
@click.option("--release", default="", help="As this release answered.")
@app_option
@json_option
def command(traces: tuple[str, ...], last: int, change: str, release: str, root: Path, as_json: bool) -> None:
    """Answer stored requests again and show what comes out otherwise. The new answers are traces too."""
    folder = open_folder(root)
    try:
        rows = run(_replay(root.resolve(), folder, traces, last, change, release))
    finally:
        folder.close()
    if as_json:
        out_json([row._asdict() for row in rows])
        return
    for row in rows:
        out(f"{good('same') if row.same else bold('other')}  {row.question}  {dim(f'{row.trace} → {row.again or row.error}')}")
        if not row.same:
            out(f"  then: {shorten(row.before, 160)}\n  now:  {shorten(row.after or row.error, 160)}")
    out(f"{sum(row.same for row in rows)} of {len(rows)} answers are the same")


async def _replay(root: Path, folder: Folder, traces: tuple[str, ...], last: int, change: str, release: str) -> list[Replayed]:
    if bool(traces) == bool(last):
        raise InputError("name traces, or say how many with --last", fix="see `groundwork traces`")
    chosen = traces or tuple(row.id for row in await folder.trace_store.list(limit=last))
    if not chosen:
        raise InputError("nothing was asked yet", fix='ask something: `groundwork ask "…"`')
    return [row async for row in replay(root, folder, chosen, change=change, release=release)]
