"""Routers of intents: how often they are right, how well they see what is out of scope, and what that costs.

    python -m benchmarks.routing [--quick] [--choose] [--data FOLDER]

`--data` (or $GROUNDWORK_DATA) holds JSON lines in routing/ (or in the folder itself), `*.jsonl` or `*.jsonl.gz`:

    {"split": "train", "text": "how much is in my savings account", "intent": "balance"}

Splits: `train` and `oos_train` are learned from (where a folder has none, those of $GROUNDWORK_DATA); `test` and `oos_test` are reported, else
`val` and `oos_val`. Nothing is chosen on what is reported: features, regularisation and the energy loss were chosen by cross-validation within
`train`, which `--choose` does again. Few-shot routers get 5, 10 and 20 examples of each intent, drawn by several seeds, and none that is out of
scope; their intervals cover messages and draws. The rival is plain logistic regression on the embedding, judged by its greatest softmax.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.report import begin, report
from groundwork.core.errors import NotFound
from groundwork.core.measure import Estimate
from groundwork.core.statistics import auc, paired_difference, quantile
from groundwork.datasets.rows import TextRow
from groundwork.engine.encoder import Encoder
from groundwork.engine.heads import Head, energy
from groundwork.tuning.linear import fit, logsumexp, softmax, stratified_folds
from groundwork.tuning.prepare.intents import Examples, read_clinc
from groundwork.tuning.router.fit import Measured, fit_router, measure, write_router
from groundwork.tuning.router.head import LENGTH, Table, solve, tabulate

EXCERPT = Path(__file__).resolve().parent.parent / "tests" / "data"
SHOTS, QUICK_SHOTS = (5, 10, 20), (5, 10)
SEEDS, QUICK_SEEDS = 5, 2
TIMED, QUICK_TIMED = 400, 50
PLAIN = 1e-5
"""The l2 of the plain rival: the most accurate of 1e-3, 1e-4, 1e-5 and 1e-6 within `train`, at any number of examples."""


class Data(NamedTuple):
    """What is learned from, and what is reported."""

    train: tuple[TextRow, ...]
    outside: tuple[TextRow, ...]
    reported: tuple[TextRow, ...]
    """In scope and out of it."""
    shown: str

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({row.label for row in self.train}))


def read(folder: Path) -> Data:
    """Rows of a folder; training rows of $GROUNDWORK_DATA where it has none."""
    splits, _ = read_clinc(folder)
    known = os.environ.get("GROUNDWORK_DATA")
    learned: Mapping[str, tuple[TextRow, ...]] = splits if "train" in splits or not known else read_clinc(Path(known))[0]
    part = "test" if "test" in splits else "val"
    if "train" not in learned or part not in splits:
        raise NotFound(f"{folder} has the splits {', '.join(splits)}", fix="it needs `train`, and `test` or `val`")
    beyond = splits.get(f"oos_{part}", ())
    outside = learned.get("oos_train", ())
    shown = (
        f"{len(learned['train'])} messages of {len({row.label for row in learned['train']})} intents and {len(outside)} out of scope to learn "
        f"from; reported on `{part}` ({len(splits[part])}) and `oos_{part}` ({len(beyond)}); below {folder.name}/"
    )
    return Data(learned["train"], outside, (*splits[part], *beyond), shown)


def draw(data: Data, shots: int, seed: int) -> Examples:
    """Some examples of each intent."""
    chance = np.random.default_rng(seed)
    by_label: dict[str, list[TextRow]] = {}
    for row in data.train:
        by_label.setdefault(row.label, []).append(row)
    return Examples(
        tuple(by_label[label][place] for label in data.labels for place in chance.permutation(len(by_label[label]))[:shots]), 0, ""
    )


def together(found: Sequence[Estimate]) -> tuple[float, list[float]]:
    """The mean over draws. Its interval adds the messages' variance, which draws share, to that between draws."""
    values = [one.value for one in found]
    messages = float(np.mean([((one.high - one.low) / 3.92) ** 2 for one in found]))
    between = float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0
    half = 1.96 * float(np.sqrt(messages + between))
    value = float(np.mean(values))
    return value, [max(0.0, value - half), min(1.0, value + half)]


class Figures:
    """Figures by name, and their intervals."""

    def __init__(self) -> None:
        self.values: dict[str, float | None] = {}
        self.intervals: dict[str, list[float]] = {}

    def add(self, name: str, *found: Estimate | None) -> None:
        """One estimate, or those of several draws."""
        known = [one for one in found if one is not None]
        if not known:
            self.values[name] = None
        elif len(known) == 1:
            self.values[name], self.intervals[name] = round(known[0].value, 5), [round(known[0].low, 5), round(known[0].high, 5)]
        else:
            value, bounds = together(known)
            self.values[name], self.intervals[name] = round(value, 5), [round(bound, 5) for bound in bounds]

    def plain(self, name: str, value: float) -> None:
        self.values[name] = round(value, 4)


def all_examples(data: Data, encoder: Encoder, figures: Figures, folder: Path) -> tuple[Head, Measured]:
    """A router of everything there is, through its files as it would be served."""
    made = fit_router(Examples((*data.train, *data.outside), 0, ""), encoder)
    head = write_router(made, folder)
    found = measure(head, data.reported, encoder)
    figures.add("accuracy", found.accuracy)
    figures.add("predicted_accuracy", made.record.accuracy)
    figures.add("oos_auc", found.outside_auc)
    greatest = head.probabilities(found.logits.astype(np.float32)).max(axis=1)
    figures.add("oos_auc_softmax", auc(greatest.tolist(), found.inside.tolist()) if not found.inside.all() else None)
    figures.add("accepted", found.accepted)
    figures.add("false_rejection", found.false_rejection)
    figures.add("predicted_false_rejection", made.record.false_rejection)
    figures.add("oos_rejected", found.outside_rejected)
    figures.add("unseen_intent_auc", made.record.unseen_auc)
    figures.plain("ece", found.calibration_error)
    figures.plain("fit_cpu_s", made.record.cpu_seconds)
    figures.plain("head_kb", made.record.bytes / 1000)
    return head, found


def rival(encoder: Encoder, mine: Measured, figures: Figures, heads: Mapping[str, Table]) -> dict[str, float | None]:
    """Plain logistic regression on the embedding; and what energy loss and examples out of scope add."""
    train, reported = heads["train"], heads["reported"]
    width = encoder.dimensions
    inside = reported.numbers >= 0
    plain = fit(train.features[:, :width], train.numbers, classes=len(train.labels), l2=PLAIN, iterations=200, tolerance=1e-4)
    logits = plain.logits(reported.features[:, :width])
    right = logits[inside].argmax(axis=1) == reported.numbers[inside]
    figures.add("accuracy_over_plain", paired_difference(right.astype(float).tolist(), mine.right.astype(float).tolist()))
    found: dict[str, float | None] = {"accuracy": round(float(right.mean()), 5)}
    if not inside.all():
        unaided = solve(train).logits(reported.features)
        figures.add("oos_auc_without_examples", auc(logsumexp(unaided).tolist(), inside.tolist()))
        found["oos_auc"] = round(auc(softmax(logits).max(axis=1).tolist(), inside.tolist()).value, 5)
        found["oos_auc_energy"] = round(auc(logsumexp(logits).tolist(), inside.tolist()).value, 5)
    return found


def few_examples(data: Data, encoder: Encoder, figures: Figures, shots: Sequence[int], seeds: int, folder: Path) -> dict[str, float | None]:
    """Routers of a few examples of each intent; and the plain rival on the same ones."""
    rivals: dict[str, float | None] = {}
    for count in shots:
        measured: list[Measured] = []
        predicted: list[Estimate] = []
        costs: list[float] = []
        plain: list[float] = []
        for seed in range(seeds):
            examples = draw(data, count, seed)
            made = fit_router(examples, encoder, seed=seed)
            measured.append(measure(write_router(made, folder / f"{count}-{seed}"), data.reported, encoder))
            predicted.append(made.record.accuracy)
            costs.append(made.record.cpu_seconds)
            plain.append(plain_accuracy(examples, data, encoder))
            print(f"{count} examples, seed {seed}: predicted {predicted[-1].value:.4f}, measured {measured[-1].accuracy.value:.4f}")
        figures.add(f"accuracy_{count}_shot", *(one.accuracy for one in measured))
        figures.add(f"predicted_accuracy_{count}_shot", *predicted)
        figures.add(f"oos_auc_{count}_shot", *(one.outside_auc for one in measured))
        figures.add(f"false_rejection_{count}_shot", *(one.false_rejection for one in measured))
        figures.plain(f"ece_{count}_shot", float(np.mean([one.calibration_error for one in measured])))
        figures.plain(f"fit_cpu_s_{count}_shot", float(np.mean(costs)))
        rivals[f"accuracy_{count}_shot"] = round(float(np.mean(plain)), 5)
    return rivals


def plain_accuracy(examples: Examples, data: Data, encoder: Encoder) -> float:
    learned, reported = (tabulate(rows, examples.labels, encoder) for rows in (examples.rows, data.reported))
    width = encoder.dimensions
    head = fit(learned.features[:, :width], learned.numbers, classes=len(learned.labels), l2=PLAIN, iterations=200, tolerance=1e-4)
    kept = reported.numbers >= 0
    return float((head.logits(reported.features[kept][:, :width]).argmax(axis=1) == reported.numbers[kept]).mean())


def cost(head: Head, texts: Sequence[str], encoder: Encoder) -> tuple[Estimate, Estimate]:
    """CPU milliseconds of one message at a time, the median: of all, and of what comes after the embedding."""
    spent: list[tuple[float, float]] = []
    for text in texts:
        started = time.process_time()
        vectors = encoder.encode([text])
        embedded = time.process_time()
        energy(head.logits(vectors, [text]))
        done = time.process_time()
        spent.append((1000 * (done - started), 1000 * (done - embedded)))
    return quantile([one[0] for one in spent], 0.5), quantile([one[1] for one in spent], 0.5)


def choose(data: Data, encoder: Encoder, seeds: int) -> None:
    """How the settings were chosen: within `train` and `oos_train` alone, few-shot draws against the rest, and one fold of all of it."""
    table = tabulate((*data.train, *data.outside), data.labels, encoder)
    width, inside = encoder.dimensions, table.numbers >= 0
    folds = stratified_folds(table.numbers.tolist(), 5)
    print("share  length  l2      10 examples: right, AUC    four folds of five: right, AUC")
    for share in (0.0, 0.5, 0.7):
        features = table.features.copy()
        features[:, width:] *= share / 0.5
        for length, l2 in ((0.0, 1e-5), (5.0, 1e-5), (LENGTH, 1e-6), (LENGTH, 1e-5), (LENGTH, 1e-4), (20.0, 1e-5)):
            few: list[tuple[float, float]] = []
            for seed in range(seeds):
                names = {row.id for row in draw(data, 10, seed).rows}
                learned = np.array([row.id in names for row in data.train] + [False] * len(data.outside))
                few.append(judged(features, table, learned, inside & ~learned, length, l2))
            whole = judged(features, table, inside & (folds != 0), inside & (folds == 0), length, l2)
            print(f"{share:<5}  {length:<6}  {l2:<6}  {np.mean(few, axis=0).round(4)}  {np.round(whole, 4)}", flush=True)


def judged(features: np.ndarray, table: Table, learned: np.ndarray, scored: np.ndarray, length: float, l2: float) -> tuple[float, float]:
    """Share right, and AUC of the energy against what is out of scope."""
    classes = len(table.labels)
    sums = np.zeros((classes, features.shape[1]))
    np.add.at(sums, table.numbers[learned], features[learned])
    towards = length * sums / np.linalg.norm(sums, axis=1, keepdims=True)
    head = fit(features[learned], table.numbers[learned], classes=classes, l2=l2, towards=towards, iterations=200, tolerance=1e-4)
    logits, beyond = head.logits(features[scored]), head.logits(features[table.numbers < 0])
    scores = np.concatenate([logsumexp(logits), logsumexp(beyond)])
    right = float((logits.argmax(axis=1) == table.numbers[scored]).mean())
    return right, auc(scores.tolist(), [1] * len(logits) + [0] * len(beyond)).value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="an excerpt of 8 intents, under a minute")
    parser.add_argument("--choose", action="store_true", help="print how the settings were chosen, within train, and report nothing")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder with the lines above, in routing/ or in itself"
    )
    options = parser.parse_args()
    started = begin()
    data = read(EXCERPT if options.quick or options.data is None else options.data)
    encoder = Encoder()
    if options.choose:
        choose(data, encoder, 3)
        return
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        head, mine = all_examples(data, encoder, figures, Path(folder) / "all")
        tables = {name: tabulate(rows, data.labels, encoder) for name, rows in (("train", data.train), ("reported", data.reported))}
        rivals = rival(encoder, mine, figures, tables)
        shots, seeds = (QUICK_SHOTS, QUICK_SEEDS) if options.quick else (SHOTS, SEEDS)
        rivals |= few_examples(data, encoder, figures, shots, seeds, Path(folder))
    texts = [row.text for row in data.reported][:: max(1, len(data.reported) // (QUICK_TIMED if options.quick else TIMED))]
    whole, after = cost(head, texts, encoder)
    figures.add("cpu_ms", whole)
    figures.add("head_cpu_ms", after)
    report(
        benchmark="routing",
        figures=figures.values,
        intervals=figures.intervals,
        n=len(data.reported),
        rivals={"plain logistic regression on the embedding": rivals},
        data=data.shown,
        versions=("numpy", "onnxruntime"),
        started=started,
    )


if __name__ == "__main__":
    main()
