"""Writing the index on PostgreSQL: functions over the writer's connection, inside a transaction that holds the row of `state`."""

from collections.abc import Mapping, Sequence

import msgspec

from groundwork.core.document import Chunk
from groundwork.store.generations import content_of, generation, moved
from groundwork.store.postgres.connecting import Connection
from groundwork.store.postgres.snapshot import STATE, State
from groundwork.store.postgres.words import Tokenizer


def lock(connection: Connection) -> State:
    """Wait for whoever writes now, and keep others out until the transaction ends."""
    row = connection.execute(f"{STATE} FOR UPDATE".encode()).fetchone()
    return State(*row) if row else State()


def mark(connection: Connection, old: str, new: str) -> None:
    """Bring the generation forward, from a document's old share to its new one."""
    row = connection.execute("SELECT total, made_with, EXISTS (SELECT 1 FROM document) FROM state").fetchone()
    total, made_with, filled = row or ("", "", False)
    total = moved(total, old, new)
    connection.execute("UPDATE state SET total = %s, generation = %s", (total, generation(total, made_with) if filled else ""))


def put_document(connection: Connection, identifier: str, source: str, digest: str, share: str, record: bytes, text: bytes) -> int:
    """Make this the current document of its source; its number."""
    values = {"id": identifier, "source": source, "digest": digest, "mark": share, "record": record, "text": text}
    row = connection.execute(
        """UPDATE document SET id = %(id)s, digest = %(digest)s, mark = %(mark)s, record = %(record)s, text = %(text)s
        WHERE source = %(source)s RETURNING number""",
        values,
    ).fetchone()
    if row is None:
        row = connection.execute(
            """WITH given AS (UPDATE state SET documents_ever = documents_ever + 1 RETURNING documents_ever)
            INSERT INTO document (number, id, source, digest, mark, record, text)
            SELECT documents_ever, %(id)s, %(source)s, %(digest)s, %(mark)s, %(record)s, %(text)s FROM given RETURNING number""",
            values,
        ).fetchone()
    return int(row[0]) if row else 0


def put_chunks(connection: Connection, document: int, chunks: Sequence[Chunk], vectors: Mapping[str, str], tokenizer: Tokenizer) -> None:
    """Leave exactly these chunks: kept ones keep their numbers, vectors and words, new ones get new numbers."""
    held: dict[str, int] = dict(connection.execute("SELECT id, number FROM chunk WHERE document = %s", (document,)).fetchall())
    gone = held.keys() - {chunk.id for chunk in chunks} | held.keys() & vectors.keys()
    remove_chunks(connection, [held[identifier] for identifier in gone])
    kept = [chunk for chunk in chunks if chunk.id in held.keys() - gone]
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE chunk SET record = %s WHERE id = %s", [(msgspec.json.encode(chunk), chunk.id) for chunk in kept])
    fresh = [chunk for chunk in chunks if chunk.id not in held or chunk.id in gone]
    _add(connection, document, fresh, {chunk.id: vectors[chunk.id] for chunk in fresh}, tokenizer)


def _add(connection: Connection, document: int, chunks: Sequence[Chunk], vectors: Mapping[str, str], tokenizer: Tokenizer) -> None:
    words = tokenizer.words([(chunk.lead, chunk.text) for chunk in chunks])
    row = connection.execute(
        """UPDATE state SET chunks_ever = chunks_ever + %(more)s, chunks = chunks + %(more)s, words = words + %(words)s
        RETURNING chunks_ever - %(more)s""",
        {"more": len(chunks), "words": sum(one.total for one in words)},
    ).fetchone()
    first = (int(row[0]) if row else 0) + 1
    rows = list(zip(range(first, first + len(chunks)), chunks, words, strict=True))
    with connection.cursor() as cursor:
        with cursor.copy("COPY chunk (number, id, document, record, content, words) FROM STDIN") as copy:
            for number, chunk, said in rows:
                copy.write_row((number, chunk.id, document, msgspec.json.encode(chunk), content_of(chunk), said.total))
        with cursor.copy("COPY chunk_vector (chunk, document, value) FROM STDIN") as copy:
            for number, chunk, _ in rows:
                copy.write_row((number, document, vectors[chunk.id]))
        with cursor.copy("COPY posting (word, chunk, times, words, places) FROM STDIN") as copy:
            for number, _, said in rows:
                for word, places in said.places.items():
                    copy.write_row((word, number, len(places), said.total, places))


def remove_chunks(connection: Connection, numbers: Sequence[int]) -> None:
    """Take chunks out, with their vectors and words."""
    if not numbers:
        return
    some = list(numbers)
    connection.execute("DELETE FROM posting WHERE chunk = ANY(%s)", (some,))
    connection.execute(
        """WITH gone AS (DELETE FROM chunk WHERE number = ANY(%s) RETURNING words)
        UPDATE state SET chunks = chunks - (SELECT count(*) FROM gone), words = state.words - (SELECT coalesce(sum(words), 0) FROM gone)""",
        (some,),
    )


def retire(connection: Connection, source: str, *, remove: bool, unless: str = "") -> str:
    """Keep the text of a source's current document by its id (but for `unless`), and remove the document where asked. Returns its mark."""
    row = connection.execute("SELECT number, mark FROM document WHERE source = %s", (source,)).fetchone()
    if row is None:
        return ""
    number, share = row
    connection.execute(
        """INSERT INTO retired_document (id, source, record, text, retired)
        SELECT id, source, record, text, now() FROM document WHERE number = %s AND id != %s
        ON CONFLICT (id) DO UPDATE SET source = excluded.source, record = excluded.record, text = excluded.text, retired = excluded.retired""",
        (number, unless),
    )
    if remove:
        remove_chunks(
            connection, [one for (one,) in connection.execute("SELECT number FROM chunk WHERE document = %s", (number,)).fetchall()]
        )
        connection.execute("DELETE FROM document WHERE number = %s", (number,))
    return str(share)
