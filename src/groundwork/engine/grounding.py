"""The shipped scorer of claims, behind its door: does this passage support this claim?

Learned from true sentences and their edits; its card is docs/models/grounding.md.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from groundwork.engine.door import Door
from groundwork.engine.encoder import WEIGHTS
from groundwork.engine.scoring import PairScorer
from groundwork.engine.trained import TrainedManifest, read_trained

GROUNDING = WEIGHTS.parent / "grounding"
THRESHOLD = "five_percent"
"""The probability below which one supported claim in twenty lay, of articles that were not learned from."""


class ClaimScorer:
    """Scores claims for any number of concurrent callers. Everything loads at first use. Raises StoreError where it is missing or damaged."""

    def __init__(self, folder: Path = GROUNDING) -> None:
        self._folder = folder
        self._door = Door(lambda: PairScorer(folder))

    @cached_property
    def manifest(self) -> TrainedManifest:
        """Its name, fingerprint and calibration."""
        return read_trained(self._folder)

    @property
    def threshold(self) -> float:
        """Below it a claim counts as unsupported."""
        return self.manifest.thresholds[THRESHOLD]

    async def support(self, pairs: Sequence[tuple[str, str]], /) -> list[float]:
        """For each pair of claim and passage the probability that the passage supports it, where half of the claims are supported.

        Raises InputError for a claim too long for the window, Overloaded, StoreError.
        """
        chances = await self._door.ask(lambda scorer: scorer.judging(pairs))
        return chances.tolist()

    async def close(self) -> None:
        """Let go of the thread."""
        await self._door.close()
