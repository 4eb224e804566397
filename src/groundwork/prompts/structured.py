"""Answers in a form: the schema goes into the prompt or to the provider, and what comes back is mended, checked, and asked for again.

What was cut off is never mended into something that looks whole: it leaves as it is, with the finish `length`. The libraries behind it
(json-repair, jsonschema-rs, PyYAML) are the extra `structured`, imported where a prompt asks for a form.
What this does not cover: forms of tool calls (`agents/tools.py`), and sampling under a grammar, which is the provider's work (`native`).
"""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from groundwork.core.errors import ConfigError, UpstreamError
from groundwork.core.message import Message, Text, say
from groundwork.core.ports import Model
from groundwork.core.reply import Delta
from groundwork.core.request import Request
from groundwork.core.text import shorten
from groundwork.core.whole import Bill, Whole, told
from groundwork.observe.recorder import span
from groundwork.prompts.front_matter import OutputFormat, OutputSection
from groundwork.prompts.instruct import instruct

_FENCE = re.compile(r"^\s*```[A-Za-z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_FAULTS_SHOWN = 5


class Read(NamedTuple):
    """An answer read into its form: the value as JSON, or what is wrong with it."""

    text: str = ""
    fault: str = ""
    repaired: bool = False


def check_schema(schema: Any, where: str) -> None:
    """Refuse what is no JSON Schema, or points out of itself. Raises ConfigError."""
    library = _library("jsonschema_rs")
    try:
        library.validator_for(schema, offline=True)
    except (ValueError, library.ReferencingError) as error:
        path = "/".join(str(step) for step in getattr(error, "instance_path", ()))
        said = getattr(error, "message", str(error))
        raise ConfigError(f"not a JSON Schema{f', at {path}' if path else ''}: {said}", where=where, fix="correct the schema") from None


def read_answer(text: str, output: OutputSection) -> Read:
    """Read a model's answer into the form. Never raises: what is wrong is said in `fault`, in words that the model can act on."""
    value, fault, repaired = _parse(text, output.format, repair=output.repair)
    if fault:
        return Read(fault=fault)
    faults = [
        f"at /{'/'.join(str(step) for step in error.instance_path)}: {error.message}"
        for error in _library("jsonschema_rs").validator_for(output.schema, offline=True).iter_errors(value)
    ]
    if faults:
        more = f" (and {len(faults) - _FAULTS_SHOWN} more)" if len(faults) > _FAULTS_SHOWN else ""
        return Read(fault="; ".join(shorten(one, 300) for one in faults[:_FAULTS_SHOWN]) + more, repaired=repaired)
    return Read(text=msgspec.json.encode(value).decode(), repaired=repaired)


def is_cut(text: str) -> bool:
    """Whether JSON ends inside of a string or an open bracket: it was cut off, whatever the provider says."""
    start = re.search(r"[{\[]", text)
    depth, quoted, escaped = 0, False, False
    for character in text[start.start() :] if start else "":
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = character == "\\", character != '"'
        elif character == '"':
            quoted = True
        else:
            depth += (character in "{[") - (character in "}]")
            if depth == 0:
                return False
    return depth > 0


def _parse(text: str, kind: OutputFormat, *, repair: bool) -> tuple[Any, str, bool]:
    """Value, fault, and whether something was mended."""
    fenced = _FENCE.match(text)
    bare = fenced[1] if fenced and repair else text
    if kind == "yaml":
        value, fault = _parse_yaml(bare)
        return value, fault, fenced is not None
    try:
        return msgspec.json.decode(bare.strip()), "", bare != text
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        if is_cut(bare):
            return None, "the JSON ends before it is complete", False
        if repair and re.search(r"[{\[]", bare):
            value = _library("json_repair").repair_json(bare, return_objects=True, skip_json_loads=True)
            if value not in ("", [], {}):
                return value, "", True
        return None, f"not valid JSON: {error}", False


def _parse_yaml(text: str) -> tuple[Any, str]:
    library = _library("yaml")
    try:
        if any(isinstance(event, library.AliasEvent) for event in library.parse(text, Loader=_yaml_loader())):
            return None, "an alias (`*name`) stands in the YAML; write the value out"
        value: Any = library.load(text, Loader=_yaml_loader())
        return msgspec.json.decode(msgspec.json.encode(value)), ""
    except (library.YAMLError, TypeError, ValueError, RecursionError, msgspec.DecodeError) as error:
        return None, f"not valid YAML: {shorten(str(error), 300)}"


@cache
def _yaml_loader() -> Any:
    """YAML with the types of JSON: no dates, and `yes`, `no`, `on`, `off` stay words. Source: YAML 1.2, section 10.2 (the JSON schema)."""
    library = _library("yaml")

    class Loader(library.SafeLoader):
        yaml_implicit_resolvers = {
            letter: [(tag, pattern) for tag, pattern in pairs if not tag.endswith((":timestamp", ":bool", ":merge"))]
            for letter, pairs in library.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
    return Loader


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise ConfigError(
            f"an answer in a form needs {name}, which is not installed", fix="pip install 'groundwork-ai[structured]'"
        ) from None


@dataclass(frozen=True, slots=True)
class Structured:
    """Holds an answer back until it fits its schema; asks again with what was wrong, a bounded number of times.

    What is no answer (a tool call, a refusal, something cut off or blocked) passes as it is. Raises UpstreamError (invalid) where the model
    does not come to the form: a caller that reads JSON is never handed something else as success.
    """

    source: Model
    output: OutputSection

    @property
    def name(self) -> str:
        return self.source.name

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        bill = Bill()
        with span("structured output") as attributes:
            whole = await self._settle(_asking(request, self.output), bill, attributes)
        for delta in told(whole, bill):
            yield delta

    async def _settle(self, request: Request, bill: Bill, attributes: dict[str, Any]) -> Whole:
        fault = ""
        for attempt in range(1, self.output.retries + 2):
            whole = await bill.take(self.source, request)
            attributes["groundwork.output.attempts"] = attempt
            if not whole.is_answer:
                attributes["groundwork.output"] = "cut off" if whole.finish == "length" else "no answer"
                return whole
            read = read_answer(whole.text, self.output)
            if not read.fault:
                attributes["groundwork.output"] = "repaired" if read.repaired else "valid"
                return msgspec.structs.replace(whole, text=read.text, logprobs=())
            fault = attributes["groundwork.output.fault"] = read.fault
            request = _again(request, whole.text, fault)
        attributes["groundwork.output"] = "invalid"
        attempts = f"{bill.calls} attempts" if bill.calls > 1 else "its only attempt"
        raise UpstreamError(
            f"{self.name} did not come to the form of the answer in {attempts}: {fault}",
            cause="invalid",
            fix="simplify the schema, raise `retries` in the prompt's output, or use a stronger model",
        )


def _asking(request: Request, output: OutputSection) -> Request:
    """The request with the schema: to the provider, or in words."""
    if output.native:
        named = {"type": "json_schema", "json_schema": {"name": "answer", "schema": output.schema, "strict": True}}
        return msgspec.structs.replace(request, parameters=msgspec.structs.replace(request.parameters, response_format=named))
    schema = msgspec.json.encode(output.schema).decode()
    kind = "YAML" if output.format == "yaml" else "JSON"
    return instruct(request, f"Answer with {kind} alone, no words around it, that fits this JSON Schema:\n{schema}")


def _again(request: Request, answer: str, fault: str) -> Request:
    """The conversation gone on: what was said, and what is wrong with it. The fault may quote the answer, so it is the model's word."""
    parts = (
        Text(text="That does not fit: ", label="system"),
        Text(text=fault, label="model"),
        Text(text=". Write the whole answer again, corrected.", label="system"),
    )
    turns = (say("assistant", answer), Message(role="user", parts=parts))
    return msgspec.structs.replace(request, messages=(*request.messages, *turns))
