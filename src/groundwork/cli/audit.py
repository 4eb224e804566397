"""`groundwork audit`: would this suite notice a bad answer? Probes of the evaluation itself."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
import msgspec

from groundwork.app.live import read_settings
from groundwork.cli.lines import rows_of
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import NOT_PASSED, app_option, bad, bold, dim, good, json_option, out, out_json, run, table, talk
from groundwork.core.errors import InputError
from groundwork.evaluate.audit import Audit, Severity, audit
from groundwork.evaluate.audit.labels import label_of
from groundwork.evaluate.measured import open_instruments
from groundwork.evaluate.passages import files_of, read_passages
from groundwork.loop.audit import ask_again, gather
from groundwork.loop.measure import suite_of

EPILOG = """\b
Examples:
  groundwork audit suites/helpdesk.toml
  groundwork audit --run run_… --labels people.jsonl --against exports/
Exit code: 3 where a probe sounds an alarm."""

_COLOURS = {"ok": good, "look": bold, "alarm": bad}


@click.command(epilog=EPILOG)
@click.argument("suite", required=False)
@click.option("--run", "identifier", default="", metavar="RUN", help="The run to look into. Default: the newest over these cases.")
@click.option("--labels", type=click.Path(path_type=Path), help='People\'s verdicts, JSON lines: {"id": CASE, "label": true}.')
@click.option("--against", multiple=True, type=click.Path(path_type=Path), help="A file or folder in which no case should stand.")
@click.option("--cases", "sample", default=60, show_default=True, help="Cases to plant answers for; 0: all.")
@click.option("--ask", default=0, show_default=True, help="Cases that models may be asked: the application twice more, and judges.")
@click.option("--all", "everything", is_flag=True, help="Show also what was found in order.")
@app_option
@json_option
def command(
    suite: str | None,
    identifier: str,
    labels: Path | None,
    against: tuple[Path, ...],
    sample: int,
    ask: int,
    everything: bool,
    root: Path,
    as_json: bool,
) -> None:
    """Probe SUITE (the gate's, if none is named): planted right and wrong answers, shuffled labels, leakage, noise, power, and more.

    No model is asked without --ask. What runs alone can tell comes from finished runs over the same cases.
    """
    if min(ask, sample) < 0:
        raise click.UsageError("--ask and --cases take 0 or more.")
    found = run(_audit(root.resolve(), suite, identifier, labels, against, sample, ask))
    if as_json:
        out_json(found)
    else:
        say_audit(found, everything=everything)
    if found.of("alarm"):
        raise SystemExit(NOT_PASSED)


async def _audit(
    root: Path, path: str | None, identifier: str, labels: Path | None, against: tuple[Path, ...], sample: int, ask: int
) -> Audit:
    folder = open_folder(root)
    try:
        settings = await read_settings(root, folder)
        suite = suite_of(root, folder, path, settings.config.gate)
        people = read_labels(labels) if labels else {}
        material = await gather(folder, suite, settings=settings, run=identifier, labels=people, against=_texts(against), sample=sample)
        if not ask:
            return await audit(material)
        with tempfile.TemporaryDirectory() as place:
            again = await ask_again(root, folder, material, ask, Path(place))
        async with open_instruments(suite, root, folder) as (instruments, _):
            return await audit(material._replace(again=again, asked=ask, instruments=instruments))
    finally:
        folder.close()


def read_labels(path: Path) -> dict[str, bool]:
    """People's verdicts by case, from JSON lines. Raises InputError with file and line."""

    class Row(msgspec.Struct):
        id: str
        label: bool | int | float | str

    found: dict[str, bool] = {}
    for where, row in rows_of(path, Row, form='{"id": "CASE", "label": true}'):
        label = label_of(row.label)
        if label is None:
            raise InputError(f"{where}: {row.label!r} is no verdict", fix="write true or false")
        found[row.id] = label
    return found


def _texts(paths: Iterable[Path]) -> Mapping[str, Iterable[str]]:
    """The texts of the files, each read when its turn comes."""
    return {str(path): (passage.text for passage in read_passages(path)) for path in files_of(paths)} if paths else {}


def say_audit(found: Audit, *, everything: bool = False) -> None:
    """The findings, gravest first; what could not be probed, on stderr."""
    counts = {severity: len(found.of(severity)) for severity in _severities()}
    deciding = ", ".join(found.primary) or "no metric"
    out(f"{bold(found.suite)}: {found.n} cases, decided by {deciding}; runs over them: {len(found.runs)}")
    for one in found.findings:
        if one.severity == "ok" and not everything:
            continue
        out(f"{_COLOURS[one.severity](f'{one.severity:<5}')}  {one.sentence}  {dim(one.probe)}")
        if one.fix:
            out(f"       {dim('fix:')} {one.fix}")
    out(f"alarms: {counts['alarm']}, to look at: {counts['look']}, in order: {counts['ok']}")
    if everything and found.planted:
        out(f"\n{bold('planted answers')} (means of each metric)")
        kinds = list(dict.fromkeys(kind for means in found.planted.values() for kind in means))
        rows = [(name, *(f"{means[kind]:.2f}" if kind in means else "–" for kind in kinds)) for name, means in found.planted.items()]
        table(rows, ("metric", *kinds))
    for reason in found.left_out:
        talk(dim(f"not probed: {reason.probe}: {reason.why}"))


def _severities() -> tuple[Severity, ...]:
    return ("alarm", "look", "ok")
