"""The rail `grounded`: is every claim of an answer supported by the passages it was given?

[guard]
output = ["grounded:flag"]

A claim that stands word for word in a passage is supported. Any other is scored against the passages that it cites, or the two that share most
words with it. Not judged: refusals, answers without passages or from tools. Fails closed with `block` and open with `flag`, as the other trained
rails do. Its card: docs/models/grounding.md.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from groundwork.core.claims import Claim, claims_of
from groundwork.core.document import Found
from groundwork.core.errors import GroundworkError
from groundwork.core.reply import Reply, Verdict
from groundwork.core.text import content_words, fold, shorten
from groundwork.engine.grounding import ClaimScorer
from groundwork.guard.config import RailName
from groundwork.observe.recorder import span

MOST = 24
"""Claims of an answer that are scored; of a longer one the first."""
_NEAREST = 2
_QUOTES = "“”\"' "
_SHOWN = 80


class GroundedRail:
    """Scores each claim against its passages."""

    def __init__(self, name: RailName, scorer: ClaimScorer) -> None:
        self.name = name
        self.scorer = scorer
        self.fingerprint = scorer.manifest.fingerprint

    async def review(self, reply: Reply, found: Found, seconds: float) -> Verdict:
        """The verdict on the claim that is supported least. One that cannot be judged in time counts as an error."""
        if not found.hits or reply.abstained or reply.live or reply.finish == "blocked":
            return Verdict(rail=self.name.name, action="allow")
        with span(f"guard {self.name.name}") as attributes:
            attributes["groundwork.guard.model"] = self.fingerprint
            claims = [claim for claim in claims_of(reply.text) if not _stands_in(claim, found)][:MOST]
            pairs = [(place, passage) for place, claim in enumerate(claims) for passage in _passages(claim, reply, found)]
            try:
                async with asyncio.timeout(seconds):
                    scores = await self.scorer.support([(claims[place].text, passage) for place, passage in pairs]) if pairs else []
            except (GroundworkError, TimeoutError) as error:
                attributes["groundwork.error"] = str(error) or "late"
                return Verdict(rail=self.name.name, action="error", reason=type(error).__name__)
            best = [max(score for (of, _), score in zip(pairs, scores, strict=True) if of == place) for place in range(len(claims))]
            attributes["groundwork.guard.claims"] = [
                f"{score:.2f} {shorten(claim.text, _SHOWN)}" for claim, score in zip(claims, best, strict=True)
            ]
        bare = [place for place, score in enumerate(best) if score < self.scorer.threshold]
        if not bare:
            return Verdict(rail=self.name.name, action="allow")
        worst = claims[min(bare, key=lambda place: best[place])]
        reason = f"not supported by its sources: “{shorten(worst.text, _SHOWN)}”"
        return Verdict(rail=self.name.name, action=cast(Any, self.name.action), reason=reason, count=len(bare))

    def stops(self, verdict: Verdict) -> bool:
        return verdict.action == "block" or (verdict.action == "error" and self.name.action == "block")


def _stands_in(claim: Claim, found: Found) -> bool:
    said = fold(claim.text).strip(_QUOTES)
    return any(said in fold(hit.text) for hit in found.hits)


def _passages(claim: Claim, reply: Reply, found: Found) -> list[str]:
    """What the claim cites, as far as that is known, else what is nearest to it by its words."""
    chunks = {citation.number: citation.chunk for citation in reply.citations}
    texts = {hit.chunk.id: hit.text for hit in found.hits}
    cited = [texts[chunks[number]] for number in claim.cited if chunks.get(number) in texts]
    if cited:
        return cited
    said = set(content_words(claim.text))
    return sorted(texts.values(), key=lambda text: -len(said.intersection(content_words(text))))[:_NEAREST]


def grounded_rails(rails: Sequence[RailName], scorer: ClaimScorer) -> list[GroundedRail]:
    """The trained ones among the output rails. Raises StoreError where weights are missing or damaged."""
    return [GroundedRail(rail, scorer) for rail in rails if rail.name == "grounded"]
