"""Who asks for what: one request, in the same form whatever dialect it came in."""

from typing import Any, Literal

import msgspec

from groundwork.core.message import Message
from groundwork.core.tool import Tool

Dialect = Literal["openai", "native"]


class Principal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is asking. It comes from the key alone: the `user` of a request's body is never authority."""

    tenant: str = "local"
    user: str | None = None
    groups: tuple[str, ...] = ()
    key: str | None = None
    internal: bool = False
    """Loopback, or a key marked internal: admitted while the application's autonomy is `walk`."""
    on_behalf_of: bool = False
    """The key may say for which user and groups it asks: it is held by a program that has checked who they are."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to sample. None means: what the provider does by default. What we do not know travels in `extra`, untouched."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tool_choice: Any = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    """Ask for the log-probability of each token."""
    extra: dict[str, Any] = {}


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. The structured input (`messages`, `variables`) is what gets stored, so that it can be replayed under another prompt."""

    messages: tuple[Message, ...]
    model: str = ""
    """The name the caller asked for: an application or a model alias."""
    variables: dict[str, Any] = {}
    where: str = ""
    """A filter over the fields of the documents that are searched, see `core/where.py`."""
    parameters: Parameters = Parameters()
    tools: tuple[Tool, ...] = ()
    principal: Principal = Principal()
    session: str | None = None
    episode: str | None = None
    deadline: float | None = None
    """Seconds on the event loop's clock; one deadline covers all attempts."""
    idempotency_key: str | None = None
    dialect: Dialect = "native"

    @property
    def question(self) -> str:
        """The text of the last user message: what is looked up and answered."""
        for message in reversed(self.messages):
            if message.role == "user":
                return message.text
        return ""

    @property
    def history(self) -> tuple[Message, ...]:
        """What was said before the last user message."""
        for place in range(len(self.messages) - 1, -1, -1):
            if self.messages[place].role == "user":
                return self.messages[:place]
        return self.messages
