"""Behaviour that wraps the port `Model`: fallback, pricing, spans. Each holds its source in `aclosing`, so leaving early reaches the network."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from groundwork.core.errors import Cause, UpstreamError
from groundwork.core.ports import Model
from groundwork.core.record import SpanStatus
from groundwork.core.reply import Delta, Usage
from groundwork.core.request import Request
from groundwork.gateway.prices import Price
from groundwork.observe.recorder import current


@dataclass(frozen=True, slots=True)
class Fallback:
    """Asks models in order until one answers. Once content has left, a failure is passed on. Needs one model or more."""

    name: str
    models: tuple[Model, ...]
    causes: frozenset[Cause]

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        for place, model in enumerate(self.models, start=1):
            sent = False
            try:
                async with aclosing(model.stream(request)) as deltas:
                    async for delta in deltas:
                        sent = sent or delta.has_content
                        yield delta
                return
            except UpstreamError as error:
                if sent or error.cause not in self.causes or place == len(self.models):
                    raise


@dataclass(frozen=True, slots=True)
class Priced:
    """Puts the cost on the delta that carries usage. Without a price the cost stays None: unknown is not free."""

    source: Model
    price: Price | None

    @property
    def name(self) -> str:
        return self.source.name

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        async with aclosing(self.source.stream(request)) as deltas:
            async for delta in deltas:
                if delta.usage is not None and self.price is not None:
                    yield msgspec.structs.replace(delta, cost=self.price.of(delta.usage), priced=True)
                else:
                    yield delta


@dataclass(frozen=True, slots=True)
class Traced:
    """Records each attempt as a span `chat MODEL` with OpenTelemetry's attribute names, and the time to the first token."""

    source: Model
    clock: Callable[[], float]

    @property
    def name(self) -> str:
        return self.source.name

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        recorder = current()
        if recorder is None:
            async with aclosing(self.source.stream(request)) as deltas:
                async for delta in deltas:
                    yield delta
            return
        opened = recorder.begin(f"chat {self.name}")
        opened.attributes |= {"gen_ai.operation.name": "chat", "gen_ai.request.model": self.name}
        start, first, usage, malformed = self.clock(), True, Usage(), 0
        status: SpanStatus = "cancelled"
        try:
            async with aclosing(self.source.stream(request)) as deltas:
                async for delta in deltas:
                    if first and delta.has_content:
                        opened.attributes["groundwork.time_to_first_token"] = self.clock() - start
                        first = False
                    usage = usage if delta.usage is None else usage + delta.usage
                    malformed += delta.extra.get("malformed", 0)
                    if delta.model is not None:
                        opened.attributes["gen_ai.response.model"] = delta.model
                    yield delta
            status = "ok"
        except UpstreamError as error:
            status = "error"
            opened.attributes |= {"error.type": error.code, "groundwork.error": error.what}
            raise
        finally:
            opened.attributes |= {"gen_ai.usage.input_tokens": usage.input_tokens, "gen_ai.usage.output_tokens": usage.output_tokens}
            if malformed:
                opened.attributes["groundwork.malformed_events"] = malformed
            opened.end(status)
