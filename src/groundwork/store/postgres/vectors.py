"""Vectors in pgvector: half precision as on SQLite, so that a cosine is the same to the last bit wherever the index stands.

Up to `SCANNED` chunks all are compared. Above, an HNSW index finds them, which goes on behind a filter until the list is full
(pgvector's iterative scan); where it gives up before, all are compared.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundwork.store.postgres.connecting import Connection
from groundwork.store.postgres.labels import Condition
from groundwork.store.vectors import from_blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

SCANNED = 10_000
"""Chunks that are compared one by one: of the whole index, or of what a filter leaves."""
_MORE = 8
"""Chunks beyond those asked for: the server rounds otherwise than we do, and may confuse neighbours that are equal to seven digits."""
_LEAST_EXPLORED, _MOST_EXPLORED = 500, 1_000
"""`hnsw.ef_search`: pgvector takes 1,000 at most, and a longer list is found by comparing all. With 100, a fifth of the ten nearest to people's questions
was missed at 25,000 chunks: questions lie far from every passage (`benchmarks.index_postgres`).
"""
_NEIGHBOURS, _CANDIDATES = 32, 256
"""`m` and `ef_construction`: neighbours of each vector in the index, and candidates for them when it is made."""


def to_text(vector: "Vectors") -> str:
    """A vector as pgvector reads it."""
    return f"[{','.join(map(str, vector.tolist()))}]"


def to_half(vector: "Vectors") -> str:
    """The same in half precision, rounded as on SQLite."""
    return to_text(vector.astype("<f2").astype("<f4"))


def from_wire(value: bytes) -> bytes:
    """What the server sends for a halfvec (dimensions, an unused word, big-endian values) as the bytes that `store/vectors.py` knows."""
    import numpy as np

    return np.frombuffer(value, dtype=">f2", offset=4).astype("<f2").tobytes()


def vectors_of(connection: Connection, numbers: Sequence[int], dimensions: int) -> "tuple[list[int], Vectors]":
    """The vectors of chunks, and the chunks in their order. Raises StoreError where one has another length."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute("SELECT chunk, value FROM chunk_vector WHERE chunk = ANY(%s) ORDER BY chunk", (list(numbers),)).fetchall()
    return [number for number, _ in rows], from_blob([from_wire(value) for _, value in rows], dimensions)


def nearest(connection: Connection, vector: "Vectors", most: int, *, among: Condition | None, chunks: int, approximate: int) -> list[int]:
    """The chunks with the greatest inner products, and some more. `chunks` is how many there are to choose from."""
    wanted = min(most + _MORE, chunks)
    bound: dict[str, Any] = {"vector": to_text(vector), "most": wanted} | (among.bound if among is not None else {})
    allowed = None if among is None else f"document IN (SELECT number FROM document WHERE {among.sql})"
    if approximate == len(vector) and chunks > SCANNED and 2 * wanted <= _MOST_EXPLORED:
        found = _approximate(connection, allowed, bound, approximate)
        if len(found) == wanted:
            return found
    where = f"WHERE {allowed}" if allowed else ""
    sql = f"SELECT chunk FROM chunk_vector {where} ORDER BY value::vector <#> %(vector)s::vector, chunk LIMIT %(most)s"
    return [number for (number,) in connection.execute(sql.encode(), bound)]


def _approximate(connection: Connection, allowed: str | None, bound: dict[str, Any], dimensions: int) -> list[int]:
    """By the HNSW index, which asks for each chunk that it comes by whether it may be looked at: a condition to PostgreSQL, not a join."""
    connection.execute(f"SET LOCAL hnsw.ef_search = {max(_LEAST_EXPLORED, 2 * int(bound['most']))}".encode())
    connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
    kind, where = f"halfvec({dimensions})", f"WHERE ({allowed}) IS TRUE" if allowed else ""
    sql = f"SELECT chunk FROM chunk_vector {where} ORDER BY value::{kind} <#> %(vector)s::{kind} LIMIT %(most)s"
    return [number for (number,) in connection.execute(sql.encode(), bound)]


def build(connection: Connection) -> int:
    """Make the HNSW index; the dimensions of its vectors."""
    row = connection.execute("SELECT vector_dims(value) FROM chunk_vector LIMIT 1").fetchone()
    dimensions = int(row[0]) if row else 0
    connection.execute(
        "SELECT set_config('maintenance_work_mem', greatest(setting::bigint, 262144)::text, true) FROM pg_settings WHERE name = 'maintenance_work_mem'"
    )
    connection.execute(
        f"CREATE INDEX chunk_vector_hnsw ON chunk_vector USING hnsw ((value::halfvec({dimensions})) halfvec_ip_ops) "
        f"WITH (m = {_NEIGHBOURS}, ef_construction = {_CANDIDATES})".encode()
    )
    return dimensions
