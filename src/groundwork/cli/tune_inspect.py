"""`groundwork tune inspect`: what a curator looks at before training."""

from pathlib import Path

import click

from groundwork.cli.terminal import bad, bold, dim, good, json_option, out, out_json, table
from groundwork.core.text import shorten
from groundwork.datasets.quality import Inspection, PartQuality, inspect_training
from groundwork.datasets.training import PARTS

_LABELS = 4


@click.command(epilog="\b\nExample:\n  groundwork tune inspect training/reader")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Look at a training set: balance, lengths, duplicates, leaks between its parts, outliers, labels that give themselves away."""
    found = inspect_training(folder)
    if as_json:
        out_json(found)
    else:
        say_inspection(found)


def say_inspection(found: Inspection) -> None:
    """Parts, lengths, what parts share, giveaways, and the remarks last."""
    out(bold(found.name))
    rows = [_part(part, found.parts[part]) for part in PARTS if part in found.parts]
    table(rows, ("part", "rows", "groups", "largest group", "doubled", "contradicting", "near duplicates", "labels"))
    lengths = [
        (part, field, f"{one.low:.0f}", f"{one.median:.0f}", f"{one.high:.0f}", str(one.most), str(len(one.outliers)))
        for part, quality in found.parts.items()
        for field, one in quality.lengths.items()
    ]
    out(f"\n{bold('words')}")
    table(lengths, ("part", "field", "5 %", "half", "95 %", "most", "outliers"))
    if found.shared:
        out(f"\n{bold('in two parts')}")
        shared = [
            (f"{one.first}, {one.second}", one.field, str(one.exact), str(one.near), str(one.of), one.example) for one in found.shared
        ]
        table([(*row[:-1], dim(shorten(row[-1], 60))) for row in shared], ("parts", "field", "same", "nearly", "of", "such as"))
    if found.giveaways:
        out(f"\n{bold('how well one field alone tells the label on held (AUC; 0.5: not at all)')}")
        given = [
            (one.field, *(f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]" for figure in (one.by_words, one.by_length)))
            for one in found.giveaways
        ]
        table(given, ("field", "by its words", "by its length"))
    out()
    for remark in found.remarks:
        out(f"{bad('look at')} {remark}")
    if not found.remarks:
        out(good("nothing to look at"))


def _part(name: str, part: PartQuality) -> tuple[str, ...]:
    near = ", ".join(f"{count} {field}" for field, count in part.near.items() if count) or "0"
    labels = ", ".join(f"{label} {count}" for label, count in part.labels.items())
    shown = (
        labels
        if len(part.labels) <= _LABELS
        else f"{len(part.labels)} classes of {min(part.labels.values())} to {max(part.labels.values())}"
    )
    return name, str(part.rows), str(part.groups), f"{part.largest_group:.0%}", str(part.doubled), str(part.contradicting), near, shown
