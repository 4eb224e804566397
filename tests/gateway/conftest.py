from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from groundwork.core.message import say
from groundwork.core.reply import Delta
from groundwork.core.request import Request
from groundwork.core.units import Duration
from groundwork.gateway.config import TimeoutSection
from groundwork.gateway.providers.openai import OpenAIModel
from groundwork.gateway.transport import Transport
from tests.gateway.upstream import Upstream, upstream


@pytest.fixture
async def server() -> AsyncIterator[Upstream]:
    async with upstream() as made:
        yield made


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.close()


MakeModel = Callable[..., OpenAIModel]


@pytest.fixture
def model(server: Upstream, transport: Transport) -> MakeModel:
    """A model of the fake server, with limits that a test can wait for."""

    def make(*, key: str | None = None, url: str = "", **limits: float) -> OpenAIModel:
        chosen = {"connect": 1.0, "first_token": 2.0, "stall": 2.0, "total": 5.0} | limits
        timeout = TimeoutSection(**{name: Duration(seconds) for name, seconds in chosen.items()})
        return OpenAIModel("up/m", "m", url or server.url, key, timeout, transport)

    return make


async def collect(model: Any, request: Request | None = None) -> list[Delta]:
    return [delta async for delta in model.stream(request or Request(messages=(say("user", "hi"),)))]


async def gather(model: Any, into: list[Delta]) -> None:
    """The same, keeping what came before a failure."""
    async for delta in model.stream(Request(messages=(say("user", "cut"),))):
        into.append(delta)  # noqa: PERF401  a failure leaves what was there


def said(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)
