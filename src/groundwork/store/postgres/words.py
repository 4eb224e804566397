"""Words as the SQLite index has them: cut, folded and stemmed by SQLite's own full-text tokenizer, in memory.

So both indexes hold the same words by construction, and rank alike. What the tokenizer makes of a text is read back from its vocabulary.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""As `migrations/index/0001_first.sql` has it; a test holds the two together."""
_LONGEST = 200
"""Characters of a word that are kept: longer ones go by their hash, since an entry of a database's index is bounded."""


class Words(NamedTuple):
    """The words of one text, and where each stands."""

    total: int
    places: dict[str, list[int]]


class Tokenizer:
    """Cuts texts into words. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute(f"CREATE VIRTUAL TABLE said USING fts5 (prefix, text, content = '', tokenize = '{TOKENIZER}')")
        self._database.execute("CREATE VIRTUAL TABLE word USING fts5vocab (said, 'instance')")

    def words(self, texts: Sequence[tuple[str, str]]) -> list[Words]:
        """The words of texts that each have a prefix. Between prefix and text one place is left empty: no phrase reaches across."""
        rows = self._rows(texts)
        inside = [0] * len(texts)
        for _, at, column, _ in rows:
            inside[at] += column == "prefix"
        found = [Words(0, {}) for _ in texts]
        counts = [0] * len(texts)
        for word, at, column, offset in rows:
            counts[at] += 1
            found[at].places.setdefault(_bounded(word), []).append(offset if column == "prefix" else inside[at] + 1 + offset)
        return [
            Words(count, {word: sorted(places) for word, places in one.places.items()}) for count, one in zip(counts, found, strict=True)
        ]

    def phrases(self, terms: Iterable[str]) -> list[list[str]]:
        """The words of each term, in their order."""
        asked = [("", term.replace("\0", " ")) for term in terms]
        found: list[list[tuple[int, str]]] = [[] for _ in asked]
        for word, at, _, offset in self._rows(asked):
            found[at].append((offset, _bounded(word)))
        return [[word for _, word in sorted(one)] for one in found]

    def _rows(self, texts: Sequence[tuple[str, str]]) -> list[tuple[str, int, str, int]]:
        with self._lock:
            self._database.execute("INSERT INTO said (said) VALUES ('delete-all')")
            rows = [(number, prefix, text) for number, (prefix, text) in enumerate(texts)]
            self._database.executemany("INSERT INTO said (rowid, prefix, text) VALUES (?, ?, ?)", rows)
            return self._database.execute("SELECT term, doc, col, offset FROM word").fetchall()

    def close(self) -> None:
        self._database.close()


def _bounded(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[:8]}…{hashlib.sha256(word.encode()).hexdigest()}"
