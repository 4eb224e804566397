"""From trained weights to a model that can be served: exported in int8, compared with what was trained, calibrated on dev, described in a card.

Everything here is chosen on the dev part, with the exported model's own outputs; the held part is only reported.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from groundwork.core.statistics import calibration as reliability
from groundwork.core.statistics import coverage_at
from groundwork.datasets.rows import PairRow, Row, SpanRow, TextRow
from groundwork.engine.reading import SpanFound, SpanReader
from groundwork.engine.scoring import PairScorer, TextClassifier
from groundwork.store.files import write_whole
from groundwork.tuning import linear
from groundwork.tuning.card import write_card
from groundwork.tuning.export import calibrated, export, read_state
from groundwork.tuning.fit import TRAINED, Job, labels_of
from groundwork.tuning.outcomes import token_f1
from groundwork.tuning.parity import SPANS, Bounds, Parity, compare, compare_spans, require
from groundwork.tuning.record import FitRecord, kept_files, write_record

if TYPE_CHECKING:
    from groundwork.tuning.train import Fit

RIGHT = 0.5
"""F1 from which on an answer counts as right, for calibration."""
FEATURES = ("answerable", "margin", "score", "share")
_ALARMS = 0.01
_MISSED = 0.05
_COMPARED = 400
"""Dev rows that the export is compared on: enough for a share of equal decisions to two points."""

Numbers = npt.NDArray[np.float64]


def finish(job: Job, record: FitRecord, run: "Fit") -> FitRecord:
    """Export, compare, calibrate, write the card; returns the record with all that. Raises InputError where the export is not what was trained."""
    recipe = record.recipe
    export(
        read_state(job.out / TRAINED),
        job.out,
        task=recipe.task,
        name=recipe.name,
        window=recipe.data.window,
        stride=recipe.data.stride,
        labels=labels_of(record.training),
        licence=licence_of(record),
        made_by=f"groundwork tune fit ({record.code})",
        heads=run.network.bert.config.num_attention_heads,
    )
    parity = _compared(job, run)
    require(parity, _bounds(record))
    numbers, thresholds, said = _calibrated(job, run)
    calibrated(job.out, calibration=numbers, thresholds=thresholds)
    write_whole(job.out / "trained-on.json", msgspec.json.format(msgspec.json.encode(trained_on(run)), indent=1) + b"\n")
    full = msgspec.structs.replace(
        record,
        parity={name: float(value) for name, value in msgspec.structs.asdict(parity).items()},
        calibration={**numbers, **{f"threshold {name}": value for name, value in thresholds.items()}, **said},
        files=kept_files(job.out),
    )
    write_record(full, job.out)
    write_card(full, job.out / "README.md")
    return full


def _bounds(record: FitRecord) -> Bounds:
    """What the export must keep. Where a reader hesitates between two spans the smallest difference decides: one row in ten may."""
    if record.is_smoke:  # hardly trained, all spans are about as likely
        return Bounds(rank=0.0, equal=0.0)
    return SPANS if record.recipe.task == "span" else Bounds()


def licence_of(record: FitRecord) -> str:
    """The base's licence and those of the data that the weights were trained on, share-alike ones first."""
    names = sorted(
        {origin.licence for origin in record.training.origins}, key=lambda name: (" SA " not in f" {name} ".replace("-", " "), name)
    )
    return f"weights Apache-2.0 (base); trained on data under {', '.join(names)}" if names else "Apache-2.0"


def trained_on(run: "Fit") -> list[str]:
    """Articles, sources, authors that training or calibration saw: nothing may be reported on them. Long lists are kept by hash."""
    names = sorted({row.group for part in (run.train, run.dev) for row in part.rows})
    return names if len(names) <= 1_000 else sorted(hashlib.sha256(name.encode()).hexdigest()[:16] for name in names)


def calibrate_spans(
    rows: Sequence[SpanRow], found: Sequence[Sequence[SpanFound]]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Weights of what is known of a span, the threshold `answerable`, and what dev says of them.

    Confidence is a logistic regression of *the span is right* on `FEATURES`. Whether to answer at all is better told by the head made for it:
    its threshold is the logit with the best F1 over all rows (declining where there is no answer counts 1, as in SQuAD 2.0).
    """
    best = [spans[0] for spans in found if spans]
    scores = [_f1(row, spans) for row, spans in zip(rows, found, strict=True) if spans]
    answerable = [bool(row.answers) for row, spans in zip(rows, found, strict=True) if spans]
    right = np.array([score >= RIGHT for score in scores], dtype=np.float64)
    features = np.array([[getattr(span, name) for name in FEATURES] for span in best], dtype=np.float64)
    if not 0 < right.sum() < len(right):
        return {"answerable": 1.0}, {"answerable": 0.0}, {}
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    head = linear.fit((features - middle) / spread, right, classes=1, l2=1e-3)
    weights = head.weight[0] / spread
    bias = float(head.bias[0] - weights @ middle)
    confidences = linear.sigmoid(features @ weights + bias)
    threshold = _best_threshold(features[:, FEATURES.index("answerable")], np.array(scores), np.array(answerable))
    known = {"bias": bias, **{name: float(weight) for name, weight in zip(FEATURES, weights, strict=True)}}
    reached = coverage_at(0.9, confidences.tolist(), (right > 0).tolist())
    said = {
        "dev calibration error": reliability(confidences.tolist(), (right > 0).tolist()).error,
        "dev coverage at 90 % precision": reached.coverage.value,
    }
    return known, {"answerable": threshold}, said


def _best_threshold(logits: Numbers, scores: Numbers, answerable: npt.NDArray[np.bool_]) -> float:
    """The logit from which on to answer: the best mean F1, declining rows without an answer counted as 1."""
    order = np.argsort(-logits, kind="stable")
    gained = np.where(answerable, scores, -1.0)[order]  # answering where there is none loses what declining had gained
    sums = np.concatenate([[0.0], np.cumsum(gained)])
    place = int(sums.argmax())
    if place == 0:
        return float(logits[order][0]) + 1.0
    after = logits[order][place] if place < len(order) else logits[order][place - 1] - 1.0
    return float((logits[order][place - 1] + after) / 2)


def calibrate_classes(logits: Numbers, truth: npt.NDArray[np.int64]) -> tuple[dict[str, float], dict[str, float]]:
    """The temperature, and for two classes the probability of the second from which on 1 % of the first's rows are flagged."""
    temperature = linear.temperature(logits, truth)
    if logits.shape[1] != 2:
        return {"temperature": temperature}, {}
    chances = linear.softmax(logits / temperature)[:, 1]
    return {"temperature": temperature}, {"one_percent": _threshold_at(chances, truth == 0, _ALARMS)}


def calibrate_pairs(logits: Numbers, labels: Numbers) -> tuple[dict[str, float], dict[str, float]]:
    """Temperature and bias of the score, the probability that parts the two labels with the best balanced accuracy, and the one below which 5 %
    of the positive pairs lie.
    """
    truth = (labels >= 0.5).astype(np.float64)
    if not 0 < truth.sum() < len(truth):
        return {"temperature": 1.0, "bias": 0.0}, {"yes": 0.5, "five_percent": 0.0}
    head = linear.fit(logits[:, None], truth, classes=1, balanced=True)
    slope = max(float(head.weight[0, 0]), 1e-3)
    chances = linear.sigmoid(logits * slope + float(head.bias[0]))
    options = np.unique(chances)
    balanced = [(chances[truth == 1] >= one).mean() + (chances[truth == 0] < one).mean() for one in options]
    thresholds = {"yes": float(options[int(np.argmax(balanced))]), "five_percent": float(np.quantile(chances[truth == 1], _MISSED))}
    return {"temperature": 1 / slope, "bias": float(head.bias[0])}, thresholds


def _threshold_at(chances: Numbers, clean: npt.NDArray[np.bool_], share: float) -> float:
    ordered = np.sort(chances[clean])[::-1]
    return float(np.nextafter(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2.0)) if len(ordered) else 0.5


def _compared(job: Job, run: "Fit") -> Parity:
    """The exported model beside the trained one, on rows of dev."""
    from groundwork.tuning.batches import tokenizer_of, windows_of
    from groundwork.tuning.predict import logits_of, spans_of

    rows = list(run.dev.rows[:: max(1, len(run.dev.rows) // _COMPARED)])
    tokenizer = tokenizer_of(str(job.base / "tokenizer.json"))
    numbers = {label: place for place, label in enumerate(run.labels)}
    windows = windows_of(rows, tokenizer, numbers, window=run.recipe.data.window, stride=run.recipe.data.stride)
    run.network.to("cpu")
    if run.network.task == "span":
        return compare_spans(spans_of(run.network, len(rows), windows, "fp32"), _exported_spans(job, rows))
    trained = logits_of(run.network, len(rows), windows, "fp32")
    exported = _exported_logits(job, rows, run.network.task)
    return compare(trained if trained.shape[1] > 1 else trained[:, 0], exported)


def _calibrated(job: Job, run: "Fit") -> tuple[dict[str, float], dict[str, float], dict[str, Any]]:
    rows = run.dev.rows
    if run.network.task == "span":
        return calibrate_spans([row for row in rows if isinstance(row, SpanRow)], _exported_spans(job, rows))
    logits = _exported_logits(job, rows, run.network.task).astype(np.float64)
    if run.network.task == "pair":
        return *calibrate_pairs(logits, np.array([row.label for row in rows if isinstance(row, PairRow)])), {}
    known = [place for place, row in enumerate(rows) if isinstance(row, TextRow) and row.label in run.labels]
    truth = np.array([run.labels.index(rows[place].label) for place in known])  # type: ignore[union-attr]
    return *calibrate_classes(logits[known], truth), {}


def _exported_spans(job: Job, rows: Sequence[Row]) -> list[list[SpanFound]]:
    reader = SpanReader(job.out)
    return [reader.read(row.question, [row.passage], most=1) for row in rows if isinstance(row, SpanRow)]


def _exported_logits(job: Job, rows: Sequence[Row], task: str) -> npt.NDArray[np.float32]:
    if task == "classify":
        return TextClassifier(job.out).classify([row.text for row in rows if isinstance(row, TextRow)])
    return PairScorer(job.out).score([(row.a, row.b) for row in rows if isinstance(row, PairRow)])


def _f1(row: SpanRow, found: Sequence[SpanFound]) -> float:
    if not row.answers or not found:
        return 0.0
    return token_f1(row.passage[found[0].start : found[0].end], [answer.text for answer in row.answers])
