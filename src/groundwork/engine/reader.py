"""The shipped reader, behind its door: what the embedded model reads passages with."""

from collections.abc import Sequence
from pathlib import Path

from groundwork.engine.door import Door
from groundwork.engine.encoder import WEIGHTS
from groundwork.engine.reading import SpanFound, SpanReader

READER = WEIGHTS.parent / "reader"
MOST = 12
"""Spans that are asked for: two a passage, of the six that an answer rests on."""


class Reader:
    """Finds spans for any number of concurrent callers. It loads at first use, or in `warm`."""

    def __init__(self, folder: Path = READER) -> None:
        self._door = Door(lambda: SpanReader(folder))

    async def spans(self, question: str, passages: Sequence[str], /) -> list[SpanFound]:
        """The surest spans, best first. Raises InputError where the question leaves no room for a passage, Overloaded, StoreError."""
        return await self._door.ask(lambda reader: reader.reading(question, passages, most=MOST))

    async def answerable(self, question: str, passages: Sequence[str], /) -> list[float]:
        """For each passage the logit of its holding the answer; negative infinity for an empty one. Raises as `spans` does."""
        return await self._door.ask(lambda reader: reader.judging(question, passages))

    async def warm(self) -> None:
        """Load the weights now."""
        await self._door.warm()

    async def close(self) -> None:
        """Let go of the thread."""
        await self._door.close()
