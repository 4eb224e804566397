"""`groundwork review`: read answers, note what is wrong, name the failure modes, count them, and measure each from then on."""

import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from groundwork.cli.lines import rows_of
from groundwork.cli.opening import open_folder
from groundwork.cli.reading import read_items
from groundwork.cli.terminal import app_option, bold, dim, json_option, moment, out, out_json, run, table, talk
from groundwork.core.errors import InputError, NotFound
from groundwork.core.review import Note, Review
from groundwork.core.text import shorten
from groundwork.core.units import Duration
from groundwork.evaluate.review import making, rules
from groundwork.evaluate.review.grouping import ALIKE, Group, group_notes
from groundwork.evaluate.review.modes import Mode, count_modes, failures, name_of, saturation, tagged
from groundwork.loop.review import latest_review, make_slice, read_groups, read_rows, read_source, save_groups, start_review
from groundwork.store.folder import Folder

_SHOWN = 3


def _review_option(function: click.decorators.FC) -> click.decorators.FC:
    return click.option("--review", "identifier", default="", metavar="ID", help="Which review. Default: the latest.")(function)


@click.group(epilog="\b\nExamples:\n  groundwork review start --n 50\n  groundwork review group\n  groundwork review make wrong-page")
def command() -> None:
    """Error analysis: draw a sample, read it with free notes, name what goes wrong, count it, and make a scorer of each failure mode."""


@command.command(epilog="\b\nExamples:\n  groundwork review start --by failures\n  groundwork review start --run run_… --n 30 --by topic")
@click.option("--run", "evaluated", default="", metavar="RUN", help="Read a run's answers instead of the application's traces.")
@click.option("--n", default=50, show_default=True, help="How many to read.")
@click.option("--by", default="random", show_default=True, help="`random`, `failures` (those first), or a facet: as many of each value.")
@click.option("--since", default="30d", show_default=True, help="Traces no older than this.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws another sample.")
@click.option("--reader", default="", help="Who reads.")
@click.option("--no-read", is_flag=True, help="Draw the sample only; read it later.")
@app_option
@json_option
def start(evaluated: str, n: int, by: str, since: str, seed: int, reader: str, no_read: bool, root: Path, as_json: bool) -> None:
    """Draw a sample and read it. With which probability each item was drawn is kept, so that counts can be said of all answers."""
    try:
        seconds = Duration.parse(since).number
    except ValueError as error:
        raise InputError(f"--since: {error}", fix="write it as 12h, 7d or 30d") from None
    folder = open_folder(root)
    try:
        review = run(start_review(folder, run=evaluated, n=n, by=by, since=time.time() - seconds, seed=seed))
        if as_json:
            out_json(review)
            return
        strata = ", ".join(f"{count} {name}" for name, count in review.strata.items())
        out(f"{bold(review.id)}: {len(review.items)} to read, of {sum(review.strata.values())} ({strata})")
        if not no_read:
            _read(folder, review, reader)
    finally:
        folder.close()


@command.command(epilog="\b\nExamples:\n  groundwork review read\n  groundwork review read --notes notes.jsonl")
@_review_option
@click.option("--notes", type=click.Path(path_type=Path), help='Take notes from a file instead: {"item": ID, "note": TEXT, "modes": […]}.')
@click.option("--reader", default="", help="Who reads.")
@app_option
def read(identifier: str, notes: Path | None, reader: str, root: Path) -> None:
    """Read on where the last reading stopped. Each note is kept before the next answer is shown."""
    folder = open_folder(root)
    try:
        review = run(latest_review(folder, identifier))
        if notes is None:
            _read(folder, review, reader)
        else:
            added = parse_notes(notes, review, reader)
            run(folder.reviews.add(added))
            talk(f"taken: {count(len(added), 'note')}")
    finally:
        folder.close()


def _read(folder: Folder, review: Review, reader: str) -> None:
    known = {note.item for note in run(folder.reviews.notes(review.id))}
    left = [one for one in review.items if one.item not in known]
    noted = read_items(folder, read_source(folder.root, folder, review), review, left, reader=reader, done=len(known))
    talk(f"kept: {count(noted, 'note')}; left to read: {len(left) - noted}")
    if len(left) > noted:
        talk(dim("go on: groundwork review read"))
    else:
        talk(dim("group the notes: groundwork review group"))


def parse_notes(path: Path, review: Review, reader: str) -> list[Note]:
    """Notes from JSON lines. Raises InputError with file and line for what is no note, or an item that was not drawn."""

    class Row(msgspec.Struct, forbid_unknown_fields=True):
        item: str
        note: str = ""
        modes: tuple[str, ...] = ()

    drawn = {one.item for one in review.items}
    found: list[Note] = []
    for where, row in rows_of(path, Row, form='{"item": "ID", "note": "what is wrong"}'):
        if row.item not in drawn:
            raise InputError(f"{where}: {row.item!r} is not in {review.id}", fix="see its items: groundwork review export")
        text, modes = tagged(row.note)
        named = tuple(dict.fromkeys([*modes, *(name_of(mode) for mode in row.modes)]))
        found.append(Note(review=review.id, item=row.item, at=time.time(), text=text, modes=named, reader=reader))
    return found


@command.command(epilog="\b\nExample:\n  groundwork review group --alike 0.5")
@_review_option
@click.option(
    "--alike", default=ALIKE, show_default=True, help="Mean cosine from which notes belong together; higher makes smaller groups."
)
@app_option
@json_option
def group(identifier: str, alike: float, root: Path, as_json: bool) -> None:
    """Suggest groups of the notes that name no mode yet, by what they say. Name each with `groundwork review name`."""
    from groundwork.engine.batching import Batcher

    folder = open_folder(root)
    try:
        review = run(latest_review(folder, identifier))
        notes = run(folder.reviews.notes(review.id))

        async def work() -> tuple[Group, ...]:
            embedder = Batcher()
            try:
                return await group_notes(notes, embedder, alike=alike)
            finally:
                await embedder.close()

        groups = run(work())
        save_groups(folder, review.id, [one.items for one in groups])
    finally:
        folder.close()
    if as_json:
        out_json(groups)
        return
    for one in groups:
        out(f"{bold(str(one.number))}  {count(len(one.notes), 'note')}, perhaps {bold(one.suggestion)}")
        different = list(dict.fromkeys(one.notes))
        for note in different[:_SHOWN]:
            out(f"   {shorten(note, 100)}")
        if len(different) > _SHOWN:
            out(dim(f"   and {len(different) - _SHOWN} that differ"))
    talk(dim("name one: groundwork review name 1 MODE") if groups else "no note waits for a mode")


@command.command(
    epilog="\b\nExamples:\n  groundwork review name 1 wrong-page\n  groundwork review name wrong-page wrong-document   # rename or merge"
)
@click.argument("target")
@click.argument("modes", metavar="MODE…", nargs=-1, required=True)
@_review_option
@app_option
def name(target: str, modes: tuple[str, ...], identifier: str, root: Path) -> None:
    """Give MODE to TARGET: the number of a group, or another mode, which is renamed or merged into it.

    TARGET may also be an item that was read: it then shows the modes named, and no others.
    """
    chosen = tuple(dict.fromkeys(name_of(mode) for mode in modes))
    folder = open_folder(root)
    try:
        review = run(latest_review(folder, identifier))
        notes = run(folder.reviews.notes(review.id))
        changed = _named(folder, review, notes, target, chosen)
        run(folder.reviews.add(changed))
    finally:
        folder.close()
    talk(f"{', '.join(chosen)}: {count(len(changed), 'note')}")


def _named(folder: Folder, review: Review, notes: Sequence[Note], target: str, modes: tuple[str, ...]) -> list[Note]:
    """The notes of the target with the modes. Raises NotFound for what is neither a group, nor a mode, nor an item that was read."""
    at = time.time()

    def changed(note: Note, modes: Sequence[str]) -> Note:
        return msgspec.structs.replace(note, modes=tuple(dict.fromkeys(modes)), at=at)

    if target.isdecimal():
        groups = read_groups(folder, review.id)
        if not 1 <= int(target) <= len(groups):
            raise NotFound(f"there is no group {target}", fix=f"choose 1 to {len(groups)}, or group anew: groundwork review group")
        items = set(groups[int(target) - 1])
        return [changed(note, [*note.modes, *modes]) for note in notes if note.item in items]
    renamed = [note for note in notes if target in note.modes]
    if renamed:
        return [changed(note, [*(one for one in note.modes if one != target), *modes]) for note in renamed]
    single = [note for note in notes if note.item == target]
    if not single:
        known = sorted({one for note in notes for one in note.modes})
        raise NotFound(f"{target!r} is no group, mode or item of {review.id}", fix=f"modes: {', '.join(known) or 'none yet'}")
    return [changed(note, modes) for note in single]


@command.command(epilog="\b\nExample:\n  groundwork review modes --json")
@_review_option
@app_option
@json_option
def modes(identifier: str, root: Path, as_json: bool) -> None:
    """Count the failure modes: how many answers showed each, and the share of all answers that this stands for."""
    folder = open_folder(root)
    try:
        review = run(latest_review(folder, identifier))
        notes = run(folder.reviews.notes(review.id))
    finally:
        folder.close()
    found, hint, any_failure = count_modes(review, notes), saturation(notes), failures(review, notes)
    if as_json:
        out_json({"review": review.id, "read": len(notes), "failures": any_failure, "modes": found, "saturation": hint})
        return
    out(f"{bold(review.id)}: {len(notes)} of {len(review.items)} read, drawn by {review.by} from {sum(review.strata.values())}")
    if any_failure is not None:
        out(
            f"any failure: {any_failure.value:.0%} of all answers [{any_failure.low:.0%}, {any_failure.high:.0%}]  {dim(any_failure.method)}"
        )
    table([_row(one) for one in found], ("mode", "seen", "share of all answers", "a note"))
    unnamed = sum(bool(note.text) and not note.modes for note in notes)
    if unnamed:
        talk(f"without a mode yet: {count(unnamed, 'note')}; group them: groundwork review group")
    talk(dim(hint.sentence))


def count(n: int, what: str) -> str:
    """A number of things, in English."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _row(mode: Mode) -> tuple[str, ...]:
    share = f"{mode.share.value:.0%} [{mode.share.low:.0%}, {mode.share.high:.0%}]"
    return mode.name, str(len(mode.items)), share, shorten(mode.notes[0], 80) if mode.notes else ""


@command.command(epilog="\b\nExamples:\n  groundwork review make wrong-page\n  groundwork review make wrong-page --judge judge")
@click.argument("mode")
@click.option("--judge", default="", metavar="MODEL", help="Write a judge's file that asks this model, instead of a rule.")
@click.option("--overwrite", is_flag=True, help="Write the scorer anew where it stands already.")
@_review_option
@app_option
@json_option
def make(mode: str, judge: str, overwrite: bool, identifier: str, root: Path, as_json: bool) -> None:
    """Make of MODE a scorer (scorers/MODE.py), its test cases, a dataset of the answers that show it, and a suite over them.

    Says how the scorer agrees with the notes, also on notes that it was not made from: it is a start, for you to correct.
    """
    root, mode = root.resolve(), name_of(mode)
    folder = open_folder(root)
    try:
        review = run(latest_review(folder, identifier))
        notes = run(folder.reviews.notes(review.id))
        shows = [note for note in notes if mode in note.modes]
        if not shows:
            known = sorted({one for note in notes for one in note.modes})
            raise NotFound(f"no note of {review.id} shows {mode!r}", fix=f"modes: {', '.join(known) or 'none yet'}")
        source = read_source(root, folder, review)
        rows = run(read_rows(folder, source, review, notes, mode))
        texts = [note.text for note in shows if note.text]
        if judge:
            made, rule, found = making.write_judge(root, mode, texts, rows, model=judge, overwrite=overwrite), None, None
        else:
            rule = rules.find_rule(rows)
            made = making.write_scorer(root, mode, rule, texts, rows, overwrite=overwrite)
            found = run(making.try_scorer(root, made.use, rows))._replace(held_out=rules.held_out(rows))
        dataset, suite = run(make_slice(root, folder, source, review, [note.item for note in shows], mode, made.use, overwrite=overwrite))
    finally:
        folder.close()
    written = [path.relative_to(root).as_posix() for path in (*made.files, suite)]
    if as_json:
        out_json({"files": written, "use": made.use, "agreement": found._asdict() if found else None, "dataset": dataset.id})
        return
    out("\n".join(f"wrote {path}" for path in written))
    out(f"{count(dataset.n, 'case')} in {dataset.id}")
    if rule is not None and found is not None:
        say_agreement(rule, found)
    else:
        talk(dim(f"hold it against the notes: groundwork judge calibrate {mode} --labels {made.files[1].relative_to(root)}"))


def say_agreement(rule: rules.Rule, found: rules.Agreement) -> None:
    """What the scorer looks for, and how far that agrees with the notes."""
    out(f"it says so where {rule.says}")
    precision = f", precision {_share(found.precision)}" if found.precision else ""
    out(f"on the {found.kappa.n} answers it was made from: kappa {_share(found.kappa)}, recall {_share(found.recall)}{precision}")
    if found.held_out is not None:
        out(f"on answers held out: kappa {_share(found.held_out)}")
    if found.held_out is None or found.held_out.low <= 0:
        talk("too little to rely on: read more answers, or correct the rule by hand")


def _share(figure: rules.Estimate) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


@command.command(epilog="\b\nExample:\n  groundwork review export > notes.jsonl")
@_review_option
@app_option
def export(identifier: str, root: Path) -> None:
    """Print every item of a review as JSON lines, with its note where it was read, and the probability with which it was drawn."""
    folder = open_folder(root)
    try:
        review = run(latest_review(folder, identifier))
        notes = {note.item: note for note in run(folder.reviews.notes(review.id))}
    finally:
        folder.close()
    for one in review.items:
        row = {"item": one.item, "trace": one.trace, "stratum": one.stratum, "probability": one.probability, "read": one.item in notes}
        note = notes.get(one.item)
        row |= {"note": note.text, "modes": note.modes, "reader": note.reader} if note else {}
        out(msgspec.json.encode(row).decode())


@command.command(name="list", epilog="\b\nExample:\n  groundwork review list")
@app_option
@json_option
def list_(root: Path, as_json: bool) -> None:
    """List the reviews, newest first."""
    folder = open_folder(root)
    try:
        known = run(folder.reviews.list())
        read_of = {one.id: len(run(folder.reviews.notes(one.id))) for one in known}
    finally:
        folder.close()
    if as_json:
        rows = [
            {"id": one.id, "made": one.made, "source": one.source, "by": one.by, "n": len(one.items), "read": read_of[one.id]}
            for one in known
        ]
        out_json(rows)
        return
    table(
        [(one.id, moment(one.made), one.source, one.by, f"{read_of[one.id]} of {len(one.items)}") for one in known],
        ("id", "made", "source", "drawn by", "read"),
    )
