"""The official client against the real server."""

from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.serving import Served


def question(text: str) -> Any:
    return [{"role": "user", "content": text}]


def test_a_plain_answer(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="play", messages=question("hi"))
    assert answer.choices[0].message.content == "Hello, this is the answer."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    extension = answer.model_extra["groundwork"]
    assert extension.keys() == {"trace", "citations", "verdicts"}
    assert extension["trace"].startswith("tr_")


def test_a_stream_adds_up_to_the_plain_answer(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(model="play", messages=question("hi"), stream=True, stream_options={"include_usage": True})
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Hello, this is the answer."
    finals = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert [chunk.choices[0].finish_reason for chunk in finals] == ["stop"]
    assert finals[0].model_extra["groundwork"]["trace"].startswith("tr_")
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {"stage/one"}


def test_usage_comes_only_where_asked_for(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="play", messages=question("hi"), stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_our_tools_run_here(client: OpenAI, server: Served) -> None:
    answer = client.chat.completions.create(model="play", messages=question("how many cups are there?"))
    assert answer.choices[0].message.content == "There are 7 of them."
    assert answer.choices[0].message.tool_calls is None
    _, _, trace = server.ask("GET", f"/v1/traces/{answer.model_extra['groundwork']['trace']}")
    assert "execute_tool stock" in [step["name"] for step in trace["steps"]]


WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"town": {"type": "string"}}}},
}


@pytest.mark.parametrize("stream", [False, True])
def test_the_callers_tools_are_the_callers_to_run(client: OpenAI, stream: bool) -> None:
    asked = question("what is the weather?")
    if stream:
        chunks = list(client.chat.completions.create(model="play", messages=asked, tools=[WEATHER], stream=True))
        pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
        identifier, name = pieces[0].id, pieces[0].function.name
        arguments = "".join(piece.function.arguments or "" for piece in pieces)
        finish = chunks[-1].choices[0].finish_reason
    else:
        choice = client.chat.completions.create(model="play", messages=asked, tools=[WEATHER]).choices[0]
        call = choice.message.tool_calls[0]
        identifier, name, arguments, finish = call.id, call.function.name, call.function.arguments, choice.finish_reason
        assert choice.message.content is None
    assert (name, arguments, finish) == ("weather", '{"town":"Orrin"}', "tool_calls")
    calls = [{"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}]
    more = [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": identifier, "content": '{"sky": "grey"}'},
    ]
    answer = client.chat.completions.create(model="play", messages=[*asked, *more], tools=[WEATHER])
    assert answer.choices[0].message.content == "It is grey."


def test_a_tool_of_ours_cannot_be_shadowed(client: OpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "stock"}}
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model="play", messages=question("hi"), tools=[tool])
    assert error.value.param == "tools"


def test_a_cut_stream_is_never_presented_as_success(client: OpenAI, server: Served) -> None:
    texts: list[str] = []
    stream = client.chat.completions.create(model="play", messages=question("broken"), stream=True)
    with pytest.raises(openai.APIError) as error:
        texts.extend(chunk.choices[0].delta.content or chunk.choices[0].finish_reason or "" for chunk in stream)
    assert "".join(texts) == "This will never "
    assert error.value.code == "upstream_cut"
    status, _, text = server.say("broken", stream=True)
    assert status == 200
    assert "[DONE]" not in text
    assert '"error":{' in text.splitlines()[-2]


def test_what_fails_before_the_first_word_is_an_http_error(client: OpenAI, server: Served) -> None:
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError) as error:
            client.chat.completions.create(model="play", messages=question("overloaded"), stream=stream)
        assert error.value.status_code == 503
        assert error.value.code == "upstream_overload"
        assert error.value.response.headers["retry-after"] == "1"
        body: Any = error.value.body
        assert body["retryable"] is True
        assert body["fix"]
        assert server.ask("GET", f"/v1/traces/{body['trace']}")[2]["status"] == "error"


def test_an_answer_that_a_rail_blocks_says_so(client: OpenAI) -> None:
    plain = client.chat.completions.create(model="play", messages=question("empty"))
    assert plain.choices[0].finish_reason == "content_filter"
    chunks = list(client.chat.completions.create(model="play", messages=question("empty"), stream=True))
    assert chunks[-1].choices[0].finish_reason == "content_filter"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == plain.choices[0].message.content
    assert plain.model_extra["groundwork"]["verdicts"][0]["rail"] == "empty"


def test_names_of_models(client: OpenAI, server: Served) -> None:
    assert [model.id for model in client.models.list()] == ["play", "play/short", "quick", "other"]
    assert client.models.retrieve("play/short").id == "play/short"
    assert client.chat.completions.create(model="play/short", messages=question("hi")).model == "stage/two"
    with pytest.raises(openai.NotFoundError) as error:
        client.chat.completions.create(model="quik", messages=question("hi"))
    assert error.value.code == "model_not_found"
    assert error.value.body["fix"] == "did you mean `quick`?"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_a_model_alias_reaches_the_gateway_only(client: OpenAI, server: Served) -> None:
    answer = client.chat.completions.create(
        model="other", messages=question("how many? my key is sk-proj-abcdefghijklmnopqrstuvwxyz123456")
    )
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "stock"  # no tool of the application runs: the call is the caller's
    trace = server.run(_trace(server, answer.model_extra["groundwork"]["trace"]))
    assert trace.route == "other"
    assert trace.rendered is None
    assert "abcdefghijklm" not in str(trace)


def test_the_deadline_of_a_request(server: Served) -> None:
    status, _, body = server.say("forever", headers={"groundwork-timeout": "400ms"})
    assert (status, body["error"]["code"]) == (504, "upstream_timeout")
    assert server.say("hi", headers={"groundwork-timeout": "soon"})[0] == 400


def test_session_and_episode_reach_the_trace(server: Served) -> None:
    _, _, one = server.say("hi", session="s1", episode="e1")
    _, _, two = server.say("hi", metadata={"session": "s2", "colour": "blue"})
    traces = [server.run(_trace(server, body["groundwork"]["trace"])) for body in (one, two)]
    assert [(trace.session, trace.episode) for trace in traces] == [("s1", "e1"), ("s2", None)]
    assert traces[1].request["parameters"]["extra"] == {"metadata": {"colour": "blue"}}


async def _trace(server: Served, identifier: str) -> Any:
    await server.live.folder.traces.flush()
    return await server.live.folder.trace_store.get(identifier)
