"""Replay: stored requests answered again, by the present configuration or another one, and what came out otherwise."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundwork.core.errors import GroundworkError, InputError
from groundwork.core.record import Trace
from groundwork.core.reply import Reply
from groundwork.core.request import Principal, Request
from groundwork.core.text import fold
from groundwork.loop.measure import open_candidate
from groundwork.store.folder import Folder
from groundwork.store.traces import question_of


class Replayed(NamedTuple):
    """One stored request, its answer then, and its answer now (or why there is none)."""

    trace: str
    question: str
    before: str
    after: str
    same: bool
    again: str
    """The trace of the new answer."""
    error: str = ""


async def replay(root: Path, folder: Folder, traces: Sequence[str], *, change: str = "", release: str = "") -> AsyncGenerator[Replayed]:
    """Answer stored requests again. The stored request has its secrets masked: it is replayed as it was kept. Raises InputError for a trace without one."""
    async with open_candidate(root, folder, change=change, release=release) as live:
        for identifier in traces:
            trace = await folder.trace_store.get(identifier)
            if trace is None:
                raise InputError(f"no trace {identifier!r} here", fix="see `groundwork traces`")
            try:
                reply = await live.reply(request_of(trace))
            except GroundworkError as error:
                yield Replayed(identifier, question_of(trace), text_of(trace), "", same=False, again="", error=error.what)
                continue
            yield _compared(trace, reply)


def request_of(trace: Trace) -> Request:
    """The structured input of a trace as a request, asked from inside and without its deadline. Raises InputError where it cannot be read."""
    try:
        stored = msgspec.convert(trace.request, Request)
    except msgspec.ValidationError as error:
        raise InputError(
            f"the stored request of {trace.id} cannot be read: {error}", fix="it was written by another version; leave it out"
        ) from None
    principal = msgspec.structs.replace(stored.principal, key=None, internal=True)
    return msgspec.structs.replace(stored, principal=Principal(**msgspec.structs.asdict(principal)), deadline=None, idempotency_key=None)


def text_of(trace: Trace) -> str:
    """What was answered then."""
    return str((trace.reply or {}).get("text", ""))


def _compared(trace: Trace, reply: Reply) -> Replayed:
    before = text_of(trace)
    return Replayed(trace.id, question_of(trace), before, reply.text, same=fold(before) == fold(reply.text), again=reply.trace)
