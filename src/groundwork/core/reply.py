"""What is answered: a stream of deltas, and the whole reply they add up to."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from groundwork.core.document import Citation
from groundwork.core.message import Message, Text, ToolCall

Finish = Literal["stop", "length", "tool", "blocked", "awaiting_approval"]
Action = Literal["allow", "flag", "redact", "block", "retry", "ask", "abstain", "error"]


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rail decided, and why. Abstaining and failing are not allowing: they have names of their own."""

    rail: str
    action: Action
    reason: str = ""
    count: int = 0
    """How many places it concerns, where the rail counts."""


class CallPiece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fragment of a tool call in a stream; fragments of one call share `index`, and `arguments` add up."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Delta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of an answer. The last one carries `finish`."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[CallPiece, ...] = ()
    finish: Finish | None = None
    usage: Usage | None = None
    citations: tuple[Citation, ...] = ()
    verdicts: tuple["Verdict", ...] = ()
    trace: str = ""
    model: str | None = None
    """Who answered, as the provider names it; in the first delta."""
    abstained: bool = False
    """The model says that what it was given does not hold the answer."""
    cost: float | None = None
    """US dollars; None where no price is known. Set by the wrapper that prices usage."""
    priced: bool = False
    logprobs: tuple[float, ...] = ()
    """Natural logarithms of the probability of each token of `text`, where the provider was asked for them."""
    extra: dict[str, Any] = {}

    @property
    def has_content(self) -> bool:
        return bool(self.text or self.reasoning or self.refusal or self.calls)


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole answer. `cost` is US dollars, None where no price is known for the model."""

    text: str
    finish: Finish
    calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    citations: tuple[Citation, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    usage: Usage = Usage()
    cost: float | None = None
    model: str = ""
    abstained: bool = False
    cached: bool = False
    trace: str = ""
    steps: int = 1
    """Model calls made for it: more than one where tools were called."""
    live: bool = False
    """A tool was called: the answer may be another one tomorrow, so it is never kept."""
    first_token: float | None = None
    """Seconds until the first content came; None where nobody took the time, or nothing was streamed."""

    @property
    def message(self) -> Message:
        return Message(role="assistant", parts=(Text(text=self.text, label="model"), *self.calls))


def join_calls(pieces: Sequence[CallPiece]) -> tuple[ToolCall, ...]:
    """Fragments of a stream as whole calls, in the order of their index."""
    gathered: dict[int, tuple[str, str, str]] = {}
    for piece in pieces:
        identifier, name, arguments = gathered.get(piece.index, ("", "", ""))
        gathered[piece.index] = (piece.id or identifier, piece.name or name, arguments + piece.arguments)
    return tuple(ToolCall(id=row[0] or f"call_{index}", name=row[1], arguments=row[2]) for index, row in sorted(gathered.items()))
