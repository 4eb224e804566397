"""The model that answers from a file."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ConfigError, UpstreamError
from groundwork.core.message import Message, Text, ToolResult, say
from groundwork.core.reply import Delta
from groundwork.core.request import Request
from groundwork.gateway.providers.scripted import ScriptedModel, read_script
from tests.gateway.conftest import collect, gather, said


def script(tmp_path: Path, *lines: dict[str, Any]) -> ScriptedModel:
    (tmp_path / "play.jsonl").write_text("\n\n".join(json.dumps(line) for line in lines))
    return read_script(tmp_path / "play.jsonl", "play/x", "groundwork.toml:3")


async def ask(model: ScriptedModel, *messages: Message) -> list[Delta]:
    return await collect(model, Request(messages=messages))


def result(name: str, content: str) -> Message:
    return Message(role="tool", parts=(ToolResult(call="c", name=name, content=content),))


async def test_the_first_line_that_matches_answers_whatever_the_case(tmp_path: Path) -> None:
    model = script(tmp_path, {"match": "open (ticket|case)", "answer": "A  few.\nReally."}, {"match": "ticket", "answer": "B"})
    deltas = await ask(model, say("user", "earlier ticket"), say("assistant", "B"), say("user", "any OPEN CASE?"))
    assert said(deltas) == "A  few.\nReally."
    assert len(deltas) == 4
    assert deltas[-1].finish == "stop"
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.input_tokens > 0
    assert said(await ask(model, say("user", "a ticket"))) == "B"


async def test_the_callers_words_are_matched_and_not_the_passages_around_them(tmp_path: Path) -> None:
    model = script(tmp_path, {"match": "lighthouse", "answer": "A"}, {"match": ".*", "answer": "B"})
    parts = (Text(text="The lighthouse is high. ", label="system"), Text(text="How long are backups kept?"))
    assert said(await ask(model, Message(role="user", parts=parts))) == "B"
    assert said(await ask(model, Message(role="user", parts=parts[:1]))) == "A"


async def test_no_line_is_an_error_with_a_fix(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError) as error:
        await ask(script(tmp_path, {"match": "x", "answer": "A"}), say("user", "y"))
    assert error.value.cause == "invalid"
    assert ".*" in error.value.fix


async def test_a_tool_is_called_once_and_its_result_answers(tmp_path: Path) -> None:
    model = script(
        tmp_path,
        {"after_tool": "find", "answer": "{{ result.rows | length }} rows, {{ result.name }}"},
        {"match": "rows", "tool": {"name": "find", "arguments": {"limit": 2}}},
        {"match": "rows", "answer": "The tool said nothing of use."},
    )
    deltas = await ask(model, say("user", "rows?"))
    (call,) = deltas[0].calls
    assert (call.name, json.loads(call.arguments), deltas[-1].finish) == ("find", {"limit": 2}, "tool")
    assert said(await ask(model, say("user", "rows?"), result("find", '{"rows": [1, 2], "name": "x"}'))) == "2 rows, x"
    assert said(await ask(model, say("user", "rows?"), result("other", "no"))) == "The tool said nothing of use."


async def test_a_result_that_is_no_json_is_text_and_a_template_that_fails_is_our_error(tmp_path: Path) -> None:
    assert said(await ask(script(tmp_path, {"after_tool": "find", "answer": "{{ result }}"}), result("find", "plain"))) == "plain"
    with pytest.raises(UpstreamError, match="cannot answer"):
        await ask(script(tmp_path, {"after_tool": "find", "answer": "{{ result.a.b }}"}), result("find", "plain"))


async def test_errors_cuts_and_delays(tmp_path: Path) -> None:
    model = script(
        tmp_path,
        {"match": "busy", "error": "overload"},
        {"match": "cut", "answer": "one two three", "cut_after": 2},
        {"match": "slow", "answer": "one two three", "delay_ms": 60},
    )
    with pytest.raises(UpstreamError) as error:
        await ask(model, say("user", "busy"))
    assert error.value.cause == "overload"
    seen: list[Delta] = []
    with pytest.raises(UpstreamError) as cut:
        await gather(model, seen)
    assert (cut.value.cause, said(seen)) == ("cut", "one two ")
    started = time.monotonic()
    await ask(model, say("user", "slow"))
    assert time.monotonic() - started >= 0.17


@pytest.mark.parametrize(
    "line", ['{"match": "(", "answer": "A"}', '{"mach": "x"}', '{"answer": "{{ x"}', "{", '{"error": "oops"}', '{"tool": {"nam": "x"}}']
)
def test_a_broken_line_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "play.jsonl").write_text(f'{{"match": "a", "answer": "b"}}\n\n{line}\n')
    with pytest.raises(ConfigError) as error:
        read_script(tmp_path / "play.jsonl", "play/x", "groundwork.toml:3")
    assert error.value.where == "play.jsonl:3"


def test_a_missing_script_is_refused_where_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read_script(tmp_path / "none.jsonl", "play/x", "groundwork.toml:3")
    assert error.value.where == "groundwork.toml:3"
