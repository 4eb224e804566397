r"""A model's own chat template: what a conversation looks like to the model, and whether a prompt written by hand looks the same.

Reads `tokenizer_config.json` (or a `.jinja` file) as Hugging Face's transformers does: Jinja with `trim_blocks`, `lstrip_blocks` and loop
controls, `raise_exception`, `strftime_now`, `tojson` that escapes no HTML, the `generation` block, `bos_token` and `eos_token`, `tools`,
`documents` and `add_generation_prompt`. It runs in a sandbox: a template comes from whoever published the model.
Source: the documentation of transformers, "Chat templates" and "Writing a chat template".
What this does not cover: turning the text into tokens, images, and templates that need Python's `datetime` or other globals.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import jinja2
import msgspec
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.message import Message, ToolCall, ToolResult
from groundwork.core.tool import Tool

_SHOWN = 24
"""Characters of context that a difference shows on each side."""


class ChatTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template with the tokens it names."""

    name: str
    source: str
    bos_token: str = ""
    eos_token: str = ""


class Difference(NamedTuple):
    """Where a prompt leaves its template: the line (from 1), the character in the whole (from 0), and both sides with blanks made visible."""

    line: int
    at: int
    expected: str
    found: str
    what: str


def read_chat_template(path: Path, variant: str = "") -> ChatTemplate:
    """Read a template from `tokenizer_config.json` or a `.jinja` file. `variant` names one of several. Raises ConfigError."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", fix="name a tokenizer_config.json or a .jinja file") from None
    if path.suffix in {".jinja", ".jinja2"}:
        return _checked(ChatTemplate(name=path.name, source=text))
    try:
        config = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ConfigError(f"not a JSON object: {error}", where=path.name, fix="name the model's tokenizer_config.json") from None
    source = _variant(config.get("chat_template"), variant, path.name)
    return _checked(
        ChatTemplate(name=path.name, source=source, bos_token=_token(config, "bos_token"), eos_token=_token(config, "eos_token"))
    )


def render_chat(
    template: ChatTemplate,
    messages: Sequence[Message],
    *,
    tools: Sequence[Tool] = (),
    add_generation_prompt: bool = True,
    variables: Mapping[str, Any] | None = None,
    clock: Callable[[], time.struct_time] = time.localtime,
) -> str:
    """The text that the model reads. Raises InputError where the template refuses the conversation, ConfigError where it fails by itself."""
    values: dict[str, Any] = {
        "messages": [wire_message(message) for message in messages],
        "tools": [wire_tool(tool) for tool in tools] or None,
        "documents": None,
        "add_generation_prompt": add_generation_prompt,
        "bos_token": template.bos_token,
        "eos_token": template.eos_token,
        **(variables or {}),
    }
    try:
        return _environment(clock).from_string(template.source).render(values)
    except _RefusedError as error:
        raise InputError(
            f"the chat template of {template.name} refuses the conversation: {error}", fix="send messages as it asks"
        ) from None
    except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ConfigError(
            f"the chat template fails: {error}", where=template.name, fix="correct the template, or take the model's newest"
        ) from None


def find_difference(expected: str, found: str) -> Difference | None:
    """The first place where a prompt leaves what the template makes of the same messages; None where they are equal."""
    if expected == found:
        return None
    at = next(
        (place for place, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other), min(len(expected), len(found))
    )
    wanted, got = expected[at : at + 1], found[at : at + 1]
    if expected[at:] == found[at + 1 :] or (got == "\n" != wanted):
        what = f"one {_named(got)} too many" if got else "it ends too early"
    elif expected[at + 1 :] == found[at:] or (wanted == "\n" != got):
        what = f"a {_named(wanted)} is missing" if wanted else "it goes on too long"
    else:
        what = (
            "it ends too early"
            if not got
            else "it goes on too long"
            if not wanted
            else f"{_named(got)} stands in place of {_named(wanted)}"
        )
    around = slice(max(0, at - _SHOWN), at + _SHOWN)
    return Difference(expected.count("\n", 0, at) + 1, at, visible(expected[around]), visible(found[around]), what)


def visible(text: str) -> str:
    """A text on one line, whose line ends, tabs and odd blanks can be seen."""
    shown = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in shown)


def wire_message(message: Message) -> dict[str, Any]:
    """A message as templates expect it: role, content as text, tool calls with their arguments as objects."""
    result = next((part for part in message.parts if isinstance(part, ToolResult)), None)
    if result is not None:
        return {"role": "tool", "name": result.name, "tool_call_id": result.call, "content": result.content}
    wire: dict[str, Any] = {"role": message.role, "content": message.text}
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    if calls:
        wire["tool_calls"] = [
            {"type": "function", "id": call.id, "function": {"name": call.name, "arguments": _arguments(call.arguments)}} for call in calls
        ]
    return wire


def wire_tool(tool: Tool) -> dict[str, Any]:
    """A tool as templates expect it."""
    return {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema}}


class _RefusedError(jinja2.TemplateError):
    """What a template raises by itself."""


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks what an assistant says, for training; for reading it is no more than its content."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment(clock: Callable[[], time.struct_time]) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation])
    made.filters["tojson"] = _to_json

    def strftime_now(form: str) -> str:
        return time.strftime(form, clock())

    cast(dict[str, Any], made.globals).update(raise_exception=_refuse, strftime_now=strftime_now)
    return made


def _refuse(message: str) -> str:
    raise _RefusedError(message)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
    """Jinja's own `tojson` would escape `<`, `>`, `&` and `'` for HTML, which no model was trained on."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _checked(template: ChatTemplate) -> ChatTemplate:
    try:
        _environment(time.localtime).parse(template.source)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(
            f"not a chat template: {error.message}", where=f"{template.name}:{error.lineno}", fix="correct it; it is Jinja2"
        ) from None
    return template


def _variant(found: Any, variant: str, where: str) -> str:
    """The template itself, of one or of several."""
    if isinstance(found, str) and not variant:
        return found
    rows = cast(list[Any], found) if isinstance(found, list) else []
    named: dict[str, str] = {str(row.get("name")): str(row.get("template")) for row in rows if isinstance(row, dict)}
    if not named:
        raise ConfigError("there is no chat_template in it", where=where, fix="a base model has none; take an instruction-tuned one's")
    if (variant or "default") not in named:
        raise unknown("chat template", variant or "default", named, where)
    return named[variant or "default"]


def _token(config: Mapping[str, Any], name: str) -> str:
    """A special token, written as text or as an object with its content."""
    found = config.get(name)
    return str(cast(dict[str, Any], found).get("content", "")) if isinstance(found, dict) else str(found or "")


def _arguments(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _named(character: str) -> str:
    return {"\n": "newline", " ": "blank", "\t": "tab", "\r": "carriage return", "": "nothing"}.get(character, f"{visible(character)!r}")
