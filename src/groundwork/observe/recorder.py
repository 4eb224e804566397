"""Spans of one request, gathered in memory: a context variable finds the recorder, so that no function passes it along.

A step says `with span("retrieval docs") as attributes:`; without a recorder (a library call outside a request) that costs one lookup.
Async generators hold no context across a `yield`: they use `begin` and `end` (see `gateway/traced.py`).
Names are OpenTelemetry's (generative AI conventions, in development as of 2026).
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from groundwork.core.ids import span_id
from groundwork.core.record import Span, SpanStatus


class Recorder:
    """The spans of one trace. `facts` holds what a step wants to say of the whole request (its rendered prompt, say)."""

    def __init__(self, trace: str) -> None:
        self.trace = trace
        self.start = time.time()
        self._clock = time.perf_counter()
        self.spans: list[Span] = []
        self.facts: dict[str, Any] = {}

    def begin(self, name: str) -> "OpenSpan":
        """Open a span by hand; its parent is the innermost span that `span` has open in the task that asks."""
        return OpenSpan(self, name, _parent.get() if _current.get() is self else None)

    def now(self) -> float:
        """Unix seconds by a clock that never goes back."""
        return self.start + time.perf_counter() - self._clock


class OpenSpan:
    """A span that has not ended yet."""

    def __init__(self, recorder: Recorder, name: str, parent: str | None) -> None:
        self.id = span_id()
        self.attributes: dict[str, Any] = {}
        self._recorder = recorder
        self._name = name
        self._parent = parent
        self._start = recorder.now()

    def end(self, status: SpanStatus = "ok") -> None:
        recorder = self._recorder
        recorder.spans.append(
            Span(
                id=self.id,
                name=self._name,
                start=self._start,
                seconds=recorder.now() - self._start,
                parent=self._parent,
                status=status,
                attributes=self.attributes,
            )
        )


_current: ContextVar[Recorder | None] = ContextVar("groundwork_recorder", default=None)
_parent: ContextVar[str | None] = ContextVar("groundwork_span", default=None)
"""The innermost open span of this task. Tasks inherit it and never see each other's: siblings that overlap stay siblings."""


@contextmanager
def recording(recorder: Recorder) -> Generator[Recorder]:
    """Make this the recorder of the request in hand, for the task that runs it."""
    token, above = _current.set(recorder), _parent.set(None)
    try:
        yield recorder
    finally:
        _parent.reset(above)
        _current.reset(token)


def current() -> Recorder | None:
    """The recorder of the request in hand, if there is one."""
    return _current.get()


@contextmanager
def span(name: str) -> Generator[dict[str, Any]]:
    """Record one step; yields the dictionary of its attributes. Not for async generators."""
    recorder = _current.get()
    if recorder is None:
        yield {}
        return
    opened = recorder.begin(name)
    above = _parent.set(opened.id)
    status: SpanStatus = "error"
    try:
        yield opened.attributes
        status = "ok"
    except BaseException as error:
        opened.attributes["error.type"] = type(error).__name__
        status = "cancelled" if type(error).__name__ == "CancelledError" else "error"
        raise
    finally:
        _parent.reset(above)
        opened.end(status)


def note(**facts: Any) -> None:
    """Say something of the whole request, for its trace."""
    recorder = _current.get()
    if recorder is not None:
        recorder.facts.update(facts)
