"""Rendering a prompt into messages whose every part still says where it came from.

Whatever an expression prints goes into the template's output as a marker, never as text, and is put back as a part of its own with its
own label. So a question or a document can neither pose as the prompt nor as another document, and a reader model gets its passages as such.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import jinja2
import msgspec

from groundwork.core.document import Found, Hit
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.message import AnyPart, Label, Message, Source, Text
from groundwork.core.request import Parameters, Request
from groundwork.prompts.few_shot import Shot
from groundwork.prompts.file import environment
from groundwork.prompts.front_matter import HintsSection, Prompt

_MARK = "\0"
_LIMIT = "max_completion_tokens"
"""Another name of `max_tokens`, which travels as it came."""


class Labelled(str):
    """Text with its label. Filters give plain text back, which counts as the caller's."""

    __slots__ = ("label",)
    label: Label


class Passage:
    """What a template sees of a source: `number`, `title`, `path`, `text`; printed as a whole it becomes a part."""

    def __init__(self, hit: Hit, number: int) -> None:
        self._hit = hit  # out of a template's reach: its texts may hold markers
        self.number = number
        self.title = _labelled(hit.chunk.prefix, "source")
        self.path = _labelled(hit.chunk.source, "source")
        self.text = _labelled(hit.text, "source")

    def __str__(self) -> str:
        return self.text

    @property
    def _part(self) -> Source:
        return Source(hit=self._hit, number=self.number)


def render(prompt: Prompt, request: Request, found: Found, shots: Sequence[Shot] = ()) -> Request:
    """The request as the model gets it: system prompt, few-shot examples, the conversation so far, then the rendered question.

    The prompt's hints on sampling fill what the caller left open.

    Raises InputError for a variable the prompt asks for and the caller did not send, or sent in a form it cannot use; ConfigError for a
    template that fails by itself.
    """
    values: dict[str, Any] = {name: _taint(value) for name, value in request.variables.items() if name in prompt.inputs}
    values["question"] = _labelled(request.question, "user")
    values["sources"] = [Passage(hit, number) for number, hit in found.shown]
    values["doubtful"] = found.doubtful
    missing = [name for name in prompt.inputs if name not in values]
    if missing:
        raise InputError(
            f"the prompt {prompt.name!r} needs the variable {missing[0]!r}",
            fix=f'send "variables": {{"{missing[0]}": …}}',
            param="variables",
        )
    messages: list[Message] = []
    if prompt.system:
        messages.append(Message(role="system", parts=_fill(prompt, "system", values, request)))
    messages += [message for shot in shots for message in shot.messages]
    messages += request.history
    last = next((message for message in reversed(request.messages) if message.role == "user"), None)
    attached = tuple(part for part in last.parts if not isinstance(part, Text)) if last else ()
    messages.append(Message(role="user", parts=(*_fill(prompt, "user", values, request), *attached)))
    messages += request.messages[len(request.history) + 1 :]  # calls of the caller's own tools, and their results
    return msgspec.structs.replace(request, messages=tuple(messages), parameters=_hinted(request.parameters, prompt.model))


def _hinted(sent: Parameters, hints: HintsSection) -> Parameters:
    """Parameters as the caller sent them, and the prompt's hints where the caller said nothing."""
    return msgspec.structs.replace(
        sent,
        temperature=hints.temperature if sent.temperature is None else sent.temperature,
        top_p=hints.top_p if sent.top_p is None else sent.top_p,
        max_tokens=hints.max_tokens if sent.max_tokens is None and _LIMIT not in sent.extra else sent.max_tokens,
        stop=sent.stop or hints.stop,
        seed=hints.seed if sent.seed is None else sent.seed,
        logprobs=sent.logprobs or hints.logprobs or None,
    )


def _fill(prompt: Prompt, section: str, values: dict[str, Any], request: Request) -> tuple[AnyPart, ...]:
    printed: list[Any] = []
    try:
        text = _compiled(prompt.system if section == "system" else prompt.user).render(values | {_PRINTED: printed})
        return _parts(text, printed)
    except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        what = f"`# {section}` of the prompt {prompt.name!r} fails: {error}"
        if set(values) & set(request.variables):
            raise InputError(what, fix="send variables of the form that the prompt expects", param="variables") from error
        raise ConfigError(what, fix="correct the template") from error


_PRINTED = "__printed__"


@jinja2.pass_context
def _finalize(context: jinja2.runtime.Context, value: Any) -> Any:
    printed: list[Any] = context[_PRINTED]
    printed.append(value)
    return f"{_MARK}{len(printed) - 1}{_MARK}"


@lru_cache(maxsize=64)
def _compiled(template: str) -> jinja2.Template:
    settings = environment()
    finalize: Callable[..., Any] = _finalize
    settings.finalize = finalize
    return settings.from_string(template)


def _parts(text: str, printed: Sequence[Any]) -> tuple[AnyPart, ...]:
    parts: list[AnyPart] = []
    for value, label in _pieces(text, printed, "system"):
        if isinstance(value, Passage):
            parts.append(value._part)
            continue
        shown = str(value)
        previous = parts[-1] if parts else None
        if isinstance(previous, Text) and previous.label == label:
            parts[-1] = Text(text=previous.text + shown, label=label)
        elif shown:
            parts.append(Text(text=shown, label=label))
    return tuple(parts)


def _pieces(text: str, printed: Sequence[Any], label: Label) -> Iterator[tuple[Any, Label]]:
    """Text between markers, and what stood in their place.

    A block that was rendered before (`{% set %}`) holds markers of its own. What else it holds may have come from anywhere by then, so it
    counts as the caller's.
    """
    if text.count(_MARK) % 2:
        raise ValueError("a block was cut inside of what it prints")
    for place, piece in enumerate(text.split(_MARK)):
        value: Any = printed[int(piece)] if place % 2 else piece
        if place % 2 == 0:
            yield piece, label
        elif isinstance(value, str) and _MARK in value:
            yield from _pieces(value, printed, "user")
        else:
            yield value, _label(value)


def _label(value: Any) -> Label:
    """Plain text and whole lists count as the caller's; a number orders nothing, so `[1]` may stay one piece."""
    if isinstance(value, Labelled):
        return value.label
    return "system" if value is None or isinstance(value, bool | int | float) else "user"


def _labelled(text: str, label: Label) -> Labelled:
    value = Labelled(text.replace(_MARK, "\ufffd"))
    value.label = label
    return value


def _taint(value: Any) -> Any:
    """A caller's variable: texts lose the marker character, containers are walked."""
    if isinstance(value, str):
        return _labelled(value, "user")
    if isinstance(value, list):
        return [_taint(item) for item in value]
    if isinstance(value, dict):
        return {str(key).replace(_MARK, ""): _taint(item) for key, item in value.items()}
    return value
