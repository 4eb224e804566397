"""Labels in the index: typed fields and readers, and what an index of the version before them does."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.document import Chunk, Document
from groundwork.core.where import parse_where
from groundwork.store.config import Address
from groundwork.store.index import FILE, open_index
from groundwork.store.index_port import Index
from groundwork.store.labels import EVERYTHING, Labels, Selection

VECTOR = np.array([0.6, 0.8], dtype=np.float32)
VALUES = {"year": 2024, "rate": 0.5, "live": True, "day": "2024-01-31", "tags": ["x", "y"], "name": 'it\'s "quoted"; --'}


@pytest.fixture
def store(tmp_path: Path, address: Address | None) -> Iterator[Index]:
    made = open_index(tmp_path, address=address)
    made.prepare({"fingerprint": "f"}, clear=False)
    yield made
    made.close()


def put(store: Index, source: str, labels: Labels) -> None:
    document = Document(id=f"doc_{source}", source=source, title="T", medium="text", text="word")
    chunk = Chunk(id=f"ch_{source}", document=document.id, source=source, title="T", headings=(), start=0, end=4, text="word")
    new = {} if chunk.id in store.chunk_ids(source) else {chunk.id: VECTOR}
    store.put(document, [chunk], new, digest=source, labels=labels)


def selected(store: Index, readers: tuple[str, ...] | None = None, where: str = "") -> int:
    selection = Selection(readers, parse_where(where))
    numbers = store.read_now(lambda snapshot: snapshot.select_documents(selection))
    assert store.read_now(lambda snapshot: snapshot.count_documents(selection)) == (len(numbers), len(numbers))
    found = store.read_now(lambda snapshot: snapshot.search_terms(["word"], most=10, looked_at=snapshot.looked_at(selection)))
    assert len(found) == len(numbers)
    return len(numbers)


def test_values_come_back_as_they_went_in(store: Index) -> None:
    put(store, "a", Labels(VALUES, [["everyone"], ["group:local/x", "user:local/y"]]))
    back = store.read_now(lambda snapshot: snapshot.labels("a"))
    assert back.values == VALUES
    assert back.rules == [["everyone"], ["group:local/x", "user:local/y"]]
    kinds = store.read_now(lambda snapshot: snapshot.fields(EVERYTHING))
    assert kinds == {"year": {"number"}, "rate": {"number"}, "live": {"bool"}, "day": {"date"}, "tags": {"text"}, "name": {"text"}}
    assert store.read_now(lambda snapshot: snapshot.values(range(5_000))) == {1: VALUES}


def test_labels_follow_their_document(store: Index) -> None:
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
    assert store.read_now(lambda snapshot: (snapshot.values([1]), snapshot.labels("a"), snapshot.fields(EVERYTHING))) == ({}, Labels(), {})


def test_a_reader_needs_every_rule(store: Index) -> None:
    put(store, "both", Labels({}, [["everyone"], ["user:local/x"]]))
    put(store, "closed", Labels({}, [["everyone"], []]))
    put(store, "none", Labels({}, []))
    assert selected(store, ("everyone",)) == 0
    assert selected(store, ("everyone", "user:local/x")) == 1
    assert selected(store, ()) == 0
    assert selected(store) == 3


def test_what_was_left_out_is_kept_until_the_next_run(store: Index) -> None:
    store.begin(access="new")
    assert store.read_now(lambda snapshot: snapshot.access()) == "changing"
    store.conclude(access="new", skipped=[("a.pdf", "encrypted")])
    store.begin(access="new")
    assert store.read_now(lambda snapshot: snapshot.access()) == "new"
    assert store.read_now(lambda snapshot: snapshot.skipped()) == {"a.pdf": "encrypted"}
    store.conclude(access="new", skipped=[])
    assert store.read_now(lambda snapshot: snapshot.skipped()) == {}


def test_an_index_of_the_version_before_is_brought_forward(tmp_path: Path) -> None:
    old = open_index(tmp_path)
    old.prepare({"fingerprint": "f"}, clear=False)
    put(old, "a", Labels())
    old.close()
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
