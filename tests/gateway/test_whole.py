import json
from typing import Any

import pytest

from groundwork.core.errors import UpstreamError
from groundwork.core.message import say
from groundwork.core.request import Parameters, Request
from groundwork.gateway.providers import openai, whole

URL = "http://here/v1/chat/completions"


def answer(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def choice(finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {"index": 0, "message": message, "finish_reason": finish}


def test_a_whole_answer_is_asked_for_as_a_stream_is_but_for_the_stream() -> None:
    request = Request(messages=(say("user", "Hi"),), parameters=Parameters(temperature=0.0, stop=("x",), extra={"top_k": 2}))
    streamed, plain = json.loads(openai.encode(request, "m")), json.loads(whole.encode(request, "m"))
    assert streamed.keys() - plain.keys() == {"stream", "stream_options"}
    assert {name: streamed[name] for name in plain} == plain


def test_who_answered_is_named_with_the_servers_fingerprint() -> None:
    reply = whole.decode(answer(model="m-2026", system_fingerprint="fp_1", choices=[choice(content="Hello")]), URL)
    assert (reply.text, reply.finish, reply.model) == ("Hello", "stop", "m-2026 fp_1")


@pytest.mark.parametrize(
    ("finish", "message", "expected"),
    [
        ("length", {"content": "Hel"}, ("Hel", "length", "")),
        ("content_filter", {"content": None}, ("", "blocked", "")),
        (None, {"content": "Hello"}, ("Hello", "stop", "")),
        ("stop", {"content": None, "refusal": "No."}, ("", "stop", "No.")),
        ("stop", {"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}, ("Hello", "stop", "")),
        ("stop", {"content": "", "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": "{}"}}]}, ("", "tool", "")),
    ],
)
def test_each_way_to_end_is_told(finish: str | None, message: dict[str, Any], expected: tuple[str, str, str]) -> None:
    reply = whole.decode(answer(choices=[choice(finish, **message)], usage={"prompt_tokens": 3, "completion_tokens": 1}), URL)
    assert (reply.text, reply.finish, reply.refusal) == expected
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (3, 1)
    assert [call.name for call in reply.calls] == (["look"] if reply.finish == "tool" else [])


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b"{}", b'{"choices": [{"index": 1, "message": {"content": "second"}}]}', b"\xff\xfe"]
)
def test_what_is_no_completion_is_said_with_its_beginning(data: bytes) -> None:
    with pytest.raises(UpstreamError, match="no chat completion") as error:
        whole.decode(data, URL)
    assert error.value.cause == "invalid"
    assert not error.value.retryable


def test_an_error_with_status_200_is_an_error() -> None:
    with pytest.raises(UpstreamError) as error:
        whole.decode(answer(error={"code": "rate_limit_exceeded", "message": "slow down"}), URL)
    assert (error.value.cause, error.value.retryable) == ("rate", True)
