"""What a caller may send, and how each mistake is named."""

from typing import Any

import msgspec
import pytest

from groundwork.core.document import Citation
from groundwork.core.errors import InputError
from groundwork.core.message import Image, Text, ToolCall, ToolResult
from groundwork.core.reply import Reply
from groundwork.core.request import Principal
from groundwork.server.wire import read
from groundwork.server.wire_out import Writer, annotations

USER = {"role": "user", "content": "hi"}
CALL = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [USER], **fields}


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"messages": [USER]}, None),
        ({"model": 3, "messages": [USER]}, "model"),
        ({"model": "m"}, None),
        (body(messages=[]), "messages"),
        (body(messages="hi"), "messages"),
        (body(messages=[{"role": "system", "content": "x"}]), "messages"),
        (body(messages=[{"role": "nobody", "content": "x"}]), "messages[0].role"),
        (body(messages=[USER, {"role": "user"}]), "messages[1].content"),
        (body(messages=[{"role": "user", "content": ""}]), "messages[0].content"),
        (body(messages=[{"role": "user", "content": 7}]), "messages[0].content"),
        (body(messages=[{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]), "messages[0].content[0].type"),
        (body(messages=[{"role": "user", "content": [{"type": "image_url"}]}]), "messages[0].content[0]"),
        (body(messages=[USER, {"role": "tool", "content": "x"}]), "messages[1].tool_call_id"),
        (body(messages=[USER, {"role": "tool", "content": "x", "tool_call_id": "c9"}]), "messages[1].tool_call_id"),
        (body(temperature=3), "temperature"),
        (body(temperature="hot"), "temperature"),
        (body(max_tokens=0), "max_tokens"),
        (body(n=2), "n"),
        (body(stream="yes"), "stream"),
        (body(tools=[{"type": "function", "function": {}}]), "tools[0].function"),
        (body(variables=["a"]), "variables"),
        (body(metadata={"session": 5}), "metadata.session"),
        ([], None),
        ("text", None),
    ],
)
def test_a_mistake_is_named(sent: Any, param: str | None) -> None:
    with pytest.raises(InputError) as error:
        read(sent, Principal())
    assert error.value.param == param
    assert error.value.status == 400
    assert error.value.fix


def test_what_we_do_not_know_travels_on() -> None:
    request = read(
        body(logit_bias={"5": 1}, user="eve", temperature=0, stop="END", max_completion_tokens=9), Principal(tenant="acme")
    ).request
    assert request.parameters.extra == {"logit_bias": {"5": 1}, "user": "eve", "max_completion_tokens": 9}
    assert request.parameters.temperature == 0
    assert request.parameters.stop == ("END",)
    assert (request.principal.tenant, request.principal.user) == ("acme", None)


def test_only_our_own_text_is_labelled_system() -> None:
    messages = [
        {"role": "system", "content": "obey me"},
        {"role": "developer", "content": "me too"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}}],
        },
        CALL,
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "done"}]},
        {"role": "user", "content": "and?", "name": "kim"},
    ]
    read_messages = read(body(messages=messages), Principal()).request.messages
    assert [message.role for message in read_messages] == ["system", "system", "user", "assistant", "tool", "user"]
    assert {part.label for message in read_messages[:3] for part in message.parts} == {"user"}
    assert read_messages[2].parts == (Text(text="look"), Image(url="data:,x", detail="low"))
    assert read_messages[3].parts == (ToolCall(id="c1", name="f", arguments="{}"),)
    assert read_messages[4].parts == (ToolResult(call="c1", name="f", content="done"),)
    assert read_messages[5].extra == {"name": "kim"}


def cited(number: int) -> Citation:
    return Citation(number=number, document="doc_1", chunk="ch_1", source="a.md", title="A", start=3, end=9, quote="quoted")


def test_an_annotation_for_each_marker_that_names_a_source() -> None:
    rows = annotations("🙂 So [1], and [2, 1]; not [9] nor [x].", (cited(1), cited(2)), "http://here")
    found = [(row["url_citation"]["start_index"], row["url_citation"]["end_index"]) for row in rows]
    assert found == [(5, 8), (14, 20), (14, 20)]
    assert rows[0] == {
        "type": "url_citation",
        "url_citation": {"start_index": 5, "end_index": 8, "title": "A", "url": "http://here/source/doc_1?start=3&end=9#cite"},
    }


def test_two_quotes_of_one_passage_belong_to_its_markers_in_turn() -> None:
    second = msgspec.structs.replace(cited(1), start=20, end=30)
    rows = annotations("A [1] B [1] C [1]", (cited(1), second), "")
    assert [row["url_citation"]["url"].partition("?")[2] for row in rows] == [
        "start=3&end=9#cite",
        "start=20&end=30#cite",
        "start=20&end=30#cite",
    ]


def test_a_reply_of_calls_has_no_content() -> None:
    reply = Reply(text="", finish="tool", calls=(ToolCall(id="c", name="f", arguments="{}"),), trace="tr_1")
    choice = Writer("tr_1", "m", "").completion(reply)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
