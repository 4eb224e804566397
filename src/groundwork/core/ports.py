"""The ports: what one floor asks of another. Each has one to three methods; an adapter of a port is one file.

Retry, fallback, tracing and pricing wrap the same port, composed in one place (`app/compose.py`). Every wrapper of `Model` holds its
source in `aclosing(...)`, so that leaving early reaches the network.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from groundwork.core.access import Scope
from groundwork.core.document import Found
from groundwork.core.record import Feedback, Trace
from groundwork.core.reply import Delta, Reply
from groundwork.core.request import Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class Model(Protocol):
    """Turns a request into a stream of deltas, the last of which carries `finish`. Retry, fallback and pricing wrap this same port."""

    @property
    def name(self) -> str: ...

    def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]: ...


class Embedder(Protocol):
    """Turns texts into unit vectors, shape [len(texts), dimensions]. Vectors of different fingerprints are never mixed."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str], /) -> Vectors: ...


class Retriever(Protocol):
    """Finds what may be known for a query within a scope, best first. `also` are further queries, with what each counts against the query's 1.
    `generation` names the state of what it finds in.
    """

    async def generation(self) -> str: ...

    async def find(self, query: str, /, *, keep: int, scope: Scope = ..., also: Mapping[str, float] = ...) -> Found: ...


class Reranker(Protocol):
    """Scores passages for a query: the higher, the better it answers. Only the order counts, so any scale will do."""

    @property
    def name(self) -> str: ...

    @property
    def at_once(self) -> int:
        """How many passages one call takes, where scores of several calls compare; 0: all that are to be compared in one."""
        ...

    async def score(self, query: str, passages: Sequence[str], /) -> Sequence[float]: ...


class Outlet(Protocol):
    """Where deltas go as they are cleared. `send` may wait: that is backpressure."""

    async def send(self, delta: Delta, /) -> None: ...


class Target(Protocol):
    """Anything that can be evaluated: asked one structured request, it gives one reply."""

    def __call__(self, request: Request, /) -> Awaitable[Reply]: ...


class TraceSink(Protocol):
    """Takes finished traces without blocking; what a full disk or queue loses is counted, never raised."""

    def put(self, trace: Trace, /) -> None: ...


class FeedbackStore(Protocol):
    """Feedback is durable before `add` returns."""

    async def add(self, feedback: Feedback, /) -> None: ...

    async def of(self, traces: Sequence[str], /) -> list[Feedback]: ...


class AnswerStore(Protocol):
    """Kept answers by key, with a time to live in seconds."""

    async def get(self, key: str, /) -> bytes | None: ...

    def put(self, key: str, value: bytes, /, *, seconds: float) -> None: ...


Function = Callable[..., Any]
"""A user's function: sync (run in a pool of its own) or async."""
