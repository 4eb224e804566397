"""Writing the index on SQLite: functions over the writer's connection, inside a transaction."""

import sqlite3
import time
from collections.abc import Mapping, Sequence

import msgspec

from groundwork.core.document import Chunk
from groundwork.store.generations import content_of, generation, moved
from groundwork.store.index_reading import get_meta


def put_chunks(connection: sqlite3.Connection, document: int, chunks: Sequence[Chunk], vectors: Mapping[str, bytes]) -> None:
    """Leave exactly these chunks: kept ones stay where they are with their vectors, new ones get new numbers."""
    kept = {identifier for (identifier,) in connection.execute("SELECT id FROM chunk WHERE document = ?", (document,)).fetchall()}
    gone = kept - {chunk.id for chunk in chunks} | kept & vectors.keys()
    connection.executemany("DELETE FROM chunk WHERE id = ?", [(identifier,) for identifier in gone])
    for chunk in chunks:
        record = msgspec.json.encode(msgspec.structs.replace(chunk, text=""))
        if chunk.id in kept - gone:
            connection.execute("UPDATE chunk SET record = ? WHERE id = ?", (record, chunk.id))
        else:
            connection.execute(
                "INSERT INTO chunk (id, document, record, prefix, text, content, vector) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (chunk.id, document, record, chunk.lead, chunk.text, content_of(chunk), vectors[chunk.id]),
            )


def retire(connection: sqlite3.Connection, source: str, *, remove: bool, unless: str = "") -> str:
    """Keep the text of a source's current document by its id (but for `unless`), and remove the document where asked. Returns its mark."""
    row = connection.execute("SELECT mark FROM document WHERE source = ?", (source,)).fetchone()
    if row is None:
        return ""
    connection.execute(
        """INSERT OR REPLACE INTO retired_document (id, source, record, text, retired)
        SELECT id, source, record, text, ? FROM document WHERE source = ? AND id != ?""",
        (time.time(), source, unless),
    )
    if remove:
        connection.execute("DELETE FROM chunk WHERE document = (SELECT number FROM document WHERE source = ?)", (source,))
        connection.execute("DELETE FROM document WHERE source = ?", (source,))
    return str(row[0])


def mark(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Bring the generation forward, from a document's old share to its new one."""
    total = moved(get_meta(connection, "sum"), old, new)
    set_meta(connection, "sum", total)
    empty = connection.execute("SELECT 1 FROM document LIMIT 1").fetchone() is None
    set_meta(connection, "generation", "" if empty else generation(total, get_meta(connection, "made_with")))


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Note a fact about the whole index."""
    connection.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))
