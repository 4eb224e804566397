"""`groundwork judge`: the judges that can be asked, what one says, and how far it can be trusted."""

from pathlib import Path

import click
import msgspec

from groundwork.cli.judged import say_calibration, say_opinion, say_rulings
from groundwork.cli.terminal import NOT_PASSED, app_option, bad, bold, dim, json_option, out, out_json, progress, run, table, talk
from groundwork.core.config import Written
from groundwork.core.errors import InputError
from groundwork.evaluate.judges.ask import Opinion, ask, ask_both, rendered, rules
from groundwork.evaluate.judges.calibrate import Reported, calibrate
from groundwork.evaluate.judges.collect import Collected, collect
from groundwork.evaluate.judges.floor import check_floor, find_calibration, keep_calibration
from groundwork.evaluate.judges.judge import Judge
from groundwork.evaluate.judges.labels import Labelled, Recorded, rated, read_labels, read_verdicts
from groundwork.evaluate.judges.library import all_judges, find_judge
from groundwork.evaluate.judges.verdict import choices
from groundwork.evaluate.models import Models
from groundwork.store.folder import Folder

CALIBRATE = """\b
Examples:
  groundwork judge calibrate groundedness --labels labels.jsonl --model strong
  groundwork judge calibrate preference --labels pairs.jsonl --verdicts verdicts.jsonl
Labels are lines {"id", "question", "answer" (or "answer_a", "answer_b"), "label" or "labels": {annotator: label}}; verdicts are lines
{"id", "verdict"} or {"id", "verdicts": [as given, swapped]}.
Exit code: 3 where the judge has a floor and does not clear it."""

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(epilog="\b\nExample:\n  groundwork judge list\n  groundwork judge show groundedness")
def command() -> None:
    """List, show, try and calibrate judges.

    A judge is a rubric, a model, how it samples and the form of its verdict. Suites name it in their metrics: judge:NAME.
    """


@command.command(name="list", epilog="\b\nExample:\n  groundwork judge list")
@app_option
@json_option
def list_(root: Path, as_json: bool) -> None:
    """List the judges that can be named here, and what their calibration says."""
    rows = [(judge, find_calibration(Folder(root).judge_files, judge.id)) for judge in all_judges(root)]
    if as_json:
        out_json([_brief(judge) | {"kappa": found.kappa if found else None} for judge, found in rows])
        return
    table(
        [
            (
                judge.name,
                judge.kind,
                _verdicts(judge),
                judge.model,
                f"kappa {found.kappa.value:.2f} [{found.kappa.low:.2f}, {found.kappa.high:.2f}]" if found else "no",
                judge.origin,
                judge.description,
            )
            for judge, found in rows
        ],
        ("name", "kind", "verdicts", "model", "calibrated", "origin", "what it asks"),
    )


@command.command(epilog="\b\nExample:\n  groundwork judge show groundedness > judges/groundedness.judge.md")
@click.argument("name")
@app_option
@json_option
def show(name: str, root: Path, as_json: bool) -> None:
    """Print a judge's file, to be read or copied into judges/ and changed; its id and what it is told besides on stderr."""
    judge = find_judge(name, root)
    if as_json:
        out_json(_brief(judge) | {"system": judge.prompt.system, "user": judge.prompt.user, "rules": rules(judge, "WORD")})
        return
    out(judge.text.rstrip("\n"))
    talk(f"\n{bold(judge.id)} {dim(judge.origin)}")
    talk(dim(f"It is told besides:\n{rules(judge, 'WORD')}"))


@command.command(
    name="try", epilog='\b\nExample:\n  groundwork judge try relevance --question "When does it open?" --answer "At nine." --model strong'
)
@click.argument("name")
@click.option("--question", default="", help="What was asked.")
@click.option("--answer", default=None, help="The answer to judge.")
@click.option("--context", default="", help="What the answer must rest on.")
@click.option("--reference", default="", help="A right answer.")
@click.option("--answer-a", default=None, help="One of two answers, for a pairwise judge.")
@click.option("--answer-b", default=None, help="The other one.")
@click.option("--model", default="", help="An alias of [models] or PROVIDER/MODEL, instead of the judge's own.")
@click.option("--show", "only_show", is_flag=True, help="Print what would be sent, and ask nobody.")
@app_option
@json_option
def try_(name: str, model: str, only_show: bool, root: Path, as_json: bool, **texts: str | None) -> None:
    """Ask a judge about one answer, or about a pair in both orders."""
    judge = find_judge(name, root).with_model(model)
    inputs = {key: text for key, text in texts.items() if text is not None}
    if only_show:
        for message in rendered(judge, inputs, "WORD").messages:
            out(f"{bold(message.role)}\n{message.text}\n")
        return
    rendered(judge, inputs, "WORD")  # refuses a missing text before a model is opened
    found = run(_ask(judge, inputs, root))
    if as_json:
        out_json([one._asdict() for one in found])
    else:
        say_opinion(judge, found)


async def _ask(judge: Judge, inputs: dict[str, str], root: Path) -> list[Opinion]:
    models = _models(root)
    try:
        model = await models.find(judge.model)
        if not judge.is_pairwise:
            return [await ask(judge, model, inputs)]
        pair = await ask_both(judge, model, inputs)
        return [pair.first, pair.swapped]
    finally:
        await models.close()


@command.command(name="calibrate", epilog=CALIBRATE)
@click.argument("name")
@click.option("--labels", "labels_file", type=_file, required=True, help="What people said, as JSON Lines.")
@click.option("--verdicts", "verdicts_file", type=_file, help="Recorded verdicts, as JSON Lines: no model is asked.")
@click.option("--model", default="", help="An alias of [models] or PROVIDER/MODEL, instead of the judge's own.")
@click.option("--family", default="", help="Of the judging model: candidates whose name holds it are its own kind.")
@click.option("--concurrency", default=4, show_default=True, type=click.IntRange(1, 1000), help="How many items are asked at once.")
@click.option("--reported-kappa", type=float, default=None, help="A kappa published for these verdicts, to hold against what they come to.")
@app_option
@json_option
def calibrate_(
    name: str,
    labels_file: Path,
    verdicts_file: Path | None,
    model: str,
    family: str,
    concurrency: int,
    reported_kappa: float | None,
    root: Path,
    as_json: bool,
) -> None:
    """Hold a judge against people's labels: agreement, biases, cost, and whether it clears its floor.

    The result is kept for gates, unless it rests on recorded verdicts that do not name this judge's id.
    """
    judge = find_judge(name, root).with_model(model)
    judge = msgspec.structs.replace(judge, family=family or judge.family)
    folder = Folder(root.resolve()).judge_files
    labels = read_labels(labels_file, judge)
    if verdicts_file is not None:
        verdicts = read_verdicts(verdicts_file, judge)
    else:
        verdicts = _collected(run(_collect(judge, labels, root, folder, concurrency)), judge)
    reported = Reported(kappa=reported_kappa) if reported_kappa is not None else None
    found = calibrate(judge, rated(judge, labels, verdicts), reported=reported)
    if all(verdict.judge == judge.id for verdict in verdicts.values()):
        keep_calibration(folder, found)
    else:
        talk(dim(f"Not kept for gates: the verdicts do not say that {judge.id} gave them."))
    rulings = check_floor(found, judge.floor)
    if as_json:
        out_json({"calibration": found, "floor": rulings})
    else:
        say_calibration(judge, found)
        say_rulings(rulings)
    if any(ruling.decision != "pass" for ruling in rulings):
        raise SystemExit(NOT_PASSED)


async def _collect(judge: Judge, labels: list[Labelled], root: Path, folder: Path, concurrency: int) -> Collected:
    models = _models(root)
    try:
        model = await models.find(judge.model)
        with progress(f"asking {judge.name}", "items") as update:
            path = folder / f"{judge.id}.verdicts.jsonl"
            return await collect(judge, model, labels, path, concurrency=concurrency, progress=lambda done, total: update(done, total, ""))
    finally:
        await models.close()


def _collected(found: Collected, judge: Judge) -> dict[str, Recorded]:
    for what, count in found.failures.items():
        talk(bad(f"{count} items could not be asked: {what}"))
    if found.failures and not found.verdicts:
        raise InputError(f"`{judge.model}` gave no verdict at all", fix="see the failures above; what was asked is kept, try again")
    return found.verdicts


def _models(root: Path) -> Models:
    return Models(root.resolve(), {}, {}, Written(file="groundwork.toml", table={}, lines={}))


def _brief(judge: Judge) -> dict[str, object]:
    return {
        "id": judge.id,
        "name": judge.name,
        "kind": judge.kind,
        "inputs": judge.inputs,
        "verdicts": choices(judge) or list(judge.criteria),
        "model": judge.model,
        "sampling": judge.prompt.model,
        "floor": judge.floor.asked,
        "origin": judge.origin,
        "description": judge.description,
    }


def _verdicts(judge: Judge) -> str:
    if judge.points:
        return f"{min(judge.points)} to {max(judge.points)}"
    return ", ".join(str(one) for one in choices(judge)) or f"yes or no, {len(judge.criteria)} times"
