"""A request's outer shell: it records the trace, whatever happens inside, and hands it to the sink with secrets masked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from groundwork.app.answer import answer
from groundwork.app.application import App
from groundwork.core.errors import GroundworkError
from groundwork.core.ids import trace_id
from groundwork.core.ports import Outlet, TraceSink
from groundwork.core.record import Trace
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.guard.incoming import GuardIn
from groundwork.observe.recorder import Recorder, recording, span
from groundwork.secure.secrets import mask_all, mask_secrets

Answer = Callable[[Request, App, Outlet], Awaitable[Reply]]
Status = Literal["ok", "blocked", "error", "cancelled"]


async def carry(request: Request, app: App, out: Outlet, sink: TraceSink, *, trace: str = "", answer: Answer = answer) -> Reply:
    """Answer a request and leave its trace, also where it fails or is cancelled."""
    recorder = Recorder(trace or trace_id())
    reply: Reply | None = None
    status: Status = "error"
    error = ""
    try:
        with recording(recorder), span(f"invoke_agent {app.name}"):
            reply = await answer(request, app, out)
        status = "blocked" if reply.finish == "blocked" else "ok"
        return reply
    except asyncio.CancelledError:
        status = "cancelled"
        raise
    except GroundworkError as failure:
        error = f"{failure.code}: {failure.what}"
        raise
    except Exception as failure:
        error = f"internal_error: {type(failure).__name__}: {failure}"
        raise
    finally:
        sink.put(_trace(request, app, recorder, reply, status, error))


def _trace(request: Request, app: App, recorder: Recorder, reply: Reply | None, status: Status, error: str) -> Trace:
    facts = recorder.facts
    found = facts.get("found")
    versions = msgspec.structs.replace(
        app.versions,
        prompt=facts.get("prompt", ""),
        model=reply.model if reply else "",
        router=facts.get("router", ""),
        index=found.generation if found else "",
    )
    stored = redacted(app.guard_in, request)
    return Trace(
        id=recorder.trace,
        app=app.name,
        start=recorder.start,
        seconds=recorder.now() - recorder.start,
        status=status,
        route=facts.get("route", ""),
        session=request.session and mask_secrets(request.session),
        episode=request.episode and mask_secrets(request.episode),
        tenant=request.principal.tenant,
        user=request.principal.user,
        versions=versions,
        request=mask_all(msgspec.to_builtins(stored)),
        rendered=mask_all(facts.get("rendered")),
        found=mask_all(msgspec.to_builtins(found)) if found else None,
        reply=mask_all(msgspec.to_builtins(reply)) if reply else None,
        error=mask_secrets(error),
        spans=tuple(msgspec.structs.replace(one, attributes=mask_all(one.attributes)) for one in recorder.spans),
    )


def redacted(guard: GuardIn, request: Request) -> Request:
    """The structured input as it may be written: what the rails would mask is masked here too, also where the request was refused."""
    with recording(Recorder("")):  # this second look leaves no span in the request's own trace
        cleaned, _ = guard.clean(request)
    return cleaned
