"""OpenAI's dialect of chat completions, out: a Reply becomes a `chat.completion`, a Delta a chunk.

Citations travel twice: as `annotations` of type `url_citation` at each `[n]` of the text, for clients that know them, and whole in the
extension object `groundwork` {trace, citations, verdicts}. In a stream both are in the final chunk.
"""

import re
import time
from collections import Counter
from typing import Any
from urllib.parse import quote

import msgspec

from groundwork.core.document import Citation
from groundwork.core.reply import CallPiece, Delta, Finish, Reply, Usage

_MARKER = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
FINISH: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool": "tool_calls",
    "blocked": "content_filter",
    "awaiting_approval": "content_filter",
}


class Writer:
    """Writes one answer. `origin` is where the caller reached us: links to sources begin with it."""

    def __init__(self, trace: str, model: str, origin: str) -> None:
        self.id = f"chatcmpl-{trace.removeprefix('tr_')}"
        self.made = int(time.time())
        self.model = model
        self.origin = origin

    def completion(self, reply: Reply) -> dict[str, Any]:
        """A whole answer."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": reply.text if reply.text or not reply.calls else None,
            "refusal": reply.refusal or None,
            "annotations": annotations(reply.text, reply.citations, self.origin),
        }
        if reply.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in reply.calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": FINISH[reply.finish], "logprobs": None}
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.made,
            "model": reply.model or self.model,
            "choices": [choice],
            "usage": usage(reply.usage),
            "groundwork": extension(reply, self.origin),
        }

    def first(self, model: str | None) -> bytes:
        """The chunk that opens a stream. The model named here is named in every chunk of it."""
        self.model = model or self.model
        return self._chunk({"role": "assistant", "content": ""})

    def chunk(self, delta: Delta) -> bytes:
        """A chunk with content."""
        fields: dict[str, Any] = {}
        if delta.text:
            fields["content"] = delta.text
        if delta.reasoning:
            fields["reasoning_content"] = delta.reasoning
        if delta.refusal:
            fields["refusal"] = delta.refusal
        if delta.calls:
            fields["tool_calls"] = [_call(piece) for piece in delta.calls]
        return self._chunk(fields)

    def final(self, reply: Reply, text: str) -> bytes:
        """The chunk that carries the finish reason; `text` is what was streamed before it."""
        fields = {"annotations": annotations(text, reply.citations, self.origin)} if reply.citations else {}
        return self._chunk(fields, finish=FINISH[reply.finish], groundwork=extension(reply, self.origin))

    def usage(self, reply: Reply) -> bytes:
        """The chunk that a caller gets who asked for `include_usage`."""
        return msgspec.json.encode(self._frame([]) | {"usage": usage(reply.usage)})

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return msgspec.json.encode(self._frame([choice]) | more)

    def _frame(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.made, "model": self.model, "choices": choices}


def extension(reply: Reply, origin: str) -> dict[str, Any]:
    """What groundwork says beside OpenAI's fields."""
    return {
        "trace": reply.trace,
        "citations": [{**msgspec.to_builtins(citation), "url": url_of(citation, origin)} for citation in reply.citations],
        "verdicts": msgspec.to_builtins(reply.verdicts),
    }


def annotations(text: str, citations: tuple[Citation, ...], origin: str) -> list[dict[str, Any]]:
    """One annotation for each number in each `[n]` of the text; offsets are code points, and the span is that of the marker.

    Where several citations bear one number (two quotes of one passage), they belong to its markers in turn.
    """
    rows: list[dict[str, Any]] = []
    seen: Counter[int] = Counter()
    for match in _MARKER.finditer(text):
        for number in map(int, match.group(1).split(",")):
            named = [citation for citation in citations if citation.number == number]
            if not named:
                continue
            citation = named[min(seen[number], len(named) - 1)]
            seen[number] += 1
            where = {"start_index": match.start(), "end_index": match.end(), "title": citation.title}
            rows.append({"type": "url_citation", "url_citation": {**where, "url": url_of(citation, origin)}})
    return rows


def url_of(citation: Citation, origin: str) -> str:
    """Where the source opens at the cited place."""
    return f"{origin}/source/{quote(citation.document, safe='')}?start={citation.start}&end={citation.end}#cite"


def usage(spent: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": spent.input_tokens,
        "completion_tokens": spent.output_tokens,
        "total_tokens": spent.input_tokens + spent.output_tokens,
        "prompt_tokens_details": {"cached_tokens": spent.cached_tokens},
    }


def _call(piece: CallPiece) -> dict[str, Any]:
    function = {"arguments": piece.arguments} if piece.name is None else {"name": piece.name, "arguments": piece.arguments}
    opening = {} if piece.id is None else {"id": piece.id, "type": "function"}
    return {"index": piece.index, **opening, "function": function}
