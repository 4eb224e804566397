"""`groundwork check`: is the configuration right, and what is in force?"""

from pathlib import Path
from typing import Any

import click

from groundwork.app.compose import Resources, compose
from groundwork.app.config import Settings
from groundwork.app.live import read_settings
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, dim, good, json_option, out, out_json, run, table, talk
from groundwork.core.config import dotted, flatten
from groundwork.evaluate.config import parse_requirements
from groundwork.evaluate.suite import load_suite

EPILOG = """\b
Example:
  groundwork check
  groundwork check --schema > groundwork.schema.json"""


@click.command(epilog=EPILOG)
@app_option
@json_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of groundwork.toml instead.")
def command(root: Path, as_json: bool, schema: bool) -> None:
    """Check groundwork.toml and everything it names, and print every value in force with where it comes from."""
    if schema:
        from groundwork.app.schema import config_schema

        out_json(config_schema())
        return
    settings, problems = run(_check(root))
    rows = [(dotted(path), value, settings.origin(path)) for path, value in flatten(settings.config).items()]
    if as_json:
        out_json(
            {
                "release": settings.release,
                "values": [{"path": path, "value": value, "from": origin} for path, value, origin in rows],
                "notes": problems,
            }
        )
        return
    table([(path, _shown(value), dim(origin)) for path, value, origin in rows], ("setting", "value", "from"))
    for problem in problems:
        talk(problem)
    out(good(f"{settings.written.file} is right: {len(rows)} values."))


def _shown(value: Any) -> str:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


async def _check(root: Path) -> tuple[Settings, list[str]]:
    """Load, compose (functions, prompts, scripts, keys), and load the gate's suite; nothing is written but the state folder's schema."""
    resources = Resources(open_folder(root))
    try:
        settings = await read_settings(root, resources.folder)
        await compose(settings, resources)
        gate = settings.config.gate
        if gate is not None:
            suite = load_suite(settings.root / gate.suite, root=settings.root)
            parse_requirements(gate, suite.metrics, settings.written.where(("gate", "require")))
        section = settings.config.context
        empty = [name for name in (section.parts if section else ()) if not resources.folder.collection(name).generation()]
        notes = [f"note: nothing is indexed yet{f' in the collection {name!r}' if name else ''}; run `groundwork index`" for name in empty]
        return settings, notes
    finally:
        await resources.close()
        resources.folder.close()
