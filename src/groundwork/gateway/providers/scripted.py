"""A model that answers from a file: for demonstrations, tests and planted defects. It ships, because users' tests need one too.

JSON Lines; the first line that matches answers:

    {"match": "open tickets", "tool": {"name": "find_tickets", "arguments": {"status": "open"}}}
    {"after_tool": "find_tickets", "answer": "There are {{ result.count }} of them."}
    {"match": "overloaded", "error": "overload"}
    {"match": ".*", "answer": "I know nothing of that."}
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from jinja2.sandbox import ImmutableSandboxedEnvironment

from groundwork.core.config import Section
from groundwork.core.errors import Cause, ConfigError, UpstreamError
from groundwork.core.ids import content_id
from groundwork.core.message import Text, ToolResult
from groundwork.core.reply import CallPiece, Delta, Usage
from groundwork.core.request import Request
from groundwork.core.text import words

_WORD = re.compile(r"\S+\s*|\s+")


class ScriptedCall(Section, frozen=True, kw_only=True):
    """A call to ask for."""

    name: str
    arguments: dict[str, Any] = {}


class Line(Section, frozen=True, kw_only=True):
    """One line of a script. `match` is a regular expression on the caller's own words (not on the prompt and passages around them); `after_tool` matches the turn after that tool's result."""

    match: str = ""
    after_tool: str = ""
    answer: str = ""
    tool: ScriptedCall | None = None
    error: Cause | None = None
    delay_ms: float = 0.0
    """Between two words."""
    cut_after: int | None = None
    """Breaks off after so many words."""


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """Answers from its lines, word by word."""

    name: str
    lines: tuple[Line, ...]

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        line, result = self._choose(request)
        if line.error is not None:
            raise UpstreamError(f"the script says: {line.error}", cause=line.error, fix="this error is scripted")
        spent = sum(len(words(message.text)) for message in request.messages)
        if line.tool is not None:
            arguments = msgspec.json.encode(line.tool.arguments).decode()
            identifier = content_id("call", line.tool.name, arguments, str(len(request.messages)))
            yield Delta(calls=(CallPiece(index=0, id=identifier, name=line.tool.name, arguments=arguments),), model=self.name)
            yield Delta(finish="tool", usage=Usage(input_tokens=spent, output_tokens=len(words(arguments))))
            return
        answer = self._render(line.answer, result)
        for place, word in enumerate(_WORD.findall(answer)):
            if line.cut_after is not None and place >= line.cut_after:
                raise UpstreamError("the script breaks off here", cause="cut", fix="this error is scripted")
            if line.delay_ms:
                await asyncio.sleep(line.delay_ms / 1000)
            yield Delta(text=word, model=self.name if place == 0 else None)
        yield Delta(finish="stop", usage=Usage(input_tokens=spent, output_tokens=len(words(answer))))

    def _render(self, template: str, result: Any) -> str:
        try:
            return ImmutableSandboxedEnvironment().from_string(template).render(result=result)
        except (jinja2.TemplateError, ArithmeticError, TypeError, ValueError) as error:
            raise UpstreamError(
                f"the script {self.name!r} cannot answer: {error}", cause="invalid", fix="correct the template in the script"
            ) from None

    def _choose(self, request: Request) -> tuple[Line, Any]:
        last = request.messages[-1] if request.messages else None
        results = [part for part in last.parts if isinstance(part, ToolResult)] if last else []
        asked = _asked(request)
        for line in self.lines:
            if line.after_tool:
                found = next((result for result in results if result.name == line.after_tool), None)
                if found is not None:
                    return line, _value(found.content)
            elif re.search(line.match, asked, re.IGNORECASE) and not (results and line.tool):
                return line, None
        raise UpstreamError(
            f"no line of the script {self.name!r} matches", cause="invalid", fix='end the script with {"match": ".*", "answer": "…"}'
        )


def read_script(path: Path, name: str, where: str) -> ScriptedModel:
    """Read a script. Raises ConfigError with file:line for a missing file or a broken line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the script {path.name} cannot be read: {error}", where=where, fix="name an existing UTF-8 file") from None
    lines: list[Line] = []
    for number, row in enumerate(text.splitlines(), start=1):
        if not row.strip():
            continue
        at = f"{path.name}:{number}"
        try:
            line = msgspec.json.decode(row, type=Line)
            re.compile(line.match)
            ImmutableSandboxedEnvironment().parse(line.answer)
        except (msgspec.DecodeError, re.error, jinja2.TemplateSyntaxError) as error:
            raise ConfigError(f"not a line of a script: {error}", where=at, fix='write {"match": "…", "answer": "…"}') from None
        lines.append(line)
    return ScriptedModel(name, tuple(lines))


def _asked(request: Request) -> str:
    """The caller's part of the last user message; all of it where nothing there is the caller's."""
    last = next((message for message in reversed(request.messages) if message.role == "user"), None)
    own = "".join(part.text for part in last.parts if isinstance(part, Text) and part.label == "user") if last else ""
    return own or request.question


def _value(content: str) -> Any:
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return content
