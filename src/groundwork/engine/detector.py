"""Two detectors on the frozen embedding and a text's runs of words and letters: attacks on a model's instructions in what somebody writes,
and orders to a model hidden in what it reads.

Both read a text in parts, since a whole text drowns what one part says. Cost is bounded: of a long text only the parts that the runs find most
suspicious are embedded.
Not covered: harmful questions that leave the model's instructions alone, and attacks spread over several messages.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from groundwork.core.errors import InputError
from groundwork.core.ports import Embedder
from groundwork.engine.encoder import Vectors
from groundwork.engine.heads import Head
from groundwork.engine.parts import MOST, parts
from groundwork.engine.unmask import unmask

INJECTION = "injection"
"""The task of a head that tells attacks from harmless texts."""
EMBEDDED = "embedded-instructions"
"""The task of a head that finds orders in documents."""
THRESHOLD = "one_percent"
"""The score above which 1 % of harmless texts of sources that were not learned from lay."""
PARTS_SHARE = "parts"
"""The calibration that says how much the most suspicious part counts beside the whole text, 0 to 1."""

LEAST = 60
"""Characters from which on a part of a written text stands alone."""
MOST_PARTS = 12
"""Parts of a written text that are embedded: about 350 word pieces."""
BLOCK = 24
"""Sentences of a document that are compared with each other."""
_SAID = MOST
"""What was decoded may be longer than what stood there; it is read up to what the encoder takes in any language."""
SURROUNDINGS = 4
"""Numbers that say how a sentence fits the ones around it."""


class Judged(NamedTuple):
    """What a detector says of a text."""

    score: float
    """A logit; comparable between texts, and with the head's threshold."""
    probability: float
    """Calibrated on sources that were not learned from, where half of the texts are attacks."""
    fires: bool


class Order(NamedTuple):
    """Where a document gives the model an order: code points of the document."""

    start: int
    end: int
    score: float


class InjectionDetector:
    """Judges texts that somebody wrote. Raises InputError where the head was fitted for something else."""

    def __init__(self, head: Head, embedder: Embedder) -> None:
        _require(head, INJECTION, embedder.dimensions)
        self.head = head
        self.threshold = head.manifest.thresholds[THRESHOLD]
        self._share = head.manifest.calibration.get(PARTS_SHARE, 0.0)
        self._embedder = embedder

    async def judge(self, text: str) -> Judged:
        """Whether a text is an attack. A text of blanks never is. Raises what the embedder raises."""
        plain, listed = await asyncio.to_thread(self._read, text)
        if not listed:
            return Judged(-np.inf, 0.0, fires=False)
        vectors = await self._embedder.embed(listed)
        score = await asyncio.to_thread(self._score, plain, listed, vectors)
        chances = self.head.probabilities(np.array([[score]], dtype=np.float32))
        return Judged(score, float(chances[0, 0]), score > self.threshold)

    def _read(self, text: str) -> tuple[str, list[str]]:
        plain = unmask(text)
        return plain, chosen(self.head, readable(plain))

    def _score(self, plain: str, listed: Sequence[str], vectors: Vectors) -> float:
        whole = float(self.head.logits(middle(vectors), [plain])[0, 0])
        if len(listed) == 1:
            return whole
        worst = float(self.head.logits(vectors, listed).max())
        return (1 - self._share) * whole + self._share * worst


class OrderFinder:
    """Finds orders to a model in documents and results of tools. Raises InputError where the head was fitted for something else."""

    def __init__(self, head: Head, embedder: Embedder) -> None:
        _require(head, EMBEDDED, embedder.dimensions + SURROUNDINGS)
        self.head = head
        self.threshold = head.manifest.thresholds[THRESHOLD]
        self._embedder = embedder

    async def find(self, text: str) -> list[Order]:
        """The orders in a text, in the order they stand; those beside each other are one. Raises what the embedder raises."""
        spans, listed = await asyncio.to_thread(sentences_of, text)
        scores: list[float] = []
        for first in range(0, len(spans), BLOCK):
            block = listed[first : first + BLOCK]
            vectors = await self._embedder.embed(block)
            scores += await asyncio.to_thread(self._scores, vectors, block)
        return joined(text, [Order(*span, score) for span, score in zip(spans, scores, strict=True) if score > self.threshold])

    def _scores(self, vectors: Vectors, listed: Sequence[str]) -> list[float]:
        return self.head.logits(np.hstack([vectors, surroundings(vectors)]), listed)[:, 0].tolist()


def readable(plain: str) -> list[str]:
    """The parts of a written text, disguises already off."""
    return [plain[start:end] for start, end in parts(plain, least=LEAST)]


def chosen(head: Head, listed: list[str]) -> list[str]:
    """The parts that are embedded, in order: the first, the last, and those whose runs weigh most."""
    if len(listed) <= MOST_PARTS:
        return listed
    inner = listed[1:-1]
    blank: Vectors = np.zeros((len(inner), head.manifest.reads.dimensions), dtype=np.float32)
    order = np.argsort(-head.logits(blank, inner)[:, 0], kind="stable")[: MOST_PARTS - 2]
    return [listed[0], *(inner[place] for place in sorted(order.tolist())), listed[-1]]


def middle(vectors: Vectors) -> Vectors:
    """The direction of several vectors together, float32 [1, dimensions]."""
    total = vectors.mean(axis=0, keepdims=True)
    return (total / max(float(np.linalg.norm(total)), 1e-6)).astype(np.float32)


def sentences_of(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """The spans of a document's sentences, and what they say without disguise; what says nothing is left out."""
    found = [(span, unmask(text[slice(*span)])) for span in parts(text, least=0)]
    kept = [(span, said) for span, said in found if said.strip()]
    return [span for span, _ in kept], [said[:_SAID] for _, said in kept]


def surroundings(vectors: Vectors) -> Vectors:
    """How each sentence fits the others of its block, float32 [sentences, SURROUNDINGS]: an order from elsewhere speaks of something else.

    Cosines with the middle of the others, with the one before and with the one after (0 where there is none), and the first less its mean over
    the block. Scaled so that they weigh about as much as the embedding's own numbers.
    """
    count = len(vectors)
    found: Vectors = np.zeros((count, SURROUNDINGS), dtype=np.float32)
    if count < 2:
        return found
    others = vectors.sum(axis=0, keepdims=True) - vectors
    others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-6)
    close = (vectors * others).sum(axis=1)
    beside = (vectors[1:] * vectors[:-1]).sum(axis=1)
    found[:, 0] = 2 * close
    found[1:, 1] = 2 * beside
    found[:-1, 2] = 2 * beside
    found[:, 3] = 3 * (close - close.mean())
    return found


def joined(text: str, orders: Sequence[Order]) -> list[Order]:
    """Orders with only blanks between them as one, with the higher score."""
    found: list[Order] = []
    for order in orders:
        if found and not text[found[-1].end : order.start].strip():
            found[-1] = Order(found[-1].start, order.end, max(found[-1].score, order.score))
        else:
            found.append(order)
    return found


def _require(head: Head, task: str, width: int) -> None:
    manifest = head.manifest
    if manifest.task != task or THRESHOLD not in manifest.thresholds or len(manifest.labels) != 1 or manifest.reads.dimensions != width:
        raise InputError(f"`{manifest.name}` was fitted for {manifest.task}, not for {task}", fix=f"name a head for {task}")
