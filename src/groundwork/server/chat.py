"""`POST /v1/chat/completions`: the request runs in a task of its own; whoever leaves cancels it, and the model call with it."""

from collections.abc import Coroutine
from typing import Any

from groundwork.app.carry import carry
from groundwork.app.gateway_only import gateway_only
from groundwork.app.live import Live
from groundwork.app.outlets import Discard
from groundwork.core.config import unknown
from groundwork.core.errors import InputError
from groundwork.core.ids import trace_id
from groundwork.core.ports import Outlet
from groundwork.core.reply import Delta, Reply
from groundwork.core.request import Request
from groundwork.core.units import Duration
from groundwork.server import wire
from groundwork.server.exchange import Exchange
from groundwork.server.models import names
from groundwork.server.site import Site
from groundwork.server.wire_out import Writer

_TIMEOUT = "groundwork-timeout"


async def chat(exchange: Exchange, site: Site) -> None:
    """Answer a conversation, whole or as a stream of events."""
    live = site.live
    principal = await site.door.admit(exchange)
    body = await exchange.json(live.app.settings.config.server.max_body.bytes)
    seconds = _allowed(exchange.headers.get(_TIMEOUT))
    asked = wire.read(body, principal, seconds=seconds, idempotency_key=exchange.headers.get("idempotency-key"))
    known = names(live.app)
    if asked.request.model not in known:
        error = unknown("model", asked.request.model, known)
        raise InputError(error.what, fix=error.fix, param="model", code="model_not_found", status=404)
    exchange.trace = trace_id()
    writer = Writer(exchange.trace, asked.request.model, exchange.origin)
    if asked.stream:
        stream = Stream(exchange, writer)
        reply = await exchange.attend(_work(live, asked.request, stream, exchange.trace), seconds=seconds)
        await stream.end(reply, include_usage=asked.include_usage)
    else:
        reply = await exchange.attend(_work(live, asked.request, None, exchange.trace), seconds=seconds)
        await exchange.respond(writer.completion(reply))


def _work(live: Live, request: Request, out: Outlet | None, trace: str) -> Coroutine[Any, Any, Reply]:
    """The application's whole path, or the gateway alone where the caller names a model alias."""
    if request.model not in live.app.models:
        return live.reply(request, out, trace=trace)
    return carry(request, gateway_only(live.app, request.model), out or Discard(), live.folder.trace_store, trace=trace)


def _allowed(header: str | None) -> float | None:
    if header is None:
        return None
    try:
        duration = Duration.parse(header)
    except ValueError as error:
        raise InputError(f"{_TIMEOUT}: {error}", fix=f"send `{_TIMEOUT}: 30s`", param=_TIMEOUT) from None
    return duration.number


class Stream:
    """The outlet of a streamed answer. It opens with the first content, so that what fails before is a proper HTTP error.

    The caller's own speed is the backpressure: `send` returns when the connection has taken the chunk.
    """

    def __init__(self, exchange: Exchange, writer: Writer) -> None:
        self.exchange = exchange
        self.writer = writer
        self._texts: list[str] = []

    async def send(self, delta: Delta) -> None:
        if not delta.has_content:
            return
        await self._open(delta.model)
        self._texts.append(delta.text)
        await self.exchange.event(self.writer.chunk(delta))

    async def end(self, reply: Reply, *, include_usage: bool) -> None:
        """Send what the whole reply adds. Only now: its trace is on its way to the disk, so feedback on it finds it."""
        if not self.exchange.started:
            await self.send(Delta(text=reply.text, model=reply.model or None))  # of an answer that never used its outlet
        await self._open(reply.model)
        await self.exchange.event(self.writer.final(reply, "".join(self._texts)))
        if include_usage:
            await self.exchange.event(self.writer.usage(reply))
        await self.exchange.close(b"[DONE]")

    async def _open(self, model: str | None) -> None:
        if not self.exchange.started:
            await self.exchange.open()
            await self.exchange.event(self.writer.first(model))
