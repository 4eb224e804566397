"""A training set on disk: `train.jsonl`, `dev.jsonl`, `held.jsonl` and a manifest that names what they were made from; written once, never changed.

`train` is learned from, `dev` chooses (when to stop, thresholds, calibration), `held` is reported and nothing else. A group (article, source,
author) lies in one part only, and no text of one part stands in another.
"""

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from groundwork.core.errors import ConfigError, InputError, NotFound, StoreError
from groundwork.core.text import words
from groundwork.datasets.rows import Row, SpanRow, Task, TextRow, format_rows, parse_rows, rows_sha256
from groundwork.store.files import guarding, sync_folder, write_synced

Part = Literal["train", "dev", "held"]
PARTS: tuple[Part, ...] = ("train", "dev", "held")
_MANIFEST = "manifest.json"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a training set was made from."""

    name: str
    licence: str
    rows: int
    sha256: str = ""
    note: str = ""


class TrainingSet(msgspec.Struct, frozen=True, kw_only=True):
    """What a training set is: its task, how many rows each part has, and where they come from."""

    name: str
    task: Task
    counts: dict[Part, int]
    sha256: dict[Part, str]
    groups: dict[Part, int]
    labels: dict[Part, dict[str, int]]
    """How often each label (or kind of answer) occurs."""
    origins: tuple[Origin, ...]
    how: str
    seed: int = 0


Parts = Mapping[Part, Sequence[Row]]


def text_of(row: Row) -> str:
    """What must not stand in two parts: the text that is read, without case and punctuation."""
    if isinstance(row, SpanRow):
        return " ".join(words(f"{row.question} {row.passage}"))
    return " ".join(words(row.text if isinstance(row, TextRow) else f"{row.a} {row.b}"))


def label_of(row: Row) -> str:
    """A row's label, as counted in the manifest."""
    if isinstance(row, SpanRow):
        return "answerable" if row.answers else "unanswerable"
    return row.label if isinstance(row, TextRow) else f"{row.label:g}"


def leaks(parts: Parts) -> list[str]:
    """Sentences about groups and texts that stand in more than one part; empty where all is well."""
    found: list[str] = []
    groups: dict[str, Part] = {}
    texts: dict[str, tuple[Part, str]] = {}
    for part in PARTS:
        for row in parts.get(part, ()):
            if groups.setdefault(row.group, part) != part:
                found.append(f"the group `{row.group}` stands in {groups[row.group]} and in {part}")
                groups[row.group] = part
            text = text_of(row)
            before, identifier = texts.setdefault(text, (part, row.id))
            if before != part:
                found.append(f"`{row.id}` of {part} has the text of `{identifier}` of {before}")
    return found


def write_training(
    parts: Parts, *, folder: Path, name: str, task: Task, origins: Sequence[Origin], how: str, seed: int = 0, unsplit: bool = False
) -> TrainingSet:
    """Write a training set into `folder`, whole or not at all, and return its manifest.

    Raises InputError where a part is empty, where a class has no row in `train`, or where a group or a text lies in two parts (unless
    `unsplit`: then only the texts may not), StoreError where the folder exists.
    """
    if folder.exists():
        raise StoreError(f"{folder} exists already", fix="training sets never change: write another one")
    if empty := [part for part in PARTS if not parts.get(part)]:
        raise InputError(f"no row in {', '.join(empty)}", fix="a training set needs rows in train, dev and held")
    rows: dict[Part, tuple[Row, ...]] = {}
    for part in PARTS:
        rows[part] = parse_rows(format_rows(parts[part]), task, part)  # as they will be read: a broken row is found now
    if wrong := [leak for leak in leaks(rows) if not (unsplit and leak.startswith("the group"))]:
        raise InputError(f"{len(wrong)} leaks between the parts; the first: {wrong[0]}", fix="deduplicate first, and split by group")
    made = TrainingSet(
        name=name,
        task=task,
        counts={part: len(rows[part]) for part in PARTS},
        sha256={part: rows_sha256(rows[part]) for part in PARTS},
        groups={part: len({row.group for row in rows[part]}) for part in PARTS},
        labels={part: dict(sorted(Counter(label_of(row) for row in rows[part]).items())) for part in PARTS},
        origins=tuple(origins),
        how=how,
        seed=seed,
    )
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    with guarding(folder):
        beside.mkdir(parents=True)
        try:
            for part in PARTS:
                write_synced(beside / f"{part}.jsonl", format_rows(rows[part]))
            write_synced(beside / _MANIFEST, msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
            sync_folder(beside)
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        sync_folder(folder.parent)
    return made


def read_training(folder: Path) -> TrainingSet:
    """The manifest of a training set. Raises NotFound, or StoreError for a damaged one."""
    path = folder / _MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=TrainingSet)
    except FileNotFoundError:
        raise NotFound(f"no training set in {folder}", fix="make one: `groundwork tune data --help`") from None
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged: {error}", fix="restore it from a backup, or make the training set again") from None


def read_part(folder: Path, part: Part) -> tuple[Row, ...]:
    """The rows of one part. Raises NotFound, ConfigError for a bad row, StoreError where they are not those that the manifest names."""
    made = read_training(folder)
    path = folder / f"{part}.jsonl"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{path} is missing", fix="restore it from a backup, or make the training set again") from None
    try:
        rows = parse_rows(data, made.task, str(path))
    except ConfigError as error:
        raise StoreError(f"{path} is damaged: {error}", fix="restore it from a backup, or make the training set again") from None
    if rows_sha256(rows) != made.sha256[part]:
        raise StoreError(f"{path} was changed after it was written", fix="write the new rows as another training set")
    return rows
