"""The trained rails: `injection` on what a caller writes, `embedded_instructions` on what the model reads.

[guard]
input   = ["size:block", "injection:block"]
reading = ["embedded_instructions:redact"]

Each fails closed where its action is to block or to redact: what could not be judged does not pass. With `flag` it fails open, and the verdict
says `error`. Their cards: docs/models/injection-detector.md and docs/models/embedded-instructions.md.
Not covered: an attack that is spread over several messages, results of tools that the caller runs.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import msgspec

from groundwork.core.document import Found, Hit
from groundwork.core.errors import GroundworkError
from groundwork.core.message import Text, ToolResult
from groundwork.core.ports import Embedder
from groundwork.core.reply import Verdict
from groundwork.core.request import Request
from groundwork.engine.detector import EMBEDDED, INJECTION, InjectionDetector, Judged, Order, OrderFinder
from groundwork.engine.encoder import WEIGHTS
from groundwork.engine.heads import read_head
from groundwork.guard.config import READING_RAILS, GuardSection, RailName, parse_rail
from groundwork.observe.recorder import span

REMEMBERED = 4_096
"""Texts whose judgement is kept in memory, by hash: a conversation is sent whole with each of its turns, and passages are found again."""
WITHHELD = "[withheld: the text gave orders to the model]"
_MASK = "░"

T = TypeVar("T")


class Memory(Generic[T]):
    """What was said of a text before, for as many texts as fit; the least recently asked go first."""

    def __init__(self, ask: Callable[[str], Awaitable[T]], limit: int = REMEMBERED) -> None:
        self._ask = ask
        self._limit = limit
        self._kept: OrderedDict[bytes, T] = OrderedDict()

    async def of(self, text: str) -> T:
        """Ask, or remember. What raises is not kept."""
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in self._kept:
            self._kept[key] = await self._ask(text)
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class InjectionRail:
    """Judges every text that the caller wrote, the last message and those before it, and the variables."""

    def __init__(self, name: RailName, detector: InjectionDetector) -> None:
        self.name = name
        self.detector = detector
        self.fingerprint = detector.head.fingerprint
        self._memory: Memory[Judged] = Memory(detector.judge)

    async def judge(self, request: Request, seconds: float) -> Verdict:
        """The verdict on the worst of the texts. One that cannot be judged in time counts as an error."""
        with span(f"guard {self.name.name}") as attributes:
            try:
                async with asyncio.timeout(seconds):
                    judged = [await self._memory.of(text) for text in written_texts(request)]
            except (GroundworkError, TimeoutError) as error:
                attributes["groundwork.error"] = str(error) or "late"
                return Verdict(rail=self.name.name, action="error", reason=type(error).__name__)
            worst = max(judged, key=lambda one: one.score, default=None)
            attributes["groundwork.guard.score"] = round(worst.probability, 4) if worst else 0.0
            attributes["groundwork.guard.model"] = self.fingerprint
        if worst is None or not worst.fires:
            return Verdict(rail=self.name.name, action="allow")
        reason = f"reads like an attack on the instructions ({worst.probability:.2f})"
        return Verdict(rail=self.name.name, action=cast(Any, self.name.action), reason=reason, count=sum(one.fires for one in judged))

    def stops(self, verdict: Verdict) -> bool:
        return verdict.action == "block" or (verdict.action == "error" and self.name.action == "block")


class Inspector:
    """Inspects what the model is about to read: nothing, where no rail is configured."""

    fingerprint = ""
    """Of the weights: an answer that was kept under others is not given again."""

    async def passages(self, found: Found) -> tuple[Found, tuple[Verdict, ...]]:
        """What was found, as it may be read, and what was noticed."""
        return found, ()

    async def results(self, results: Sequence[ToolResult]) -> tuple[list[ToolResult], tuple[Verdict, ...]]:
        """The same for results of tools."""
        return list(results), ()


class OrderRail(Inspector):
    """Finds orders in passages and results, and masks them in place (`redact`), withholds the whole text (`block`) or says so (`flag`).

    Masked text keeps its length, so that citations still point where they should.
    """

    def __init__(self, name: RailName, finder: OrderFinder, seconds: float) -> None:
        self.name = name
        self.finder = finder
        self.seconds = seconds
        self.fingerprint = finder.head.fingerprint
        self._memory: Memory[list[Order]] = Memory(finder.find)

    async def passages(self, found: Found) -> tuple[Found, tuple[Verdict, ...]]:
        if not found.hits:
            return found, ()
        judged = await self._judged([hit.text for hit in found.hits], [f"{hit.chunk.source}:{hit.chunk.start}" for hit in found.hits])
        hits = [
            hit if read == hit.text else _with(hit, read) for hit, read in zip(found.hits, judged.read, strict=True) if read is not None
        ]
        changed = judged.verdicts and self.name.action != "flag"
        return (msgspec.structs.replace(found, hits=tuple(hits)) if changed else found), judged.verdicts

    async def results(self, results: Sequence[ToolResult]) -> tuple[list[ToolResult], tuple[Verdict, ...]]:
        judged = await self._judged([result.content for result in results], [result.name for result in results])
        read = [
            msgspec.structs.replace(result, content=WITHHELD if content is None else content)
            for result, content in zip(results, judged.read, strict=True)
        ]
        return (read if self.name.action != "flag" else list(results)), judged.verdicts

    async def _judged(self, texts: Sequence[str], names: Sequence[str]) -> "_Reading":
        with span(f"guard {self.name.name}") as attributes:
            attributes["groundwork.guard.model"] = self.fingerprint
            try:
                async with asyncio.timeout(self.seconds):
                    found = [await self._memory.of(text) for text in texts]
            except (GroundworkError, TimeoutError) as error:
                attributes["groundwork.error"] = str(error) or "late"
                return _Reading([None] * len(texts), (Verdict(rail=self.name.name, action="error", reason=type(error).__name__),))
            places = [f"{name}+{order.start}-{order.end}" for name, orders in zip(names, found, strict=True) for order in orders]
            attributes["groundwork.guard.orders"] = places
        if not places:
            return _Reading(list(texts), ())
        verdict = Verdict(
            rail=self.name.name, action=cast(Any, self.name.action), reason=f"orders to the model in {places[0]}", count=len(places)
        )
        return _Reading([self._read(text, orders) for text, orders in zip(texts, found, strict=True)], (verdict,))

    def _read(self, text: str, orders: Sequence[Order]) -> str | None:
        if self.name.action == "block" and orders:
            return None
        if self.name.action == "redact":
            for order in orders:
                text = text[: order.start] + masked(text[order.start : order.end]) + text[order.end :]
        return text


class _Reading(msgspec.Struct, frozen=True):
    """Each text as it may be read, None where it is withheld; and the verdicts."""

    read: list[str | None]
    verdicts: tuple[Verdict, ...]


def masked(text: str) -> str:
    """As long as before, and nothing to read."""
    return "".join(letter if letter.isspace() else _MASK for letter in text)


def written_texts(request: Request) -> list[str]:
    """What the caller wrote: the text of user messages, and texts among the variables."""
    texts = [
        "".join(part.text for part in message.parts if isinstance(part, Text)) for message in request.messages if message.role == "user"
    ]
    return [text for text in (*texts, *_strings(request.variables)) if text.strip()]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in cast(dict[str, Any], value).values() for text in _strings(item)]
    return [text for item in cast(list[Any], value) for text in _strings(item)] if isinstance(value, list) else []


def _with(hit: Hit, text: str) -> Hit:
    return msgspec.structs.replace(hit, chunk=msgspec.structs.replace(hit.chunk, text=text))


def injection_rails(rails: Sequence[RailName], embedder: Embedder) -> list[InjectionRail]:
    """The trained ones among the input rails. Raises StoreError where weights are missing or damaged."""
    return [
        InjectionRail(rail, InjectionDetector(read_head(WEIGHTS.parent / INJECTION, base=embedder.fingerprint), embedder))
        for rail in rails
        if rail.name == INJECTION
    ]


def inspector_of(section: GuardSection, embedder: Embedder) -> Inspector:
    """What inspects passages and results. Raises ConfigError for an unknown rail, StoreError where weights are missing or damaged."""
    rails = [parse_rail(text, READING_RAILS, "") for text in section.reading]
    if not rails:
        return Inspector()
    finder = OrderFinder(read_head(WEIGHTS.parent / EMBEDDED, base=embedder.fingerprint), embedder)
    return OrderRail(rails[-1], finder, section.timeout.seconds)
