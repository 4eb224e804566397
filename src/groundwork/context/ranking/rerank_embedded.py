"""Reranking by the model in the package: the shipped reader's own judgement of whether a passage holds the answer.

A cross-encoder that was made for it takes its place by one class with the same three names (see `engine/scoring.py`, `PairScorer`).
English only, and made for questions: for other searches measure first (`groundwork context tune`).
"""

from collections.abc import Sequence
from typing import Protocol

AT_ONCE = 2
"""Two passages fill one batch of the encoder's: more at once would only make the budget coarser."""
_LOWEST = -100.0


class Judge(Protocol):
    """The reader behind its door."""

    async def answerable(self, question: str, passages: Sequence[str], /) -> Sequence[float]: ...


class EmbeddedReranker:
    """Scores by the logit of the passage holding the answer. About 30 ms of one core a passage of 200 tokens, in the engine's thread."""

    name = "embedded"
    at_once = AT_ONCE

    def __init__(self, reader: Judge) -> None:
        self._reader = reader

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        """Logits; the lowest for what cannot be read. Raises InputError for a query too long to be read beside a passage, Overloaded, StoreError."""
        return [max(_LOWEST, one) for one in await self._reader.answerable(query, passages)]
