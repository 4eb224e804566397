"""`groundwork traces`: the latest requests."""

from collections.abc import Sequence
from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, json_option, moment, out_json, run, table
from groundwork.store.traces import TraceRow


@click.command(epilog="\b\nExample:\n  groundwork traces --limit 5\n  groundwork traces --status error --json")
@click.option("--limit", default=20, show_default=True, help="How many.")
@click.option("--status", type=click.Choice(["ok", "blocked", "error", "cancelled"]), help="Only these.")
@click.option("--release", help="Only those a release answered.")
@app_option
@json_option
def command(limit: int, status: str | None, release: str | None, root: Path, as_json: bool) -> None:
    """List the latest requests, newest first. `groundwork show ID` prints one whole."""
    where = {name: value for name, value in (("status", status), ("release", release)) if value}
    rows = run(_list(root.resolve(), limit, where))
    if as_json:
        out_json(rows)
        return
    cells = [(row.id, moment(row.start), f"{row.seconds * 1000:.0f} ms", row.status, row.question) for row in rows]
    table(cells, ("trace", "when", "took", "status", "question"))


async def _list(root: Path, limit: int, where: dict[str, str]) -> Sequence[TraceRow]:
    folder = open_folder(root)
    try:
        return await folder.trace_store.list(limit=limit, since=0.0, **where)
    finally:
        folder.close()
