import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import NotFound, StoreBusy, StoreError
from groundwork.core.ids import content_id
from groundwork.store.index import IndexStore, open_index
from groundwork.store.index_reading import read_vectors, search_terms, snapshot
from groundwork.store.lock import holding
from groundwork.store.vectors import from_blob, to_blob

VECTOR = np.array([0.6, 0.8], dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IndexStore]:
    made = open_index(tmp_path)
    made.prepare({"fingerprint": "f"}, clear=False)
    yield made
    made.close()


def document(text: str, source: str = "a.txt") -> Document:
    return Document(id=content_id("doc", source, text), source=source, title="A", medium="text", text=text)


def chunks(document: Document) -> list[Chunk]:
    """One chunk a word."""
    found: list[Chunk] = []
    at = 0
    for word in document.text.split():
        start = document.text.index(word, at)
        at = start + len(word)
        found.append(
            Chunk(
                id=content_id("ch", document.source, word),
                document=document.id,
                source=document.source,
                title="A",
                headings=("H",),
                start=start,
                end=at,
                text=word,
            )
        )
    return found


def put(store: IndexStore, text: str, source: str = "a.txt", vector: np.ndarray = VECTOR) -> Document:
    made = document(text, source)
    pieces = chunks(made)
    new = [chunk.id for chunk in pieces if chunk.id not in store.chunk_ids(source)]
    store.put(made, pieces, dict.fromkeys(new, vector), digest=text)
    return made


def found(store: IndexStore, *terms: str) -> int:
    return len(store.database.read_now(lambda connection: search_terms(connection, terms, most=10)))


def test_what_is_put_is_read_back(store: IndexStore) -> None:
    made = put(store, "alpha béta")
    assert store.document(made.id) == made
    assert store.chunk(chunks(made)[1].id) == chunks(made)[1]
    assert store.digests() == {"a.txt": "alpha béta"}
    assert [(entry.id, entry.source, entry.title, entry.chunks) for entry in store.documents()] == [(made.id, "a.txt", "A", 2)]
    with pytest.raises(NotFound):
        store.document("doc_x")
    with pytest.raises(NotFound):
        store.chunk("ch_x")


def test_the_generation_names_the_content_and_not_its_history(store: IndexStore, tmp_path: Path) -> None:
    assert store.generation() == ""
    seen = [store.generation()]
    for text in ("one", "one two", "two"):
        put(store, text)
        seen.append(store.generation())
    put(store, "b", "b.txt")
    seen.append(store.generation())
    assert len(set(seen)) == 5
    store.remove("b.txt")
    assert store.generation() == seen[3]
    put(store, "one")
    assert store.generation() == seen[1]
    store.remove("a.txt")
    store.remove("never.txt")
    assert store.generation() == ""
    store.prepare({"fingerprint": "g"}, clear=False)
    put(store, "one")
    assert store.generation() != seen[1], "another encoder's index is another one"


def test_terms_follow_every_change(store: IndexStore) -> None:
    put(store, "apple banana")
    assert (found(store, "apple"), found(store, "banana"), found(store, "a")) == (1, 1, 2)
    put(store, "apple cherry")
    assert (found(store, "apple"), found(store, "banana"), found(store, "cherry")) == (1, 0, 1)
    store.remove("a.txt")
    assert (found(store, "apple"), found(store, "cherry")) == (0, 0)
    store.database.write_now(lambda connection: connection.execute("INSERT INTO chunk_terms (chunk_terms) VALUES ('integrity-check')"))


def test_a_kept_chunk_keeps_its_number_and_a_new_vector_gets_a_new_one(store: IndexStore) -> None:
    def numbers() -> dict[str, int]:
        return dict(store.database.read_now(lambda connection: connection.execute("SELECT text, number FROM chunk").fetchall()))

    put(store, "apple banana")
    before = numbers()
    put(store, "cherry apple")
    assert numbers()["apple"] == before["apple"]
    assert numbers()["cherry"] > max(before.values())
    made = document("cherry apple")
    store.put(made, chunks(made), {chunk.id: -VECTOR for chunk in chunks(made)}, digest="again")
    assert min(numbers().values()) > before["apple"], "readers keep vectors by number"


def test_a_retired_text_opens_by_its_id_and_is_never_found(store: IndexStore) -> None:
    old = put(store, "apple")
    new = put(store, "banana")
    store.remove("a.txt")
    assert store.document(old.id) == old
    assert store.document(new.id) == new
    assert store.documents() == []
    assert found(store, "apple", "banana") == 0
    store.prepare({"fingerprint": "f"}, clear=True)
    assert store.document(old.id) == old


def test_a_failed_put_leaves_everything_as_it_was(store: IndexStore) -> None:
    put(store, "apple")
    generation = store.generation()
    made = document("apple banana")
    with pytest.raises(KeyError):
        store.put(made, chunks(made), {}, digest="x")
    assert store.generation() == generation
    assert store.digests() == {"a.txt": "apple"}
    assert found(store, "apple") == 1


async def test_a_snapshot_is_of_one_moment(store: IndexStore) -> None:
    put(store, "apple")
    loop = asyncio.get_running_loop()

    def work(connection: object) -> tuple[int, int]:
        with snapshot(connection):  # type: ignore[arg-type]
            before = len(search_terms(connection, ["apple"], most=5))  # type: ignore[arg-type]
            asyncio.run_coroutine_threadsafe(asyncio.to_thread(put, store, "banana"), loop).result()
            return before, len(search_terms(connection, ["apple"], most=5))  # type: ignore[arg-type]

    assert await store.database.read(work) == (1, 1)
    assert found(store, "apple") == 0


def test_vectors_lose_less_than_a_thousandth(store: IndexStore) -> None:
    vectors = np.random.default_rng(7).normal(size=(200, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    back = from_blob([to_blob(vector) for vector in vectors], 384)
    assert np.abs(back @ vectors.T - vectors @ vectors.T).max() < 1e-3
    with pytest.raises(StoreError, match="length"):
        from_blob([b"1234"], 384)
    put(store, "apple")
    rows = store.database.read_now(lambda connection: list(read_vectors(connection, above=0)))
    assert from_blob([blob for _, blob in rows], 2)[0] == pytest.approx(VECTOR, abs=1e-3)


def test_a_lock_has_one_holder_and_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "some" / "lock"
    with holding(path, what="at work"), pytest.raises(StoreBusy, match="at work"), holding(path, what="at work"):
        pass
    with holding(path, what="at work"):
        pass


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    store = open_index(tmp_path)
    store.prepare({"fingerprint": "f"}, clear=False)
    made = put(store, "apple banana")
    generation = store.generation()
    store.close()
    again = open_index(tmp_path, rebuild=True)
    assert (again.generation(), again.document(made.id), again.made_with()) == (generation, made, {"fingerprint": "f"})
    again.close()
