"""Few-shot examples: which of them a request sees. The same request, examples and opinions always choose the same.

Examples of a prompt file are ours (label `system`). Those of traces were said by a caller and a model, so they are data (label `source`): they
show how, and give no orders. While a suite is measured, no example whose id or question stands in it is shown: it would give the answer away.
Only what is equal after folding case and spacing is recognised as the same question, not what was said in other words.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from groundwork.core.message import Label, Message, say
from groundwork.core.ports import Embedder
from groundwork.core.request import Request
from groundwork.core.text import fold
from groundwork.prompts.counting import count_tokens, first_tokens
from groundwork.prompts.front_matter import ExampleSection, Prompt, TurnSection

_EMBEDDED_TOKENS = 200
"""Of a question, at most: the encoder refuses longer texts."""


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """An example as a request sees it. `rating` and `at` (Unix seconds) order those of traces."""

    id: str
    turns: tuple[TurnSection, ...]
    label: Label = "system"
    rating: float = 0.0
    at: float = 0.0

    @property
    def question(self) -> str:
        """What its last turn answers."""
        return self.turns[-2].text

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(say(turn.role, turn.text, label=self.label) for turn in self.turns)

    @property
    def tokens(self) -> int:
        return sum(count_tokens(turn.text) for turn in self.turns)


class Chosen(NamedTuple):
    """What was chosen, in the order it is shown, and how many examples were withheld or found no room."""

    shots: tuple[Shot, ...] = ()
    withheld: int = 0
    no_room: int = 0


Rated = Callable[[Request], Awaitable[Sequence[Shot]]]
"""Examples from traces that this request's principal may see."""


async def no_traces(_request: Request, /) -> Sequence[Shot]:
    """For an application that keeps no traces."""
    return ()


def written(examples: Sequence[ExampleSection]) -> tuple[Shot, ...]:
    """The examples of a prompt file; one without an id is called by its place."""
    return tuple(Shot(id=one.id or f"example {place}", turns=one.turns) for place, one in enumerate(examples, start=1))


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses a prompt's examples for a request."""

    embedder: Embedder
    rated: Rated = no_traces
    withheld: frozenset[str] = frozenset()
    """Ids and folded questions that are being measured."""

    def withholding(self, names: Iterable[str]) -> "Chooser":
        """The same, that shows no example of these ids or questions."""
        return Chooser(self.embedder, self.rated, self.withheld | frozenset(fold(name) for name in names))

    async def choose(self, prompt: Prompt, request: Request) -> Chosen:
        """The examples for a request: ordered, then taken while there is room; the best stands last, nearest to the question."""
        select = prompt.select
        pool = written(prompt.examples)
        if select.from_traces:
            pool += tuple(await self.rated(request))
        open_to = [shot for shot in pool if not (self.withheld & {fold(shot.id), fold(shot.question)})]
        ordered = await self._ordered(open_to, prompt, request)
        taken = list(fitting(ordered[: select.keep], select.tokens))
        if select.by != "fixed":
            taken.reverse()
        return Chosen(tuple(taken), len(pool) - len(open_to), min(select.keep, len(ordered)) - len(taken))

    async def _ordered(self, pool: list[Shot], prompt: Prompt, request: Request) -> list[Shot]:
        """Best first; what is equal keeps the order in which it was written."""
        match prompt.select.by:
            case "recent":
                return sorted(pool, key=lambda shot: -shot.at)
            case "rated":
                return sorted(pool, key=lambda shot: (-shot.rating, -shot.at))
            case "similarity" if len(pool) > 1:
                texts = [first_tokens(text, _EMBEDDED_TOKENS) for text in (request.question, *(shot.question for shot in pool))]
                vectors = await self.embedder.embed(texts)
                near = (vectors[1:] @ vectors[0]).tolist()
                order = sorted(range(len(pool)), key=lambda place: (-round(near[place], 6), place))
                return [pool[place] for place in order]
            case _:
                return pool


def fitting(shots: Sequence[Shot], tokens: int | None) -> Iterable[Shot]:
    """Those that fit into the budget together, in their order; one that is too long is passed over, and a shorter one may follow."""
    left = tokens
    for shot in shots:
        size = shot.tokens if left is not None else 0
        if left is None or size <= left:
            left = left if left is None else left - size
            yield shot
