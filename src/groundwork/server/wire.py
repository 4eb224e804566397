"""OpenAI's dialect of chat completions, in: the JSON of a caller becomes a core Request.

Known fields are checked, and a wrong one is named; parameters we do not know travel on untouched in `Parameters.extra`. Fields of ours
beside OpenAI's: `variables`, `where`, `session` and `episode` (these three also inside `metadata`, which every client can send). The other way
is in `wire_out.py`. What this does not cover: audio and files in messages, `n` above 1, `logprobs` in answers.
"""

import asyncio
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from groundwork.core.errors import InputError
from groundwork.core.message import AnyPart, Image, Label, Message, Reasoning, Refusal, Role, Text, ToolCall, ToolResult
from groundwork.core.request import Parameters, Principal, Request
from groundwork.core.tool import Tool

T = TypeVar("T")


class Asked(NamedTuple):
    """A request, and how the caller wants its answer."""

    request: Request
    stream: bool
    include_usage: bool


class TextPart(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class ImagePart(msgspec.Struct, tag_field="type", tag="image_url"):
    image_url: ImageUrl


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


WirePart = TextPart | ImagePart | RefusalPart


class CalledFunction(msgspec.Struct):
    name: str
    arguments: str = "{}"


class WireCall(msgspec.Struct):
    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class WireMessage(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[WirePart] | None = None
    tool_calls: list[WireCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None


class DeclaredFunction(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class WireTool(msgspec.Struct):
    function: DeclaredFunction
    type: Literal["function"] = "function"


class StreamOptions(msgspec.Struct):
    include_usage: bool = False


class Body(msgspec.Struct):
    """What we read of a request; everything else is passed on."""

    model: str
    messages: Annotated[list[WireMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: Annotated[int, Meta(ge=1, le=1)] | None = None
    tools: list[WireTool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None
    where: str | None = None
    session: str | None = None
    episode: str | None = None


_OURS = frozenset(Body.__struct_fields__)
_OF_A_MESSAGE = frozenset(WireMessage.__struct_fields__)
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def read(value: Any, principal: Principal, *, seconds: float | None = None, idempotency_key: str | None = None) -> Asked:
    """A decoded body as a Request of this principal. Raises InputError naming the field that is wrong."""
    body = checked(value, Body)
    if not any(message.role == "user" for message in body.messages):
        raise InputError("there is no message of the role `user`", fix="add the question as a user message", param="messages")
    labels = dict(body.metadata or {})
    named = {name: getattr(body, name) or labels.pop(name, None) for name in ("session", "episode", "where")}
    for name, text in named.items():
        if text is not None and not isinstance(text, str):
            raise InputError(f"metadata.{name} is not a text", fix="send a string", param=f"metadata.{name}")
    extra = {name: item for name, item in value.items() if name not in _OURS}
    if labels:
        extra["metadata"] = labels
    request = Request(
        messages=_messages(body.messages, value["messages"]),
        model=body.model,
        variables=body.variables or {},
        where=named["where"] or "",
        parameters=_parameters(body, extra),
        tools=tuple(_tool(tool.function) for tool in body.tools or ()),
        principal=principal,
        session=named["session"],
        episode=named["episode"],
        deadline=None if seconds is None else asyncio.get_running_loop().time() + seconds,
        idempotency_key=idempotency_key,
        dialect="openai",
    )
    return Asked(request, bool(body.stream), body.stream_options is not None and body.stream_options.include_usage)


def checked(value: Any, kind: type[T]) -> T:
    """A JSON value as a record. Raises InputError with the path of the field that does not fit."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        field = path.removesuffix("`").removeprefix("$").removeprefix(".")
        said = what[:1].lower() + what[1:]
        raise InputError(f"{field}: {said}" if field else said, fix="correct this field", param=field or None) from None


def _parameters(body: Body, extra: dict[str, Any]) -> Parameters:
    return Parameters(
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_tokens,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        seed=body.seed,
        tool_choice=body.tool_choice,
        response_format=body.response_format,
        extra=extra,
    )


def _tool(function: DeclaredFunction) -> Tool:
    schema = function.parameters or {"type": "object", "properties": {}}
    return Tool(name=function.name, description=function.description or "", schema=schema)


def _messages(messages: list[WireMessage], raw: list[dict[str, Any]]) -> tuple[Message, ...]:
    """The conversation; the name of a tool stands in the call that its result answers."""
    tools: dict[str, str] = {}
    done: list[Message] = []
    for place, (message, fields) in enumerate(zip(messages, raw, strict=True)):
        tools |= {call.id: call.function.name for call in message.tool_calls or ()}
        parts = _result(message, tools, place) if message.role == "tool" else _parts(message, place)
        extra = {name: item for name, item in fields.items() if name not in _OF_A_MESSAGE}
        done.append(Message(role=_ROLES[message.role], parts=parts, extra=extra))
    return tuple(done)


def _parts(message: WireMessage, place: int) -> tuple[AnyPart, ...]:
    """A message's parts. A caller's system message keeps its role, but its text is a caller's: only our own prompt is trusted."""
    label: Label = "model" if message.role == "assistant" else "user"
    parts: list[AnyPart] = []
    if message.reasoning_content:
        parts.append(Reasoning(text=message.reasoning_content))
    parts += [_part(part, label) for part in _pieces(message)]
    if message.refusal:
        parts.append(Refusal(text=message.refusal))
    parts += [ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments) for call in message.tool_calls or ()]
    if not parts and message.role != "assistant":
        raise InputError(f"messages[{place}].content is empty", fix="say something there", param=f"messages[{place}].content")
    return tuple(parts)


def _pieces(message: WireMessage) -> list[WirePart]:
    if isinstance(message.content, str):
        return [TextPart(message.content)] if message.content else []
    return message.content or []


def _part(part: WirePart, label: Label) -> AnyPart:
    match part:
        case TextPart():
            return Text(text=part.text, label=label)
        case ImagePart():
            return Image(url=part.image_url.url, detail=part.image_url.detail, label=label)
        case RefusalPart():
            return Refusal(text=part.refusal)


def _result(message: WireMessage, tools: dict[str, str], place: int) -> tuple[AnyPart, ...]:
    call = message.tool_call_id
    if call is None or call not in tools:
        raise InputError(
            f"messages[{place}] answers a tool call that was not made before it" if call else f"messages[{place}].tool_call_id is missing",
            fix="put the assistant's message with its `tool_calls` before it",
            param=f"messages[{place}].tool_call_id",
        )
    text = "".join(piece.text for piece in _pieces(message) if isinstance(piece, TextPart))
    return (ToolResult(call=call, name=tools[call], content=text),)
