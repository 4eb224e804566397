"""Nearest vectors by the server: all compared, or by an HNSW index that goes on behind a filter."""

from collections.abc import Iterator

import numpy as np
import pytest

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import StoreError
from groundwork.core.where import parse_where
from groundwork.store.labels import Labels, Selection
from groundwork.store.postgres import index as adapter
from groundwork.store.postgres import vectors
from groundwork.store.postgres.connecting import Connection
from groundwork.store.postgres.index import PostgresIndex, open_postgres
from groundwork.store.postgres.snapshot import PostgresSnapshot
from tests.postgres import Server

DOCUMENTS, EACH, DIMENSIONS = 100, 20, 32
SELECTIONS = [
    None,
    Selection(("everyone",)),
    Selection(None, parse_where("bucket < 5")),
    Selection(("everyone",), parse_where("not bucket = 3")),
    Selection(None, parse_where("bucket = 4 and even = true")),
    Selection(("nobody",)),
]


def vectors_of(count: int, seed: int, dimensions: int = DIMENSIONS) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def put(index: PostgresIndex, number: int, made: np.ndarray) -> None:
    source = f"{number}.txt"
    pieces = [
        Chunk(id=f"{number}-{at}", document=f"d{number}", source=source, title="T", headings=(), start=at, end=at + 1, text="x")
        for at in range(len(made))
    ]
    labels = Labels({"bucket": number % 10, "even": number % 2 == 0}, [["everyone"] if number % 3 else ["user:local/x"]])
    document = Document(id=f"d{number}", source=source, title="T", medium="text", text="x" * len(made))
    index.put(document, pieces, dict(zip([one.id for one in pieces], made, strict=True)), digest="", labels=labels)


@pytest.fixture(scope="module")
def filled(postgres: Server) -> Iterator[PostgresIndex]:
    made = open_postgres(postgres.fresh())
    made.prepare({"fingerprint": "f"}, clear=False)
    for number in range(DOCUMENTS):
        put(made, number, vectors_of(EACH, number))
    yield made
    made.close()


def nearest(index: PostgresIndex, most: int) -> list[list[list[int]]]:
    queries = vectors_of(10, 1_000)

    def work(snapshot: PostgresSnapshot) -> list[list[list[int]]]:
        looked = [None if one is None else snapshot.looked_at(one) for one in SELECTIONS]
        return [[snapshot.nearest(query, most, one) for query in queries] for one in looked]

    return index.read_now(work)


def test_the_hnsw_index_finds_what_a_scan_finds_within_every_selection(filled: PostgresIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = nearest(filled, 20)
    assert [len(found[0]) for found in exact] == [28, 28, 28, 28, 28, 0]
    for module in (vectors, adapter):
        monkeypatch.setattr(module, "SCANNED", 100)
    filled.conclude(access="", skipped=[])
    assert filled.read_now(lambda snapshot: snapshot.rows("SELECT approximate FROM state")) == [(DIMENSIONS,)]
    explore, plans = vectors._approximate, []

    class Explaining:
        """The connection, where a table so small that it is read sooner than its index is not; it asks for each plan first."""

        def __init__(self, connection: Connection) -> None:
            self.connection = connection
            connection.execute("SET LOCAL enable_seqscan = off")
            connection.execute("SET LOCAL enable_sort = off")

        def execute(self, sql: object, bound: object = None) -> object:
            if bound is not None:
                plans.append(str(self.connection.execute(b"EXPLAIN " + sql, bound).fetchall()))  # type: ignore[operator,arg-type]
            return self.connection.execute(sql, bound)  # type: ignore[arg-type]

    def explained(connection: Connection, *rest: object) -> list[int]:
        return explore(Explaining(connection), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(vectors, "_approximate", explained)
    found = nearest(filled, 20)
    assert len(plans) == 50
    assert all("chunk_vector_hnsw" in plan for plan in plans)
    for selection, ours, theirs in zip(SELECTIONS, found, exact, strict=True):
        shared = [len(set(one[:20]) & set(other[:20])) / max(1, len(other[:20])) for one, other in zip(ours, theirs, strict=True)]
        assert sum(shared) / len(shared) > 0.95 or not theirs[0]
        everything = selection or Selection()
        allowed = set(filled.read_now(lambda snapshot, one=everything: snapshot.select_documents(one)))
        numbers = {number for one in ours for number in one}
        assert set(filled.read_now(lambda snapshot, numbers=numbers: snapshot.documents_of(sorted(numbers))).values()) <= allowed
    put(filled, 1, vectors_of(EACH + 1, 1))
    assert len(nearest(filled, 20)[0][0]) == 28, "and it follows changes"


def test_vectors_of_another_length_are_refused(filled: PostgresIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "SCANNED", 100)
    filled.conclude(access="", skipped=[])
    generation = filled.generation()
    with pytest.raises(StoreError, match="another length"):
        put(filled, 7, vectors_of(EACH, 7, DIMENSIONS + 1))
    assert filled.generation() == generation
    with pytest.raises(StoreError, match="another length"):
        filled.read_now(lambda snapshot: snapshot.vectors_of([1, 2], DIMENSIONS + 1))
    filled.prepare({"fingerprint": "g"}, clear=True)
    put(filled, 7, vectors_of(EACH, 7, DIMENSIONS + 1))
    assert len(filled.read_now(lambda snapshot: snapshot.nearest(vectors_of(1, 1, DIMENSIONS + 1)[0], 5))) == 13
