"""The offline quoting reader, first version: it quotes the sentence that fits the question best, or says that none does.

A sentence's score mixes the cosine of question and sentence, the share of the question's words it holds (its heading counts half), and
whether it holds a number where one is asked for. The weights and the threshold were chosen on the choosing split of the sample suite
(`python -m benchmarks.quoting`), and nowhere else. What this is not: it cannot explain, combine or converse.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.ports import Embedder
from groundwork.core.text import content_words, sentences, words
from groundwork.engine.questions import kind_of_question

_NUMBER_ASKED = re.compile(
    r"\bhow (?:many|much|long|large|big|small|often|old|far|fast|slow|high|few)\b"
    r"|\b(?:maximum|minimum|max|min|largest|smallest|number|size|limit|version|when|year|date|default (?:page|cache|size|value)|percent)\b",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_CUT = 250
"""Characters of a sentence that are embedded: a piece is a character at least, so the window of 256 pieces always holds them."""
_SENTENCES = 48
"""Sentences that are embedded for one question; the rest has fewer words in common with it."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence's score is made of, and from which score on it is quoted."""

    cosine: float = 1.0
    words: float = 0.6
    heading: float = 0.3
    number: float = 0.12
    passage: float = 0.3
    threshold: float = 0.95
    second: float = 0.93
    """A second sentence is quoted too where its score is at least this share of the best one's."""


class Passage(NamedTuple):
    """What may be quoted: its text, the title and headings above it, and its cosine with the question where the search computed it."""

    text: str
    heading: str
    similarity: float | None


class Quote(NamedTuple):
    """`passages[passage].text[start:end]`, with its score."""

    passage: int
    start: int
    end: int
    score: float


class Reading(NamedTuple):
    """What the reader made of a question: quotes, whole passages where a quote cannot serve, or nothing."""

    kind: Literal["quote", "passages", "abstain"]
    quotes: tuple[Quote, ...]
    score: float
    why: str = ""


class Quoter:
    """Reads passages for a question with the embedder of the application."""

    def __init__(self, embedder: Embedder, weights: Weights | None = None) -> None:
        self.embedder = embedder
        self.weights = weights or Weights()

    async def read(self, question: str, passages: Sequence[Passage]) -> Reading:
        """Quote, list or abstain. Never raises for odd texts: what cannot be embedded is judged by its words."""
        ranked = await self.rank(question, passages)
        best = ranked[0].score if ranked else 0.0
        kind = kind_of_question(question)
        if kind == "foreign":
            return Reading("passages" if passages else "abstain", _whole(passages), best, "it reads English only")
        if best < self.weights.threshold:
            return Reading("abstain", (), best, "no sentence fits the question well enough")
        if kind == "explain":
            return Reading("passages", _whole(passages), best, "it can quote, not explain or compare")
        quotes = [ranked[0]]
        quotes += [quote for quote in ranked[1:2] if quote.score >= self.weights.second * best]
        return Reading("quote", tuple(quotes), best)

    async def rank(self, question: str, passages: Sequence[Passage]) -> list[Quote]:
        """Every candidate sentence with its score, best first."""
        asked = content_words(question)
        candidates = _candidates(asked, passages)
        if not candidates:
            return []
        cosines = await self._cosines(question, [passages[place].text[start:end] for place, start, end in candidates])
        wants_number = _NUMBER_ASKED.search(question) is not None
        quotes = [
            Quote(
                place, start, end, self._score(asked, passages[place], passages[place].text[start:end], cosine, wants_number=wants_number)
            )
            for (place, start, end), cosine in zip(candidates, cosines, strict=True)
        ]
        return sorted(quotes, key=lambda quote: -quote.score)

    def _score(self, asked: Sequence[str], passage: Passage, sentence: str, cosine: float, *, wants_number: bool) -> float:
        weights = self.weights
        held = set(content_words(sentence))
        above = set(content_words(passage.heading)) - held
        share = _share(asked, held)
        score = weights.cosine * cosine + weights.words * share + weights.heading * _share(asked, above)
        score += weights.passage * (passage.similarity or 0.0)
        if wants_number and _DIGIT.search(sentence):
            score += weights.number
        return score

    async def _cosines(self, question: str, texts: Sequence[str]) -> list[float]:
        try:
            vectors = await self.embedder.embed([_cut(question), *(_cut(text) for text in texts)])
        except InputError:
            return [0.0] * len(texts)
        return [float(value) for value in vectors[1:] @ vectors[0]]


def _candidates(asked: Sequence[str], passages: Sequence[Passage]) -> list[tuple[int, int, int]]:
    """Sentences of three words or more, those with most of the question's words first, at most `_SENTENCES`; none twice."""
    found: list[tuple[float, int, int, int]] = []
    seen: set[str] = set()
    for place, passage in enumerate(passages):
        for start, end in sentences(passage.text):
            text = passage.text[start:end]
            if text in seen or len(words(text)) < 3:
                continue
            seen.add(text)
            found.append((_share(asked, set(content_words(text))), place, start, end))
    found.sort(key=lambda row: (-row[0], row[1], row[2]))
    return [(place, start, end) for _, place, start, end in found[:_SENTENCES]]


def _share(asked: Sequence[str], held: set[str]) -> float:
    return sum(word in held for word in asked) / len(asked) if asked else 0.0


def _whole(passages: Sequence[Passage]) -> tuple[Quote, ...]:
    return tuple(Quote(place, 0, len(passage.text), passage.similarity or 0.0) for place, passage in enumerate(passages[:3]))


def _cut(text: str) -> str:
    return text[:_CUT] if text.isascii() else text[: _CUT // 3]
