"""Whether scorers say what their references say, and what they cost beside the libraries called directly.

    python -m benchmarks.metrics [--quick] [--data FOLDER]

`--data` (or $GROUNDWORK_DATA) names a folder that holds these files somewhere below it, each used where it is there:

    gsm8k_model_solutions.jsonl.gz    solutions with labels (openai/grade-school-math): numeric answers, and pairs of texts for the lexical metrics
    parity_ifeval_checkers.jsonl.gz   verdicts of IFEval's official checkers
    alpacaeval2_preferences.jsonl.gz  preferences behind a leaderboard, and alpacaeval2_leaderboard.csv with its win rates and errors
    frank_metrics_vs_human.jsonl.gz   metrics of summaries beside people's judgement of their factual consistency

Without them, the excerpts in tests/data/evaluate stand in for the first two. Some official checks draw a letter or a paragraph by chance where
the instruction names one that cannot be: those verdicts (`ifeval_drawn`) cannot be reproduced by anyone, and are counted apart from the rest.
"""

import argparse
import asyncio
import csv
import gzip
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import begin, report
from groundwork.core.measure import Example
from groundwork.core.reply import Reply
from groundwork.core.statistics import pearson, proportion, win_rate
from groundwork.evaluate.following import loose, parse, strict
from groundwork.evaluate.scorers import Answered, find_scorers

ROOT = Path(__file__).resolve().parent.parent
EXCERPTS = ROOT / "tests" / "data" / "evaluate"
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
LEXICAL = ("bleu", "chrf", "ter", "rouge1", "rouge2", "rougeL", "rougeLsum", "edit")
METRICS = ("Rouge 1", "Rouge 2", "Rouge L", "Bleu", "Meteor", "BertScore P Art", "BertScore F1 Art", "FactCC", "FEQA", "Dep Entail", "QAGS")
"""Columns of FRANK's file."""
Figures = dict[str, float | None]


class Pair(NamedTuple):
    """An answer and its reference."""

    answer: str
    reference: str


class Timed(NamedTuple):
    """Values of a metric, and CPU milliseconds for each."""

    values: list[float]
    milliseconds: float


# -- data


def rows(folder: Path | None, name: str) -> list[Any]:
    """The JSON lines of a file somewhere below the folder; none where it is not there."""
    found = next(iter(sorted(folder.rglob(name))), None) if folder else None
    if found is None:
        return []
    with gzip.open(found, "rt", encoding="utf-8") if found.suffix == ".gz" else found.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def solutions(folder: Path | None) -> Iterator[tuple[str, str, bool]]:
    """Solution, right number and label."""
    for row in rows(folder, "gsm8k_model_solutions.jsonl.gz"):
        for model in MODELS:
            yield row[model]["solution"], row["ground_truth"].rpartition("A:")[2].strip(), row[model]["is_correct"]
    if folder is None or not any(folder.rglob("gsm8k_model_solutions.jsonl.gz")):
        for row in rows(EXCERPTS, "gsm8k.jsonl"):
            yield row["solution"], row["ground_truth"], row["is_correct"]


def text_pairs(folder: Path | None, most: int) -> list[Pair]:
    """Solutions with their reference, or the excerpt's answers each with the next."""
    found = [
        Pair(row[model]["solution"], row["ground_truth"]) for row in rows(folder, "gsm8k_model_solutions.jsonl.gz") for model in MODELS
    ]
    answers = [row["response"] for row in rows(EXCERPTS, "ifeval.jsonl")]
    found = found or [Pair(*both) for both in pairwise(answers)]
    return found[:: max(1, len(found) // most)][:most]


# -- lexical metrics


async def by_scorer(name: str, pairs: Sequence[Pair]) -> Timed:
    """Values as a run gets them."""
    one = find_scorers([name], root=ROOT)[0]
    cases = [Answered(Example(id="", question="", reference=pair.reference), Reply(text=pair.answer, finish="stop"), 0.0) for pair in pairs]
    await one.score(cases[0])  # libraries load at the first
    started = time.process_time()
    values = [(await one.score(case)).value for case in cases]
    return Timed([math.inf if value is None else value for value in values], 1000 * (time.process_time() - started) / len(pairs))


def by_library() -> Mapping[str, Callable[[Pair], float]]:
    """The same metrics, called as the libraries' own documentation does."""
    from rapidfuzz.distance import Levenshtein
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    bleu, chrf, ter = BLEU(effective_order=True), CHRF(), TER()
    rouges = {kind: RougeScorer([kind]) for kind in LEXICAL if kind.startswith("rouge")}
    return {
        "bleu": lambda pair: bleu.sentence_score(pair.answer, [pair.reference]).score,
        "chrf": lambda pair: chrf.sentence_score(pair.answer, [pair.reference]).score,
        "ter": lambda pair: ter.sentence_score(pair.answer, [pair.reference]).score,
        "edit": lambda pair: Levenshtein.normalized_similarity(pair.answer, pair.reference),
    } | {kind: (lambda pair, kind=kind: rouges[kind].score(pair.reference, pair.answer)[kind].fmeasure) for kind in rouges}


def lexical(pairs: Sequence[Pair]) -> tuple[Figures, dict[str, float]]:
    """The largest difference to the libraries, with our CPU time per pair and theirs."""
    figures: Figures = {"max_abs_diff": 0.0}
    theirs: dict[str, float] = {}
    for name, call in by_library().items():
        ours = asyncio.run(by_scorer(name, pairs))
        call(pairs[0])
        started = time.process_time()
        values = [call(pair) for pair in pairs]
        theirs[f"{name}_cpu_ms"] = round(1000 * (time.process_time() - started) / len(pairs), 4)
        figures[f"{name}_cpu_ms"] = round(ours.milliseconds, 4)
        differences = [abs(mine - other) for mine, other in zip(ours.values, values, strict=True)]
        figures["max_abs_diff"] = max(figures["max_abs_diff"] or 0.0, *differences)
    return figures, theirs


# -- instruction following


def is_drawn(row: Mapping[str, Any]) -> bool:
    """Whether the official checker draws what to look for: a letter that is none, a paragraph beyond the last."""
    asked = row["kwargs"] or {}
    letter = asked.get("letter")
    beyond = "nth_paragraph" in asked and asked["nth_paragraph"] > asked["num_paragraphs"]
    return beyond or (letter is not None and not ("a" <= letter.lower() <= "z"))


def following(folder: Path | None) -> Figures:
    """How many of the official checkers' verdicts (strict and loose together) the official mode gives."""
    data = rows(folder, "parity_ifeval_checkers.jsonl.gz") or rows(EXCERPTS, "ifeval.jsonl")
    agree = drawn = drawn_agree = 0
    started = time.process_time()
    for row in data:
        wanted = parse([{"type": row.get("instruction_id") or row["type"], **(row["kwargs"] or {})}])[0]
        verdicts = [follows(row["response"], wanted, "official") for follows in (strict, loose)]
        same = verdicts == [row["strict"], row["loose"]]
        agree += same
        drawn += is_drawn(row)
        drawn_agree += same and is_drawn(row)
    return {
        "ifeval_agree": agree,
        "ifeval_total": len(data),
        "ifeval_decided_agree": agree - drawn_agree,
        "ifeval_decided": len(data) - drawn,
        "ifeval_drawn": drawn,
        "ifeval_cpu_ms": round(1000 * (time.process_time() - started) / len(data), 4),
    }


# -- numbers, win rates, what metrics are worth


async def gsm8k(folder: Path | None) -> Figures:
    """How many labels of solutions the scorer `numeric` gives."""
    numeric = find_scorers(["numeric"], root=ROOT)[0]
    agree = total = 0
    started = time.process_time()
    for solution, number, label in solutions(folder):
        case = Example(id="", question="", expected={"number": number})
        score = await numeric.score(Answered(case, Reply(text=solution, finish="stop"), 0.0))
        agree += (score.value == 1) is label
        total += 1
    return {"gsm8k_agree": agree, "gsm8k_total": total, "numeric_cpu_ms": round(1000 * (time.process_time() - started) / total, 4)}


def win_rates(folder: Path | None) -> Figures:
    """The largest difference to the leaderboard's win rates and standard errors, in points."""
    preferences = rows(folder, "alpacaeval2_preferences.jsonl.gz")[1:]
    board = next(iter(sorted(folder.rglob("alpacaeval2_leaderboard.csv"))), None) if folder else None
    if not preferences or board is None:
        return {"winrate_max_diff": None, "winrate_systems": 0}
    by_system: dict[str, list[float]] = {}
    for system, _, preference, _, _ in preferences:
        if preference is not None:
            by_system.setdefault(system, []).append(preference - 1)
    with board.open(encoding="utf-8", newline="") as file:
        published = {row[""]: row for row in csv.DictReader(file)}
    differences: list[float] = []
    for system, values in by_system.items():
        found, row = win_rate(values), published[system]
        differences += [
            abs(100 * found.rate.value - float(row["win_rate"])),
            abs(100 * (found.standard_error or 0) - float(row["standard_error"])),
        ]
    return {"winrate_max_diff": max(differences), "winrate_systems": len(by_system)}


def worth(folder: Path | None) -> tuple[Figures, dict[str, list[float]]]:
    """Correlation with people's judgement of factual consistency, summary by summary: of ROUGE-L, and of the best published metric."""
    data = rows(folder, "frank_metrics_vs_human.jsonl.gz")
    correlations = {}
    for column in METRICS if data else ():
        both = [(float(row[column]), float(row["Factuality"])) for row in data if row.get(column) is not None]
        correlations[column] = pearson(*zip(*both, strict=True))
        print(f"FRANK, {column}: {correlations[column].value:.3f} over {len(both)} summaries")
    if not correlations:
        return {"frank_rouge_l": None, "frank_best": None}, {}
    chosen = {"frank_rouge_l": correlations["Rouge L"], "frank_best": max(correlations.values(), key=lambda found: found.value)}
    intervals = {name: [round(found.low, 4), round(found.high, 4)] for name, found in chosen.items()}
    return {name: round(found.value, 4) for name, found in chosen.items()}, intervals


def main() -> None:
    """Hold everything against its reference, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 pairs of texts instead of 150")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder with the files named above")
    arguments = parser.parse_args()
    started = begin()
    folder = Path(arguments.data) if arguments.data else None
    pairs = text_pairs(folder, 20 if arguments.quick else 150)
    texts, libraries = lexical(pairs)
    correlations, intervals = worth(folder)
    figures: Figures = texts | following(folder) | win_rates(folder) | asyncio.run(gsm8k(folder)) | correlations
    for agree, total in (("ifeval_decided_agree", "ifeval_decided"), ("gsm8k_agree", "gsm8k_total")):
        share = proportion(int(figures[agree] or 0), int(figures[total] or 0))
        print(f"{agree} {figures[agree]} of {figures[total]}: {100 * share.value:.2f} % [{100 * share.low:.2f}, {100 * share.high:.2f}]")
    report(
        benchmark="metrics",
        figures=figures,
        intervals=intervals,
        n=len(pairs),
        rivals={"the libraries called directly": libraries},
        data=f"{len(pairs)} pairs of texts{'' if folder else ', excerpts'}",
        versions=("sacrebleu", "rouge-score", "rapidfuzz", "langdetect", "nltk"),
        started=started,
    )


if __name__ == "__main__":
    main()
