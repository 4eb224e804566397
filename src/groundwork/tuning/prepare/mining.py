"""Passages that our own retrieval finds for a question: terms (BM25) and meaning (the embedded encoder), fused as in an application.

A small index in memory, made of the same parts that `context.search` is made of, so that hard negatives are those which an application meets.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.context.ranking.fusion import fuse
from groundwork.context.search import terms_of
from groundwork.core.text import sentences
from groundwork.engine.encoder import SPECIAL, Encoder
from groundwork.store.index_reading import search_terms

Vectors = npt.NDArray[np.float32]
_CANDIDATES = 50
"""How many of each list are fused."""
_TOGETHER = 256
"""Questions whose cosines are in memory at once."""


class Passage(NamedTuple):
    """A paragraph of an article."""

    text: str
    group: str


class Ranking(NamedTuple):
    """Places of passages in the pool, best first: fused, and by each list alone."""

    fused: list[int]
    terms: list[int]
    dense: list[int]


class Pool:
    """Passages that can be searched. `encoder` None searches by terms alone."""

    def __init__(self, passages: Sequence[Passage], encoder: Encoder | None) -> None:
        self.passages = tuple(dict.fromkeys(passages))
        self.place = {passage.text: place for place, passage in enumerate(self.passages)}
        self._encoder = encoder
        self._database = sqlite3.connect(":memory:")
        self._database.execute(
            "CREATE VIRTUAL TABLE chunk_terms USING fts5 (prefix, text, tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        rows = [(place, title_of(passage.group), passage.text) for place, passage in enumerate(self.passages)]
        self._database.executemany("INSERT INTO chunk_terms (rowid, prefix, text) VALUES (?, ?, ?)", rows)
        self._owners: npt.NDArray[np.intp]
        self._vectors: Vectors
        if encoder is not None:
            pieces = [(place, piece) for place, passage in enumerate(self.passages) for piece in fitting(encoder, passage)]
            self._owners = np.array([place for place, _ in pieces], dtype=np.intp)
            self._vectors = encoder.encode([piece for _, piece in pieces])

    def rank(self, questions: Sequence[str]) -> list[Ranking]:
        """What is found for each question, at most 50 passages by each list."""
        found: list[Ranking] = []
        for start in range(0, len(questions), _TOGETHER):
            together = questions[start : start + _TOGETHER]
            cosines = None if self._encoder is None else self.cosines(self._encoder.encode(together))
            found.extend(self._rank(question, None if cosines is None else cosines[row]) for row, question in enumerate(together))
        return found

    def _rank(self, question: str, cosines: "Vectors | None") -> Ranking:
        lists = {"terms": search_terms(self._database, terms_of(question), most=_CANDIDATES)}
        if cosines is not None:
            best = np.argsort(-cosines, kind="stable")[:_CANDIDATES]
            lists["dense"] = [(int(place), float(cosines[place])) for place in best]
        fused = [ranked.number for ranked in fuse(lists)]
        return Ranking(fused, [place for place, _ in lists["terms"]], [place for place, _ in lists.get("dense", ())])

    def cosines(self, vectors: Vectors) -> Vectors:
        """[vectors, passages]: each passage by the best of its pieces."""
        every = vectors @ self._vectors.T
        best: Vectors = np.full((len(vectors), len(self.passages)), -1, dtype=np.float32)
        for column, owner in enumerate(self._owners):
            np.maximum(best[:, owner], every[:, column], out=best[:, owner])
        return best


def title_of(group: str) -> str:
    """What a person would read above the article."""
    return group.partition(":")[2].replace("_", " ")


def fitting(encoder: Encoder, passage: Passage) -> list[str]:
    """The passage under its title, in as few pieces of whole sentences as the encoder's window takes; an overlong sentence is cut at words."""
    title = title_of(passage.group)
    room = encoder.window - SPECIAL - encoder.count(title) - 2
    parts: list[str] = []
    for start, end in sentences(passage.text):
        parts.extend(_cut(encoder, passage.text[start:end], room))
    pieces: list[str] = []
    used = room
    for part in parts:
        size = encoder.count(part)
        if used + size > room:
            pieces.append(part)
            used = size
        else:
            pieces[-1] += f" {part}"
            used += size
    return [f"{title}\n{piece}" for piece in pieces]


def _cut(encoder: Encoder, sentence: str, room: int) -> list[str]:
    if encoder.count(sentence) <= room:
        return [sentence]
    half = sentence.rfind(" ", 0, len(sentence) // 2 + 1)
    if half <= 0:
        half = len(sentence) // 2
    return [*_cut(encoder, sentence[:half], room), *_cut(encoder, sentence[half:], room)]
