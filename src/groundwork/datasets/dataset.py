"""Datasets on disk: a folder named by the dataset's id, holding `examples.jsonl` and `manifest.json`, written once and never changed."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from groundwork.core.errors import ConfigError, InputError, NotFound, StoreError
from groundwork.core.measure import Dataset, Example
from groundwork.datasets.examples import examples_sha256, format_examples, parse_examples
from groundwork.store.files import guarding, sync_folder, write_synced

_ROWS = "examples.jsonl"
_MANIFEST = "manifest.json"


def write_dataset(
    examples: Iterable[Example], *, folder: Path, identifier: str, name: str, made: float, parents: Iterable[str] = (), how: str = ""
) -> Dataset:
    """Write a dataset into `folder/identifier`, whole or not at all, and return its manifest.

    `parents` are the ids of everything it was made from; `how` is the command that made it. Raises InputError for no examples or doubled
    ids, StoreError where the folder exists: a dataset is never changed in place.
    """
    rows = tuple(examples)
    if not rows:
        raise InputError("a dataset needs at least one example", fix="widen the filter: more days, or other feedback")
    if len({row.id for row in rows}) < len(rows):
        raise InputError("two examples have the same id", fix="give each example an id of its own")
    dataset = Dataset(
        id=identifier, name=name, made=made, n=len(rows), sha256=examples_sha256(rows), parents=tuple(dict.fromkeys(parents)), how=how
    )
    place = folder / identifier
    part = folder / f".{identifier}.{os.getpid()}.part"
    if place.exists():
        raise StoreError(f"{place} exists already", fix="datasets never change: write another one")
    with guarding(place):
        part.mkdir(parents=True)
        try:
            write_synced(part / _ROWS, format_examples(rows))
            write_synced(part / _MANIFEST, msgspec.json.format(msgspec.json.encode(dataset), indent=2) + b"\n")
            sync_folder(part)
            part.rename(place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        sync_folder(folder)
    return dataset


def read_manifest(folder: Path, identifier: str) -> Dataset:
    """The manifest of a dataset. Raises NotFound, or StoreError for a damaged one."""
    path = folder / identifier / _MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Dataset)
    except FileNotFoundError:
        raise NotFound(f"no dataset {identifier!r}", fix="see `groundwork list datasets`") from None
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged: {error}", fix="restore the folder from a backup") from None


def read_dataset(folder: Path, identifier: str) -> tuple[Dataset, tuple[Example, ...]]:
    """Manifest and examples. Raises NotFound, or StoreError where the rows are not those the manifest names."""
    dataset = read_manifest(folder, identifier)
    path = folder / identifier / _ROWS
    with guarding(path):
        data = path.read_bytes()
    try:
        examples = parse_examples(data, str(path))
    except ConfigError as error:
        raise StoreError(f"{path} is damaged: {error.what}", fix="restore the folder from a backup") from None
    if examples_sha256(examples) != dataset.sha256:
        raise StoreError(
            f"{path} was changed after it was written", fix="restore it from a backup, or write the new rows as another dataset"
        )
    return dataset, examples


def list_datasets(folder: Path) -> list[Dataset]:
    """All datasets of a folder, newest first. What was left unfinished by a crash is no dataset."""
    if not folder.is_dir():
        return []
    names = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".") and (entry / _MANIFEST).exists()]
    return sorted((read_manifest(folder, name) for name in names), key=lambda dataset: (dataset.made, dataset.id), reverse=True)
