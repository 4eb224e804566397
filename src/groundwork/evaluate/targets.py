"""What is evaluated, by the name it is given: a URL, a model, a function. The application in a folder is opened above, by `loop/measure.py`."""

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

import msgspec

from groundwork.core import functions
from groundwork.core.errors import ConfigError
from groundwork.core.ports import Target
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.evaluate.endpoint import ModelTarget, TargetSection, url_target
from groundwork.evaluate.models import Models
from groundwork.evaluate.suite import Suite
from groundwork.gateway.transport import Transport

Takes = Literal["request", "question", "conversation"]

_GRACE = 1.0
"""Seconds after the runner's own deadline, which says so better."""
_FORMS = "give back text, a Reply, or a table with `text` and what else a Reply has"


def named_target(named: str, model: str = "", section: TargetSection | None = None) -> TargetSection | None:
    """The target that a command line names, laid over the suite's own: `http…` is a URL, `module:function` a function, all else a model.

    None where nothing is named: then it is the application in the folder. Raises ConfigError for what cannot be one target.
    """
    if not named and not model:
        return section
    given: dict[str, Any] = {"model": model} if model else {}
    if named.startswith(("http://", "https://")):
        given |= {"url": named, "function": None}
    elif ":" in named:
        given |= {"function": named, "url": None}
    elif named:
        given |= {"model": named, "url": None, "function": None}
    try:
        return msgspec.structs.replace(section, **given) if section else TargetSection(**given)
    except ValueError as error:
        raise ConfigError(f"the target: {error}", fix="name one: --target URL, --target module:function, or --target MODEL") from None


@asynccontextmanager
async def open_target(section: TargetSection, suite: Suite, root: Path, models: Models) -> AsyncGenerator[Target]:
    """A target, ready to be asked; its connections are closed at the end. Raises ConfigError for what would fail at the first question."""
    where = suite.written.where(("target",))
    if section.function is not None:
        yield function_target(functions.load(section.function, root, where), section.function, suite.timeout)
        return
    if section.url is None:
        yield ModelTarget(section, await models.find(section.model))
        return
    transport = Transport()
    try:
        yield url_target(section, transport, suite.timeout, where)
    finally:
        await transport.close()


@dataclass(frozen=True, slots=True)
class FunctionTarget:
    """A user's function as a target."""

    function: Callable[..., Any]
    name: str
    takes: Takes
    seconds: float

    async def __call__(self, request: Request, /) -> Reply:
        """Raises what the function raises, and TypeError for what is no reply."""
        arguments: tuple[Any, ...] = (request,)
        if self.takes != "request":
            said = ([{"role": message.role, "content": message.text} for message in request.history],)
            arguments = (request.question, *(said if self.takes == "conversation" else ()))
        return as_reply(await functions.call(self.function, *arguments, seconds=self.seconds), self.name)


def function_target(function: Callable[..., Any], name: str, timeout: float) -> FunctionTarget:
    """A function, sync or async, as a target. By its first parameter it takes the Request or the question's text.

    A second one gets what was said before, as OpenAI's messages: `[{"role": "user", "content": …}, …]`. Sync functions run in threads, 16 at a
    time. Raises ConfigError for one that cannot be asked so.
    """
    return FunctionTarget(function, name, takes_of(function), timeout + _GRACE)


def takes_of(function: Callable[..., Any]) -> Takes:
    """What a function wants to be asked with, by its signature. Raises ConfigError for one that cannot be asked."""
    parameters = [
        one for one in inspect.signature(function).parameters.values() if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}
    ]
    needed = [one for one in parameters if one.default is one.empty]
    if not parameters or len(needed) > 2:
        raise ConfigError(
            f"{getattr(function, '__qualname__', function)} takes {len(needed)} arguments",
            fix="let it take the question, or the question and what was said before, or a Request",
        )
    hints = get_type_hints(function if inspect.isroutine(function) else type(function).__call__)
    if hints.get(parameters[0].name) is Request or parameters[0].name == "request":
        return "request"
    return "conversation" if len(parameters) > 1 and (len(needed) > 1 or parameters[1].name == "history") else "question"


def as_reply(value: Any, name: str) -> Reply:
    """What a function gave, as a reply. Raises TypeError with the forms that there are."""
    if isinstance(value, Reply):
        return value
    if isinstance(value, str):
        return Reply(text=value, finish="stop")
    if isinstance(value, Mapping):
        try:
            return msgspec.convert({"text": "", "finish": "stop", **value}, Reply)
        except msgspec.ValidationError as error:
            raise TypeError(f"{name} gave a table that is no reply: {error}; {_FORMS}") from None
    raise TypeError(f"{name} gave {value!r:.80}, which is no reply; {_FORMS}")
