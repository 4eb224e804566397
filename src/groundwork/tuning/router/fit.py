"""From examples to a router in its folder.

    made = fit_router(read_intents(path), Encoder(), name="intents")
    head = write_router(made, folder)

Fitting takes seconds. The settings were chosen once, by cross-validation within CLINC150's training part; on a user's own examples only the
threshold and the temperature are chosen, on folds that the head did not see.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics import calibration, proportion
from groundwork.datasets.rows import TextRow
from groundwork.engine.encoder import Encoder
from groundwork.engine.heads import MANIFEST, Head, HeadManifest, energy, head_files, read_head
from groundwork.engine.intents import ENERGY, OUT_OF_SCOPE, TASK, reads
from groundwork.store.files import write_whole
from groundwork.tuning.linear import Array, softmax, temperature
from groundwork.tuning.prepare.intents import Examples
from groundwork.tuning.router.card import render_card
from groundwork.tuning.router.folds import Bools, Held, by_row, confusions, doubtful, falsely_rejected, hold_out, told_apart, unseen
from groundwork.tuning.router.head import Table, check_labels, solve, tabulate
from groundwork.tuning.router.record import RouterRecord

RECORD = "record.json"
CARD = "README.md"
FALSE_REJECTION = 0.05
"""Share of in-scope messages that may be taken for out of scope, unless one says otherwise."""


class Fitted(NamedTuple):
    """A router before it is written: its record, and its files in the order to write them."""

    manifest: HeadManifest
    record: RouterRecord
    files: dict[str, bytes]


def fit_router(
    examples: Examples,
    encoder: Encoder,
    *,
    name: str = TASK,
    false_rejection: float = FALSE_REJECTION,
    seed: int = 0,
    licence: str = "that of its examples",
) -> Fitted:
    """Fit a router, and measure on held folds what to expect of it.

    Raises InputError for an example that is longer than the encoder's window, or a share that is none.
    """
    if not 0 < false_rejection < 1:
        raise InputError(f"{false_rejection} is no share of messages", fix="give one between 0 and 1, such as 0.05")
    started = time.process_time()
    table = tabulate(examples.rows, examples.labels, encoder)
    head = solve(table)
    held = hold_out(table, seed)
    manifest = HeadManifest(
        name=name,
        task=TASK,
        fingerprint="",
        base=encoder.fingerprint,
        labels=examples.labels,
        reads=reads(encoder.dimensions),
        calibration={"temperature": temperature(held.logits, _smoothed(held))},
        thresholds={ENERGY: float(np.quantile(held.energy, false_rejection))},
        files={},
        licence=licence,
        made_by="groundwork tune router",
    )
    files = head_files(manifest, head.weight, head.bias)
    whole = msgspec.json.decode(files[MANIFEST], type=HeadManifest)
    record = _record(whole, examples, table, held, false_rejection, seed)
    record = msgspec.structs.replace(record, cpu_seconds=round(time.process_time() - started, 2))
    return Fitted(whole, record, files)


def _smoothed(held: Held) -> Array:
    """Targets as if one row of all had been of any intent: where every fold is right, no temperature near 0 may promise that all will be."""
    rows, classes = held.logits.shape
    targets = np.full((rows, classes), held.repeats / (rows + held.repeats) / classes)
    targets[np.arange(rows), held.numbers] += rows / (rows + held.repeats)
    return targets


def _record(manifest: HeadManifest, examples: Examples, table: Table, held: Held, asked: float, seed: int) -> RouterRecord:
    threshold, degree = manifest.thresholds[ENERGY], manifest.calibration["temperature"]
    probabilities = softmax(held.logits / degree)
    outside = int(np.sum(table.numbers < 0))
    rejected = falsely_rejected(held, asked)
    return RouterRecord(
        name=manifest.name,
        fingerprint=manifest.fingerprint,
        base=manifest.base,
        licence=manifest.licence,
        source_sha256=examples.sha256,
        bytes=sum(file.bytes for file in manifest.files.values()),
        examples={label: int(np.sum(table.numbers == number)) for number, label in enumerate(table.labels)},
        repeated=examples.repeated,
        outside=outside,
        folds=f"{held.folds} folds" + (f", dealt {held.repeats} times" if held.repeats > 1 else ""),
        accuracy=by_row(held.right, held),
        accepted=by_row(held.right & ~rejected, held),
        threshold=threshold,
        asked_false_rejection=asked,
        false_rejection=by_row(rejected, held),
        unseen_auc=unseen(table, seed),
        outside_auc=told_apart(held.energy[held.first], held.outside),
        outside_rejected=proportion(int(np.sum(held.outside < threshold)), outside) if outside else None,
        temperature=degree,
        calibration_error=calibration(probabilities.max(axis=1).tolist(), held.right.tolist()).error,
        confusions=confusions(held, table.labels),
        doubtful=doubtful(held, probabilities, [row for row in examples.rows if row.label != OUT_OF_SCOPE], table.labels),
        seed=seed,
    )


class Measured(NamedTuple):
    """A router on messages that it never saw."""

    accuracy: Estimate
    """In scope, before the threshold."""
    accepted: Estimate
    """In scope: right, and not taken for out of scope."""
    false_rejection: Estimate
    outside_auc: Estimate | None
    outside_rejected: Estimate | None
    calibration_error: float
    logits: Array
    inside: Bools
    right: Bools
    """Of the rows in scope, before the threshold."""


def measure(head: Head, rows: Sequence[TextRow], encoder: Encoder) -> Measured:
    """What a router does on rows that it was not fitted on. Raises InputError where none is in scope, or a label is unknown."""
    check_labels(rows, head.labels)
    texts = [row.text for row in rows]
    logits = head.logits(encoder.encode(texts), texts)
    place = {label: number for number, label in enumerate(head.labels)}
    numbers = np.array([place.get(row.label, -1) for row in rows], dtype=np.int64)
    inside = numbers >= 0
    scores = energy(logits)
    accepted = scores >= head.manifest.thresholds[ENERGY]
    right = logits[inside].argmax(axis=1) == numbers[inside]
    outside = int(np.sum(~inside))
    return Measured(
        accuracy=proportion(int(right.sum()), len(right)),
        accepted=proportion(int((right & accepted[inside]).sum()), len(right)),
        false_rejection=proportion(int((~accepted[inside]).sum()), len(right)),
        outside_auc=told_apart(scores[inside], scores[~inside]),
        outside_rejected=proportion(int((~accepted[~inside]).sum()), outside) if outside else None,
        calibration_error=calibration(head.probabilities(logits[inside]).max(axis=1).tolist(), right.tolist()).error,
        logits=logits.astype(np.float64),
        inside=inside,
        right=right,
    )


def write_router(made: Fitted, folder: Path) -> Head:
    """Keep a router in its folder, in the place of an older one of the same name; the manifest, written last, is what changes over.

    Raises StoreError, StoreFull.
    """
    files = {name: data for name, data in made.files.items() if name != MANIFEST}
    files[RECORD] = msgspec.json.format(msgspec.json.encode(made.record), indent=2) + b"\n"
    files[CARD] = render_card(made.record).encode()
    for name, data in (*files.items(), (MANIFEST, made.files[MANIFEST])):
        write_whole(folder / name, data)
    for stale in folder.glob("head-*.bin"):
        if stale.name not in made.files:
            stale.unlink(missing_ok=True)
    return read_head(folder, base=made.manifest.base)
