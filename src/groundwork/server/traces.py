"""`GET /v1/traces/{id}`: what happened in one request, for its own tenant."""

from typing import Any

from groundwork.app.live import Live
from groundwork.app.seeing import restricts
from groundwork.core.errors import NotFound
from groundwork.core.record import Span, Trace
from groundwork.core.request import Principal
from groundwork.server.exchange import Exchange
from groundwork.server.site import Site


async def trace(exchange: Exchange, site: Site) -> None:
    """One trace, its steps in the order they began."""
    principal = await site.door.admit(exchange)
    await exchange.respond(shown(await find(site.live, exchange.path.removeprefix("/v1/traces/"), principal)))


async def find(live: Live, identifier: str, principal: Principal) -> Trace:
    """A trace of the principal's tenant, and where documents have permissions the principal's own. Raises NotFound, also for another's:
    whether it exists is not said.

    Traces reach the disk within 100 ms of the answer; whoever asks sooner waits for that.
    """
    found = await live.folder.trace_store.get(identifier)
    if found is None:
        await live.folder.traces.flush()
        found = await live.folder.trace_store.get(identifier)
    foreign = found is not None and restricts(live.app) and found.user != principal.user
    if found is None or foreign or found.tenant != principal.tenant:
        raise NotFound(f"no trace {identifier[:64]!r}", fix="use the id from the answer's `groundwork.trace`", param="trace")
    return found


def shown(trace: Trace) -> dict[str, Any]:
    """A trace as the page draws it: each step with its seconds from the start of the request."""
    reply: dict[str, Any] = trace.reply or {}
    return {
        "id": trace.id,
        "object": "trace",
        "app": trace.app,
        "status": trace.status,
        "start": trace.start,
        "seconds": trace.seconds,
        "route": trace.route,
        "model": reply.get("model", ""),
        "cost": reply.get("cost"),
        "cached": reply.get("cached", False),
        "usage": reply.get("usage", {}),
        "verdicts": reply.get("verdicts", []),
        "versions": trace.versions,
        "error": trace.error,
        "steps": [_step(span, trace.start) for span in sorted(trace.spans, key=lambda span: span.start)],
    }


def _step(span: Span, start: float) -> dict[str, Any]:
    return {
        "id": span.id,
        "parent": span.parent,
        "name": span.name,
        "start": max(0.0, span.start - start),
        "seconds": span.seconds,
        "status": span.status,
        "attributes": span.attributes,
    }
