"""What is kept of what happened: traces of spans, feedback, and what people later make of them."""

from typing import Any, Literal

import msgspec

SpanStatus = Literal["ok", "error", "cancelled"]


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a request, named as OpenTelemetry's conventions for generative AI name it."""

    id: str
    name: str
    start: float
    """Unix seconds."""
    seconds: float
    parent: str | None = None
    status: SpanStatus = "ok"
    attributes: dict[str, Any] = {}


class Versions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that made an answer what it is."""

    config: str = ""
    release: str = ""
    prompt: str = ""
    model: str = ""
    index: str = ""
    guard: str = ""
    prices: str = ""
    router: str = ""
    """Fingerprint of what chose the route, where it was not the caller."""


class Trace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request from end to end. `request`, `rendered`, `found` and `reply` are JSON values with secrets masked."""

    id: str
    app: str
    start: float
    seconds: float
    status: Literal["ok", "blocked", "error", "cancelled"]
    route: str = ""
    session: str | None = None
    episode: str | None = None
    tenant: str = "local"
    user: str | None = None
    versions: Versions = Versions()
    request: Any = None
    rendered: Any = None
    found: Any = None
    reply: Any = None
    error: str = ""
    spans: tuple[Span, ...] = ()


class Thumb(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="boolean"):
    """Good or bad."""

    value: bool


class Number(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="number"):
    """A rating on the caller's own scale."""

    value: float


class Comment(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="comment"):
    value: str


class Choice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="choice"):
    """One of the caller's own options."""

    value: str


class Demonstration(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="demonstration"):
    """What the answer should have been."""

    value: str


Opinion = Thumb | Number | Comment | Choice | Demonstration


class Feedback(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody thought of an answer, on a trace or on one span of it."""

    id: str
    trace: str
    opinion: Opinion
    at: float
    span: str | None = None
    tenant: str = "local"
    user: str | None = None
    name: str = "answer"
    """What the opinion is about, where one answer is judged in several respects."""
