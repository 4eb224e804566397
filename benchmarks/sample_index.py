"""What it costs to index the sample application's pages and to search them, and how often the search holds the answer.

    python -m benchmarks.sample_index [--quick]

Indexes a copy of examples/sqlite-helpdesk/docs in a temporary folder. A question of the suite's `choose` split counts as held when each of
its facts stands in the kept hits; terms alone and vectors alone are the rivals of their fusion. `--quick` takes six pages and their
questions. Not measured: the `report` split, and whether the answer is then given.
"""

import argparse
import asyncio
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchmarks.report import begin, report
from groundwork.context.config import ContextSection, RetrieveSection
from groundwork.context.indexing import Indexer, IndexReport
from groundwork.context.search import Search
from groundwork.core.measure import Example
from groundwork.core.statistics import proportion, quantile
from groundwork.core.text import fold
from groundwork.engine.batching import Batcher
from groundwork.engine.encoder import Encoder
from groundwork.store.index import FOLDER, IndexStore, open_index

SAMPLE = Path(__file__).resolve().parent.parent / "examples" / "sqlite-helpdesk"
QUICK = ("wal.html", "limits.html", "faq.html", "autoinc.html", "lang_vacuum.html", "threadsafe.html")
SOURCES = ("docs/*.html",)
KEEP = 6
FUSIONS: tuple[Literal["rrf", "terms", "dense"], ...] = ("rrf", "terms", "dense")


def questions(pages: set[str]) -> list[Example]:
    """The answerable questions of the choosing split whose facts all stand on the pages."""
    lines = (SAMPLE / "suites" / "helpdesk.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [msgspec.json.decode(line, type=Example) for line in lines if line.strip()]
    return [
        example
        for example in examples
        if example.split == "choose" and example.facts and all(fact.source in pages for fact in example.facts)
    ]


def index(root: Path, store: IndexStore) -> tuple[IndexReport, float]:
    """One run, with its CPU seconds. Loading the encoder counts."""
    started = time.process_time()
    report = Indexer(ContextSection(sources=SOURCES), root, store, Encoder()).run()
    return report, time.process_time() - started


async def held(
    store: IndexStore, embedder: Batcher, examples: list[Example], fuse: Literal["rrf", "terms", "dense"]
) -> tuple[int, list[float]]:
    """How many questions have all their facts in the kept hits, and the CPU milliseconds of each search."""
    search = Search(store, embedder, ContextSection(sources=SOURCES, retrieve=RetrieveSection(fuse=fuse)))
    await search.find("warm", keep=KEEP)
    count, costs = 0, list[float]()
    for example in examples:
        started = time.process_time()
        found = await search.find(example.question, keep=KEEP)
        costs.append(1000 * (time.process_time() - started))
        text = fold(" ".join(hit.text for hit in found.hits))
        count += all(any(fold(accepted) in text for accepted in fact.accepted) for fact in example.facts)
    return count, costs


async def measure(store: IndexStore, examples: list[Example]) -> tuple[dict[str, int], list[float]]:
    """Every fusion's count, and the costs of hybrid search."""
    embedder = Batcher()
    results = {fuse: await held(store, embedder, examples, fuse) for fuse in FUSIONS}
    await embedder.close()
    return {fuse: count for fuse, (count, _) in results.items()}, results["rrf"][1]


def run(pages: list[str]) -> dict[str, Any]:
    """Index the pages, search them, and return the report's content."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "docs").mkdir()
        for page in pages:
            shutil.copy(SAMPLE / "docs" / page, root / "docs")
        store = open_index(root)
        first, cpu = index(root, store)
        again, cpu_again = index(root, store)
        size = sum(file.stat().st_size for file in (root / FOLDER).iterdir())
        examples = questions(set(pages))
        counts, costs = asyncio.run(measure(store, examples))
        store.close()
    shares = {fuse: proportion(count, len(examples)) for fuse, count in counts.items()}
    cost = quantile(costs, 0.5)
    print(
        f"{first.added} pages, {first.embedded} chunks: {first.seconds:.1f} s, {cpu:.1f} s CPU; unchanged: {again.seconds:.3f} s, {cpu_again:.2f} s CPU"
    )
    print(f"hybrid query: median {cost.value:.2f} ms CPU [{cost.low:.2f}, {cost.high:.2f}], {len(costs)} queries")
    for fuse, share in shares.items():
        print(f"all facts in the best {KEEP}, {fuse}: {share.value:.3f} [{share.low:.3f}, {share.high:.3f}], {share.n} questions")
    return {
        "figures": {
            "index_s": round(first.seconds, 2),
            "index_cpu_s": round(cpu, 2),
            "chunks": first.embedded,
            "chunks_per_cpu_s": round(first.embedded / cpu, 1),
            "unchanged_s": round(again.seconds, 4),
            "index_mb": round(size / 1e6, 2),
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "query_cpu_ms": round(cost.value, 2),
            "held_at_6": round(shares["rrf"].value, 4),
        },
        "intervals": {
            "query_cpu_ms": [round(cost.low, 2), round(cost.high, 2)],
            "held_at_6": [round(shares["rrf"].low, 4), round(shares["rrf"].high, 4)],
        },
        "n": len(examples),
        "rivals": {fuse: {"held_at_6": round(shares[fuse].value, 4)} for fuse in ("terms", "dense")},
        "data": f"{len(pages)} pages of examples/sqlite-helpdesk, split choose",
    }


def main() -> None:
    """Measure and report; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="Indexing and searching the sample application's pages.")
    parser.add_argument("--quick", action="store_true", help="six pages only")
    arguments = parser.parse_args()
    started = begin()
    pages = list(QUICK) if arguments.quick else sorted(path.name for path in (SAMPLE / "docs").glob("*.html"))
    report(benchmark="sample_index", **run(pages), versions=("onnxruntime", "numpy", "tokenizers", "selectolax"), started=started)


if __name__ == "__main__":
    main()
