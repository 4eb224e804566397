"""Any server that speaks OpenAI's chat completions: the request to its wire, its stream to deltas."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from groundwork.core.errors import UpstreamError
from groundwork.core.message import AnyPart, Image, Message, ToolCall, ToolResult, text_of
from groundwork.core.reply import CallPiece, Delta, Finish, Usage
from groundwork.core.request import Request
from groundwork.gateway.config import TimeoutSection
from groundwork.gateway.failure import stream_failure
from groundwork.gateway.transport import Transport

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "blocked",
}


_LINGER = 2.0
"""Seconds that a finished answer may take to say its usage and `[DONE]`."""


@dataclass(frozen=True, slots=True)
class OpenAIModel:
    """One model of one server. Unknown parameters of the caller travel on as they came."""

    name: str
    model: str
    base_url: str
    key: str | None
    timeout: TimeoutSection
    transport: Transport

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        headers = {"content-type": "application/json", "accept": "text/event-stream"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        url = f"{self.base_url.rstrip('/')}/chat/completions"
        ending = _Ending()
        events = self.transport.events(url, encode(request, self.model), headers, self.timeout)
        async with aclosing(events), aclosing(_until_over(events, ending)) as rest:
            async for data in rest:
                yield ending.take(decode(data))
        if ending.finish is None:
            raise UpstreamError(f"{url} ended its answer without a finish reason", cause="cut", fix="ask again, or add a fallback")
        yield Delta(finish=ending.finish, usage=ending.usage)


class _Ending:
    """How a stream ends, held back until it is over: what a server repeats (usage so far, say) counts once."""

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self._called = False

    def take(self, delta: Delta) -> Delta:
        self._called = self._called or bool(delta.calls)
        self.usage = delta.usage or self.usage
        self.finish = delta.finish or self.finish
        if self.finish == "stop" and self._called:
            self.finish = "tool"  # some servers call a tool and say `stop`
        return msgspec.structs.replace(delta, finish=None, usage=None)


async def _until_over(events: AsyncGenerator[bytes, None], ending: _Ending) -> AsyncGenerator[bytes, None]:
    """The events up to `[DONE]`. A stream that has said why it finished is whole, however it ends then, and is not waited for much longer."""
    while True:
        try:
            data = await asyncio.wait_for(anext(events, b"[DONE]"), _LINGER if ending.finish else None)
        except (UpstreamError, TimeoutError):
            if ending.finish is None:
                raise
            return
        if data == b"[DONE]":
            return
        yield data


def encode(request: Request, model: str) -> bytes:
    """The body of the call for a stream."""
    return msgspec.json.encode(call_of(request, model) | {"stream": True, "stream_options": {"include_usage": True}})


def call_of(request: Request, model: str) -> dict[str, Any]:
    """What a call says, whether a stream or a whole answer is asked for."""
    sampling = request.parameters
    body: dict[str, Any] = {
        **sampling.extra,
        "model": model,
        "messages": [_message(message) for message in request.messages],
    }
    for name in ("temperature", "top_p", "max_tokens", "seed", "tool_choice", "response_format", "logprobs"):
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if request.tools:
        body["tools"] = [
            {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema}}
            for tool in request.tools
        ]
    return body


def _message(message: Message) -> dict[str, Any]:
    result = next((part for part in message.parts if isinstance(part, ToolResult)), None)
    if result is not None:
        return {"role": "tool", "tool_call_id": result.call, "content": result.content}
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    content: Any = message.text
    if any(isinstance(part, Image) for part in message.parts):
        content = [piece for part in message.parts if (piece := _content(part))]
    wire: dict[str, Any] = {**message.extra, "role": message.role, "content": content or (None if calls else "")}
    if calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in calls
        ]
    return wire


def _content(part: AnyPart) -> dict[str, Any] | None:
    """A part among images, in its place."""
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": part.url, **({"detail": part.detail} if part.detail else {})}}
    text = text_of(part)
    return {"type": "text", "text": text} if text else None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Said(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Token(msgspec.Struct):
    logprob: float | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: _Said | None = None
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    model: str | None = None
    error: Any = None


def decode(data: bytes) -> Delta:
    """One event as a delta. An error inside a stream with status 200 is an error; what we do not know is passed over."""
    try:
        event = msgspec.json.decode(data, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Delta(extra={"malformed": 1})
    if event.error:
        raise stream_failure(event.error)
    choice = next((one for one in event.choices or () if not one.index), _Choice())  # one answer is asked for: the first
    said = choice.delta or _Said()
    tokens = (choice.logprobs.content if choice.logprobs else None) or ()
    return Delta(
        text=said.content or "",
        reasoning=said.reasoning_content or said.reasoning or "",
        refusal=said.refusal or "",
        calls=tuple(_piece(call, place) for place, call in enumerate(said.tool_calls or ())),
        finish=_FINISH.get(choice.finish_reason, "stop") if choice.finish_reason else None,
        usage=_usage(event.usage),
        model=event.model,
        logprobs=tuple(token.logprob for token in tokens if token.logprob is not None),
    )


def _piece(call: _Call, place: int) -> CallPiece:
    function = call.function or _Function()
    return CallPiece(
        index=place if call.index is None else call.index,
        id=call.id or None,
        name=function.name or None,
        arguments=function.arguments or "",
    )


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cached_tokens=(usage.prompt_tokens_details.cached_tokens or 0) if usage.prompt_tokens_details else 0,
    )
