"""The loop in which a model answers or calls tools, bounded in steps and by the request's deadline.

Steps: stream the model; where it asks for tools, run them and show it the results; else its text is the answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import msgspec

from groundwork.agents.tools import FunctionTool
from groundwork.context.citing import resolve
from groundwork.core.config import unknown
from groundwork.core.document import Citation, Found
from groundwork.core.errors import InputError
from groundwork.core.message import AnyPart, Message, Text, ToolCall, ToolResult
from groundwork.core.ports import Model
from groundwork.core.reply import CallPiece, Delta, Finish, Reply, Usage, join_calls
from groundwork.core.request import Request
from groundwork.guard.outgoing import Cleared

MAX_STEPS = 6
"""Model calls for one answer. The last one gets no tools, so that it has to answer."""


class Agent:
    """A model with tools. Without tools it is one model call."""

    def __init__(self, model: Model, tools: Mapping[str, FunctionTool], *, max_steps: int = MAX_STEPS) -> None:
        self.model = model
        self.tools = tools
        self.max_steps = max_steps

    async def run(self, request: Request, found: Found, out: Cleared) -> Reply:
        """Answer, calling tools as the model asks. Deltas go to `out`; the reply is returned after the rails have judged it."""
        refuse_tools(request, self.tools)
        total, cost, steps, said = Usage(), None, 0, ""
        declared = tuple(tool.declaration for tool in self.tools.values())
        while True:
            steps += 1
            offered = declared if steps < self.max_steps else ()
            turn = await _stream(self.model, msgspec.structs.replace(request, tools=(*request.tools, *offered)), out)
            total, said = total + turn.usage, said + turn.text
            cost = turn.cost if steps == 1 else None if cost is None or turn.cost is None else cost + turn.cost
            own = [call for call in turn.calls if call.name in self.tools]
            if turn.finish != "tool" or len(own) < len(turn.calls) or not own or not offered:
                turn = msgspec.structs.replace(turn, text=said, usage=total, cost=cost)
                return await self._finish(turn, found, steps, out)
            await out.agreed()
            results = await out.inspect(await asyncio.gather(*(self.tools[call.name].call(call) for call in own)))
            request = msgspec.structs.replace(request, messages=(*request.messages, *_shown(turn, results)))

    async def _finish(self, turn: "Turn", found: Found, steps: int, out: Cleared) -> Reply:
        """The reply: all that was said on the way, as it was streamed. Calls of tools that are not ours are the caller's to run: they pass through."""
        foreign = tuple(call for call in turn.calls if call.name not in self.tools)
        finish = "tool" if foreign else "stop" if turn.finish == "tool" else turn.finish
        reply = Reply(
            text=turn.text,
            finish=finish,
            calls=foreign,
            refusal=turn.refusal,
            citations=turn.citations or resolve(turn.text, found.hits),
            usage=turn.usage,
            cost=turn.cost,
            model=turn.model,
            abstained=turn.abstained,
            steps=steps,
            live=steps > 1,
        )
        return await out.finish(reply)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What one model call gave."""

    text: str
    refusal: str
    calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage
    cost: float | None
    model: str
    citations: tuple[Citation, ...]
    abstained: bool


async def _stream(model: Model, request: Request, out: Cleared) -> Turn:
    texts: list[str] = []
    refusals: list[str] = []
    pieces: list[CallPiece] = []
    usage, cost, name, finish = Usage(), None, "", "stop"
    citations: tuple[Citation, ...] = ()
    abstained = False
    async with aclosing(model.stream(request)) as deltas:
        async for delta in deltas:
            texts.append(delta.text)
            refusals.append(delta.refusal)
            pieces += delta.calls
            usage = usage if delta.usage is None else usage + delta.usage
            cost = delta.cost if delta.priced else cost
            name = delta.model or name
            finish = delta.finish or finish
            citations = delta.citations or citations
            abstained = abstained or delta.abstained
            if delta.text or delta.reasoning or delta.refusal:
                await out.send(Delta(text=delta.text, reasoning=delta.reasoning, refusal=delta.refusal, model=delta.model))
    return Turn(
        text="".join(texts),
        refusal="".join(refusals),
        calls=join_calls(pieces),
        finish=finish,
        usage=usage,
        cost=cost,
        model=name or model.name,
        citations=citations,
        abstained=abstained,
    )


def _shown(turn: Turn, results: Sequence[ToolResult]) -> list[Message]:
    said: tuple[AnyPart, ...] = (Text(text=turn.text, label="model"), *turn.calls) if turn.text else turn.calls
    return [Message(role="assistant", parts=said), *(Message(role="tool", parts=(result,)) for result in results)]


def pick(tools: Mapping[str, FunctionTool], names: Sequence[str], where: str) -> dict[str, FunctionTool]:
    """The tools of a route by name. Raises ConfigError with a did-you-mean."""
    for name in names:
        if name not in tools:
            raise unknown("tool", name, tools, where)
    return {name: tools[name] for name in names}


def refuse_tools(request: Request, tools: Mapping[str, FunctionTool]) -> None:
    """A caller's own tool may not take the name of one of ours."""
    for tool in request.tools:
        if tool.name in tools:
            raise InputError(f"the tool name {tool.name!r} belongs to the application", fix="rename your tool", param="tools")
