"""Tools from plain functions: the signature becomes the schema, and every call is checked against it before anything runs."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from groundwork.agents.config import ToolSection
from groundwork.core import functions
from groundwork.core.config import Written
from groundwork.core.errors import ConfigError
from groundwork.core.message import ToolCall, ToolResult
from groundwork.core.tool import Tool
from groundwork.observe.recorder import span

_MAX_RESULT = 20_000
"""Characters of a result that a model gets; more is cut and said to be cut."""


class FunctionTool:
    """A user's function with its declaration."""

    def __init__(self, name: str, function: Callable[..., Any], seconds: float, where: str) -> None:
        self.function = function
        self.seconds = seconds
        self.arguments = _struct(name, function, where)
        self.declaration = Tool(name=name, description=inspect.cleandoc(function.__doc__ or name), schema=_schema(self.arguments))

    async def call(self, call: ToolCall) -> ToolResult:
        """Check the arguments and run. What goes wrong goes back to the model as a failed result, so that it can mend its call."""
        with span(f"execute_tool {call.name}") as attributes:
            attributes |= {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": call.name,
                "gen_ai.tool.call.arguments": call.arguments,
            }
            try:
                arguments = msgspec.json.decode(call.arguments or "{}", type=self.arguments)
            except msgspec.DecodeError as error:
                return _failed(call, f"the arguments do not fit the schema: {error}", attributes)
            named = {field: getattr(arguments, field) for field in arguments.__struct_fields__}
            try:
                value = await functions.call(self.function, seconds=self.seconds, **named)
                content = (value.encode(errors="replace") if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str)).decode()
            except TimeoutError:
                return _failed(call, f"{call.name} took more than {self.seconds:g} s", attributes)
            except Exception as error:  # noqa: BLE001  a user's function may raise or return anything; the model is told
                return _failed(call, f"{type(error).__name__}: {error}", attributes)
            if len(content) > _MAX_RESULT:
                content = f"{content[:_MAX_RESULT]}… (cut: {len(content):,} characters)"
            attributes["gen_ai.tool.call.result"] = content
            return ToolResult(call=call.id, name=call.name, content=content)


def load_tools(sections: Mapping[str, ToolSection], root: Path, written: Written) -> dict[str, FunctionTool]:
    """Every tool of the configuration. Raises ConfigError with file:line for a missing function or one whose types say nothing."""
    tools: dict[str, FunctionTool] = {}
    for name, section in sections.items():
        where = written.where(("tools", name, "run"))
        if section.write:
            at = written.where(("tools", name, "write"))
            raise ConfigError(
                f"`tools.{name}` is a write action",
                where=at,
                fix="write actions need approvals, which this version does not have yet; remove the tool",
            )
        tools[name] = FunctionTool(name, functions.load(section.run, root, where), section.timeout.seconds, where)
    return tools


def _struct(name: str, function: Callable[..., Any], where: str) -> type[msgspec.Struct]:
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise ConfigError(
            f"a type in the signature of {name} cannot be found: {error}", where=where, fix="import the type in the tool's module"
        ) from None
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise ConfigError(f"{name} takes `{parameter}`", where=where, fix="give a tool plain, named parameters")
        if parameter.name not in hints:
            raise ConfigError(
                f"the parameter `{parameter.name}` of {name} has no type",
                where=where,
                fix=f"write `{parameter.name}: str`, or another type",
            )
        kind = hints[parameter.name]
        fields.append((parameter.name, kind) if parameter.default is parameter.empty else (parameter.name, kind, parameter.default))
    try:
        struct = msgspec.defstruct(f"{name}_arguments", fields, forbid_unknown_fields=True, kw_only=True)
        msgspec.json.schema(struct)
    except TypeError as error:
        raise ConfigError(
            f"the signature of {name} has a type without a schema: {error}",
            where=where,
            fix="use str, int, float, bool, Literal, list or dict",
        ) from None
    return struct


def _schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    (schema,), definitions = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    own = definitions.pop(struct.__name__, schema)
    own = {**own, "$defs": definitions} if definitions else dict(own)
    own.pop("title", None)
    return own


def _failed(call: ToolCall, reason: str, attributes: dict[str, Any]) -> ToolResult:
    attributes["error.type"] = reason
    return ToolResult(call=call.id, name=call.name, content=reason, failed=True)
