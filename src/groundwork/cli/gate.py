"""`groundwork gate`: may a change ship? Pass, fail, or undecided with how many more cases it would take."""

import time
from pathlib import Path

import click

from groundwork.app.live import read_settings
from groundwork.cli.measured import measure_change, say_gate
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import NOT_PASSED, app_option, dim, json_option, out_json, run, talk
from groundwork.core.errors import ConfigError
from groundwork.core.measure import GateResult
from groundwork.loop.lap import composed
from groundwork.loop.measure import baseline, check_next_look, judge, suite_of
from groundwork.store.folder import Folder

EPILOG = """\b
Examples:
  groundwork gate chg_…                # measures the change and what serves now, then decides
  groundwork gate --run run_… --against run_…
Exit code: 0 only for a pass, 3 for fail and undecided."""


@click.command(epilog=EPILOG)
@click.argument("change", required=False)
@click.option("--run", "candidate", help="A finished run of the candidate, instead of measuring it now.")
@click.option("--against", "current", help="A finished run of what serves now.")
@app_option
@json_option
def command(change: str | None, candidate: str | None, current: str | None, root: Path, as_json: bool) -> None:
    """Decide on CHANGE by the [gate] of groundwork.toml: a paired non-inferiority test on one-sided 95 % bounds."""
    if (change is None) == (candidate is None):
        raise click.UsageError("Name a change, or two runs with --run and --against.")
    if candidate is not None and current is None:
        raise click.UsageError("--run needs --against: a gate holds one run against another.")
    folder = open_folder(root)
    try:
        result = run(decide(root.resolve(), folder, change or "", candidate or "", current or ""))
    finally:
        folder.close()
    if as_json:
        out_json(result)
    else:
        say_gate(result)
    if result.decision != "pass":
        raise SystemExit(NOT_PASSED)


async def decide(root: Path, folder: Folder, change: str, candidate: str = "", current: str = "") -> GateResult:
    """Measure what is not measured yet, hold the candidate against what serves now, and keep the decision."""
    settings = await read_settings(root, folder)
    section = settings.config.gate
    if section is None:
        raise ConfigError("groundwork.toml has no [gate]", fix='add `[gate]` with `suite = "suites/NAME.toml"`')
    suite = suite_of(root, folder, None, section)
    if change:
        await folder.changes.get(change)
        await check_next_look(folder, change, section, suite)
        current = current or await _current_run(root, folder)
        candidate = (await measure_change(root, folder, None, change=change)).run.id
    where = settings.written.where(("gate", "require"))
    result = await judge(folder, candidate, current, section, suite, at=time.time(), where=where)
    await folder.gates.add(result)
    return result


async def _current_run(root: Path, folder: Folder) -> str:
    """A finished run of what serves now: the latest one where nothing has changed since, else a new one."""
    settings = await read_settings(root, folder)
    section = settings.config.gate
    suite = suite_of(root, folder, None, section)
    async with composed(root, folder) as app:
        found = baseline(folder, suite, section.split if section else "", app.config)
    if found is not None:
        talk(dim(f"what serves now was measured before: {found.id}"))
        return found.id
    return (await measure_change(root, folder, None)).run.id
