"""What the embedded reranker makes of the first hits: chosen on half of the questions, reported on the other.

    python -m benchmarks.reranked [--quick] [--data FOLDER] [--only NAME ...] [--most 150]

The collections of `benchmarks.retrieval`, split and searched as the product does by default. The shipped reader scores the first 24 hits of a
question once (of SQuAD of at most `--most` questions a half, evenly spread); depths and weights are then compared on the choosing half, and the best
is reported on the other against the same hits as they were, paired: `..._rrf`, `..._reranked`, `..._reranked_less_rrf`; `..._shipped_less_rrf`
is of the defaults of `[context.retrieve] rerank`, chosen for no collection. `rerank_cpu_ms` is the CPU of one passage. `--quick`: six pages of
the sample.
"""

import argparse
import asyncio
import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import retrieval
from benchmarks.report import begin, report
from benchmarks.retrieval import GRADED, SPANNED, Figures, Metric, average, change, half, indexing
from benchmarks.retrieval_sets import Collection, Query, collections, sample
from groundwork.context.chunking import embedded_text
from groundwork.context.config import ContextSection, RerankSection
from groundwork.context.ranking.rerank_embedded import EmbeddedReranker
from groundwork.context.ranking.reranking import blended
from groundwork.context.search import Search
from groundwork.engine.batching import Batcher
from groundwork.engine.reader import Reader
from groundwork.store.index import IndexStore

DEEPEST = 24
DEPTHS = (6, 12, 24)
WEIGHTS = (0.3, 0.5, 0.7, 1.0)
KEEP = 100
MOST = 150
"""Questions of a half that are reranked."""

Place = tuple[str, int, int]


class Read(NamedTuple):
    """A question's hits as they were found, and the reranker's scores of the first."""

    query: Query
    places: list[Place]
    scores: list[float]


def some(collection: Collection, most: int) -> Collection:
    """The collection with at most `most` questions of each half, evenly spread."""
    halves = [[query for query in collection.queries if query.chooses == chooses] for chooses in (True, False)]
    return collection._replace(queries=tuple(query for one in halves for query in one[:: -(-len(one) // most)]))


async def read(store: IndexStore, embedder: Batcher, reader: Reader, collection: Collection) -> tuple[list[Read], float]:
    """Every question's hits with the scores, and the CPU milliseconds of a passage."""
    search, reranker = Search(store, embedder, ContextSection(sources=("docs",))), EmbeddedReranker(reader)
    await reader.warm()
    found: list[Read] = []
    cpu, passages = 0.0, 0
    for query in collection.queries:
        hits = (await search.find(query.text, keep=KEEP)).hits
        first = [embedded_text(hit.chunk) for hit in hits[:DEEPEST]]
        started = time.process_time()
        scores = await reranker.score(query.text, first)
        cpu += time.process_time() - started
        passages += len(first)
        found.append(Read(query, [(hit.chunk.source, hit.chunk.start, hit.chunk.end) for hit in hits], scores))
    return found, 1000 * cpu / passages


def values(found: Sequence[Read], metric: Metric, depth: int = 0, weight: float = 1.0) -> list[float]:
    """The metric of every question, reranked to a depth; 0: as it was found."""
    orders = [blended(one.scores[:depth], weight) for one in found]
    return [
        metric(one.query, [*(one.places[place] for place in order), *one.places[len(order) :]])
        for one, order in zip(found, orders, strict=True)
    ]


def add(figures: Figures, collection: Collection, found: Sequence[Read], cost: float) -> None:
    """Choose on one half and add what the other says."""
    metrics = SPANNED if collection.by_spans else GRADED
    main = next(iter(metrics.values()))

    def chosen(setting: tuple[int, float]) -> float:
        return sum(half(collection, values(found, main, *setting), chooses=True))

    settings = list(itertools.product(DEPTHS, WEIGHTS))
    best, section = max(settings, key=chosen), RerankSection()
    plain = half(collection, values(found, main), chooses=True)
    for depth, weight in settings:
        print(f"choosing half, depth {depth}, weight {weight}: {(chosen((depth, weight)) - sum(plain)) / len(plain):+.4f}")
    names = retrieval.clusters_of(collection, chooses=False)
    print(
        f"{collection.name}: depth {best[0]}, weight {best[1]} chosen; {len(collection.queries)} questions, {cost:.1f} ms CPU a passage",
        flush=True,
    )
    for name, metric in metrics.items():
        before = half(collection, values(found, metric), chooses=False)
        after = half(collection, values(found, metric, *best), chooses=False)
        shipped = half(collection, values(found, metric, section.depth, section.weight), chooses=False)
        figures.add(f"{collection.name}.{name}_rrf", average(before, names))
        figures.add(f"{collection.name}.{name}_reranked", average(after, names))
        figures.add(f"{collection.name}.{name}_reranked_less_rrf", change(before, after, names))
        figures.add(f"{collection.name}.{name}_shipped_less_rrf", change(before, shipped, names))
    figures.values[f"{collection.name}.rerank_cpu_ms"] = round(cost, 1)


def run(chosen: Sequence[Collection], most: int) -> tuple[Figures, int]:
    """Index, search, rerank and measure every collection."""
    figures, count = Figures(), 0
    with asyncio.Runner() as runner:
        embedder, reader = Batcher(), Reader()
        for collection in (some(one, most) for one in chosen):
            with indexing(collection, retrieval.CHUNKINGS[retrieval.DEFAULT]) as store:
                found, cost = runner.run(read(store, embedder, reader, collection))
            add(figures, collection, found, cost)
            count += len(collection.queries)
        runner.run(embedder.close())
        runner.run(reader.close())
    return figures, count


def main() -> None:
    """Measure and report; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="What the embedded reranker makes of the first hits.")
    parser.add_argument("--quick", action="store_true", help="six pages of the sample")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder that holds the collections")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this collection (may be repeated)")
    parser.add_argument("--most", type=int, default=MOST, help="questions of a half")
    arguments = parser.parse_args()
    started = begin()
    data = None if arguments.quick or not arguments.data else Path(arguments.data)
    there = list(collections(data)) or sample()
    chosen = [collection for collection in there if not arguments.only or collection.name in arguments.only]
    if not chosen:
        parser.error(f"--only: there is {', '.join(collection.name for collection in there)}")
    figures, n = run(chosen, arguments.most)
    for name, value in figures.values.items():
        print(f"{name}: {value} {figures.intervals.get(name, '')}")
    report(
        benchmark="reranked",
        figures=figures.values,
        intervals=figures.intervals,
        n=n,
        rivals={},
        data=", ".join(collection.name for collection in chosen),
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


if __name__ == "__main__":
    main()
