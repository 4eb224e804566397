"""Any server that speaks OpenAI's chat completions: the request to its wire, its stream to deltas."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from groundwork.core.errors import UpstreamError
from groundwork.core.message import Image, Message, Text, ToolCall, ToolResult, text_of
from groundwork.core.reply import CallPiece, Delta, Finish, Usage
from groundwork.core.request import Request
from groundwork.gateway.config import TimeoutSection
from groundwork.gateway.transport import Transport

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "blocked",
}


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
        finished: Finish | None = None
        async with aclosing(self.transport.events(url, encode(request, self.model), headers, self.timeout)) as events:
            async for data in events:
                if data == b"[DONE]":
                    break
                delta = decode(data)
                finished = delta.finish or finished
                yield delta
        if finished is None:
            raise UpstreamError(f"{url} ended its answer without a finish reason", cause="cut", fix="ask again, or add a fallback")


def encode(request: Request, model: str) -> bytes:
    """The body of the call."""
    sampling = request.parameters
    body: dict[str, Any] = {
        **sampling.extra,
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    for name in ("temperature", "top_p", "max_tokens", "seed", "tool_choice", "response_format"):
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
    return msgspec.json.encode(body)


def _message(message: Message) -> dict[str, Any]:
    result = next((part for part in message.parts if isinstance(part, ToolResult)), None)
    if result is not None:
        return {"role": "tool", "tool_call_id": result.call, "content": result.content}
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    images = [part for part in message.parts if isinstance(part, Image)]
    content: Any = message.text
    if images:
        content = [{"type": "text", "text": text_of(part)} for part in message.parts if isinstance(part, Text)]
        content += [
            {"type": "image_url", "image_url": {"url": image.url, **({"detail": image.detail} if image.detail else {})}} for image in images
        ]
    wire: dict[str, Any] = {**message.extra, "role": message.role, "content": content or (None if calls else "")}
    if calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in calls
        ]
    return wire


def decode(data: bytes) -> Delta:
    """One event as a delta. An error inside a stream with status 200 is an error; what we do not know is passed over."""
    try:
        event: Any = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return Delta(extra={"malformed": 1})
    if not isinstance(event, dict):
        return Delta(extra={"malformed": 1})
    if event.get("error"):
        error: Any = event["error"]
        said = str(error.get("message", error)) if isinstance(error, dict) else str(error)
        raise UpstreamError(f"the provider failed while answering: {said}", cause="overload", fix="ask again, or add a fallback")
    choice: dict[str, Any] = (event.get("choices") or [{}])[0]
    delta: dict[str, Any] = choice.get("delta") or {}
    return Delta(
        text=delta.get("content") or "",
        reasoning=delta.get("reasoning_content") or delta.get("reasoning") or "",
        refusal=delta.get("refusal") or "",
        calls=tuple(_piece(call, place) for place, call in enumerate(delta.get("tool_calls") or [])),
        finish=_FINISH.get(choice.get("finish_reason") or "", "stop") if choice.get("finish_reason") else None,
        usage=_usage(event.get("usage")),
        model=event.get("model"),
    )


def _piece(call: dict[str, Any], place: int) -> CallPiece:
    function: dict[str, Any] = call.get("function") or {}
    return CallPiece(
        index=call.get("index", place), id=call.get("id"), name=function.get("name"), arguments=function.get("arguments") or ""
    )


def _usage(usage: dict[str, Any] | None) -> Usage | None:
    if not usage:
        return None
    details: dict[str, Any] = usage.get("prompt_tokens_details") or {}
    return Usage(
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        cached_tokens=details.get("cached_tokens") or 0,
    )
