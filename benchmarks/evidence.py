"""Whether a search knows that nothing fits: its evidence on questions that the documents answer, and on the same ones without their article.

    python -m benchmarks.evidence [--quick] [--unread] [--data FOLDER]

SQuAD (squad1.jsonl.gz): the six best passages of each question, and the six best that are not of its article, as if that were not indexed.
The sample's suite: questions that its pages answer, and questions that they do not. Curve and threshold are fitted on SQuAD's even articles and
the suite's split `choose`, both counting alike, and printed; what is reported is of the odd articles and the split `report`, with the shipped
curve: the area under the receiver's operating curve, and how many of each kind are called doubtful. Rivals: the best cosine alone, and the
reranker's best score (the shipped reader, on SQuAD every fourth question). `--unread` leaves the reader out. `--quick`: six
pages of the sample, and nothing fitted.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.report import begin, report
from benchmarks.retrieval import Figures
from benchmarks.retrieval_sets import squad
from benchmarks.sample_index import QUICK, SAMPLE
from groundwork.context.chunking import embedded_text
from groundwork.context.config import ContextSection
from groundwork.context.indexing import Indexer
from groundwork.context.ranking.evidence import BY_BOTH, BY_WORDS, Curve, evidence
from groundwork.context.search import Search
from groundwork.core.document import Hit
from groundwork.core.measure import Example
from groundwork.core.statistics import auc, proportion
from groundwork.engine.batching import Batcher
from groundwork.engine.encoder import Encoder
from groundwork.engine.reader import Reader
from groundwork.store.index import open_index

KEEP = 6
DEPTH = 60
EVERY = 4
FALSE_DOUBT = 0.05


class Case(NamedTuple):
    """A question with what was found for it."""

    collection: str
    chooses: bool
    holds: bool
    """Whether the documents answer it."""
    both: float
    words: float
    cosine: float
    reader: float | None


async def judged(question: str, hits: Sequence[Hit], reader: Reader | None) -> tuple[float, float, float, float | None]:
    """Support by both and by words alone, the best cosine, and the reader's best score."""
    both = evidence(question, [(hit.chunk, hit.similarity) for hit in hits]).support
    words = evidence(question, [(hit.chunk, None) for hit in hits]).support
    logit = None if reader is None else max(await reader.answerable(question, [embedded_text(hit.chunk) for hit in hits]))
    return both, words, max(hit.similarity or 0.0 for hit in hits), logit


async def of_squad(path: Path, embedder: Batcher, reader: Reader | None) -> list[Case]:
    collection = squad(path)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in collection.files.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        section = ContextSection(sources=("docs",))
        store = open_index(Path(folder))
        Indexer(section, Path(folder), store, Encoder()).run()
        search = Search(store, embedder, section)
        cases: list[Case] = []
        for number, query in enumerate(collection.queries[:: EVERY // 2]):
            article = Path(next(iter(query.grades))).parent.as_posix()
            hits = (await search.find(query.text, keep=DEPTH)).hits
            others = [hit for hit in hits if Path(hit.chunk.source).parent.as_posix() != article]
            for holds, some in ((True, hits[:KEEP]), (False, others[:KEEP])):
                if some:
                    asked = await judged(query.text, some, reader if number % EVERY == 0 else None)
                    cases.append(Case("squad", query.chooses, holds, *asked))
        store.close()
    return cases


async def of_sample(embedder: Batcher, reader: Reader | None, pages: Sequence[str] | None) -> list[Case]:
    lines = (SAMPLE / "suites" / "helpdesk.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [msgspec.json.decode(line, type=Example) for line in lines if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SAMPLE / "docs", Path(folder) / "docs", ignore=lambda _, names: set(names) - set(pages or names))
        section = ContextSection(sources=("docs/*.html",))
        store = open_index(Path(folder))
        Indexer(section, Path(folder), store, Encoder()).run()
        search = Search(store, embedder, section)
        cases: list[Case] = []
        for example in examples:
            if pages and any(fact.source not in pages for fact in example.facts):
                continue
            hits = (await search.find(example.question, keep=KEEP)).hits
            asked = await judged(example.question, hits, reader)
            cases.append(Case("sample", example.split == "choose", bool(example.facts), *asked))
        store.close()
    return cases


def fitted(values: Sequence[float], holds: Sequence[bool], weights: Sequence[float]) -> Curve:
    """The logistic curve of greatest likelihood by Newton's method, and the threshold below which one in twenty of those that hold falls."""
    x = np.column_stack([np.ones(len(values)), np.asarray(values)])
    y, share = np.asarray(holds, dtype=float), np.asarray(weights)
    beta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (share * (y - p))
        beta += np.linalg.solve((x * (share * p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2), gradient)
    curve = Curve(round(float(beta[0]), 3), round(float(beta[1]), 3), 0.0)
    held = sorted((curve.probability(value), weight) for value, weight, one in zip(values, weights, holds, strict=True) if one)
    total, below = sum(weight for _, weight in held), 0.0
    for probability, weight in held:
        below += weight
        if below > FALSE_DOUBT * total:
            return curve._replace(doubt=round(probability, 3))
    return curve


def fit(cases: Sequence[Case]) -> None:
    """Print what the choosing part says."""
    some = [case for case in cases if case.chooses]
    count = {
        (name, holds): sum(case.collection == name and case.holds == holds for case in some)
        for name in ("squad", "sample")
        for holds in (True, False)
    }
    weights = [1 / count[case.collection, case.holds] for case in some]
    total = sum(weights) / len(weights)
    for name, shipped in (("both", BY_BOTH), ("words", BY_WORDS)):
        curve = fitted([getattr(case, name) for case in some], [case.holds for case in some], [weight / total for weight in weights])
        print(f"by {name}: fitted {curve}; shipped {shipped}")


def figures_of(cases: Sequence[Case]) -> Figures:
    """What is reported, of the reporting part."""
    figures = Figures()
    for name in dict.fromkeys(case.collection for case in cases):
        some = [case for case in cases if case.collection == name and not case.chooses]
        holds = [case.holds for case in some]
        for signal in ("both", "words", "cosine"):
            figures.add(f"{name}.auc_{signal}", auc([getattr(case, signal) for case in some], holds))
        read = [(case.reader, case.holds) for case in some if case.reader is not None]
        if read:
            figures.add(f"{name}.auc_reader", auc([score for score, _ in read], [one for _, one in read]))
        for kind, curve, signal in (("both", BY_BOTH, "both"), ("words", BY_WORDS, "words")):
            for held in (True, False):
                flags = [curve.probability(getattr(case, signal)) < curve.doubt for case in some if case.holds == held]
                figures.add(f"{name}.doubtful_{kind}_{'held' if held else 'not_held'}", proportion(sum(flags), len(flags)))
    return figures


async def run(data: Path | None, *, quick: bool, unread: bool) -> tuple[Figures, int]:
    embedder, reads = Batcher(), Reader()
    reader = None if unread else reads
    try:
        cases = await of_sample(embedder, reader, QUICK if quick else None)
        for path in sorted(data.rglob("squad1.jsonl.gz"))[:1] if data else []:
            cases += await of_squad(path, embedder, reader)
    finally:
        await embedder.close()
        await reads.close()
    if any(case.collection == "squad" for case in cases):
        fit(cases)
    print(f"{len(cases)} cases")
    return figures_of(cases), len(cases)


def main() -> None:
    """Measure and report; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="Whether a search knows that nothing fits.")
    parser.add_argument("--quick", action="store_true", help="six pages of the sample")
    parser.add_argument("--unread", action="store_true", help="leave the reader out")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder that holds squad1.jsonl.gz")
    arguments = parser.parse_args()
    started = begin()
    data = None if arguments.quick or not arguments.data else Path(arguments.data)
    figures, n = asyncio.run(run(data, quick=arguments.quick, unread=arguments.unread))
    for name, value in figures.values.items():
        print(f"{name}: {value} {figures.intervals[name]}")
    report(
        benchmark="evidence",
        figures=figures.values,
        intervals=figures.intervals,
        n=n,
        rivals={},
        data="squad, sample" if data else "sample",
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


if __name__ == "__main__":
    main()
