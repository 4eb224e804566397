"""Whether an application needs retrieval at all: documents that fit the model's window together may stand in the prompt whole.

Below about 200,000 tokens that is the simplest thing that can work, and prompt caching takes most of its price off; what it costs beside
retrieval is said in numbers, and the choice is a person's.
"""

from collections.abc import Mapping
from typing import NamedTuple

from groundwork.app.config import Settings
from groundwork.gateway.prices import price_of
from groundwork.gateway.windows import window_of
from groundwork.prompts.counting import count_tokens
from groundwork.store.index_port import Index

MOST = 200_000
"""Tokens up to which a corpus is given whole, with windows large enough."""
_SHARE = 2
"""A corpus may take one part in so many of the window: question, history and answer need the rest."""
_LETTERS = 8
"""Characters of a token, at most and on average: a corpus that is longer than this says is not counted."""


class WholeCorpus(NamedTuple):
    """Documents that fit into one prompt, and what that means for one question."""

    model: str
    window: int
    documents: int
    chunks: int
    tokens: int
    """Of all documents together."""
    retrieved: int
    """Tokens that retrieval sends at most."""
    dollars: float | None
    """What a token of a question costs; None where the price is not known."""

    @property
    def sentence(self) -> str:
        """What a person is told."""
        room = f"all {self.documents} documents are {self.tokens:,} tokens and fit the window of {self.model} ({self.window:,})"
        costs = (
            f" (${self.tokens * self.dollars:.4f} instead of ${self.retrieved * self.dollars:.4f}, before prompt caching)"
            if self.dollars
            else ""
        )
        if self.tokens <= self.retrieved:
            return f"{room}, and retrieval sends as many: `keep = {self.chunks}` in [context.retrieve] gives them whole"
        return f"{room}: given whole, a question sends {self.tokens:,} tokens instead of {self.retrieved:,}{costs}"


def whole_corpus(settings: Settings, indexes: Mapping[str, Index]) -> WholeCorpus | None:
    """What to say of an application whose documents fit its default model's window; None where they do not, or the window is not known."""
    config = settings.config
    if config.context is None:
        return None
    alias = settings.default_model
    section = config.models[alias]
    window = window_of(section)
    most = min(MOST, window // _SHARE) if window else 0
    entries = [(index, entry) for index in indexes.values() for entry in index.documents()] if most else []
    tokens = 0
    for index, entry in entries:
        text = index.document(entry.id).text
        if len(text) > _LETTERS * most:
            return None
        tokens += count_tokens(text)
        if tokens > most:
            return None
    if not entries or window is None:
        return None
    price = price_of(section.targets[0].partition("/")[2], section.price)
    return WholeCorpus(
        model=alias,
        window=window,
        documents=len(entries),
        chunks=sum(entry.chunks for _, entry in entries),
        tokens=tokens,
        retrieved=config.context.retrieve.keep * config.context.chunk.tokens,
        dollars=price.input / 1e6 if price else None,
    )
