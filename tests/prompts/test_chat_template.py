"""Chat templates rendered as models read them, and a prompt written by hand held against them."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError, InputError
from groundwork.core.message import Message, ToolCall, ToolResult, say
from groundwork.core.tool import Tool
from groundwork.prompts.chat_template import ChatTemplate, find_difference, read_chat_template, render_chat, visible

DATA = Path(__file__).parents[1] / "data" / "chat_templates"
TALK = (say("user", "Why?"), say("assistant", "Because <b> & 'c'."), say("user", "And so?"))
TOKENS = {"chatml": ("", ""), "llama3": ("", ""), "inst": ("<s>", "</s>"), "turns": ("<bos>", "")}


def read(name: str) -> ChatTemplate:
    bos, eos = TOKENS[name]
    return msgspec.structs.replace(read_chat_template(DATA / f"{name}.jinja"), bos_token=bos, eos_token=eos)


def conversation(name: str) -> tuple[Message, ...]:
    return TALK if name == "turns" else (say("system", "Be brief."), *TALK)


@pytest.mark.parametrize("name", TOKENS)
def test_a_conversation_is_rendered_as_the_format_is_documented(name: str) -> None:
    assert render_chat(read(name), conversation(name)) == (DATA / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", TOKENS)
def test_a_prompt_that_is_right_differs_nowhere_and_every_other_newline_is_found(name: str) -> None:
    right = render_chat(read(name), conversation(name))
    assert find_difference(right, right) is None
    for place in range(len(right) + 1):
        wrong = right[:place] + "\n" + right[place:]
        difference = find_difference(right, wrong)
        assert difference is not None
        assert difference.what in {"one newline too many", "it goes on too long"}
        assert right[: difference.at] == wrong[: difference.at]


@given(st.text(alphabet="ab \n", max_size=12), st.text(alphabet="ab \n", max_size=12))
def test_the_first_difference_is_where_it_is_said_to_be(expected: str, found: str) -> None:
    difference = find_difference(expected, found)
    if difference is None:
        assert expected == found
    else:
        assert expected[: difference.at] == found[: difference.at]
        assert expected[difference.at : difference.at + 1] != found[difference.at : difference.at + 1]


@pytest.mark.parametrize(
    ("expected", "found", "line", "what"),
    [
        ("a\nb", "a\n\nb", 2, "one newline too many"),
        ("a\n\nb", "a\nb", 2, "a newline is missing"),
        ("a\nb", "a b", 1, "a newline is missing"),
        ("a b", "ab", 1, "a blank is missing"),
        ("ab", "xb", 1, "'x' stands in place of 'a'"),
        ("abc", "a", 1, "it ends too early"),
        ("a", "a more", 1, "it goes on too long"),
    ],
)
def test_a_difference_says_what_it_is(expected: str, found: str, line: int, what: str) -> None:
    difference = find_difference(expected, found)
    assert difference is not None
    assert (difference.line, difference.what) == (line, what)


def test_blanks_are_made_visible() -> None:
    assert visible("a\n\tb\\n\u00a0\u200b") == "a\\n\\tb\\\\n\\u00a0\\u200b"
    difference = find_difference("<|im_start|>user\nHi", "<|im_start|>user\n\nHi")
    assert difference is not None
    assert (difference.expected, difference.found) == ("<|im_start|>user\\nHi", "<|im_start|>user\\n\\nHi")


def template(source: str) -> ChatTemplate:
    return ChatTemplate(name="t", source=source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% if true %}\nA\n{% endif %}\nB", "A\nB"),
        ("    {% if true %}A{% endif %}", "A"),
        ("{{ {'a': '<b>&\\'ä'} | tojson }}", '{"a": "<b>&\'ä"}'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        ("{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.content }}{% endfor %}", "Why?"),
        ("{% generation %}A{{ 1 }}{% endgeneration %}B", "A1B"),
        ("{{ undefined_name }}{{ custom_name | default('none') }}", "none"),
        ("{{ strftime_now('%Y') }}", "2026"),
        ("{% if tools is none and documents is none and add_generation_prompt %}yes{% endif %}", "yes"),
    ],
)
def test_the_semantics_are_those_of_transformers(source: str, text: str) -> None:
    moment = time.struct_time((2026, 11, 21, 0, 0, 0, 5, 325, 0))
    assert render_chat(template(source), TALK, clock=lambda: moment) == text


def test_tools_their_calls_and_results_are_passed_as_objects() -> None:
    call = Message(role="assistant", parts=(ToolCall(id="c1", name="find", arguments='{"q": "a"}'),))
    result = Message(role="tool", parts=(ToolResult(call="c1", name="find", content="42"),))
    tool = Tool(name="find", description="Finds.", schema={"type": "object"})
    source = (
        "{{ tools[0].function.name }} {% for m in messages %}{% if m.tool_calls %}{{ m.tool_calls[0].function.arguments.q }} {% endif %}"
    )
    source += "{% if m.role == 'tool' %}{{ m.name }}={{ m.content }}{% endif %}{% endfor %}"
    assert render_chat(template(source), (call, result), tools=(tool,)) == "find a find=42"
    assert '"name": "find"' in render_chat(read("chatml"), TALK, tools=(tool,))


def test_a_template_may_refuse_a_conversation() -> None:
    with pytest.raises(InputError, match="refuses the conversation: roles must alternate"):
        render_chat(read("turns"), (say("user", "a"), say("user", "b")))
    with pytest.raises(InputError, match="the system role is not supported"):
        render_chat(read("turns"), (say("system", "a"),))


@pytest.mark.parametrize(
    "source", ["{{ messages.append(1) }}", "{{ ''.__class__.__mro__ }}", "{{ messages[9].content.x }}", "{{ 1 / 0 }}", "{{ range(10**9) }}"]
)
def test_a_template_that_fails_or_reaches_out_is_a_fault_of_its_own(source: str) -> None:
    with pytest.raises(ConfigError, match="the chat template fails"):
        render_chat(template(source), TALK)


def config(path: Path, **fields: Any) -> Path:
    file = path / "tokenizer_config.json"
    file.write_text(json.dumps(fields))
    return file


def test_a_tokenizers_file_is_read_with_its_tokens(tmp_path: Path) -> None:
    read = read_chat_template(
        config(tmp_path, chat_template="{{ bos_token }}x{{ eos_token }}", bos_token={"content": "<s>"}, eos_token="</s>")
    )
    assert render_chat(read, TALK) == "<s>x</s>"
    several = [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]
    assert read_chat_template(config(tmp_path, chat_template=several)).source == "d"
    assert read_chat_template(config(tmp_path, chat_template=several), "tool_use").source == "t"
    with pytest.raises(ConfigError) as error:
        read_chat_template(config(tmp_path, chat_template=several), "tool_uses")
    assert error.value.fix == "did you mean `tool_use`?"


def test_what_is_no_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no chat_template"):
        read_chat_template(config(tmp_path, bos_token="<s>"))
    with pytest.raises(ConfigError, match=r"^tokenizer_config.json:2: not a chat template"):
        read_chat_template(config(tmp_path, chat_template="\n{% if %}"))
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(ConfigError, match="not a JSON object"):
        read_chat_template(tmp_path / "x.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_chat_template(tmp_path / "none.json")
