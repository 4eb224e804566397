"""What is said: messages made of parts. Every part carries a label that says how far its text may be trusted.

Labels travel with the text through prompts, tools and traces, so that a rail or a policy can tell an instruction from data.
Unknown fields of a peer are kept in `extra`; unknown fields of a person's file are refused elsewhere (`core/config.py`).
"""

from typing import Any, Literal

import msgspec

from groundwork.core.document import Hit

Label = Literal["system", "user", "model", "source", "tool"]
"""Who wrote the text: ours (`system`), the caller, a model, a retrieved document, a tool. Only `system` gives orders."""

Role = Literal["system", "user", "assistant", "tool"]


class Noun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that does not change. msgspec does not inherit `kw_only`: each noun says it again."""


class Part(Noun, frozen=True, kw_only=True, tag_field="type"):
    """One piece of a message."""

    extra: dict[str, Any] = {}


class Text(Part, frozen=True, kw_only=True, tag="text"):
    text: str
    label: Label = "user"


class Image(Part, frozen=True, kw_only=True, tag="image"):
    """An image by URL (a `data:` URL carries it inline)."""

    url: str
    detail: str | None = None
    label: Label = "user"


class File(Part, frozen=True, kw_only=True, tag="file"):
    """A file by name and reference of the provider, or inline as base64."""

    name: str
    data: str | None = None
    reference: str | None = None
    label: Label = "user"


class Source(Part, frozen=True, kw_only=True, tag="source"):
    """A retrieved passage in its place in the prompt; `number` is the n of its `[n]`."""

    hit: Hit
    number: int
    label: Label = "source"


class Reasoning(Part, frozen=True, kw_only=True, tag="reasoning"):
    text: str
    signature: str | None = None
    label: Label = "model"


class Refusal(Part, frozen=True, kw_only=True, tag="refusal"):
    text: str
    label: Label = "model"


class ToolCall(Part, frozen=True, kw_only=True, tag="tool_call"):
    """A call the model asks for; `arguments` is its JSON as sent, parsed and checked only where it is run."""

    id: str
    name: str
    arguments: str
    label: Label = "model"


class ToolResult(Part, frozen=True, kw_only=True, tag="tool_result"):
    """What a tool gave back, as text for the model; `failed` where it raised or was refused."""

    call: str
    name: str
    content: str
    failed: bool = False
    label: Label = "tool"


AnyPart = Text | Image | File | Source | Reasoning | Refusal | ToolCall | ToolResult


class Message(Noun, frozen=True, kw_only=True):
    role: Role
    parts: tuple[AnyPart, ...]
    extra: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The message as plain text: what a text-only model reads."""
        return "".join(text_of(part) for part in self.parts)


def text_of(part: AnyPart) -> str:
    match part:
        case Text() | Refusal():
            return part.text
        case Source():
            return part.hit.text
        case ToolResult():
            return part.content
        case _:
            return ""


def say(role: Role, text: str, *, label: Label | None = None) -> Message:
    """A message of one text part; the label follows the role unless given."""
    labels: dict[Role, Label] = {"system": "system", "user": "user", "assistant": "model", "tool": "tool"}
    return Message(role=role, parts=(Text(text=text, label=label or labels[role]),))
