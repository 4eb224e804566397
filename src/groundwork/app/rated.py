"""Few-shot examples from what people thought of earlier answers: demonstrations, and answers with a thumb up.

Only what the same tenant asked and judged is shown to a tenant. Answers of evaluation runs are left out, and so are refusals, abstentions and
answers that somebody voted down later. Traces hold no secrets (they are masked before they are written), but what one user of a tenant asked
may be shown to another: where that is not wanted, write the examples into the prompt. Where documents have permissions, an example is shown only
to whoever may see every passage that its answer was made from.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from groundwork.app.seeing import Held, held_documents
from groundwork.context.config import ContextSection
from groundwork.core.access import readers_of
from groundwork.core.record import Demonstration, Feedback, Thumb, Trace
from groundwork.core.request import Request
from groundwork.prompts.few_shot import Shot
from groundwork.prompts.front_matter import TurnSection
from groundwork.store.folder import Folder
from groundwork.store.traces import question_of

_FRESH_SECONDS = 30.0
"""How long a reading of the store serves: feedback shows after that long at the latest."""
_MOST = 1000
"""Of the latest opinions, so many are looked at."""


class Rated(NamedTuple):
    """An example, and the ids of the documents that its answer was made from."""

    shot: Shot
    documents: frozenset[str]


class RatedTraces:
    """Reads well-rated traces as examples, at most once in a while."""

    def __init__(self, folder: Folder, context: ContextSection | None = None) -> None:
        self.folder = folder
        restricted = context is not None and any(part.permissions is not None for part in context.parts.values())
        self._context = context if restricted else None
        self._read_at = float("-inf")
        self._kept: dict[str, tuple[Rated, ...]] = {}
        self._documents: dict[str, list[Held]] = {}

    async def __call__(self, request: Request, /) -> Sequence[Shot]:
        """The examples of the asker's tenant that the asker may see, oldest first."""
        now = time.monotonic()
        if now - self._read_at > _FRESH_SECONDS:
            self._kept, self._read_at = await self._read(), now
            self._documents = {}
        kept = self._kept.get(request.principal.tenant, ())
        if self._context is None:
            return [rated.shot for rated in kept]
        readers = readers_of(request.principal)
        shots: list[Shot] = []
        for rated in kept:
            everywhere = [await self._held(identifier) for identifier in rated.documents]
            if all(any(held.labeller.allows(held.document, readers) for held in places) for places in everywhere):
                shots.append(rated.shot)
        return shots

    async def _held(self, identifier: str) -> list[Held]:
        if identifier not in self._documents:
            self._documents[identifier] = await held_documents(identifier, self._context, self.folder)
        return self._documents[identifier]

    async def _read(self) -> dict[str, tuple[Rated, ...]]:
        opinions: dict[str, list[Feedback]] = {}
        for opinion in (await self.folder.feedback.since())[-_MOST:]:
            opinions.setdefault(opinion.trace, []).append(opinion)
        kept: dict[str, tuple[Rated, ...]] = {}
        for identifier, said in opinions.items():
            trace = await self.folder.trace_store.get(identifier)
            shot = shot_of(trace, said) if trace is not None else None
            if trace is not None and shot is not None:
                hits: list[dict[str, Any]] = (trace.found or {}).get("hits", [])
                rated = Rated(shot, frozenset(hit["chunk"]["document"] for hit in hits))
                kept[trace.tenant] = (*kept.get(trace.tenant, ()), rated)
        return kept


def shot_of(trace: Trace, opinions: Sequence[Feedback]) -> Shot | None:
    """The example that a trace makes, or None where nobody called its answer good. Opinions of another tenant do not count."""
    own = [opinion for opinion in opinions if opinion.tenant == trace.tenant]
    shown = [one for one in own if isinstance(one.opinion, Demonstration) and one.opinion.value.strip()]
    thumbs = [one.opinion.value for one in own if isinstance(one.opinion, Thumb)]
    question = question_of(trace).strip()
    is_a_run = (trace.episode or "").startswith("run_")
    if not question or is_a_run or not (shown or (thumbs and all(thumbs))):
        return None
    if shown:
        answer, rating, at = str(shown[-1].opinion.value), 2.0, shown[-1].at
    elif trace.status == "ok" and not (trace.reply or {}).get("abstained"):
        answer, rating, at = str((trace.reply or {}).get("text", "")), 1.0 + len(thumbs) / (1 + len(thumbs)), trace.start
    else:
        return None
    turns = (TurnSection(role="user", text=question), TurnSection(role="assistant", text=answer))
    return Shot(id=trace.id, turns=turns, label="source", rating=rating, at=at) if answer.strip() else None
