"""What every index keeps to, wherever it stands: the conformance suite of the port `Index`."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import NotFound, StoreBusy
from groundwork.core.ids import content_id
from groundwork.store.config import Address
from groundwork.store.index import IndexStore, open_index
from groundwork.store.index_port import Index, Snapshot
from groundwork.store.labels import EVERYTHING, Labels, Selection
from groundwork.store.vectors import from_blob

VECTOR = np.array([0.6, 0.8], dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path, address: Address | None) -> Iterator[Index]:
    made = open_index(tmp_path, address=address)
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


def put(store: Index, text: str, source: str = "a.txt", vector: np.ndarray = VECTOR) -> Document:
    made = document(text, source)
    pieces = chunks(made)
    new = [chunk.id for chunk in pieces if chunk.id not in store.chunk_ids(source)]
    store.put(made, pieces, dict.fromkeys(new, vector), digest=text)
    return made


def found(store: Index, *terms: str, most: int = 10) -> int:
    return len(store.read_now(lambda snapshot: snapshot.search_terms(terms, most=most)))


def test_what_is_put_is_read_back(store: Index) -> None:
    made = put(store, "alpha béta")
    assert store.document(made.id) == made
    assert store.chunk(chunks(made)[1].id) == chunks(made)[1]
    assert store.digests() == {"a.txt": "alpha béta"}
    assert [(entry.id, entry.source, entry.title, entry.chunks) for entry in store.documents()] == [(made.id, "a.txt", "A", 2)]
    with pytest.raises(NotFound):
        store.document("doc_x")
    with pytest.raises(NotFound):
        store.chunk("ch_x")


def test_the_generation_names_the_content_and_not_its_history(store: Index, tmp_path: Path) -> None:
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


def test_terms_follow_every_change(store: Index) -> None:
    put(store, "apple banana")
    assert (found(store, "apple"), found(store, "banana"), found(store, "a")) == (1, 1, 2)
    put(store, "apple cherry")
    assert (found(store, "apple"), found(store, "banana"), found(store, "cherry")) == (1, 0, 1)
    store.remove("a.txt")
    assert (found(store, "apple"), found(store, "cherry")) == (0, 0)
    if isinstance(store, IndexStore):
        store.database.write_now(lambda connection: connection.execute("INSERT INTO chunk_terms (chunk_terms) VALUES ('integrity-check')"))


def test_a_kept_chunk_keeps_its_number_and_a_new_vector_gets_a_new_one(store: Index) -> None:
    def numbers() -> dict[str, int]:
        return store.read_now(
            lambda snapshot: {one.text: number for number, one in snapshot.chunks("number", list(snapshot.vectors())).items()}
        )

    put(store, "apple banana")
    before = numbers()
    put(store, "cherry apple")
    assert numbers()["apple"] == before["apple"]
    assert numbers()["cherry"] > max(before.values())
    made = document("cherry apple")
    store.put(made, chunks(made), {chunk.id: -VECTOR for chunk in chunks(made)}, digest="again")
    assert min(numbers().values()) > before["apple"], "readers keep vectors by number"


def test_a_retired_text_opens_by_its_id_and_is_never_found(store: Index) -> None:
    old = put(store, "apple")
    new = put(store, "banana")
    store.remove("a.txt")
    assert store.document(old.id) == old
    assert store.document(new.id) == new
    assert store.documents() == []
    assert found(store, "apple", "banana") == 0
    store.prepare({"fingerprint": "f"}, clear=True)
    assert store.document(old.id) == old


def test_a_failed_put_leaves_everything_as_it_was(store: Index) -> None:
    put(store, "apple")
    generation = store.generation()
    made = document("apple banana")
    with pytest.raises(KeyError):
        store.put(made, chunks(made), {}, digest="x")
    assert store.generation() == generation
    assert store.digests() == {"a.txt": "apple"}
    assert found(store, "apple") == 1


async def test_a_snapshot_is_of_one_moment(store: Index) -> None:
    put(store, "apple")
    loop = asyncio.get_running_loop()

    def work(snapshot: Snapshot) -> tuple[int, int, str]:
        before = len(snapshot.search_terms(["apple"], most=5))
        asyncio.run_coroutine_threadsafe(asyncio.to_thread(put, store, "banana"), loop).result()
        return before, len(snapshot.search_terms(["apple"], most=5)), snapshot.generation()

    generation = store.generation()
    assert await store.read(work) == (1, 1, generation)
    assert store.generation() != generation
    assert found(store, "apple") == 0


def test_what_was_written_is_there_after_opening_again(store: Index, tmp_path: Path, address: Address | None) -> None:
    made = put(store, "apple banana")
    generation = store.generation()
    again = open_index(tmp_path, rebuild=True, address=address)
    assert (again.generation(), again.document(made.id), again.made_with()) == (generation, made, {"fingerprint": "f"})
    again.close()


def test_vectors_are_kept_in_half_precision_and_known_by_their_text(store: Index) -> None:
    put(store, "apple banana")
    blobs = store.read_now(lambda snapshot: snapshot.vectors())
    assert [from_blob([blob], 2)[0].tolist() for blob in blobs.values()] == [VECTOR.astype(np.float16).astype(np.float32).tolist()] * 2
    moved = chunks(document("banana cherry", "b.txt"))
    known = store.known_vectors(moved)
    assert list(known) == [moved[0].id]
    assert known[moved[0].id].tolist() == from_blob(list(blobs.values()), 2)[0].tolist()
    assert store.known_vectors([]) == {}


def test_a_snapshot_tells_the_same_by_every_road(store: Index) -> None:
    made = put(store, "apple banana")
    store.relabel("a.txt", Labels({"year": 2024}, [["everyone"]]))

    def work(snapshot: Snapshot) -> None:
        number = snapshot.number_of("a.txt")
        assert number is not None
        held = snapshot.chunks_of("a.txt")
        assert [one.id for one in held.values()] == [one.id for one in chunks(made)]
        assert all(not one.text for one in held.values())
        assert snapshot.chunks("number", list(held)) == dict(zip(held, chunks(made), strict=True))
        assert snapshot.chunks("id", [chunks(made)[0].id, "ch_x"]) == {min(held): chunks(made)[0]}
        assert snapshot.chunks("number", []) == {}
        assert snapshot.documents_of([*held, 99]) == dict.fromkeys(held, number)
        assert snapshot.current("a.txt") == snapshot.document(made.id) == made
        assert (snapshot.current("b.txt"), snapshot.number_of("b.txt")) == (None, None)
        assert snapshot.values([number, 99]) == {number: {"year": 2024}}
        assert snapshot.labels("a.txt") == Labels({"year": 2024}, [["everyone"]])
        assert snapshot.select_documents(EVERYTHING) == [number]
        assert snapshot.count_documents(EVERYTHING) == (1, 2)
        assert snapshot.looked_at(EVERYTHING) is None
        assert snapshot.search_terms(["apple"], most=5, looked_at=snapshot.looked_at(Selection(("user:local/x",)))) == []
        assert snapshot.search_terms(["apple"], most=5, looked_at=snapshot.looked_at(Selection(("everyone",)))) != []
        assert snapshot.state() == f"{snapshot.generation()}:2"
        assert snapshot.fingerprint() == "f"

    store.read_now(work)


def test_whoever_indexes_is_alone(store: Index, tmp_path: Path, address: Address | None) -> None:
    other = open_index(tmp_path, address=address)
    with store.indexing():
        put(store, "apple")
        for one in (store, other):
            with pytest.raises(StoreBusy, match="indexing"), one.indexing():
                pass
    with other.indexing():
        put(other, "banana")
    with store.indexing():
        put(store, "cherry")
    assert found(store, "cherry") == 1
    other.close()


def test_writers_at_once_lose_nothing(store: Index, tmp_path: Path, address: Address | None) -> None:
    """Also without the indexer's lock: each source is one transaction, and the generation is that of all of them."""
    others = [open_index(tmp_path, address=address) for _ in range(3)]

    def work(place: int) -> None:
        for number in range(10):
            put(others[place], f"apple{number} banana", f"{place}-{number}.txt")
            put(others[place], f"cherry{place} banana", "shared.txt") if place == 0 else None

    threads = [threading.Thread(target=work, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.documents()) == 31
    assert found(store, "banana", most=100) == 31
    assert [entry.chunks for entry in store.documents()] == [2] * 31
    alone = open_index(tmp_path / "alone")
    alone.prepare({"fingerprint": "f"}, clear=False)
    for entry in store.documents():
        put(alone, store.document(entry.id).text, entry.source)
    assert alone.generation() == store.generation()
    for one in (*others, alone):
        one.close()


def test_texts_of_every_kind_are_kept_as_they_are(store: Index) -> None:
    for text in ("a\0b", "x" * 20_000, "漢字", "it's \\ %s %(x)s", "👩‍👩‍👧"):
        made = document(text, f"{len(text)}.txt")
        store.put(made, chunks(made), {chunk.id: VECTOR for chunk in chunks(made)}, digest="d")
        assert store.document(made.id) == made
        assert store.chunk(chunks(made)[0].id).text == text.split()[0]
        reader = Selection((f"user:{text[:20]}",))
        store.relabel(made.source, Labels({"note": text, "long": "y" * 9_000}, [reader.readers or ()]))
        assert store.read_now(lambda snapshot, reader=reader: snapshot.count_documents(reader))[0] == 1


def test_what_a_model_wrote_is_searched_and_never_part_of_the_text(store: Index) -> None:
    assert store.dimensions() == 0
    made = document("alpha beta")
    first, second = chunks(made)
    written = msgspec.structs.replace(first, written="Zebras are spoken of.", parent=(0, 10))
    store.put(made, [written, second], {first.id: VECTOR, second.id: VECTOR}, digest="x")
    assert found(store, "zebras") == 1
    assert store.chunk(first.id) == written
    assert store.chunk(first.id).text == "alpha"
    assert store.dimensions() == 2
    assert list(store.known_vectors([first])) == [], "another text before it is another vector"
    assert list(store.known_vectors([written])) == [first.id]
