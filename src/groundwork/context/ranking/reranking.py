"""The first hits in a better order: a reranker reads question and passage together, where the search compared them from afar.

It sees what is left after permissions, boosts and duplicates, and comes before variety and `keep`. The budget is kept by depth: passages are
scored in the order of the ranking, so whatever is scored in time is the beginning of the list, and that is put in order; the rest stays behind
it as it was. A reranker that fails, is late with everything or does not say a number for each passage changes nothing.
Not covered: cutting hits off by their score.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from groundwork.context.chunking import embedded_text
from groundwork.context.ranking.fusion import RRF, Ranked
from groundwork.core.document import Chunk
from groundwork.core.errors import GroundworkError, UpstreamError
from groundwork.core.ports import Reranker
from groundwork.observe.recorder import span

Outcome = Literal["reranked", "in part", "late", "failed", "index changed"]


@dataclass(frozen=True, slots=True)
class Reranked:
    """What came of reranking: `scores` by the chunks' numbers, on the reranker's own scale."""

    by: str
    ranking: list[Ranked]
    scores: Mapping[int, float]
    outcome: Outcome
    read: int
    """How many passages should have been read."""
    why: str = ""

    @property
    def applies(self) -> bool:
        return self.outcome in {"reranked", "in part"}


@dataclass(frozen=True, slots=True)
class Reranking:
    """The stage of a search: which reranker, how deep, how long at most, and what its order counts."""

    reranker: Reranker
    depth: int = 12
    seconds: float = 1.0
    weight: float = 1.0

    async def rank(self, query: str, ranking: Sequence[Ranked], chunks: Mapping[int, Chunk]) -> Reranked:
        """The ranking with its first `depth` places given anew. Raises nothing of the reranker's."""
        head = ranking[: self.depth]
        with span("rerank") as attributes:
            scores, outcome, why = await self._scored(query, [embedded_text(chunks[one.number]) for one in head])
            order = blended(scores, self.weight)
            first = [replace(ranking[place], score=one.score) for place, one in zip(order, ranking, strict=False)]
            known = {one.number: score for one, score in zip(ranking, scores, strict=False)}
            attributes["groundwork.rerank.by"] = self.reranker.name
            attributes["groundwork.rerank.outcome"] = outcome
            attributes["groundwork.rerank.passages"] = len(head)
            attributes["groundwork.rerank.scored"] = len(scores)
            attributes["groundwork.rerank.why"] = why
        return Reranked(self.reranker.name, [*first, *ranking[len(first) :]], known, outcome, len(head), why)

    async def _scored(self, query: str, passages: Sequence[str]) -> tuple[list[float], Outcome, str]:
        """Scores of the first passages: of all, of those that there was time for, or of none where anything is wrong with one of them."""
        scores: list[float] = []
        step = self.reranker.at_once or max(1, len(passages))
        try:
            async with asyncio.timeout(self.seconds):
                for start in range(0, len(passages), step):
                    some = passages[start : start + step]
                    scores += checked(await self.reranker.score(query, some), len(some), self.reranker.name)
        except TimeoutError:
            why = f"{len(scores)} of {len(passages)} passages were scored in {self.seconds:g} s"
            return (scores, "in part", why) if len(scores) > 1 else ([], "late", why)
        except GroundworkError as error:
            return [], "failed", error.what
        return scores, "reranked", ""


def checked(scores: Sequence[float], count: int, name: str) -> list[float]:
    """The scores, where there is a finite number for each passage. Raises UpstreamError."""
    if len(scores) != count:
        raise UpstreamError(
            f"{name} gave {len(scores)} scores for {count} passages", cause="invalid", fix="check [context.retrieve] rerank"
        )
    if not all(math.isfinite(score) for score in scores):
        raise UpstreamError(f"{name} gave a score that is no number", cause="invalid", fix="check [context.retrieve] rerank")
    return [float(score) for score in scores]


def blended(scores: Sequence[float], weight: float) -> list[int]:
    """The places of the passages, best first: their rank by score counts `weight`, their rank as they came the rest (reciprocal rank fusion,
    as between lists). Equal scores stay as they came.
    """
    by_score = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    share = dict.fromkeys(range(len(scores)), 0.0)
    for rank, place in enumerate(by_score, start=1):
        share[place] = weight / (RRF + rank) + (1 - weight) / (RRF + place + 1)
    return sorted(share, key=lambda place: (-share[place], place))
