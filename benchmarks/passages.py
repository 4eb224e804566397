"""Search small, give large: do small chunks that are given as the passage they stand in bring more of what is sought than plain chunks do?

    python -m benchmarks.passages [--quick] [--data FOLDER] [--only NAME]

Every way hands over the same number of characters for a question (4,000 and 8,000: what passes them is cut), so that none wins by giving
more. The share of the sought characters among them is compared question by question with plain chunks of 200 tokens. Collections as in
`benchmarks.retrieval`, those whose answers are spans.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import begin, report
from benchmarks.retrieval import Figures, covered
from benchmarks.retrieval_sets import Collection, Query, collections, sample
from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.context.indexing import Indexer
from groundwork.context.search import Search
from groundwork.core.statistics import mean, paired_bootstrap
from groundwork.engine.batching import Batcher
from groundwork.engine.encoder import Encoder
from groundwork.store.index import open_index

KEEP = 60
BUDGETS = (4_000, 8_000)
PLAIN = "plain_200"
SMALL = ChunkSection(tokens=100, overlap=12)


class Way(NamedTuple):
    """How documents are split, and how many characters of the surroundings a hit is given with."""

    chunk: ChunkSection
    around: int = 0


WAYS = {
    PLAIN: Way(ChunkSection()),
    "plain_100": Way(SMALL),
    "small_100_parent_200": Way(ChunkSection(tokens=100, overlap=12, parent=200)),
    "small_100_parent_400": Way(ChunkSection(tokens=100, overlap=12, parent=400)),
    "small_100_parent_section": Way(ChunkSection(tokens=100, overlap=12, parent="section")),
    "small_100_around_900": Way(SMALL, around=900),
    "small_100_around_1800": Way(SMALL, around=1_800),
    "chunk_200_parent_400": Way(ChunkSection(parent=400)),
}


def within(query: Query, found: Sequence[tuple[str, int, int]], budget: int) -> float:
    """The share of what is sought in the first `budget` characters."""
    left, some = budget, list[tuple[str, int, int]]()
    for source, start, end in found:
        if left <= 0:
            break
        some.append((source, start, min(end, start + left)))
        left -= end - start
    return covered(query, some)


def given(collection: Collection, way: Way, embedder: Batcher, runner: asyncio.Runner) -> list[list[tuple[str, int, int]]]:
    """What the search gives for every question, best first."""
    section = ContextSection(sources=("docs",), chunk=way.chunk, retrieve=RetrieveSection(terms=200, dense=200, around=way.around))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in collection.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        store = open_index(root)
        try:
            Indexer(section, root, store, Encoder()).run()
            search = Search(store, embedder, section)
            found = [runner.run(search.find(query.text, keep=KEEP)).hits for query in collection.queries]
        finally:
            store.close()
    return [[(hit.chunk.source, hit.chunk.start, hit.chunk.end) for hit in hits] for hits in found]


def run(chosen: Sequence[Collection]) -> tuple[Figures, int]:
    """Every way over all collections together, each held against plain chunks."""
    figures = Figures()
    values: dict[tuple[str, int], list[float]] = {(way, budget): [] for way in WAYS for budget in BUDGETS}
    with asyncio.Runner() as runner:
        embedder = Batcher()
        for collection in chosen:
            for name, way in WAYS.items():
                found = given(collection, way, embedder, runner)
                for budget in BUDGETS:
                    values[name, budget] += [within(query, hits, budget) for query, hits in zip(collection.queries, found, strict=True)]
            print(f"{collection.name}: {len(collection.queries)} questions")
        runner.run(embedder.close())
    for (name, budget), held in values.items():
        figures.add(f"{name}.charrecall{budget // 1000}k", mean(held))
        gain = paired_bootstrap(values[PLAIN, budget], held)
        print(f"{name}, {budget} characters: {mean(held).value:.4f}, against {PLAIN} {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]")
        if name != PLAIN:
            figures.add(f"{name}.charrecall{budget // 1000}k_gain", gain)
    return figures, sum(len(collection.queries) for collection in chosen)


def main() -> None:
    """Measure and report; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="Small chunks given as larger passages.")
    parser.add_argument("--quick", action="store_true", help="six pages of the sample")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder that holds the collections")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this collection (may be repeated)")
    arguments = parser.parse_args()
    started = begin()
    data = None if arguments.quick or not arguments.data else Path(arguments.data)
    there = [one for one in (list(collections(data)) or sample()) if one.by_spans]
    chosen = [one for one in there if not arguments.only or one.name in arguments.only]
    if not chosen:
        parser.error(f"--only: there is {', '.join(one.name for one in there)}")
    figures, n = run(chosen)
    report(
        benchmark="passages",
        figures=figures.values,
        intervals=figures.intervals,
        n=n,
        rivals={},
        data=", ".join(one.name for one in chosen),
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


if __name__ == "__main__":
    main()
