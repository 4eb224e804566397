"""The sections `[providers.NAME]` and `[models.NAME]`.

[providers.openai]
key = "env:OPENAI_API_KEY"
[models.fast]
targets  = ["openai/gpt-4o-mini"]
fallback = ["smart"]
"""

from typing import Literal

from groundwork.core.config import Section
from groundwork.core.errors import Cause
from groundwork.core.units import Duration, Money, Secret, Tokens

ProviderKind = Literal["openai", "scripted"]

BUILT_IN = ("embedded", "auto")
"""Targets that need no provider: the offline quoting reader, and the choice between it and a local server."""


BEST_OF = ("logprob", "vote")
"""How the best of several answers is chosen, beside functions of one's own."""


class ProviderSection(Section, frozen=True, kw_only=True):
    """A provider. `kind` follows from the name `openai`; any other name says it."""

    kind: ProviderKind | None = None
    base_url: str | None = None
    """Of an OpenAI-compatible server, ending in `/v1`."""
    key: Secret | None = None
    script: str | None = None
    """Of a `scripted` provider: the JSON Lines file with its answers."""


class TimeoutSection(Section, frozen=True, kw_only=True):
    """Limits of one attempt."""

    connect: Duration = Duration(2.0, "2s")
    first_token: Duration = Duration(15.0, "15s")
    stall: Duration = Duration(10.0, "10s")
    total: Duration = Duration(120.0, "120s")


class PriceSection(Section, frozen=True, kw_only=True):
    """US dollars per million tokens; overrides the shipped price list."""

    input: Money
    output: Money


class BestOfSection(Section, frozen=True, kw_only=True):
    """Draw several answers and give the best one; it costs as much as all of them. Where an alias is another's fallback, its targets answer once."""

    n: int
    by: str = "vote"
    """`vote`, `logprob` (the likeliest tokens on average), or `module:function` that scores a question and an answer."""

    def __post_init__(self) -> None:
        if not 2 <= self.n <= 32:
            raise ValueError(f"n = {self.n} is not between 2 and 32")


class ModelSection(Section, frozen=True, kw_only=True):
    """A model alias: targets are tried in order until one answers, then the fallback aliases' targets."""

    targets: tuple[str, ...]
    fallback: tuple[str, ...] = ()
    on: tuple[Cause, ...] = ("rate", "overload", "network", "timeout", "cut")
    """The causes that move on to the next target, as long as nothing has left. A content filter is never routed around silently."""
    timeout: TimeoutSection = TimeoutSection()
    price: PriceSection | None = None
    window: Tokens | None = None
    """What the model reads at once, its answer included; known of a few, and said here for others."""
    best_of: BestOfSection | None = None
