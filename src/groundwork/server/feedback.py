"""`POST /v1/feedback`: what somebody thought of an answer. It is on the disk before it is acknowledged."""

import time
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from groundwork.core.errors import InputError
from groundwork.core.ids import event_id
from groundwork.core.record import Choice, Comment, Demonstration, Feedback, Opinion
from groundwork.secure.secrets import mask_secrets
from groundwork.server import traces
from groundwork.server.exchange import Exchange
from groundwork.server.site import Site
from groundwork.server.wire import checked


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """The body: an opinion (`type`, `value`) on a trace, or on one span of it."""

    trace: str
    type: str
    value: bool | float | str
    span: str | None = None
    name: Annotated[str, Meta(min_length=1, max_length=100)] = "answer"


async def feedback(exchange: Exchange, site: Site) -> None:
    """Keep an opinion on an answer of the caller's own tenant."""
    live = site.live
    principal = await site.door.admit(exchange)
    given = checked(await exchange.json(live.app.settings.config.server.max_body.bytes), Given)
    opinion = _opinion(given)
    exchange.trace = given.trace if given.trace.startswith("tr_") and given.trace.isalnum() else ""
    trace = await traces.find(live, given.trace, principal)
    if given.span is not None and all(span.id != given.span for span in trace.spans):
        raise InputError(f"the trace has no span {given.span[:64]!r}", fix="use a step's id, or leave `span` out", param="span")
    record = Feedback(
        id=event_id("fb"),
        trace=trace.id,
        opinion=opinion,
        at=time.time(),
        span=given.span,
        tenant=principal.tenant,
        user=principal.user,
        name=mask_secrets(given.name),
    )
    await live.folder.feedback.add(record)
    await exchange.respond({"id": record.id, "object": "feedback", "trace": record.trace})


def _opinion(given: Given) -> Opinion:
    value: dict[str, Any] = {"type": given.type, "value": given.value}
    opinion: Opinion = checked(value, cast("Any", Opinion))  # a union is no type to the checker, and one to msgspec
    if isinstance(opinion, Comment | Choice | Demonstration):
        return msgspec.structs.replace(opinion, value=mask_secrets(opinion.value))
    return opinion
