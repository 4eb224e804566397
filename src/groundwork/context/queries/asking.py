"""One small question to a model on the way to an answer: how to look something up, which passage comes first.

What is wanted is short and can be done without, so there is one attempt within a few seconds, and whatever is no plain answer counts as none.
Passages and what people said go in as data of their own label; the instruction alone is ours.
"""

import asyncio
import re
from collections.abc import Sequence

from groundwork.core.errors import GroundworkError, UpstreamError
from groundwork.core.message import Message, Text, say
from groundwork.core.ports import Model
from groundwork.core.request import Parameters, Principal, Request
from groundwork.core.whole import gather

SECONDS = 10.0
_BULLET = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+")
_QUOTES = "\"'“”‘’ "


async def ask(
    model: Model,
    instruction: str,
    parts: Sequence[Text],
    *,
    most: int,
    principal: Principal | None = None,
    deadline: float | None = None,
    seconds: float = SECONDS,
) -> str:
    """The model's answer, of at most `most` tokens. Raises what the model raises, TimeoutError, and UpstreamError for anything but plain text
    that came to its end (a refusal, a call, a quotation of the embedded reader's).
    """
    asked = Request(
        messages=(say("system", instruction), Message(role="user", parts=tuple(parts))),
        parameters=Parameters(temperature=0.0, max_tokens=most),
        principal=principal or Principal(),
        deadline=deadline,
    )
    async with asyncio.timeout(seconds):
        whole = await gather(model.stream(asked))
    if not whole.is_answer or whole.citations or not whole.text.strip():
        raise UpstreamError(f"{model.name} gave no plain answer", cause="invalid", fix="name another model")
    return whole.text


async def ask_lines(model: Model, instruction: str, text: str, request: Request, *, count: int, longest: int) -> list[str]:
    """Up to `count` lines of at most `longest` characters, without bullets and quotation marks, none twice; empty where the model is of no use.
    Raises nothing of the model's.
    """
    parts = [Text(text=text, label="user")]
    try:
        said = await ask(model, instruction, parts, most=count * 120, principal=request.principal, deadline=request.deadline)
    except (GroundworkError, TimeoutError):
        return []
    lines = [" ".join(_BULLET.sub("", line).split()).strip(_QUOTES) for line in said.splitlines()]
    return list(dict.fromkeys(line for line in lines if 0 < len(line) <= longest))[:count]
