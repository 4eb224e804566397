"""kill -9 while indexing, again and again: what `benchmarks.index --kills` does.

A child opens the index and replaces documents, one after another, each acknowledged to its parent when `put` has returned; in every tenth turn it
makes the approximate index instead. The parent kills it at a random moment, then checks: the file is sound (`PRAGMA quick_check`), every
acknowledged version of every source is there or a later one, whole; the search finds a passage of a random source by its own vector, first.
All the while a reader looks at the index, each time in one snapshot: every document has exactly its chunks, all of one version, and the terms know
each chunk.
"""

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np

from benchmarks.index_data import Vectors
from groundwork.context.config import ApproximateSection
from groundwork.context.dense.approximate import Approximate
from groundwork.context.dense.refreshing import refresh
from groundwork.core.document import Chunk, Document
from groundwork.core.ids import content_id
from groundwork.store.index import IndexStore
from groundwork.store.index import open_sqlite as open_index
from groundwork.store.index_reading import read_state, snapshot
from groundwork.store.sidecar import drop_sidecar

SOURCES = 200
CHUNKS = 6
SECTION = ApproximateSection(above=1_000)


class Given:
    """An embedder that is never asked: vectors are at hand."""

    fingerprint = "given"

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    async def embed(self, _texts: object) -> Vectors:
        raise NotImplementedError


def put_version(store: IndexStore, source: int, version: int, vectors: Vectors) -> None:
    """One document whose chunks name its version, with vectors of the pool."""
    name = f"docs/{source}.md"
    text = "\n\n".join(f"source {source} version {version} part {part}" for part in range(CHUNKS))
    identifier = content_id("doc", name, text)
    document = Document(id=identifier, source=name, title=name, medium="markdown", text=text)
    chunks, found = [], {}
    for part, line in enumerate(text.split("\n\n")):
        start = text.index(line)
        key = content_id("ch", identifier, str(part))
        chunks.append(
            Chunk(id=key, document=identifier, source=name, title=name, headings=(), text=line, start=start, end=start + len(line))
        )
        found[key] = vectors[(source * CHUNKS + part + version) % len(vectors)]
    store.put(document, chunks, found, digest=f"{version}")


def child(root: Path, turn: int, version: int, vectors: Vectors, pipe: int) -> None:
    """Work until killed."""
    store = open_index(root)
    if turn % 10 == 9:
        while True:
            drop_sidecar(store.database)
            refresh(store.database, SECTION, lambda: None)
    order = random.Random(turn).sample(range(SOURCES), SOURCES)
    for step in range(1_000_000):
        source = order[step % SOURCES]
        version += 1
        put_version(store, source, version, vectors)
        os.write(pipe, f"{source} {version}\n".encode())


def reader(root: Path, faults: Path, stop: Path) -> None:
    """Look for half a change until `stop` is there; write what is wrong."""
    path = root / ".groundwork" / "index" / "index.db"
    looks = 0
    while not stop.exists():
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        connection.execute("BEGIN")
        rows = connection.execute(
            "SELECT document, count(*), count(DISTINCT substr(text, 1, instr(text, ' part'))) FROM chunk GROUP BY document"
        )
        wrong = [row for row in rows if row[1:] != (CHUNKS, 1)]
        terms = connection.execute("SELECT count(*) FROM chunk_terms WHERE chunk_terms MATCH 'version'").fetchone()[0]
        chunks = connection.execute("SELECT count(*) FROM chunk").fetchone()[0]
        connection.execute("COMMIT")
        connection.close()
        looks += 1
        if wrong or terms != chunks:
            faults.write_text(f"half a change: {wrong[:3]} {terms} {chunks}")
            os._exit(1)
    (faults.parent / "looks").write_text(str(looks))
    os._exit(0)


def check(root: Path, known: dict[int, int], vectors: Vectors, turn: int) -> list[str]:
    """What is wrong after a kill."""
    store = open_index(root)
    try:
        sound = store.database.read_now(lambda connection: connection.execute("PRAGMA quick_check").fetchone()[0])
        sql = "SELECT source, digest, (SELECT count(*) FROM chunk WHERE chunk.document = document.number) FROM document"
        held = {
            source: (int(digest), chunks)
            for source, digest, chunks in store.database.read_now(lambda connection: connection.execute(sql).fetchall())
        }
        wrong = [] if sound == "ok" else [f"quick_check: {sound}"]
        for source, version in known.items():
            have = held.get(f"docs/{source}.md", (-1, 0))
            if have[0] < version or have[1] != CHUNKS:
                wrong.append(f"source {source}: {have} where version {version} was acknowledged")
        wrong += [] if not held else _search(store, held, vectors, turn)
        for source, (version, _) in held.items():
            known[int(source[5:-3])] = version
        return wrong
    finally:
        store.close()


def _search(store: IndexStore, held: dict[str, tuple[int, int]], vectors: Vectors, turn: int) -> list[str]:
    source = random.Random(turn).choice(sorted(held))
    place = (int(source[5:-3]) * CHUNKS + held[source][0]) % len(vectors)
    vector = vectors[place].astype(np.float16).astype(np.float32)
    dense = Approximate(store.database, Given(vectors.shape[1]))

    def work(connection: sqlite3.Connection) -> list[str]:
        with snapshot(connection):
            found = dense.nearest(connection, read_state(connection), vector, 10, (), None).ranked
            texts = dict(connection.execute("SELECT number, text FROM chunk").fetchall())
        best = {texts[number] for number, cosine in found if cosine >= found[0][1] - 1e-4}
        expected = f"source {source[5:-3]} version {held[source][0]} part 0"
        return [] if expected in best else [f"the search for {expected!r} gave {sorted(best)[:3]}"]

    return store.database.read_now(work)


def kill_again_and_again(root: Path, vectors: Vectors, times: int) -> dict[str, float]:
    """Returns how often it was killed and what was wrong; prints each fault."""
    store = open_index(root)
    store.prepare({"fingerprint": Given.fingerprint, "chunk": "{}"}, clear=False)
    for source in range(SOURCES):
        put_version(store, source, 0, vectors)
    store.close()
    faults, stop = root / "faults", root / "stop"
    watching = os.fork()
    if watching == 0:
        reader(root, faults, stop)
    known: dict[int, int] = {}
    acknowledged = wrong = 0
    for turn in range(times):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                child(root, turn, max(known.values(), default=0), vectors, write)
            finally:
                os._exit(1)
        os.close(write)
        time.sleep(random.Random(turn).uniform(0.02, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with os.fdopen(read) as lines:
            for line in lines.read().splitlines():
                source, version = map(int, line.split())
                known[source] = version
                acknowledged += 1
        found = check(root, known, vectors, turn)
        wrong += len(found)
        for fault in found:
            print(f"turn {turn}: {fault}")
    stop.touch()
    _, status = os.waitpid(watching, 0)
    if status:
        print(faults.read_text())
    looks = int((root / "looks").read_text()) if not status else 0
    return {
        "kills": times,
        "kills_acknowledged": acknowledged,
        "kills_wrong": wrong,
        "kills_reader_looks": looks,
        "kills_half_changes": int(bool(status)),
    }
