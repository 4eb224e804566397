"""The offline quoting reader: it quotes the sentences that answer the question, or says that none does.

A sentence's score mixes how sure the trained reader is that the answer stands in it, the cosine of question and sentence, the share of the
question's words it holds (those of its heading count less), whether it holds a number where one is asked for, and the cosine of its passage.
Whether anything is quoted at all is decided by its support: the passage's cosine, the share of the question's words that the passage and its
heading hold, and the reader's confidence. Weights and threshold were chosen on the choosing split of the sample suite
(`python -m benchmarks.quoting`), and nowhere else. What this is not: it cannot explain, combine or converse.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

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
_LABEL = re.compile(r"(?:\(?\d{1,3}[.)]\s+|[-*•]\s+)?")
"""The number or bullet of a list's item: no part of what is quoted."""
_MASKED = re.compile(r"\[(?:secret:\w+|email|card|iban|ssn|phone)\]")
"""What a guard put in the place of a secret: no word of the question."""
_CUT = 250
"""Characters of a sentence that are embedded: a piece is a character at least, so the window of 256 pieces always holds them."""
_SENTENCES = 16
"""Sentences that are embedded for one question; the rest has fewer words in common with it. On the choosing split 12 lose nothing against 96."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence's score is made of, and from which score on it is quoted."""

    cosine: float = 1.0
    words: float = 0.8
    heading: float = 0.3
    number: float = 0.15
    passage: float = 1.0
    answer: float = 0.0
    trust: float = 0.0
    """What the reader's confidence counts for a sentence's support."""
    support: float = 0.88
    """The least support of the best sentence; below, the reader abstains."""
    second: float = 0.75
    """A second sentence is quoted too where its score is at least this share of the best one's."""

    def score(self, features: "Features") -> float:
        return (
            self.cosine * features.cosine
            + self.words * features.words
            + self.heading * features.heading
            + self.number * features.number
            + self.passage * features.passage
            + self.answer * features.answer
        )

    def supported(self, features: "Features") -> float:
        """What is held against the threshold `support`."""
        return features.support + self.trust * features.answer


WITH_READER = Weights(answer=1.0, trust=0.5, support=1.0)
"""The weights where a trained reader is at hand."""


class Features(NamedTuple):
    """What is known of a sentence for a question; each is 0 to 1."""

    cosine: float
    words: float
    """Share of the question's words in it."""
    heading: float
    """Share of them in the headings above it, and not in it."""
    number: float
    """1 where a number is asked for and it holds one."""
    passage: float
    """Cosine of question and passage."""
    context: float
    """Share of the question's words in the whole passage and its heading."""
    answer: float = 0.0
    """How sure the trained reader is that the answer stands in it; 0 without a reader."""

    @property
    def support(self) -> float:
        """How far the passage speaks of what is asked, 0 to 2."""
        return self.passage + self.context


class Passage(NamedTuple):
    """What may be quoted: its text, the title and headings above it, and its cosine with the question where the search computed it."""

    text: str
    heading: str
    similarity: float | None


class Quote(NamedTuple):
    """`passages[passage].text[start:end]`, with its score and its support."""

    passage: int
    start: int
    end: int
    score: float
    support: float


class Reading(NamedTuple):
    """What the reader made of a question: quotes, whole passages where a quote cannot serve, or nothing."""

    kind: Literal["quote", "passages", "abstain"]
    quotes: tuple[Quote, ...]
    support: float
    why: str = ""


class Found(Protocol):
    """A span that a trained reader found: `passages[passage][start:end]`."""

    @property
    def passage(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def confidence(self) -> float: ...


class Spans(Protocol):
    """A trained reader behind an async door."""

    async def spans(self, question: str, passages: Sequence[str], /) -> Sequence[Found]:
        """The surest spans of all passages. Raises InputError where the question is too long to be read with a passage."""
        ...


class Quoter:
    """Reads passages for a question with the embedder of the application, and with its trained reader where there is one."""

    def __init__(self, embedder: Embedder, weights: Weights | None = None, *, reader: Spans | None = None) -> None:
        self.embedder = embedder
        self.reader = reader
        self.weights = weights or (WITH_READER if reader else Weights())

    async def read(self, question: str, passages: Sequence[Passage]) -> Reading:
        """Quote, list or abstain. Never raises for odd texts: what cannot be embedded is judged by its words."""
        ranked = await self.rank(question, passages)
        support = ranked[0].support if ranked else 0.0
        kind = kind_of_question(question)
        if kind == "foreign":
            return Reading("passages" if passages else "abstain", _whole(passages), support, "it reads English only")
        if not ranked or support < self.weights.support:
            return Reading("abstain", (), support, "no sentence fits the question well enough")
        if kind == "explain":
            return Reading("passages", _whole(passages), support, "it can quote, not explain or compare")
        second = [quote for quote in ranked[1:2] if quote.score >= self.weights.second * ranked[0].score]
        return Reading("quote", (ranked[0], *second), support)

    async def rank(self, question: str, passages: Sequence[Passage]) -> list[Quote]:
        """Every candidate sentence with its score, best first."""
        weigh = self.weights.score
        quotes = [
            Quote(place, start, end, weigh(features), self.weights.supported(features))
            for place, start, end, features in await self.features(question, passages)
        ]
        return sorted(quotes, key=lambda quote: -quote.score)

    async def features(self, question: str, passages: Sequence[Passage]) -> list[tuple[int, int, int, Features]]:
        """Every candidate sentence (passage, start, end) with what its score is made of."""
        question = _MASKED.sub("", question)
        asked = content_words(question)
        spans = await self._spans(question, passages)
        candidates = _candidates(asked, passages, spans)
        if not candidates:
            return []
        cosines = await self._cosines(question, [passages[place].text[start:end] for place, start, end in candidates])
        wants_number = _NUMBER_ASKED.search(question) is not None
        nearest: dict[int, float] = {}  # stands in for the passage's own cosine where the search computed none (terms alone)
        for (place, _, _), cosine in zip(candidates, cosines, strict=True):
            nearest[place] = max(cosine, nearest.get(place, cosine))
        rows: list[tuple[int, int, int, Features]] = []
        for (place, start, end), cosine in zip(candidates, cosines, strict=True):
            sentence = passages[place].text[start:end]
            held = set(content_words(sentence))
            above = set(content_words(passages[place].heading)) - held
            number = float(wants_number and _DIGIT.search(sentence) is not None)
            known = passages[place].similarity
            passage = nearest[place] if known is None else known
            context = _share(asked, set(content_words(passages[place].text)) | set(content_words(passages[place].heading)))
            sure = max((span.confidence for span in spans if _holds(place, start, end, span)), default=0.0)
            found = Features(cosine, _share(asked, held), _share(asked, above), number, passage, context, sure)
            rows.append((place, start, end, found))
        return rows

    async def _spans(self, question: str, passages: Sequence[Passage]) -> Sequence[Found]:
        if self.reader is None:
            return ()
        try:
            return await self.reader.spans(question, [passage.text for passage in passages])
        except InputError:  # longer than the reader's window: similarity and words must do
            return ()

    async def _cosines(self, question: str, texts: Sequence[str]) -> list[float]:
        try:
            vectors = await self.embedder.embed([_cut(question), *(_cut(text) for text in texts)])
        except InputError:
            return [0.0] * len(texts)
        return [float(value) for value in vectors[1:] @ vectors[0]]


def _candidates(asked: Sequence[str], passages: Sequence[Passage], spans: Sequence[Found] = ()) -> list[tuple[int, int, int]]:
    """Sentences of three words or more that are no headings, at most `_SENTENCES`; none twice.

    First those that hold what the reader found, then those with most of the question's words.
    """
    found: list[tuple[float, int, int, int]] = []
    seen: set[str] = set()
    for place, passage in enumerate(passages):
        headings = set(passage.heading.split(" > "))
        for begin, end in sentences(passage.text):
            label = _LABEL.match(passage.text[begin:end])
            start = begin + (label.end() if label else 0)
            text = passage.text[start:end]
            if text in seen or text in headings or len(words(text)) < 3:
                continue
            seen.add(text)
            sure = max((span.confidence for span in spans if _holds(place, start, end, span)), default=0.0)
            found.append((sure + _share(asked, set(content_words(text))), place, start, end))
    found.sort(key=lambda row: (-row[0], row[1], row[2]))
    return [(place, start, end) for _, place, start, end in found[:_SENTENCES]]


def _holds(place: int, start: int, end: int, span: Found) -> bool:
    """Whether most of a span lies in a sentence."""
    return place == span.passage and start <= (span.start + span.end) // 2 < end


def _share(asked: Sequence[str], held: set[str]) -> float:
    return sum(word in held for word in asked) / len(asked) if asked else 0.0


def _whole(passages: Sequence[Passage]) -> tuple[Quote, ...]:
    return tuple(Quote(place, 0, len(passage.text), passage.similarity or 0.0, 0.0) for place, passage in enumerate(passages[:3]))


def _cut(text: str) -> str:
    return text[:_CUT] if text.isascii() else text[: _CUT // 3]
