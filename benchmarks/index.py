"""What an index costs as it grows: making it, searching it, changing it, keeping it in memory and on the disk; and whether kill -9 harms it.

    python -m benchmarks.index [--quick] [--sizes N ...] [--kills N] [--data FOLDER] [--kept FOLDER] [--peers PYTHON]

Passages and vectors: see `benchmarks.index_data`; `synthetic_share` says how many of a size's vectors are made up. Documents of 20 passages are
put one by one, each durable before the next, with a field `shelf` (0 to 99), and readers: a third of them for `group:third`. `built` counts what the
store costs; `built_embedding` adds the encoder, as measured on 300 passages. Searches go by 200 questions that people asked, whose vectors are at hand:
the encoder is not in `..._ms`, which is CPU of the whole process. `exact` compares all vectors, `approximate` uses the file beside the index, `hybrid_...`
is the product's search with terms and fusion. `recall` is the share of the exact ten nearest that the approximate list of 50 begins with. `rss_...` is
what a fresh process holds after one search (`anonymous` memory is its own, `file` is mapped and the system's to take back). `update_...` is putting one
document of 20 passages, and the first search after it. `--peers` names a Python with hnswlib and faiss; they get the same vectors and questions.

`--sizes` without a number leaves the kills. `--quick` takes 3,000 passages of the sample application and 10 kills: it shows that the benchmark runs, and no more.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.index_data import MOVED, Vectors, embedded, moved, passages, questions, sample
from benchmarks.index_kills import kill_again_and_again
from benchmarks.report import begin, report
from groundwork.context.config import ApproximateSection, ContextSection, RetrieveSection
from groundwork.context.dense.approximate import Approximate
from groundwork.context.dense.nearest import Dense, Exact
from groundwork.context.dense.refreshing import refresh
from groundwork.context.search import Search
from groundwork.core.document import Chunk, Document
from groundwork.core.ids import content_id
from groundwork.core.where import parse_where
from groundwork.engine.encoder import Encoder
from groundwork.store.index import FOLDER, IndexStore
from groundwork.store.index import open_sqlite as open_index
from groundwork.store.index_reading import read_state, snapshot
from groundwork.store.labels import Labels, Selection, select_chunks

PART = 20
"""Passages to a document."""
SECTION = ApproximateSection(above=1_000)
FILTERS = {"shelf_1": "shelf = 0", "shelf_10": "shelf < 10", "shelf_50": "shelf < 50"}


class Asked:
    """An embedder whose answers are at hand: what is measured is the search."""

    fingerprint = "asked"

    def __init__(self, vectors: dict[str, Vectors], dimensions: int) -> None:
        self._vectors = vectors
        self.dimensions = dimensions

    async def embed(self, texts: Sequence[str], /) -> Vectors:
        return np.stack([self._vectors[text] for text in texts])


class Material(NamedTuple):
    """Passages and questions with their vectors."""

    texts: list[str]
    vectors: Vectors
    questions: list[str]
    asked: Vectors
    rate: float
    """Passages that the encoder embeds in a CPU second."""


def material(data: Path | None, kept: Path | None, most: int) -> Material:
    """The real part of what is indexed."""
    texts = passages(data, most) if data else sample(most)
    asked = questions(data, 200) if data else [" ".join(text.split()[3:11]) for text in texts[::15][:200]]
    encoder, some = Encoder(), texts[:: max(1, len(texts) // 300)][:300]
    started = time.process_time()
    encoder.encode(some)
    rate = len(some) / (time.process_time() - started)
    return Material(texts, embedded(texts, kept), asked, embedded(asked, kept), rate)


def put(store: IndexStore, number: int, texts: Sequence[str], vectors: Vectors) -> None:
    """One document: its passages are its chunks."""
    name = f"docs/{number}.md"
    whole = "\n\n".join(texts)
    identifier = content_id("doc", name, whole)
    chunks, start = [], 0
    for place, text in enumerate(texts):
        key = content_id("ch", identifier, str(place))
        end = start + len(text)
        chunks.append(Chunk(id=key, document=identifier, source=name, title=f"Page {number}", headings=(), text=text, start=start, end=end))
        start = end + 2
    document = Document(id=identifier, source=name, title=f"Page {number}", medium="markdown", text=whole)
    labels = Labels({"shelf": number % 100}, [["group:local/third"] if number % 3 == 0 else ["everyone"]])
    store.put(document, chunks, dict(zip((chunk.id for chunk in chunks), vectors, strict=True)), digest=identifier, labels=labels)


def fill(store: IndexStore, found: Material, size: int) -> tuple[float, float]:
    """Put `size` passages. Gives CPU and wall seconds."""
    store.prepare({"fingerprint": Asked.fingerprint, "chunk": "{}"}, clear=False)
    real, cpu, wall = len(found.texts), 0.0, 0.0
    for start in range(0, size, PART * 500):
        count = min(PART * 500, size - start)
        places = np.arange(start, start + count)
        vectors = found.vectors[places % real] if start + count <= real else moved(found.vectors[places % real], count, start)
        if start < real < start + count:
            vectors[: real - start] = found.vectors[start:]
        texts = [found.texts[place % real] if place < real else f"{found.texts[place % real]} w{place}" for place in places]
        begun, clock = time.process_time(), time.perf_counter()
        for first in range(0, count, PART):
            put(store, (start + first) // PART, texts[first : first + PART], vectors[first : first + PART])
        cpu, wall = cpu + time.process_time() - begun, wall + time.perf_counter() - clock
    return cpu, wall


def lists(store: IndexStore, dense: Dense, asked: Vectors, looked_at: bytes | None) -> tuple[list[list[int]], float]:
    """The dense list of every question, and the CPU milliseconds of one."""

    def work(connection: Any) -> tuple[list[list[int]], float]:
        with snapshot(connection):
            state = read_state(connection)
            dense.nearest(connection, state, asked[0], 50, (), looked_at)
            started = time.process_time()
            found = [[number for number, _ in dense.nearest(connection, state, vector, 50, (), looked_at).ranked] for vector in asked]
            return found, 1000 * (time.process_time() - started) / len(asked)

    return store.database.read_now(work)


def recall(found: list[list[int]], truth: list[list[int]]) -> float:
    return float(np.mean([len(set(one[:10]) & set(other[:10])) / max(1, len(other[:10])) for one, other in zip(found, truth, strict=True)]))


def searched(store: IndexStore, found: Material) -> dict[str, float]:
    """Cost and recall of every kind of search."""
    figures: dict[str, float] = {}
    embedder = Asked(dict(zip(found.questions, found.asked, strict=True)), found.asked.shape[1])
    selections = {name: Selection(None, parse_where(where)) for name, where in FILTERS.items()} | {"permitted": Selection(("everyone",))}
    kinds: dict[str, Dense] = {"exact": Exact(embedder), "approximate": Approximate(store.database, embedder)}
    for name, selection in {"": None, **selections}.items():
        looked_at = None if selection is None else store.database.read_now(lambda connection, of=selection: select_chunks(connection, of))
        ending = f"_{name}" if name else ""
        truth, figures[f"exact{ending}_ms"] = lists(store, kinds["exact"], found.asked, looked_at)
        near, figures[f"approximate{ending}_ms"] = lists(store, kinds["approximate"], found.asked, looked_at)
        figures[f"recall{ending}"] = recall(near, truth)
    for name, dense in kinds.items():
        figures[f"hybrid_{name}_ms"] = asyncio.run(hybrid(store, embedder, dense, found.questions, "rrf"))
    figures["terms_ms"] = asyncio.run(hybrid(store, embedder, kinds["exact"], found.questions, "terms"))
    return figures


async def hybrid(store: IndexStore, embedder: Asked, dense: Dense, asked: list[str], fuse: Any) -> float:
    """CPU milliseconds of one search."""
    config = ContextSection(sources=("docs",), retrieve=RetrieveSection(fuse=fuse))
    search = Search(store, embedder, config, dense=dense)
    await search.find(asked[0], keep=6)
    started = time.process_time()
    for question in asked:
        await search.find(question, keep=6)
    return 1000 * (time.process_time() - started) / len(asked)


def updated(store: IndexStore, found: Material) -> dict[str, float]:
    """One document replaced, and the next search: CPU milliseconds, the middle of five."""
    embedder = Asked({}, found.asked.shape[1])
    costs: dict[str, list[float]] = {"put": [], "exact": [], "approximate": []}
    kinds: dict[str, Dense] = {"exact": Exact(embedder), "approximate": Approximate(store.database, embedder)}
    for turn in range(6):
        texts = [f"{text} changed {turn}" for text in found.texts[:PART]]
        costs["put"].append(timed(lambda texts=texts: put(store, 0, texts, found.vectors[:PART])))
        for name, dense in kinds.items():
            costs[name].append(timed(lambda dense=dense: lists(store, dense, found.asked[:1], None)))
    return {f"update_{name}_ms": float(np.median(values[1:])) for name, values in costs.items()}


def timed(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


def memory(root: Path, kind: str, vectors: Path) -> None:
    """In a process of its own: what one search leaves in memory, as JSON."""
    asked = np.load(vectors)
    store = open_index(root)
    embedder = Asked({}, asked.shape[1])
    before = resident()
    dense = Exact(embedder) if kind == "exact" else Approximate(store.database, embedder)
    lists(store, dense, asked[:20], None)
    print(json.dumps({name: after - before[name] for name, after in resident().items()}))
    del dense  # until here it holds its vectors
    store.close()


def resident() -> dict[str, float]:
    """Megabytes that this process holds."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if ":" in line)
    return {name: int(lines[key].split()[0]) / 1000 for name, key in (("anonymous", "RssAnon"), ("file", "RssFile"))}


def peers(python: str | None, vectors: Vectors, asked: Vectors, folder: Path) -> dict[str, Any]:
    """The same vectors and questions in other libraries, in their own process."""
    if python is None:
        return {"hnswlib, faiss": {"absent": "name a Python that has them with --peers"}}
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "asked.npy", asked)
    script = Path(__file__).with_name("index_peers.py")
    done = subprocess.run([python, str(script), str(folder)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured(found: Material, size: int, python: str | None) -> tuple[dict[str, float], dict[str, Any]]:
    """All figures of one size."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = open_index(root)
        cpu, wall = fill(store, found, size)
        started = time.process_time()
        made = refresh(store.database, SECTION, lambda: None)
        figures: dict[str, float] = {
            "synthetic_share": max(0, size - len(found.texts)) / size,
            "built_per_cpu_s": size / cpu,
            "built_per_s": size / wall,
            "built_embedding_per_cpu_s": 1 / (cpu / size + 1 / found.rate),
            "graph_cpu_s": time.process_time() - started,
            "graph_recall_measured": made.recall or 0.0,
        }
        files = {path.name.partition("-")[0]: path.stat().st_size for path in (root / FOLDER).iterdir()}
        figures |= {"index_bytes_per_chunk": files["index.db"] / size, "graph_bytes_per_chunk": files.get("nearest", 0) / size}
        figures |= searched(store, found)
        np.save(root / "asked.npy", found.asked)
        for kind in ("exact", "approximate"):
            command = [sys.executable, "-m", "benchmarks.index", "--memory", kind, str(root)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            figures |= {f"rss_{kind}_{name}_mb": value for name, value in json.loads(done.stdout.splitlines()[-1]).items()}
        rivals = peers(python, everything(store), found.asked, root)
        figures |= updated(store, found)
        store.close()
    return figures, rivals


def everything(store: IndexStore) -> Vectors:
    """The vectors as they are stored."""
    sql = "SELECT vector FROM chunk ORDER BY number"
    rows = store.database.read_now(lambda connection: connection.execute(sql).fetchall())
    return np.frombuffer(b"".join(blob for (blob,) in rows), "<f2").reshape(len(rows), -1).astype(np.float32)


def main() -> None:
    """Measure and report; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="What an index costs as it grows.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--real", type=int, default=100_000, help="passages that are embedded, at most")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"))
    parser.add_argument("--kept", type=Path, help="where vectors are kept for the next run")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--memory", nargs=2, metavar=("KIND", "ROOT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        memory(Path(arguments.memory[1]), arguments.memory[0], Path(arguments.memory[1]) / "asked.npy")
        return
    started = begin()
    sizes, kills = ([3_000], 10) if arguments.quick else (arguments.sizes, arguments.kills)
    data = None if arguments.quick else arguments.data and Path(arguments.data)
    found = material(data, arguments.kept, min(max(sizes, default=3_000), arguments.real))
    figures: dict[str, float] = {"encoder_per_cpu_s": found.rate}
    rivals: dict[str, Any] = {}
    for size in sizes:
        some, others = measured(found, size, arguments.peers)
        figures |= {f"{size}.{name}": value for name, value in some.items()}
        rivals |= {f"{size}.{name}": value for name, value in others.items()}
        print(f"{size} chunks: {json.dumps({name: round(value, 4) for name, value in some.items()})} {json.dumps(others)}", flush=True)
    if kills:
        with tempfile.TemporaryDirectory() as folder:
            figures |= kill_again_and_again(Path(folder), found.vectors, kills)
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    report(
        benchmark="index",
        figures={name: round(value, 4) for name, value in figures.items()},
        intervals={},
        n=len(found.questions),
        rivals=rivals,
        data=f"{len(found.texts)} passages of {'the sets of ' + data.name if data else 'the sample'}; beyond those synthetic vectors (noise {MOVED})",
        versions=("numpy", "usearch", "numkong", "onnxruntime"),
        started=started,
    )


if __name__ == "__main__":
    main()
