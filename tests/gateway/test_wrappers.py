"""Fallback, pricing and spans: wrappers of one port, each of which lets go of its source when it is left."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import get_args

import pytest

from groundwork.core.errors import Cause, InputError, UpstreamError
from groundwork.core.message import say
from groundwork.core.reply import CallPiece, Delta, Usage
from groundwork.core.request import Request
from groundwork.gateway.config import ModelSection
from groundwork.gateway.prices import Price
from groundwork.gateway.wrappers import Fallback, Priced, Traced
from groundwork.observe.recorder import Recorder, recording
from tests.gateway.conftest import collect, gather, said

REQUEST = Request(messages=(say("user", "hi"),))
DEFAULT = frozenset(ModelSection(targets=("a",)).on)


@dataclass
class Fake:
    """Says its deltas, then fails with its error; notes what happened to it."""

    name: str
    deltas: Sequence[Delta] = ()
    error: Exception | None = None
    asked: int = 0
    closed: list[str] = field(default_factory=list)

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        self.asked += 1
        try:
            for delta in self.deltas:
                yield delta
            if self.error is not None:
                raise self.error
        finally:
            self.closed.append(self.name)


def failing(cause: Cause, *deltas: Delta) -> Fake:
    return Fake("bad", deltas, UpstreamError("no", cause=cause, fix="wait"))


def good() -> Fake:
    return Fake("good", (Delta(text="fine", model="good"), Delta(finish="stop", usage=Usage(output_tokens=1))))


@pytest.mark.parametrize("cause", get_args(Cause))
async def test_a_failure_before_content_moves_on_by_its_cause(cause: Cause) -> None:
    first, second = failing(cause, Delta(model="bad")), good()
    fallback = Fallback("fast", (first, second), DEFAULT)
    if cause in {"rate", "overload", "network", "timeout", "cut"}:
        assert said(await collect(fallback)) == "fine"
        assert (first.asked, second.asked) == (1, 1)
    else:
        with pytest.raises(UpstreamError) as error:
            await collect(fallback)
        assert error.value.cause == cause
        assert second.asked == 0


@pytest.mark.parametrize(
    "content",
    [Delta(text="a"), Delta(reasoning="a"), Delta(refusal="a"), Delta(calls=(CallPiece(index=0, name="f"),))],
    ids=["text", "reasoning", "refusal", "call"],
)
async def test_once_content_has_left_a_failure_is_passed_on(content: Delta) -> None:
    second = good()
    seen: list[Delta] = []
    with pytest.raises(UpstreamError):
        await gather(Fallback("fast", (failing("overload", content), second), frozenset(get_args(Cause))), seen)
    assert seen == [content]
    assert second.asked == 0


async def test_the_last_failure_is_the_callers_and_only_ours_are_caught() -> None:
    models = (failing("rate"), failing("overload"), Fake("last", error=UpstreamError("end", cause="network", fix="wait")))
    with pytest.raises(UpstreamError, match="end"):
        await collect(Fallback("fast", models, DEFAULT))
    assert [model.asked for model in models] == [1, 1, 1]
    second = good()
    with pytest.raises(InputError):
        await collect(Fallback("fast", (Fake("odd", error=InputError("no", fix="mend")), second), DEFAULT))
    assert second.asked == 0


async def test_one_closes_before_the_next_is_asked() -> None:
    first, second = failing("rate"), good()
    async with aclosing(Fallback("fast", (first, second), DEFAULT).stream(REQUEST)) as deltas:
        async for _ in deltas:
            assert first.closed == ["bad"]
            assert second.closed == []
            break
    assert second.closed == ["good"]


async def test_a_cost_stands_where_usage_stands() -> None:
    deltas = await collect(Priced(good(), Price(1.0, 2_000_000.0)))
    assert [(delta.cost, delta.priced) for delta in deltas] == [(None, False), (2.0, True)]


async def test_an_unknown_price_is_not_zero() -> None:
    assert [(delta.cost, delta.priced) for delta in await collect(Priced(good(), None))] == [(None, False), (None, False)]


async def test_each_attempt_is_a_span() -> None:
    ticks = iter(range(100))
    models = tuple(Traced(model, lambda: float(next(ticks))) for model in (failing("rate"), good()))
    recorder = Recorder("tr_1")
    with recording(recorder):
        await collect(Fallback("fast", models, DEFAULT))
    first, second = recorder.spans
    assert (first.name, first.status, first.attributes["error.type"]) == ("chat bad", "error", "upstream_rate")
    assert (second.name, second.status, second.attributes["gen_ai.usage.output_tokens"]) == ("chat good", "ok", 1)
    assert second.attributes["groundwork.time_to_first_token"] == 1.0
    assert second.attributes["gen_ai.response.model"] == "good"


async def test_an_attempt_that_is_left_is_a_cancelled_span() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder):
        async with aclosing(Traced(good(), lambda: 0.0).stream(REQUEST)) as deltas:
            async for _ in deltas:
                break
    assert [span.status for span in recorder.spans] == ["cancelled"]
