"""What the embedded stack finds: by terms (BM25), by meaning, by their fusion, and by what is chosen on half of the questions.

    python -m benchmarks.retrieval [--quick] [--data FOLDER] [--only NAME ...]

Collections: see `benchmarks.retrieval_sets`. Each is indexed by the product's own indexer from files, and searched through its own search;
a document counts where its best chunk does. nDCG@10 takes gains as they are graded. Character recall is the share of the answering
passages' characters that the first 5 or 10 chunks hold; `charrecall4k` of the first 4,000 characters, so that chunkings of different sizes
compare.

`..._bm25`, `..._dense`, `..._rrf` (the product's defaults) and `..._tuned` are of the reporting half; `..._all` of every question. Tuned is
the best of chunkings, retrievers and fusions on the choosing half; a fusion leaves the better single retriever only where its paired
interval there is above 0. `chunking.…` compares the ways to split over the three chunking corpora, all questions, nothing chosen. `--quick`
searches six pages of the sample: it shows that the benchmark runs, and no more. Reranking is
`benchmarks.reranked`'s. Not measured: what is answered from the hits.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import begin, report
from benchmarks.retrieval_sets import Collection, Query, collections, sample
from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.context.indexing import Indexer
from groundwork.context.search import Search
from groundwork.core.measure import Estimate
from groundwork.core.statistics import clustered_mean, mean, paired_bootstrap
from groundwork.engine.batching import Batcher
from groundwork.engine.encoder import Encoder
from groundwork.evaluate.ranking import ndcg, recall
from groundwork.store.index import IndexStore, open_index

DEPTH = 200
"""Chunks in each list before fusion: what recall at 100 needs."""
DEFAULT = "heading 200"
WINDOW = "heading 254"
CHUNKINGS: dict[str, ChunkSection] = {
    DEFAULT: ChunkSection(),
    WINDOW: ChunkSection(tokens=254, overlap=0),
    "heading 100": ChunkSection(tokens=100, overlap=12),
    "recursive": ChunkSection(by="recursive"),
    "semantic": ChunkSection(by="semantic"),
    "sentences 5": ChunkSection(by="sentences", size=5),
    "words 100": ChunkSection(by="words", size=100),
    "characters 500": ChunkSection(by="characters", size=500),
    "tokens": ChunkSection(by="tokens"),
}
FOR_DOCUMENTS = (DEFAULT, WINDOW, "heading 100")
SINGLE = ("bm25", "dense")


class Lists(NamedTuple):
    """What a search gave for one question, best first: chunk ids with their scores, and the cosines of all of them."""

    terms: list[tuple[str, float]]
    dense: list[tuple[str, float]]
    fused: list[str]
    cosines: dict[str, float]


class Indexed(NamedTuple):
    """A collection under one chunking, searched: where each chunk lies, and the lists of every question."""

    where: dict[str, tuple[str, int, int]]
    lists: list[Lists]
    chunks: int


Order = Callable[[Lists], list[str]]
Metric = Callable[[Query, list[tuple[str, int, int]]], float]


class Tried(NamedTuple):
    """A chunking with a way to order, and its metric of every question."""

    chunking: str
    order: str
    values: list[float]

    @property
    def name(self) -> str:
        return f"{self.chunking}, {self.order}"


# -- ways to order


def reciprocal(constant: int, weight: float) -> Order:
    """Reciprocal rank fusion with another constant, and the dense list counting `weight`, the other 1 - `weight`."""

    def order(lists: Lists) -> list[str]:
        scores: dict[str, float] = {}
        for share, entries in ((1 - weight, lists.terms), (weight, lists.dense)):
            for rank, (key, _) in enumerate(entries, start=1):
                scores[key] = scores.get(key, 0.0) + share / (constant + rank)
        return best_first(scores)

    return order


def weighted(weight: float) -> Order:
    """A sum of scores: the term score over the best one, and the cosine from the last of the dense list (0) to its first (1)."""

    def order(lists: Lists) -> list[str]:
        most = max((score for _, score in lists.terms), default=0.0)
        scores = {key: (1 - weight) * score / most for key, score in lists.terms} if most > 0 else {}
        high, low = (lists.dense[0][1], lists.dense[-1][1]) if lists.dense else (0.0, 0.0)
        for key, cosine in lists.cosines.items():
            near = (max(cosine, low) - low) / (high - low) if high > low else 0.0
            scores[key] = scores.get(key, 0.0) + weight * near
        return best_first(scores)

    return order


def best_first(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda key: (-scores[key], key))


ORDERS: dict[str, Order] = {
    "bm25": lambda lists: [key for key, _ in lists.terms],
    "dense": lambda lists: [key for key, _ in lists.dense],
    "rrf": lambda lists: lists.fused,
    **{f"rrf k={constant} dense {weight}": reciprocal(constant, weight) for constant in (10, 60) for weight in (0.3, 0.5, 0.7)},
    **{f"weighted dense {weight}": weighted(weight) for weight in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)},
}

# -- metrics of one question


def sources_of(found: Sequence[tuple[str, int, int]]) -> list[str]:
    return list(dict.fromkeys(source for source, _, _ in found))


def ndcg10(query: Query, found: list[tuple[str, int, int]]) -> float:
    return ndcg(sources_of(found), query.grades, at=10, gain="linear")


def recall100(query: Query, found: list[tuple[str, int, int]]) -> float:
    return recall(sources_of(found), query.grades, at=100)


def covered(query: Query, found: Sequence[tuple[str, int, int]]) -> float:
    """Share of the spans' characters that stand in the chunks."""
    wanted = {place for start, end in query.spans for place in range(start, end)}
    held = {place for _, start, end in found for place in range(start, end)}
    return len(wanted & held) / len(wanted)


def charrecall(most: int) -> Metric:
    return lambda query, found: covered(query, found[:most])


def charrecall4k(query: Query, found: list[tuple[str, int, int]]) -> float:
    """The same of the first 4,000 characters; the chunk that passes them counts as far as they go."""
    left, some = 4_000, list[tuple[str, int, int]]()
    for source, start, end in found:
        some.append((source, start, min(end, start + left)))
        left -= end - start
        if left <= 0:
            break
    return covered(query, some)


GRADED: dict[str, Metric] = {"ndcg10": ndcg10, "recall100": recall100}
SPANNED: dict[str, Metric] = {"charrecall5": charrecall(5), "charrecall10": charrecall(10), "charrecall4k": charrecall4k}

# -- indexing and searching


async def search(store: IndexStore, embedder: Batcher, collection: Collection) -> Indexed:
    """Every question's lists."""

    def finder(fuse: Any) -> Search:
        retrieve = RetrieveSection(terms=DEPTH, dense=DEPTH, fuse=fuse)
        return Search(store, embedder, ContextSection(sources=("docs",), retrieve=retrieve))

    by_terms, by_both = finder("terms"), finder("rrf")
    where: dict[str, tuple[str, int, int]] = {}
    found: list[Lists] = []
    for query in collection.queries:
        terms = (await by_terms.find(query.text, keep=DEPTH)).hits
        both = (await by_both.find(query.text, keep=2 * DEPTH)).hits
        where.update({hit.chunk.id: (hit.chunk.source, hit.chunk.start, hit.chunk.end) for hit in both})
        cosines = {hit.chunk.id: hit.similarity or 0.0 for hit in both}
        near = sorted((hit.ranks["dense"], hit.chunk.id) for hit in both if "dense" in hit.ranks)
        dense = [(key, cosines[key]) for _, key in near]
        found.append(Lists([(hit.chunk.id, hit.score) for hit in terms], dense, [hit.chunk.id for hit in both], cosines))
    return Indexed(where, found, sum(entry.chunks for entry in store.documents()))


@contextmanager
def indexing(collection: Collection, chunking: ChunkSection) -> Generator[IndexStore]:
    """A collection's index in a temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in collection.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        store = open_index(root)
        try:
            Indexer(ContextSection(sources=("docs",), chunk=chunking), root, store, Encoder()).run()
            yield store
        finally:
            store.close()


def indexed(collection: Collection, chunking: ChunkSection, embedder: Batcher, runner: asyncio.Runner) -> Indexed:
    """Index a collection in a temporary folder, and search it."""
    with indexing(collection, chunking) as store:
        return runner.run(search(store, embedder, collection))


# -- figures


class Figures:
    """What is reported: values with their intervals, by name."""

    def __init__(self) -> None:
        self.values: dict[str, float | None] = {}
        self.intervals: dict[str, list[float]] = {}

    def add(self, name: str, estimate: Estimate) -> None:
        self.values[name] = round(estimate.value, 4)
        self.intervals[name] = [round(estimate.low, 4), round(estimate.high, 4)]


def average(values: Sequence[float], clusters: Sequence[str] | None) -> Estimate:
    return mean(values) if clusters is None else clustered_mean(values, clusters)


def change(before: Sequence[float], after: Sequence[float], clusters: Sequence[str] | None) -> Estimate:
    return paired_bootstrap(before, after, clusters=clusters)


def measured(collection: Collection, found: Indexed, order: str, metric: Metric) -> list[float]:
    """The metric of every question."""
    return [
        metric(query, [found.where[key] for key in ORDERS[order](lists)])
        for query, lists in zip(collection.queries, found.lists, strict=True)
    ]


def half(collection: Collection, values: Sequence[float], *, chooses: bool) -> list[float]:
    return [value for query, value in zip(collection.queries, values, strict=True) if query.chooses == chooses]


def clusters_of(collection: Collection, *, chooses: bool) -> list[str] | None:
    names = collection.clusters
    return None if names is None else [name for name, query in zip(names, collection.queries, strict=True) if query.chooses == chooses]


def choose(collection: Collection, tried: Sequence[Tried]) -> tuple[Tried, Tried]:
    """The better single retriever and what is chosen, by the choosing half alone."""

    def choosing(one: Tried) -> list[float]:
        return half(collection, one.values, chooses=True)

    def score(one: Tried) -> float:
        return sum(choosing(one))

    single = max((one for one in tried if one.order in SINGLE), key=score)
    fusion = max((one for one in tried if one.order not in SINGLE), key=score)
    gain = change(choosing(single), choosing(fusion), clusters_of(collection, chooses=True))
    leaves = gain.low > 0
    said = "above 0" if leaves else "not above 0: the single one stays"
    print(
        f"{collection.name}: {single.name} → {fusion.name}: {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] on the choosing half, {said}"
    )
    return single, fusion if leaves else single


def report_collection(collection: Collection, found: dict[str, Indexed], figures: Figures) -> tuple[Estimate, int]:
    """Add a collection's figures. Returns what tuned gains over the better single retriever on the reporting half, and its questions."""
    metrics = SPANNED if collection.by_spans else GRADED
    main = next(iter(metrics))
    tried = [Tried(chunking, order, measured(collection, one, order, metrics[main])) for chunking, one in found.items() for order in ORDERS]
    single, tuned = choose(collection, tried)
    names = clusters_of(collection, chooses=False)
    ways = {"bm25": (DEFAULT, "bm25"), "dense": (DEFAULT, "dense"), "rrf": (DEFAULT, "rrf"), "tuned": (tuned.chunking, tuned.order)}
    for metric in metrics:
        for way, (chunking, order) in ways.items():
            values = measured(collection, found[chunking], order, metrics[metric])
            figures.add(f"{collection.name}.{metric}_{way}", average(half(collection, values, chooses=False), names))
            if way != "tuned":
                figures.add(f"{collection.name}.{metric}_{way}_all", average(values, collection.clusters))
    gain = change(half(collection, single.values, chooses=False), half(collection, tuned.values, chooses=False), names)
    figures.add(f"{collection.name}.tuned_less_single", gain)
    print(f"{collection.name}: tuned is {tuned.name}; best single is {single.name}; {gain.n} questions report")
    return gain, gain.n


def report_chunkings(parts: Sequence[tuple[Collection, dict[str, Indexed]]], figures: Figures) -> None:
    """The ways to split, over all corpora with spans together, each held against the default question by question."""
    base: dict[str, list[float]] = {}
    for chunking in CHUNKINGS:
        chunks = sum(found[chunking].chunks for _, found in parts)
        for metric, of in SPANNED.items():
            values = [value for collection, found in parts for value in measured(collection, found[chunking], "rrf", of)]
            base.setdefault(metric, values)
            name = f"chunking.{chunking.replace(' ', '_')}.{metric}_rrf"
            figures.add(name, average(values, None))
            against = change(base[metric], values, None)
            print(f"{name}: {chunks} chunks, against {DEFAULT} {against.value:+.4f} [{against.low:+.4f}, {against.high:+.4f}]")


def pooled(gains: Sequence[Estimate]) -> Estimate:
    """The mean of the collections' gains, each counting alike; the widths of their intervals add up as independent ones do."""
    count = len(gains)
    value = sum(gain.value for gain in gains) / count
    low = value - sum((gain.value - gain.low) ** 2 for gain in gains) ** 0.5 / count
    high = value + sum((gain.high - gain.value) ** 2 for gain in gains) ** 0.5 / count
    return Estimate(value=value, low=low, high=high, n=sum(gain.n for gain in gains), method="mean of the collections")


def run(chosen: Sequence[Collection]) -> tuple[Figures, int]:
    """Index, search and measure every collection."""
    figures, gains, parts = Figures(), list[Estimate](), list[tuple[Collection, dict[str, Indexed]]]()
    with asyncio.Runner() as runner:
        embedder = Batcher()
        for collection in chosen:
            ways = CHUNKINGS if collection.by_spans else {name: CHUNKINGS[name] for name in FOR_DOCUMENTS}
            found = {name: indexed(collection, chunking, embedder, runner) for name, chunking in ways.items()}
            print(f"{collection.name}: {len(collection.files)} documents, {len(collection.queries)} questions")
            gains.append(report_collection(collection, found, figures)[0])
            if collection.by_spans:
                parts.append((collection, found))
        runner.run(embedder.close())
    if parts:
        report_chunkings(parts, figures)
    figures.add("pooled.tuned_less_single", pooled(gains))
    return figures, sum(len(collection.queries) for collection in chosen)


def main() -> None:
    """Measure and report; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="Retrieval: terms, meaning, fusion and what is chosen.")
    parser.add_argument("--quick", action="store_true", help="six pages of the sample")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder that holds the collections")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this collection (may be repeated)")
    arguments = parser.parse_args()
    started = begin()
    data = None if arguments.quick or not arguments.data else Path(arguments.data)
    there = list(collections(data)) or sample()
    chosen = [collection for collection in there if not arguments.only or collection.name in arguments.only]
    if not chosen:
        parser.error(f"--only: there is {', '.join(collection.name for collection in there)}")
    figures, n = run(chosen)
    report(
        benchmark="retrieval",
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
