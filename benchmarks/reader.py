"""How well the trained reader finds an answer, and how well it knows that there is none: on given passages, and on those our retrieval finds.

    python -m benchmarks.reader [--quick] [--data FOLDER] [--model FOLDER] [--most N]

`--data` (or $GROUNDWORK_DATA) holds reader/squad2.jsonl.gz, squad1.jsonl.gz or policyqa.jsonl.gz; a line of them:

    {"title": "Steam_engine", "context": "…", "question": "Who …?", "answers": ["Watt"], "impossible": false, "id": "57…"}

Articles and sites that the model was trained or calibrated on (`trained-on.json` beside its weights) are left out, so that any other data is
measured whole. `f1_answerable` is made to answer; `f1`, `f1_answered` and `accuracy_unanswerable` are at the shipped threshold of the answerability head, as in
SQuAD 2.0 (declining where there is an answer scores 0). An answer is right from an F1 of 0.5 on: `ece` and `coverage_at_90` are of that. Figures named
`found.` read the three passages that retrieval found for the question among all paragraphs; questions whose paragraph is not among them count.
Rivals: always declining, and the sentence most like the question, as the reader's predecessor chose it.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import begin, report
from groundwork.core.measure import Estimate
from groundwork.core.statistics import auc, bootstrap, calibration, coverage_at, mean
from groundwork.core.text import sentences
from groundwork.datasets.rows import SpanRow
from groundwork.engine.encoder import WEIGHTS, Encoder
from groundwork.engine.reading import SpanReader
from groundwork.tuning.outcomes import token_f1
from groundwork.tuning.prepare.reader import found_rows, written
from groundwork.tuning.prepare.sources import Question, read_questions

MODEL = WEIGHTS.parent / "reader"
TRAINED_ON = "trained-on.json"
EXCERPT = Path(__file__).resolve().parent.parent / "tests" / "data"
RIGHT = 0.5
FOUND = 3


class Case(NamedTuple):
    """A question with the passages to read, and the accepted answers (none where there is no answer)."""

    question: str
    passages: tuple[str, ...]
    accepted: tuple[str, ...]
    group: str


class Read(NamedTuple):
    """What the reader would say, how sure it is, and the F1 of that (0 where there is no answer)."""

    text: str
    confidence: float
    answerable: float
    f1: float


def read(reader: SpanReader, case: Case) -> Read:
    found = reader.read(case.question, case.passages, most=1)
    if not found:
        return Read("", 0.0, -30.0, 0.0)
    best = found[0]
    text = case.passages[best.passage][best.start : best.end]
    return Read(text, best.confidence, best.answerable, token_f1(text, case.accepted) if case.accepted else 0.0)


def over(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    """A mean; articles are drawn, where there are several."""
    return bootstrap(values, clusters=groups, draws=2_000, kind="percentile") if len(set(groups)) > 1 else mean(values)


def figures_of(cases: Sequence[Case], reads: Sequence[Read], threshold: float) -> dict[str, Estimate]:
    """Figures of one situation."""
    groups = [case.group for case in cases]
    known = [place for place, case in enumerate(cases) if case.accepted]
    none = [place for place, case in enumerate(cases) if not case.accepted]
    said = [one.answerable >= threshold for one in reads]
    scores = [one.f1 * said[place] if cases[place].accepted else float(not said[place]) for place, one in enumerate(reads)]
    right = [one.f1 >= RIGHT for one in reads]
    confidences = [one.confidence for one in reads]
    reliability = calibration(confidences, right)
    figures = {
        "f1_answerable": over([reads[place].f1 for place in known], [groups[place] for place in known]),
        "f1_answered": over([scores[place] for place in known], [groups[place] for place in known]),
        "f1": over(scores, groups),
        "coverage_at_90": coverage_at(0.9, confidences, right).coverage,
        "ece": Estimate(value=reliability.error, low=reliability.error, high=reliability.error, n=len(cases), method="point"),
    }
    if none:
        figures["accuracy_unanswerable"] = over([scores[place] for place in none], [groups[place] for place in none])
        truth = [bool(case.accepted) for case in cases]
        figures["answerability_auc"] = auc([one.answerable for one in reads], truth)
    return figures


def given(rows: Sequence[SpanRow]) -> list[Case]:
    return [Case(row.question, (row.passage,), tuple(answer.text for answer in row.answers), row.group) for row in rows]


def found(questions: Sequence[Question], encoder: Encoder) -> list[Case]:
    """The same questions with what retrieval finds; an accepted answer counts wherever it is read."""
    passages: dict[str, list[str]] = {}
    for row in found_rows(questions, encoder, kept=FOUND):
        passages.setdefault(row.id.rpartition("@")[0], []).append(row.passage)
    return [Case(one.question, tuple(passages.get(one.id, ())), one.answers, one.group) for one in questions]


def nearest(cases: Sequence[Case], encoder: Encoder) -> dict[str, float]:
    """The sentence most like the question, as an answer."""
    values: list[float] = []
    for case in cases:
        if not case.accepted:
            continue
        passage = case.passages[0]
        parts = [passage[start:end][:600] for start, end in sentences(passage)]
        vectors = encoder.encode([case.question, *(part[:240] for part in parts)])
        values.append(token_f1(parts[int((vectors[1:] @ vectors[0]).argmax())], case.accepted))
    return {"f1_answerable": round(sum(values) / len(values), 4)}


def questions_of(folder: Path, trained_on: frozenset[str], most: int) -> tuple[list[Question], list[Question]]:
    """Unseen questions about articles, and about policies."""
    every, _ = read_questions(folder)
    unseen = [question for question in every if question.group not in trained_on]
    chooser = random.Random(0)
    chooser.shuffle(unseen)
    articles = [question for question in unseen if question.source != "policyqa"]
    return articles[:most], [question for question in unseen if question.source == "policyqa"][:most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few questions; without data, those of the test excerpt")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"))
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--most", type=int, default=3_000, help="questions of each kind that are read")
    options = parser.parse_args()
    started = begin()
    folder = Path(options.data) if options.data and not options.quick else EXCERPT
    path = options.model / TRAINED_ON
    trained_on = frozenset(json.loads(path.read_text())) if path.exists() and folder != EXCERPT else frozenset()
    articles, policies = questions_of(folder, trained_on, 20 if options.quick else options.most)
    if not articles:
        raise SystemExit(f"{folder} holds no article that the model was not trained on")
    reader, encoder = SpanReader(options.model), Encoder()
    threshold = reader.manifest.thresholds["answerable"]
    figures: dict[str, Estimate] = {}
    cases = given([written(question) for question in articles])
    clock = time.process_time()
    reads = [read(reader, case) for case in cases]
    spent = 1000 * (time.process_time() - clock) / len(cases)
    figures |= figures_of(cases, reads, threshold)
    with_found = found(articles, encoder)
    figures |= {
        f"found.{name}": value for name, value in figures_of(with_found, [read(reader, case) for case in with_found], threshold).items()
    }
    if policies:
        of_policies = given([written(question) for question in policies])
        answered = [read(reader, case).f1 for case in of_policies]
        figures["policy.f1_answerable"] = over(answered, [case.group for case in of_policies])
    unanswerable = sum(not case.accepted for case in cases) / len(cases)
    report(
        benchmark="reader",
        figures={name: round(value.value, 4) for name, value in figures.items()} | {"cpu_ms": round(spent, 2), "mb": _size(options.model)},
        intervals={name: [round(value.low, 4), round(value.high, 4)] for name, value in figures.items()},
        n=len(cases),
        rivals={
            "always declining": {"f1": round(unanswerable, 4), "f1_answered": 0.0, "accuracy_unanswerable": 1.0},
            "the sentence most like the question": nearest(cases[:400], encoder),
        },
        data=f"{len({case.group for case in cases})} articles never trained on"
        if folder != EXCERPT
        else "the excerpt of the tests, trained on",
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


def _size(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 2)


if __name__ == "__main__":
    main()
