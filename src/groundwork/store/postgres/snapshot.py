"""One moment of the index on PostgreSQL: the port's `Snapshot` over a connection inside a transaction that is repeatable and only reads."""

import json
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from groundwork.core.document import Chunk, Document
from groundwork.core.errors import NotFound
from groundwork.core.where import Kind, Values
from groundwork.store.labels import Labels, Selection, gathered
from groundwork.store.postgres import terms as ranking
from groundwork.store.postgres.connecting import Connection
from groundwork.store.postgres.labels import Condition, condition, read_rules
from groundwork.store.postgres.vectors import from_wire, nearest, vectors_of
from groundwork.store.postgres.words import Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class State(NamedTuple):
    """The row of `state`."""

    generation: str = ""
    total: str = ""
    made_with: str = ""
    access: str = ""
    documents_ever: int = 0
    chunks_ever: int = 0
    chunks: int = 0
    words: int = 0
    approximate: int = 0


STATE = f"SELECT {', '.join(State._fields)} FROM state"


class LookedAt(NamedTuple):
    """A selection as SQL, and how many chunks it holds."""

    condition: Condition
    chunks: int


class PostgresSnapshot:
    """The port `Snapshot` on PostgreSQL. Its methods are documented there."""

    def __init__(self, connection: Connection, tokenizer: Tokenizer) -> None:
        self._connection = connection
        self._tokenizer = tokenizer

    @property
    def handle(self) -> "PostgresSnapshot":
        return self

    @cached_property
    def _state(self) -> State:
        row = self._connection.execute(STATE.encode()).fetchone()
        return State(*row) if row else State()

    def generation(self) -> str:
        return self._state.generation

    def state(self) -> str:
        return f"{self._state.generation}:{self._state.chunks_ever}"

    def made_with(self) -> dict[str, str]:
        """How the index was made."""
        return json.loads(self._state.made_with or "{}")

    def fingerprint(self) -> str:
        return self.made_with().get("fingerprint", "")

    def access(self) -> str:
        return self._state.access

    # -- searching

    def looked_at(self, selection: Selection) -> LookedAt | None:
        if selection.is_everything:
            return None
        _, chunks = self.count_documents(selection)
        return LookedAt(condition(selection), chunks)

    def search_terms(self, terms: Sequence[str], *, most: int, looked_at: LookedAt | None = None) -> list[tuple[int, float]]:
        if not terms or not self._state.words:
            return []
        phrases = self._tokenizer.phrases(terms)
        average = self._state.words / self._state.chunks
        among = None if looked_at is None else looked_at.condition
        return ranking.rank(self._connection, phrases, chunks=self._state.chunks, average=average, most=most, among=among)

    def nearest(self, vector: "Vectors", most: int, looked_at: LookedAt | None = None) -> list[int]:
        """Chunks among which the nearest to a vector are: `most` of them, and some more. Their order is for whoever knows their cosines."""
        among, chunks = (None, self._state.chunks) if looked_at is None else looked_at
        return nearest(self._connection, vector, most, among=among, chunks=chunks, approximate=self._state.approximate)

    def vectors_of(self, numbers: Sequence[int], dimensions: int) -> "tuple[list[int], Vectors]":
        """The vectors of these chunks, float32 [len(numbers), dimensions], and the numbers in their order."""
        return vectors_of(self._connection, numbers, dimensions)

    def vectors(self) -> dict[int, bytes]:
        with self._connection.cursor(binary=True) as cursor:
            return {number: from_wire(value) for number, value in cursor.execute("SELECT chunk, value FROM chunk_vector ORDER BY chunk")}

    def vectors_by_content(self, contents: Sequence[str]) -> dict[str, bytes]:
        """A vector for each content that any chunk has."""
        sql = "SELECT DISTINCT ON (content) content, value FROM chunk JOIN chunk_vector ON chunk = number WHERE content = ANY(%s)"
        with self._connection.cursor(binary=True) as cursor:
            return {content: from_wire(value) for content, value in cursor.execute(sql, (list(contents),))}

    # -- documents and chunks

    def chunks(self, key: Literal["number", "id"], values: Sequence[int | str]) -> dict[int, Chunk]:
        column = {"number": "number", "id": "id"}[key]
        rows = self._connection.execute(f"SELECT number, record FROM chunk WHERE {column} = ANY(%s)".encode(), (list(values),))
        return {number: msgspec.json.decode(record, type=Chunk) for number, record in rows} if values else {}

    def chunks_of(self, source: str) -> dict[int, Chunk]:
        sql = "SELECT chunk.number, chunk.record FROM chunk JOIN document ON document.number = chunk.document WHERE source = %s"
        rows = self._connection.execute(sql, (source,))
        found = [(number, msgspec.structs.replace(msgspec.json.decode(record, type=Chunk), text="")) for number, record in rows]
        return dict(sorted(found, key=lambda one: one[1].start))

    def document(self, identifier: str) -> Document:
        sql = """SELECT record, text FROM document WHERE id = %(id)s
        UNION ALL SELECT record, text FROM retired_document WHERE id = %(id)s LIMIT 1"""
        row = self._connection.execute(sql, {"id": identifier.replace("\0", "")}).fetchone()
        if row is None:
            raise NotFound(f"no document {identifier} in the index", fix="check the id; a new search gives the ids of today's documents")
        return msgspec.structs.replace(msgspec.json.decode(row[0], type=Document), text=zlib.decompress(row[1]).decode())

    def current(self, source: str) -> Document | None:
        row = self._connection.execute("SELECT id FROM document WHERE source = %s", (source,)).fetchone()
        return None if row is None else self.document(row[0])

    def number_of(self, source: str) -> int | None:
        row = self._connection.execute("SELECT number FROM document WHERE source = %s", (source,)).fetchone()
        return None if row is None else int(row[0])

    def documents_of(self, chunks: Sequence[int]) -> dict[int, int]:
        return dict(self._connection.execute("SELECT number, document FROM chunk WHERE number = ANY(%s)", (list(chunks),)).fetchall())

    # -- labels

    def select_documents(self, selection: Selection) -> list[int]:
        sql, bound = condition(selection)
        return [
            number for (number,) in self._connection.execute(f"SELECT number FROM document WHERE {sql} ORDER BY number".encode(), bound)
        ]

    def count_documents(self, selection: Selection) -> tuple[int, int]:
        sql, bound = condition(selection)
        statement = f"""WITH selected AS (SELECT number FROM document WHERE {sql})
        SELECT (SELECT count(*) FROM selected), (SELECT count(*) FROM chunk WHERE document IN (SELECT number FROM selected))"""
        row = self._connection.execute(statement.encode(), bound).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def fields(self, selection: Selection) -> dict[str, set[Kind]]:
        sql, bound = condition(selection)
        statement = f"SELECT DISTINCT name, kind FROM document_value WHERE document IN (SELECT number FROM document WHERE {sql})"
        found: dict[str, set[Kind]] = {}
        for name, kind in self._connection.execute(statement.encode(), bound):
            found.setdefault(name, set()).add(kind)
        return found

    def values(self, documents: Sequence[int]) -> dict[int, dict[str, Values]]:
        sql = "SELECT document, name, kind, text, number FROM document_value WHERE document = ANY(%s) ORDER BY document, place"
        return gathered(self._connection.execute(sql, (list(documents),)))

    def labels(self, source: str) -> Labels:
        number = self.number_of(source)
        return Labels() if number is None else Labels(self.values([number]).get(number, {}), read_rules(self._connection, number))

    def skipped(self) -> dict[str, str]:
        return dict(self._connection.execute("SELECT source, reason FROM skipped").fetchall())

    # -- for lists and for the indexer

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement of this package."""
        return self._connection.execute(sql.encode(), values).fetchall()
