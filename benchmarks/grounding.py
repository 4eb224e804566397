"""Is this claim supported by this document? How well a trained scorer tells, beside words in common and the embedding's cosine.

    python -m benchmarks.grounding [--quick] [--data FOLDER] [--model FOLDER]

`--data` holds grounding/*.jsonl (or *.jsonl in the folder itself), a line each, label 1 = supported:

    {"document": "It was written by Ada in 1843.", "claim": "Ada wrote it.", "label": 1}

Without it, the held part of $GROUNDWORK_TRAINING/grounding is read (`python -m groundwork.tuning.prepare grounding`), and without that the tests'
excerpt. `--model` is a fit's folder (`groundwork tune fit recipes/grounding.toml`). Claims are edits of true sentences, in fours: who reads the
claim alone, or the document alone, cannot tell. `precision_at_5pct` is the share of claims that are truly unsupported among those called so, were
one claim in twenty unsupported, at the threshold where one supported claim in twenty is called unsupported.
"""

import argparse
import gzip
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.report import begin, report
from groundwork.core.measure import Estimate
from groundwork.core.statistics import auc, bootstrap
from groundwork.core.text import content_words, sentences, shorten
from groundwork.engine.encoder import WEIGHTS, Encoder
from groundwork.engine.scoring import PairScorer

MODEL = WEIGHTS.parent / "grounding"
EXCERPT = Path(__file__).resolve().parent.parent / "tests" / "data" / "grounding" / "held.jsonl"
PREVALENCE, ALARMS = 0.05, 0.05


class Case(NamedTuple):
    """A claim, the document it is held against, and whether it follows."""

    document: str
    claim: str
    supported: bool
    group: str
    kind: str


def read(path: Path) -> list[Case]:
    """Lines in either form: {document, claim, label}, or rows of a training set."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [json.loads(line) for line in data.decode().splitlines() if line.strip()]
    return [
        Case(
            row.get("document", row.get("b")),
            row.get("claim", row.get("a")),
            float(row["label"]) > 0.5,
            str(row.get("group", place)),
            str(row.get("kind", "")).partition(".")[0],
        )
        for place, row in enumerate(rows)
    ]


def cases_of(folder: Path | None) -> tuple[list[Case], str]:
    """The cases, and what they are."""
    if folder is not None:
        under = folder / "grounding" if (folder / "grounding").is_dir() else folder
        files = sorted([*under.glob("*.jsonl"), *under.glob("*.jsonl.gz")])
        if not files:
            raise SystemExit(f"{under} holds no lines of claims")
        return [case for file in files for case in read(file)], f"{len(files)} files of {folder.name}"
    training = os.environ.get("GROUNDWORK_TRAINING")
    if training and (held := Path(training) / "grounding" / "held.jsonl").exists():
        return read(held), "the held articles and questions"
    return read(EXCERPT), "the excerpt of the tests"


def overlap(cases: Sequence[Case]) -> list[float]:
    """The share of the claim's content words that stand in the document."""
    found: list[float] = []
    for case in cases:
        said, held = content_words(case.claim), set(content_words(case.document))
        found.append(sum(word in held for word in said) / max(1, len(said)))
    return found


def nearest(cases: Sequence[Case], encoder: Encoder) -> list[float]:
    """The cosine of the claim and the document's sentence that is most like it."""
    found: list[float] = []
    for case in cases:
        parts = [case.document[start:end] for start, end in sentences(case.document)] or [case.document]
        vectors = encoder.encode([shorten(case.claim, 400), *(shorten(part, 400) for part in parts)])
        found.append(float((vectors[1:] @ vectors[0]).max()))
    return found


def precision(scores: np.ndarray, supported: np.ndarray) -> float:
    """Of what is called unsupported, the share that is, at a prevalence of one in twenty (by Bayes' rule from the two rates)."""
    limit = np.quantile(scores[supported], ALARMS)
    caught, alarms = float((scores[~supported] < limit).mean()), float((scores[supported] < limit).mean())
    return PREVALENCE * caught / max(PREVALENCE * caught + (1 - PREVALENCE) * alarms, 1e-12)


def balanced(scores: np.ndarray, supported: np.ndarray, limit: float) -> Estimate:
    """The mean of both classes' accuracy."""
    right = (scores >= limit) == supported
    both = [float(right[supported == label].mean()) for label in (True, False)]
    weights = np.where(supported, 1 / supported.sum(), 1 / (~supported).sum()) * len(supported) / 2
    spread = bootstrap((right * weights).tolist(), draws=2_000)
    return Estimate(value=sum(both) / 2, low=spread.low, high=spread.high, n=len(scores), method=spread.method)


def main() -> None:
    """Score every claim, and the rivals beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the tests' excerpt")
    parser.add_argument("--data", type=Path, help="a folder with lines of claims")
    parser.add_argument("--model", type=Path, default=MODEL, help="a fit's folder")
    options = parser.parse_args()
    started = begin()
    cases, said = (read(EXCERPT), "the excerpt of the tests") if options.quick else cases_of(options.data)
    truth = np.array([case.supported for case in cases])
    figures: dict[str, Estimate] = {}
    plain: dict[str, float] = {}
    if (options.model / "manifest.json").exists():
        scorer = PairScorer(options.model)
        clock = time.process_time()
        scores = np.array([float(scorer.score([(case.claim, case.document)])[0]) for case in cases])
        plain["cpu_ms"] = round(1000 * (time.process_time() - clock) / len(cases), 2)
        figures["auc"] = auc(scores.tolist(), truth.tolist())
        figures["balanced_accuracy"] = balanced(scorer.probabilities(scores), truth, 0.5)
        plain["precision_at_5pct"] = round(precision(scores, truth), 4)
        for kind in sorted({case.kind for case in cases} - {""}):
            here = np.array([case.kind == kind for case in cases])
            if 0 < truth[here].sum() < here.sum():
                figures[f"auc.{kind}"] = auc(scores[here].tolist(), truth[here].tolist())
    else:
        print(f"no scorer in {options.model}: none is shipped; name a fit's folder with --model")
    simple = {"share of words in common": overlap(cases), "cosine of the nearest sentence": nearest(cases, Encoder())}
    report(
        benchmark="grounding",
        figures={name: round(value.value, 4) for name, value in figures.items()} | plain,
        intervals={name: [round(value.low, 4), round(value.high, 4)] for name, value in figures.items()},
        n=len(cases),
        rivals={
            name: {"auc": round(auc(values, truth.tolist()).value, 4), "precision_at_5pct": round(precision(np.array(values), truth), 4)}
            for name, values in simple.items()
        },
        data=said,
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


if __name__ == "__main__":
    main()
