"""Adding words of ours to a rendered request: what a step or an output form asks of the model, in the system message or after the question."""

import msgspec

from groundwork.core.message import AnyPart, Message, Text, say
from groundwork.core.request import Request


def instruct(request: Request, text: str) -> Request:
    """The request with one more paragraph in its system message; a system message is put first where there is none."""
    messages = request.messages
    if messages and messages[0].role == "system":
        first = msgspec.structs.replace(messages[0], parts=(*messages[0].parts, Text(text=f"\n\n{text}", label="system")))
        return msgspec.structs.replace(request, messages=(first, *messages[1:]))
    return msgspec.structs.replace(request, messages=(say("system", text), *messages))


def append(request: Request, *parts: AnyPart) -> Request:
    """The request with parts after those of its last user message: question and sources stay where a model looks for them."""
    messages = list(request.messages)
    place = next((at for at in range(len(messages) - 1, -1, -1) if messages[at].role == "user"), None)
    if place is None:
        messages.append(Message(role="user", parts=parts))
    else:
        messages[place] = msgspec.structs.replace(messages[place], parts=(*messages[place].parts, *parts))
    return msgspec.structs.replace(request, messages=tuple(messages))
