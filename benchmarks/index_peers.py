"""hnswlib and faiss over the same vectors and questions, in a Python that has them: `benchmarks.index --peers PYTHON` runs this file.

    PYTHON benchmarks/index_peers.py FOLDER    # with vectors.npy and asked.npy

Each gets one thread. `ms` is CPU of one search for 50, the middle way of building is theirs: HNSW with 32 neighbours and 256 candidates, as ours; faiss by
eight-bit scalar quantisation, scanned. Nothing of a document store is in these figures: no terms, permissions, durability.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """The last line is one JSON object."""
    import faiss
    import hnswlib
    import numpy as np

    faiss.omp_set_num_threads(1)
    folder = Path(sys.argv[1])
    vectors, asked = np.load(folder / "vectors.npy"), np.load(folder / "asked.npy")
    truth = [set(np.argpartition(-np.vecdot(vectors, one), 9)[:10].tolist()) for one in asked]
    found: dict[str, dict[str, float]] = {}

    def measure(name: str, built: float, search: Callable[[Any], Any]) -> None:
        search(asked[0])
        started = time.process_time()
        rows = [search(one) for one in asked]
        milliseconds = 1000 * (time.process_time() - started) / len(asked)
        share = sum(len(set(list(row)[:10]) & ten) / 10 for row, ten in zip(rows, truth, strict=True)) / len(asked)
        found[name] = {"built_cpu_s": round(built, 2), "ms": round(milliseconds, 3), "recall": round(share, 4)}

    def scan(one: Any) -> Any:
        cosines = np.vecdot(vectors, one)
        best = np.argpartition(-cosines, 49)[:50]
        return best[np.argsort(-cosines[best])]

    measure("numpy scan", 0.0, scan)
    started = time.process_time()
    graph = hnswlib.Index(space="ip", dim=vectors.shape[1])
    graph.init_index(max_elements=len(vectors), M=32, ef_construction=256)
    graph.add_items(vectors, num_threads=1)
    built = time.process_time() - started
    for effort in (256, 512):
        graph.set_ef(effort)
        measure(f"hnswlib ef {effort}", built, lambda one: graph.knn_query(one, k=50, num_threads=1)[0][0])
    started = time.process_time()
    codes = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    codes.train(vectors)
    codes.add(vectors)
    measure("faiss eight-bit scan", time.process_time() - started, lambda one: codes.search(one[None], 50)[1][0])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
