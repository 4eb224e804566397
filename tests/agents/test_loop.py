"""The bounded loop in which a model answers or calls tools."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from groundwork.agents.loop import MAX_STEPS, Agent, join_calls, pick
from groundwork.agents.tools import FunctionTool
from groundwork.app.outlets import Discard
from groundwork.core.document import NOTHING
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.message import ToolCall, ToolResult, say
from groundwork.core.reply import CallPiece, Delta, Reply, Usage
from groundwork.core.request import Request
from groundwork.core.tool import Tool
from groundwork.guard.config import GuardSection
from groundwork.guard.incoming import Admission
from groundwork.guard.outgoing import GuardOut

Turn = Sequence[Delta]


@dataclass
class Model:
    """Plays a turn for each call; the last one for ever. Keeps what it was asked."""

    turns: Sequence[Turn]
    name: str = "fake"
    asked: list[Request] = field(default_factory=list)

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        turn = self.turns[min(len(self.asked), len(self.turns) - 1)]
        self.asked.append(request)
        for delta in turn:
            yield delta


class Seen(Discard):
    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    async def send(self, delta: Delta) -> None:
        self.deltas.append(delta)


def calling(name: str, arguments: str = "{}", *, text: str = "", cost: float | None = 0.5) -> Turn:
    end = Delta(finish="tool", usage=Usage(input_tokens=10, output_tokens=1), cost=cost, priced=cost is not None)
    return (*((Delta(text=text),) if text else ()), Delta(calls=(CallPiece(index=0, id="c1", name=name, arguments=arguments),)), end)


def saying(text: str, cost: float | None = 0.25) -> Turn:
    return (
        Delta(text=text, model="m-2026"),
        Delta(finish="stop", usage=Usage(input_tokens=20, output_tokens=2), cost=cost, priced=cost is not None),
    )


def stock(item: str = "cups") -> dict[str, Any]:
    """How many there are."""
    ran.append(item)
    if item == "none":
        raise LookupError(item)
    return {"item": item, "count": 7}


ran: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    ran.clear()


def tools(*functions: Callable[..., Any]) -> dict[str, FunctionTool]:
    return {one.__name__: FunctionTool(one.__name__, one, 2.0, "") for one in functions}


async def answer(model: Model, *, own: dict[str, FunctionTool] | None = None, out: Seen | None = None, **more: Any) -> Reply:
    admission = Admission()
    admission.agree()
    cleared = GuardOut(GuardSection(), [], [])(out or Seen(), NOTHING, after=admission)
    request = Request(messages=(say("user", "how many?"),), **more)
    return await Agent(model, tools(stock) if own is None else own).run(request, NOTHING, cleared)


async def test_without_tools_it_is_one_model_call() -> None:
    model = Model([saying("hello")])
    reply = await answer(model, own={})
    assert (reply.text, reply.steps, reply.live, reply.cost, reply.model) == ("hello", 1, False, 0.25, "m-2026")
    assert model.asked[0].tools == ()


async def test_a_tool_runs_and_its_result_is_shown() -> None:
    model, out = Model([calling("stock", '{"item": "pens"}'), saying("Seven.")]), Seen()
    reply = await answer(model, out=out)
    assert ran == ["pens"]
    assert (reply.text, reply.finish, reply.steps, reply.live, reply.calls) == ("Seven.", "stop", 2, True, ())
    asked, given = model.asked[1].messages[-2:]
    assert asked.parts == (ToolCall(id="c1", name="stock", arguments='{"item": "pens"}'),)
    assert given.parts == (ToolResult(call="c1", name="stock", content='{"item":"pens","count":7}'),)
    assert [tool.name for tool in model.asked[0].tools] == ["stock"]
    assert not any(delta.calls for delta in out.deltas), "a call of our own tool reached the caller"


async def test_usage_and_cost_add_up_and_one_unknown_cost_makes_the_sum_unknown() -> None:
    reply = await answer(Model([calling("stock"), calling("stock"), saying("7")]))
    assert reply.usage == Usage(input_tokens=40, output_tokens=4)
    assert reply.cost == pytest.approx(1.25)
    for turns in (
        [calling("stock", cost=None), saying("7")],
        [calling("stock"), saying("7", None)],
        [calling("stock", cost=None), calling("stock"), saying("7")],
    ):
        assert (await answer(Model(turns))).cost is None


async def test_what_is_said_before_a_call_is_kept_and_streamed_once() -> None:
    model, out = Model([calling("stock", text="Let me look. "), saying("Seven.")]), Seen()
    reply = await answer(model, out=out)
    assert reply.text == "Let me look. Seven."
    assert "".join(delta.text for delta in out.deltas) == reply.text
    assert model.asked[1].messages[-2].text == "Let me look. "


async def test_a_failing_tool_is_told_to_the_model() -> None:
    model = Model([calling("stock", '{"item": "none"}'), calling("stock", '{"itm": 1}'), saying("I cannot.")])
    assert (await answer(model)).text == "I cannot."
    failures = [message.parts[0] for message in model.asked[2].messages if message.role == "tool"]
    assert [(part.failed, part.content[:11]) for part in failures if isinstance(part, ToolResult)] == [
        (True, "LookupError"),
        (True, "the argumen"),
    ]


async def test_several_calls_of_one_turn_run_and_come_back_in_order() -> None:
    pieces = tuple(CallPiece(index=place, id=f"c{place}", name="stock", arguments=f'{{"item": "i{place}"}}') for place in range(3))
    model = Model([(Delta(calls=pieces), Delta(finish="tool")), saying("done")])
    await answer(model)
    results = [message.parts[0] for message in model.asked[1].messages if message.role == "tool"]
    assert [part.call for part in results if isinstance(part, ToolResult)] == ["c0", "c1", "c2"]


async def test_a_model_that_calls_for_ever_comes_to_an_end() -> None:
    model = Model([calling("stock", text="again ")])
    reply = await answer(model)
    assert len(model.asked) == MAX_STEPS == reply.steps
    assert len(ran) == MAX_STEPS - 1
    assert [bool(request.tools) for request in model.asked] == [True] * (MAX_STEPS - 1) + [False]
    assert (reply.finish, reply.calls) == ("stop", ())


WEATHER = Tool(name="weather", description="", schema={})


async def test_the_callers_tools_pass_through_beside_ours() -> None:
    model, out = Model([calling("weather", '{"town": "Orrin"}')]), Seen()
    reply = await answer(model, out=out, tools=(WEATHER,))
    assert [tool.name for tool in model.asked[0].tools] == ["weather", "stock"]
    assert reply.finish == "tool"
    assert reply.calls == (ToolCall(id="c1", name="weather", arguments='{"town": "Orrin"}'),)
    assert [piece.name for delta in out.deltas for piece in delta.calls] == ["weather"]
    assert ran == []


async def test_a_callers_tool_with_a_name_of_ours_is_refused() -> None:
    with pytest.raises(InputError, match="'stock' belongs to the application") as error:
        await answer(Model([saying("hi")]), tools=(Tool(name="stock", description="", schema={}),))
    assert error.value.param == "tools"


async def test_a_tool_waits_for_the_admission() -> None:
    admission = Admission()
    cleared = GuardOut(GuardSection(), [], [])(Seen(), NOTHING, after=admission)
    import asyncio

    agent = Agent(Model([calling("stock"), saying("7")]), tools(stock))
    running = asyncio.create_task(agent.run(Request(messages=(say("user", "?"),)), NOTHING, cleared))
    await asyncio.sleep(0.1)
    assert ran == [], "a tool ran before the rails had agreed"
    admission.agree()
    await running
    assert ran == ["cups"]


def test_fragments_join_by_index_and_a_call_without_an_id_gets_one() -> None:
    pieces = [
        CallPiece(index=1, name="b", arguments="{"),
        CallPiece(index=0, id="x", name="a"),
        CallPiece(index=1, arguments="}"),
        CallPiece(index=0, arguments="{}"),
    ]
    assert join_calls(pieces) == (ToolCall(id="x", name="a", arguments="{}"), ToolCall(id="call_1", name="b", arguments="{}"))


def test_a_route_names_tools_that_exist() -> None:
    assert list(pick(tools(stock), ["stock"], "")) == ["stock"]
    with pytest.raises(ConfigError, match="unknown tool `stok`") as error:
        pick(tools(stock), ["stok"], "groundwork.toml:4")
    assert (error.value.where, error.value.fix) == ("groundwork.toml:4", "did you mean `stock`?")
