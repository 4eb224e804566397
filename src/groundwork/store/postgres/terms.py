"""BM25 from postings: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with the constants of SQLite's FTS5.

A term of one word is scored inside the database. One of several (`page_size`, `ORA-00942`) is a phrase: where its words follow each other
is found out here, from their places, and handed back to the same statement. The rarity of a term is counted over all chunks.
"""

from collections.abc import Sequence
from typing import Any

from groundwork.store.postgres.connecting import Connection
from groundwork.store.postgres.labels import Condition

Times = tuple[int, int, int, int]
"""The term's place in the query, a chunk, how often the term stands in it, and the chunk's words."""

# k1 = 1.2, b = 0.75; a term that is in half of all chunks counts next to nothing instead of against them. Sums run in the order of the query,
# as in FTS5: equal chunks get equal scores to the last bit, and so the same order.
_RANKING = """
WITH asked AS (SELECT * FROM unnest(%(places)s::integer[], %(words)s::text[]) AS given (place, word)),
hit AS (
  SELECT place, chunk, times, words FROM asked JOIN posting USING (word)
  UNION ALL
  SELECT * FROM unnest(%(phrase)s::integer[], %(chunk)s::bigint[], %(times)s::integer[], %(length)s::integer[])
),
rarity AS (
  SELECT place, CASE WHEN 2 * count(*) >= %(chunks)s THEN 1e-6::float8
    ELSE ln((%(chunks)s - count(*) + 0.5::float8) / (count(*) + 0.5::float8)) END AS weight
  FROM hit GROUP BY place
),
weighed AS (
  SELECT chunk, place, weight * ((times * 2.2::float8) / (times + 1.2::float8 * (0.25::float8 + 0.75::float8 * hit.words / %(average)s::float8))) AS part
  FROM hit JOIN rarity USING (place) {among}
)
SELECT chunk, sum(part ORDER BY place) AS score FROM weighed GROUP BY chunk ORDER BY score DESC, chunk LIMIT %(most)s"""

_TOGETHER = """
SELECT chunk, word, places, words FROM posting WHERE word = ANY(%(words)s) AND chunk IN (
  SELECT chunk FROM posting WHERE word = ANY(%(words)s) GROUP BY chunk HAVING count(*) = %(count)s
)"""


def rank(
    connection: Connection, phrases: Sequence[Sequence[str]], *, chunks: int, average: float, most: int, among: Condition | None
) -> list[tuple[int, float]]:
    """Numbers and scores of the chunks that hold any of the phrases, best first, of equal ones the lower number first."""
    single = [(place, words[0]) for place, words in enumerate(phrases) if len(words) == 1]
    found = [hit for place, words in enumerate(phrases) if len(words) > 1 for hit in _phrase(connection, place, words)]
    if not single and not found:
        return []
    bound: dict[str, Any] = {
        "places": [place for place, _ in single],
        "words": [word for _, word in single],
        "phrase": [hit[0] for hit in found],
        "chunk": [hit[1] for hit in found],
        "times": [hit[2] for hit in found],
        "length": [hit[3] for hit in found],
        "chunks": chunks,
        "average": average,
        "most": most,
    }
    where = ""
    if among is not None:
        where = f"WHERE chunk IN (SELECT number FROM chunk WHERE document IN (SELECT number FROM document WHERE {among.sql}))"
        bound |= among.bound
    rows = connection.execute(_RANKING.format(among=where).encode(), bound)
    return [(int(chunk), float(score)) for chunk, score in rows]


def _phrase(connection: Connection, place: int, words: Sequence[str]) -> list[Times]:
    """Where words follow each other."""
    distinct = sorted(set(words))
    held: dict[int, dict[str, frozenset[int]]] = {}
    lengths: dict[int, int] = {}
    for chunk, word, places, length in connection.execute(_TOGETHER, {"words": distinct, "count": len(distinct)}):
        held.setdefault(chunk, {})[word] = frozenset(places)
        lengths[chunk] = length
    found: list[Times] = []
    for chunk, places in held.items():
        times = sum(all(start + step in places[word] for step, word in enumerate(words)) for start in places[words[0]])
        if times:
            found.append((place, chunk, times, lengths[chunk]))
    return found
