"""Labels in the index: typed fields and readers, and what an index of the version before them does."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.document import Chunk, Document
from groundwork.core.where import parse_where
from groundwork.store.index import FILE, IndexStore, open_index
from groundwork.store.index_reading import read_access, search_terms
from groundwork.store.labels import (
    EVERYTHING,
    Labels,
    Selection,
    count_documents,
    read_fields,
    read_labels,
    read_skipped,
    select_chunks,
    select_documents,
    values_by_document,
)

VECTOR = np.array([0.6, 0.8], dtype=np.float32)
VALUES = {"year": 2024, "rate": 0.5, "live": True, "day": "2024-01-31", "tags": ["x", "y"], "name": 'it\'s "quoted"; --'}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IndexStore]:
    made = open_index(tmp_path)
    made.prepare({"fingerprint": "f"}, clear=False)
    yield made
    made.close()


def put(store: IndexStore, source: str, labels: Labels) -> None:
    document = Document(id=f"doc_{source}", source=source, title="T", medium="text", text="word")
    chunk = Chunk(id=f"ch_{source}", document=document.id, source=source, title="T", headings=(), start=0, end=4, text="word")
    new = {} if chunk.id in store.chunk_ids(source) else {chunk.id: VECTOR}
    store.put(document, [chunk], new, digest=source, labels=labels)


def selected(store: IndexStore, readers: tuple[str, ...] | None = None, where: str = "") -> int:
    selection = Selection(readers, parse_where(where))
    numbers = store.database.read_now(lambda connection: select_documents(connection, selection))
    assert store.database.read_now(lambda connection: count_documents(connection, selection)) == (len(numbers), len(numbers))
    if not selection.is_everything:
        found = store.database.read_now(
            lambda connection: search_terms(connection, ["word"], most=10, among=select_chunks(connection, selection))
        )
        assert len(found) == len(numbers)
    return len(numbers)


def test_values_come_back_as_they_went_in(store: IndexStore) -> None:
    put(store, "a", Labels(VALUES, [["everyone"], ["group:local/x", "user:local/y"]]))
    back = store.database.read_now(lambda connection: read_labels(connection, "a"))
    assert back.values == VALUES
    assert back.rules == [["everyone"], ["group:local/x", "user:local/y"]]
    kinds = store.database.read_now(lambda connection: read_fields(connection, EVERYTHING))
    assert kinds == {"year": {"number"}, "rate": {"number"}, "live": {"bool"}, "day": {"date"}, "tags": {"text"}, "name": {"text"}}
    assert store.database.read_now(lambda connection: values_by_document(connection, range(5_000))) == {1: VALUES}


def test_labels_follow_their_document(store: IndexStore) -> None:
    put(store, "a", Labels({"year": 1}, [["everyone"]]))
    generation = store.generation()
    put(store, "a", Labels({"year": 2}, [["user:local/x"]]))
    assert (selected(store, where="year = 1"), selected(store, where="year = 2")) == (0, 1)
    assert (selected(store, ("everyone",)), selected(store, ("user:local/x",))) == (0, 1)
    assert store.generation() != generation, "who may see it is part of what the index is"
    store.relabel("a", Labels({"year": 1}, [["everyone"]]))
    assert store.generation() == generation
    store.relabel("nowhere", Labels({"year": 1}))
    store.remove("a")
    left = store.database.read_now(
        lambda connection: [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("document_value", "document_reader")
        ]
    )
    assert left == [0, 0]


def test_a_reader_needs_every_rule(store: IndexStore) -> None:
    put(store, "both", Labels({}, [["everyone"], ["user:local/x"]]))
    put(store, "closed", Labels({}, [["everyone"], []]))
    put(store, "none", Labels({}, []))
    assert selected(store, ("everyone",)) == 0
    assert selected(store, ("everyone", "user:local/x")) == 1
    assert selected(store, ()) == 0
    assert selected(store) == 3


def test_what_was_left_out_is_kept_until_the_next_run(store: IndexStore) -> None:
    store.begin(access="new")
    assert store.database.read_now(read_access) == "changing"
    store.conclude(access="new", skipped=[("a.pdf", "encrypted")])
    store.begin(access="new")
    assert store.database.read_now(read_access) == "new"
    assert store.database.read_now(read_skipped) == {"a.pdf": "encrypted"}
    store.conclude(access="new", skipped=[])
    assert store.database.read_now(read_skipped) == {}


def test_an_index_of_the_version_before_is_brought_forward(store: IndexStore, tmp_path: Path) -> None:
    put(store, "a", Labels())
    store.close()
    before = sqlite3.connect(tmp_path / FILE)
    before.executescript(
        "DROP TRIGGER labels_removed; DROP TABLE document_value; DROP TABLE document_reader; DROP TABLE skipped; DROP INDEX chunk_of_content; ALTER TABLE chunk DROP COLUMN content; PRAGMA user_version = 1;"
    )
    before.close()
    now = open_index(tmp_path)
    try:
        assert [entry.source for entry in now.documents()] == ["a"]
        assert selected(now) == 1
        put(now, "a", Labels({"year": 7}))
        assert selected(now, where="year = 7") == 1
    finally:
        now.close()
