"""The wire to OpenAI-compatible servers, and everything that goes wrong on it."""

import asyncio
import gzip
import json
import time
from contextlib import aclosing

import pytest

from groundwork.agents.loop import join_calls
from groundwork.core.document import Chunk, Hit
from groundwork.core.errors import UpstreamError
from groundwork.core.message import Image, Message, Source, Text, ToolCall, ToolResult, say
from groundwork.core.reply import Usage
from groundwork.core.request import Parameters, Request
from groundwork.core.tool import Tool
from groundwork.observe.recorder import Recorder, recording
from tests.gateway.conftest import MakeModel, collect, said
from tests.gateway.upstream import DONE, HELLO, Step, Upstream, event, finish, text, usage


async def test_a_stream_becomes_deltas_and_ends_with_finish_and_usage(server: Upstream, model: MakeModel) -> None:
    server.play(*HELLO)
    deltas = await collect(model())
    assert said(deltas) == "Hello"
    assert [delta.finish for delta in deltas if delta.finish] == ["stop"]
    assert deltas[-1].finish == "stop"
    assert deltas[-1].usage == Usage(input_tokens=10, output_tokens=3)
    assert deltas[0].model == "m-2026"
    assert server.asked[0].path == "/v1/chat/completions"


async def test_what_is_sent(server: Upstream, model: MakeModel) -> None:
    server.play(*HELLO)
    request = Request(
        messages=(
            say("system", "Be brief."),
            say("user", "hi"),
            Message(role="assistant", parts=(ToolCall(id="c1", name="find", arguments='{"a":1}'),)),
            Message(role="tool", parts=(ToolResult(call="c1", name="find", content="found"),)),
        ),
        parameters=Parameters(
            temperature=0.0,
            max_tokens=5,
            stop=("x",),
            seed=7,
            extra={"top_k": 3, "logit_bias": {"1": 2}, "model": "not-this", "stream": False},
        ),
        tools=(Tool(name="find", description="Finds.", schema={"type": "object"}),),
    )
    await collect(model(key="sk-test"), request)
    body = server.asked[0].body
    assert (body["temperature"], body["max_tokens"], body["stop"], body["seed"]) == (0.0, 5, ["x"], 7)
    assert (body["top_k"], body["logit_bias"]) == (3, {"1": 2})
    assert (body["model"], body["stream"], body["stream_options"]) == ("m", True, {"include_usage": True})
    assert "top_p" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["content"] is None
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "find", "arguments": '{"a":1}'}
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "found"}
    assert body["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert server.asked[0].headers["authorization"] == "Bearer sk-test"


async def test_without_a_key_no_authorization_is_sent(server: Upstream, model: MakeModel) -> None:
    server.play(*HELLO)
    await collect(model())
    assert "authorization" not in server.asked[0].headers


async def test_passages_stay_in_the_prompt_beside_an_image(server: Upstream, model: MakeModel) -> None:
    server.play(*HELLO)
    chunk = Chunk(id="ch_1", document="doc_1", source="a.md", title="A", headings=(), start=0, end=5, text="Moss.")
    parts = (
        Text(text="[1] "),
        Source(hit=Hit(chunk=chunk, score=1.0), number=1),
        Image(url="data:image/png;base64,AA=="),
        Text(text="What?"),
    )
    await collect(model(), Request(messages=(Message(role="user", parts=parts),)))
    content = server.asked[0].body["messages"][0]["content"]
    assert [piece.get("text") for piece in content] == ["[1] ", "Moss.", None, "What?"]
    assert content[2]["image_url"] == {"url": "data:image/png;base64,AA=="}


async def test_tool_calls_in_fragments_and_with_indexes_that_take_turns(server: Upstream, model: MakeModel) -> None:
    def call(index: int, **function: str) -> bytes:
        identifier = {"id": f"c{index}"} if "name" in function else {}
        return event({"choices": [{"delta": {"tool_calls": [{"index": index, **identifier, "function": function}]}}]})

    server.play(
        call(0, name="find", arguments=""),
        call(1, name="count", arguments='{"b"'),
        call(0, arguments='{"a"'),
        call(1, arguments=":2}"),
        call(0, arguments=":1}"),
        finish("tool_calls"),
        DONE,
    )
    deltas = await collect(model())
    calls = join_calls([piece for delta in deltas for piece in delta.calls])
    assert [(call.id, call.name, call.arguments) for call in calls] == [("c0", "find", '{"a":1}'), ("c1", "count", '{"b":2}')]
    assert deltas[-1].finish == "tool"


async def test_a_call_that_ends_with_stop_is_a_call_all_the_same(server: Upstream, model: MakeModel) -> None:
    server.play(
        event({"choices": [{"delta": {"tool_calls": [{"id": "c", "function": {"name": "find", "arguments": "{}"}}]}}]}), finish(), DONE
    )
    assert (await collect(model()))[-1].finish == "tool"


@pytest.mark.parametrize(("reason", "finished"), [("stop", "stop"), ("length", "length"), ("content_filter", "blocked"), ("eos", "stop")])
async def test_reasons_to_finish(server: Upstream, model: MakeModel, reason: str, finished: str) -> None:
    server.play(text("a"), finish(reason), DONE)
    assert (await collect(model()))[-1].finish == finished


async def test_usage_that_is_repeated_counts_once_also_when_it_comes_first(server: Upstream, model: MakeModel) -> None:
    server.play(usage(10, 0), text("a"), usage(10, 1), text("b"), usage(10, 2, prompt_tokens_details={"cached_tokens": 8}), finish(), DONE)
    spent = [delta.usage for delta in await collect(model()) if delta.usage]
    assert spent == [Usage(input_tokens=10, output_tokens=2, cached_tokens=8)]


async def test_reasoning_refusal_and_a_second_choice_are_told_apart(server: Upstream, model: MakeModel) -> None:
    server.play(
        event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]}),
        event({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}),
        event({"choices": [{"index": 1, "delta": {"content": "another answer"}}]}),
        event({"choices": [{"index": 0, "delta": {"refusal": "no"}}]}),
        finish(),
        DONE,
    )
    deltas = await collect(model())
    assert "".join(delta.reasoning for delta in deltas) == "hm"
    assert "".join(delta.refusal for delta in deltas) == "no"
    assert said(deltas) == ""


STREAM = (
    b": ping\r\n\r\nevent: x\r\nid: 1\r\ndata: "
    + text("Grüße")[6:-2]
    + b"\r\n\r\n: ping\r\n"
    + finish()[:-2]
    + b"\r\n\r\nretry: 5\r\n"
    + DONE
)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((STREAM,), id="crlf, comments, other fields"),
        pytest.param(tuple(bytes([byte]) for byte in STREAM), id="single bytes"),
        pytest.param((b"\xef\xbb\xbf", text("Grüße"), finish(), DONE), id="byte order mark"),
        pytest.param((b"\xef", b"\xbb", b"\xbf" + text("Grüße"), finish(), DONE), id="byte order mark in pieces"),
        pytest.param((text("Grüße").replace(b"data: ", b"data:"), finish(), DONE), id="no blank after the colon"),
        pytest.param((b'data: {"choices": [{"delta":\ndata: {"content": "Gr\\u00fc\\u00dfe"}}]}\n\n', finish(), DONE), id="two data lines"),
        pytest.param((b"".join((text("Grüße"), finish(), DONE)),), id="all at once"),
        pytest.param((text("Grüße"), finish(), event(b"[DONE]", end=b"")), id="no line end at the end"),
    ],
)
async def test_events_in_every_shape(server: Upstream, model: MakeModel, steps: tuple[bytes, ...]) -> None:
    server.play(*steps)
    assert said(await collect(model())) == "Grüße"


async def test_a_large_event_is_read_and_a_giant_one_refused(server: Upstream, model: MakeModel) -> None:
    server.play(text("x" * 3_000_000), finish(), DONE)
    assert len(said(await collect(model()))) == 3_000_000
    server.scripts.clear()
    server.play(*[b"data: " + b"x" * 1_000_000] * 6)
    with pytest.raises(UpstreamError, match="more than 4 MB") as error:
        await collect(model())
    assert error.value.cause == "invalid"
    server.scripts.clear()
    server.play(*[b"data: " + b"x" * 100_000 + b"\n"] * 60, "hang")
    with pytest.raises(UpstreamError, match="more than 4 MB"):
        await collect(model())


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {half\n\n",
        event([1]),
        event({"choices": [None]}),
        event({"choices": [{"delta": "x"}]}),
        event({"choices": [{"delta": {"content": 5}}]}),
    ],
)
async def test_a_malformed_event_is_skipped_and_counted(server: Upstream, model: MakeModel, bad: bytes) -> None:
    server.play(text("a"), bad, text("b"), finish(), DONE)
    deltas = await collect(model())
    assert said(deltas) == "ab"
    assert sum(delta.extra.get("malformed", 0) for delta in deltas) == 1


async def test_malformed_events_stand_in_the_span(server: Upstream, model: MakeModel) -> None:
    from groundwork.gateway.wrappers import Traced

    server.play(text("a"), b"data: {half\n\n", finish(), DONE)
    recorder = Recorder("tr_1")
    with recording(recorder):
        await collect(Traced(model(), time.perf_counter))
    assert recorder.spans[0].attributes["groundwork.malformed_events"] == 1
    assert recorder.spans[0].status == "ok"
    assert recorder.spans[0].attributes["groundwork.time_to_first_token"] >= 0


WHOLE: list[list[Step]] = [[], ["cut"], ["reset"], ["hang"]]


@pytest.mark.parametrize("end", WHOLE, ids=str)
async def test_without_done_a_finished_answer_is_whole_and_its_usage_is_told(server: Upstream, model: MakeModel, end: list[Step]) -> None:
    server.play(text("whole"), finish(), usage(), *end)
    async with asyncio.timeout(4):
        deltas = await collect(model(stall=30.0, total=30.0))
    assert said(deltas) == "whole"
    assert deltas[-1].finish == "stop"
    assert end == ["reset"] or deltas[-1].usage == Usage(input_tokens=10, output_tokens=3)


CUTS: list[list[Step]] = [
    [],
    ["cut"],
    [text("ha")],
    [text("ha"), "cut"],
    [text("ha"), 0.1, "reset"],
    [text("ha"), DONE],
    [b"<html>busy</html>"],
]


@pytest.mark.parametrize("steps", CUTS, ids=lambda steps: f"{len(steps)}{steps[-1] if steps else ''}"[:20])
async def test_a_stream_that_ends_without_a_reason_is_cut(server: Upstream, model: MakeModel, steps: list[Step]) -> None:
    server.play(b": open\n\n", *steps)
    with pytest.raises(UpstreamError) as error:
        await collect(model())
    assert error.value.cause == "cut"


async def test_a_cut_in_compressed_data_is_a_cut(server: Upstream, model: MakeModel) -> None:
    whole = gzip.compress(b"".join((text("a"), text("b" * 400), finish(), DONE)))
    server.play(whole[: len(whole) // 2], "cut", headers="content-encoding: gzip\r\n")
    with pytest.raises(UpstreamError) as error:
        await collect(model())
    assert error.value.cause == "cut"


async def test_a_reset_before_any_header_and_a_closed_port_are_the_network(server: Upstream, model: MakeModel) -> None:
    server.play("reset")
    for made in (model(), model(url="http://127.0.0.1:1/v1")):
        with pytest.raises(UpstreamError) as error:
            await collect(made)
        assert error.value.cause == "network"
        assert error.value.retryable


LATE: list[tuple[list[Step], dict[str, float]]] = [
    (["hang"], {"first_token": 0.2}),
    ([b": open\n\n", "hang"], {"first_token": 0.2}),
    ([*[b": still thinking\n\n", 0.05] * 40], {"first_token": 0.3}),
    ([text("a"), "hang"], {"stall": 0.2}),
    ([text("a"), *[b": still thinking\n\n", 0.05] * 40], {"stall": 0.3}),
    ([text("a"), *[piece for byte in text("slow" * 20) for piece in (bytes([byte]), 0.02)]], {"stall": 0.3}),
    ([*[text("a"), 0.05] * 40], {"total": 0.4}),
]


@pytest.mark.parametrize(
    ("steps", "limits"), LATE, ids=["silent", "headers only", "comments only", "stall", "comments", "drops", "endless"]
)
async def test_limits_are_kept(server: Upstream, model: MakeModel, steps: list[Step], limits: dict[str, float]) -> None:
    server.play(*steps)
    started = time.monotonic()
    with pytest.raises(UpstreamError) as error:
        await collect(model(**limits))
    assert error.value.cause == "timeout"
    assert 0.15 < time.monotonic() - started < 1.5


async def test_a_slow_first_token_within_the_limit_is_waited_for(server: Upstream, model: MakeModel) -> None:
    server.play(b": open\n\n", 0.5, *HELLO)
    assert said(await collect(model(stall=0.2))) == "Hello"


async def test_a_pause_may_be_longer_than_the_wait_for_the_first_token(server: Upstream, model: MakeModel) -> None:
    server.play(text("Hel"), 0.6, *HELLO[1:])
    assert said(await collect(model(first_token=0.3))) == "Hello"


async def test_an_error_whose_body_never_ends_is_told_all_the_same(server: Upstream, model: MakeModel) -> None:
    server.play(b'{"error": {"message": "slow', "hang", status=429)
    async with asyncio.timeout(4):
        with pytest.raises(UpstreamError) as error:
            await collect(model(total=30.0))
    assert error.value.cause == "rate"


async def test_a_slow_reader_is_no_stall(server: Upstream, model: MakeModel) -> None:
    server.play(*HELLO[:2], *HELLO[2:])
    texts = []
    async for delta in model(stall=0.2).stream(Request(messages=(say("user", "hi"),))):
        texts.append(delta.text)
        await asyncio.sleep(0.3 if delta.text else 0)
    assert "".join(texts) == "Hello"


def refusal(status: int, error: object) -> dict[str, object]:
    return {"status": status, "kind": "application/json", "steps": [json.dumps(error).encode()]}


KEY = "sk-proj-THISISTHEKEY1234567890"
REFUSALS = [
    (400, {"error": {"message": "too long", "code": "context_length_exceeded"}}, "context", 400),
    (400, {"error": {"message": "This model's maximum context length is 8192 tokens"}}, "context", 400),
    (400, {"error": {"message": "filtered", "code": "content_filter"}}, "filter", 400),
    (400, {"error": {"message": "bad parameter", "code": None}}, "invalid", 502),
    (400, {"error": "bad parameter"}, "invalid", 502),
    (401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, "auth", 502),
    (403, {"error": {"message": f"{KEY} may not"}}, "auth", 502),
    (400, [{"error": {"message": f"API key {KEY} is bad", "status": "INVALID_API_KEY"}}], "auth", 502),
    (404, {"detail": "no such model"}, "invalid", 502),
    (408, {}, "timeout", 504),
    (429, {"error": {"message": "slow down"}}, "rate", 429),
    (500, {"error": {"message": "oops"}}, "overload", 503),
    (529, {"error": {"type": "overloaded_error"}}, "overload", 503),
    (307, {}, "invalid", 502),
]


@pytest.mark.parametrize(("status", "error", "cause", "ours"), REFUSALS, ids=lambda value: str(value)[:24])
async def test_statuses_are_causes(server: Upstream, model: MakeModel, status: int, error: object, cause: str, ours: int) -> None:
    body = json.dumps(error).encode()
    server.play(body[:9], 0.02, body[9:], status=status, kind="application/json", headers=f"location: {server.url}/elsewhere\r\n")
    with pytest.raises(UpstreamError) as failure:
        await collect(model(key=KEY))
    assert (failure.value.cause, failure.value.status, failure.value.upstream_status) == (cause, ours, status)
    assert KEY not in failure.value.what + failure.value.fix
    assert len(server.asked) == 1


async def test_a_providers_own_sentence_is_passed_on_but_for_keys(server: Upstream, model: MakeModel) -> None:
    server.play(b'{"error": {"message": "temperature must be below 2"}}', status=400)
    with pytest.raises(UpstreamError, match="temperature must be below 2"):
        await collect(model())
    server.scripts.clear()
    server.play(b"<html>gateway down</html>", status=502)
    with pytest.raises(UpstreamError, match="gateway down"):
        await collect(model())


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ({"message": "overloaded", "type": "overloaded_error"}, "overload"),
        ("something", "overload"),
        ({"message": "Rate limit reached", "code": "rate_limit_exceeded"}, "rate"),
        ({"message": "filtered", "code": "content_filter"}, "filter"),
        ({"message": "too long", "code": "context_length_exceeded"}, "context"),
        ({"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}, "auth"),
    ],
)
async def test_an_error_inside_a_stream_of_status_200_is_an_error(server: Upstream, model: MakeModel, error: object, cause: str) -> None:
    server.play(text("begun"), event({"error": error}), DONE)
    with pytest.raises(UpstreamError) as failure:
        await collect(model(key=KEY))
    assert failure.value.cause == cause
    assert KEY not in failure.value.what


async def test_leaving_early_closes_the_connection(server: Upstream, model: MakeModel) -> None:
    server.play(text("a"), "hang")
    async with aclosing(model().stream(Request(messages=(say("user", "hi"),)))) as deltas:
        async for _ in deltas:
            break
    async with asyncio.timeout(2):
        await server.gone.wait()


async def test_being_cancelled_closes_the_connection(server: Upstream, model: MakeModel) -> None:
    server.play(text("a"), "hang")
    task = asyncio.create_task(collect(model()))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(2):
        await server.gone.wait()


async def test_a_connection_serves_again(server: Upstream, model: MakeModel) -> None:
    server.play(b"".join(HELLO))
    made = model()
    for _ in range(3):
        assert said(await collect(made)) == "Hello"
        await asyncio.sleep(0.05)
    assert server.connections == 1
