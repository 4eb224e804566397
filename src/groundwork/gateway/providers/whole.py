"""One whole answer by one POST, over the same wire as `openai.py`: for callers that need no stream and send thousands."""

from typing import Any

import msgspec

from groundwork.core.errors import UpstreamError
from groundwork.core.message import ToolCall
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.gateway.failure import stream_failure
from groundwork.gateway.providers import openai

_SHOWN = 120
"""Characters of an answer that is none which are passed on."""


class _Message(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    tool_calls: list[openai._Call] | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: openai._Usage | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Answer)


def encode(request: Request, model: str) -> bytes:
    """The body of the call."""
    return msgspec.json.encode(openai.call_of(request, model))


def decode(data: bytes, url: str) -> Reply:
    """The answer of the first choice; `model` names the revision as the server does. Raises UpstreamError for what is no chat completion."""
    try:
        answer = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = _Answer()
    if answer.error:
        raise stream_failure(answer.error)
    choice = next((one for one in answer.choices or () if not one.index), None)
    if choice is None or choice.message is None:
        shown = data[:_SHOWN].decode(errors="replace")
        raise UpstreamError(f"{url} answered with what is no chat completion: {shown}", cause="invalid", fix="check the URL and the server")
    said = choice.message
    finish = openai._FINISH.get(choice.finish_reason or "stop", "stop")
    return Reply(
        text=said.content if isinstance(said.content, str) else "".join(str(part.get("text", "")) for part in said.content or ()),
        finish="tool" if said.tool_calls and finish == "stop" else finish,
        calls=tuple(_call(call, place) for place, call in enumerate(said.tool_calls or ())),
        refusal=said.refusal or "",
        usage=openai._usage(answer.usage) or openai.Usage(),
        model=f"{answer.model or ''} {answer.system_fingerprint or ''}".strip(),
    )


def _call(call: openai._Call, place: int) -> ToolCall:
    function = call.function or openai._Function()
    return ToolCall(id=call.id or f"call_{place}", name=function.name or "", arguments=function.arguments or "")
