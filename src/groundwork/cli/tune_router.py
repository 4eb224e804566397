"""`groundwork tune router`: a router of one's own intents."""

import re
from pathlib import Path

import click

from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, table, talk
from groundwork.core.errors import InputError
from groundwork.engine.encoder import Encoder
from groundwork.tuning.prepare.intents import read_intents
from groundwork.tuning.router.card import figures, show
from groundwork.tuning.router.fit import FALSE_REJECTION, Measured, fit_router, measure, write_router
from groundwork.tuning.router.head import check_labels
from groundwork.tuning.router.record import RouterRecord
from groundwork.tuning.shelf import models_folder

EPILOG = """\b
Examples:
  groundwork tune router intents.toml
  groundwork tune router intents.toml --held messages.jsonl --false-rejection 0.02
FILE is TOML, with 5 to 20 examples an intent (out_of_scope may be left out):
  out_of_scope = ["tell me a joke"]
  [intents]
  refund = ["I want my money back", "how do I return these shoes"]
or JSON lines {"id", "text", "label", "group"}, where the label out_of_scope belongs to no intent."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_file = click.Path(path_type=Path)


@click.command(epilog=EPILOG)
@click.argument("file", type=_file)
@click.option("--name", default="", help="What to call the router; the file's name where left out.")
@click.option("--held", type=_file, help="Messages that were not learned from, in the same form: what it does on them.")
@click.option(
    "--false-rejection", default=FALSE_REJECTION, show_default=True, type=float, help="Share of in-scope messages that may be rejected."
)
@click.option("--seed", default=0, show_default=True, help="Of how the folds are dealt.")
@app_option
@json_option
def command(file: Path, name: str, held: Path | None, false_rejection: float, seed: int, root: Path, as_json: bool) -> None:
    """Train a router on a few examples of your own intents, in seconds and without torch.

    It says what to expect from it, measured on held folds, and which examples to look at.
    """
    name = name or file.stem
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name for a router", fix="use letters, digits, - and _")
    examples = read_intents(file)
    messages = read_intents(held, fewest=1, least=1) if held else None
    if messages:
        check_labels(messages.rows, examples.labels)  # before anything is written
    encoder = Encoder()
    made = fit_router(examples, encoder, name=name, false_rejection=false_rejection, seed=seed)
    folder = models_folder(root.resolve()) / name
    head = write_router(made, folder)
    measured = measure(head, messages.rows, encoder) if messages else None
    if as_json:
        out_json({"record": made.record, "held": _plain(measured) if measured else None, "folder": str(folder)})
        return
    _say(made.record, measured)
    talk(f"\nKept as {folder} ({made.record.bytes / 1000:.0f} kB). To choose routes by it, write into groundwork.toml:")
    talk(dim(f'[routes]\nby = "{name}"'))


def _say(record: RouterRecord, measured: Measured | None) -> None:
    counts = list(record.examples.values())
    outside = f", {record.outside} out of scope" if record.outside else ""
    left = f"; {record.repeated} said the same as another one" if record.repeated else ""
    out(f"{bold(record.fingerprint)}  {len(counts)} intents, {sum(counts)} examples{outside}{left}; {record.cpu_seconds:.1f} s CPU")
    found = _shown(measured) if measured else {}
    head = (f"on held folds ({record.folds})", "value", *(("on the held messages",) if measured else ()))
    table([(name, value, *((found.get(name, ""),) if measured else ())) for name, value in figures(record)], head)
    if record.confusions:
        out(f"\n{bold('confused')}: " + ", ".join(f"{one.intent} with {one.taken_for} ({one.count})" for one in record.confusions[:5]))
    if record.doubtful:
        out(f"\n{bold('look at')} (perhaps a wrong intent, perhaps two that are one):")
        table(
            [(one.intent, one.taken_for, f"{one.probability:.2f}", one.text) for one in record.doubtful[:5]],
            ("intent", "taken for", "sure", "example"),
        )


def _shown(measured: Measured) -> dict[str, str]:
    """The figures of held messages, under the names that those of held folds have."""
    rows = {
        "right intent": measured.accuracy,
        "right intent and accepted": measured.accepted,
        "rejected though in scope": measured.false_rejection,
        "AUC against examples out of scope": measured.outside_auc,
        "examples out of scope that are rejected": measured.outside_rejected,
    }
    return {name: show(value) for name, value in rows.items() if value is not None} | {
        "calibration error": f"{measured.calibration_error:.3f}"
    }


def _plain(measured: Measured) -> dict[str, object]:
    kept = ("accuracy", "accepted", "false_rejection", "outside_auc", "outside_rejected", "calibration_error")
    return {name: getattr(measured, name) for name in kept}
