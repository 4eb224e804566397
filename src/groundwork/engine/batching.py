"""The encoder behind an async door: one thread computes, the event loop only waits.

Texts of concurrent callers are computed in turns of a few texts each. A caller with many texts goes back to the end of the line after
each of its turns, so a question never waits for a whole folder of documents. An idle encoder starts at once: nobody waits for a batch
to fill.
Not covered: several event loops at the same time (one `Batcher` serves one loop at a time).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from groundwork.core.errors import InputError, Overloaded
from groundwork.engine.encoder import Encoder, Manifest, Vectors, read_manifest
from groundwork.engine.thread import SHARED, ModelThread

# About 0.15 s of computing with the longest texts: what a newcomer waits at most for the turn before it. Longer turns gain under 5 %.
TURN = 8
WAITING = 2_048


@dataclass(slots=True, eq=False)
class Request:
    """One call of `embed`: its texts, the vectors so far, and the future its caller waits for."""

    texts: tuple[str, ...]
    answer: asyncio.Future[Vectors]
    parts: list[Vectors] = field(default_factory=list[Vectors])
    done: int = 0


Share = tuple[int, Sequence[str]]
"""Some texts of one request, and how many of its texts came before."""

Result = Vectors | InputError


class Batcher:
    """Embeds texts for any number of concurrent callers; owns the encoder, and shares the thread of all embedded models.

    The weights load at first use, in that thread (or in `warm`); where loading fails, every caller gets the error and the next call
    tries again.
    `load`, `manifest` and `thread` are the seams of tests and of other weights; `waiting` bounds the texts that are accepted and not yet
    computed.
    """

    def __init__(
        self,
        *,
        load: Callable[[], Encoder] = Encoder,
        manifest: Manifest | None = None,
        waiting: int = WAITING,
        thread: ModelThread = SHARED,
    ) -> None:
        known = manifest or read_manifest()
        self.fingerprint = known.fingerprint
        self.dimensions = known.dimensions
        self.window = known.window
        self._load = load
        self._limit = waiting
        self._encoder: Encoder | None = None  # touched by the thread only
        self._thread = thread.lease()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line: deque[Request] = deque()
        self._accepted = 0
        self._busy = False
        self._closed = False

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the texts' vectors, float32 [len(texts), dimensions], in order, each of length 1.

        Raises `InputError` where a text is longer than the window or there are more texts than the queue holds, `Overloaded` where the
        queue is full or closed, `StoreError` where the weights do not load. When the caller is cancelled, its texts that are not yet begun
        are never computed.
        """
        if len(texts) > self._limit:
            raise InputError(f"{len(texts)} texts in one call, at most {self._limit} are taken", fix="send them in several calls")
        if self._closed:
            raise closed()
        if self._accepted + len(texts) > self._limit:
            raise Overloaded(f"the encoder's queue is full: {self._accepted} texts are waiting", fix="try again in a few seconds")
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a new `asyncio.run`: what the old loop left behind has nobody waiting for it
            self._loop, self._line, self._busy = loop, deque(), False
        request = Request(tuple(texts), loop.create_future())
        self._accepted += len(texts)
        self._line.append(request)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._turn)  # callers that are ready in the same tick share the first turn
        try:
            return await request.answer
        finally:
            self._accepted -= len(texts)

    async def warm(self) -> None:
        """Load the weights now. Raises `StoreError` where they do not load."""
        if self._closed:
            raise closed()
        await self._thread.run(self._loaded)

    async def close(self) -> None:
        """Refuse new calls, fail those that wait, and give the thread back (after the turn it is in)."""
        self._closed = True
        for request in self._line:
            if not request.answer.done():
                request.answer.set_exception(closed())
        self._line.clear()
        await self._thread.close()
        self._encoder = None

    def _turn(self) -> None:
        """Take up to `TURN` texts from the front of the line and hand them to the thread."""
        requests: list[Request] = []
        shares: list[Share] = []
        room = TURN
        while self._line and room:
            request = self._line.popleft()
            if request.answer.done():  # cancelled: its texts are dropped here, uncomputed
                continue
            texts = request.texts[request.done : request.done + room]
            room -= len(texts)
            requests.append(request)
            shares.append((request.done, texts))
        self._busy = bool(shares)
        if shares:
            work = self._thread.run(self._compute, shares)
            work.add_done_callback(partial(self._settle, requests))

    def _settle(self, requests: list[Request], work: asyncio.Future[list[Result]]) -> None:
        """Back on the loop: pass results on, send unfinished requests to the end of the line, start the next turn."""
        error = work.exception()
        results = [error] * len(requests) if error else work.result()
        for request, result in zip(requests, results, strict=True):
            if request.answer.done():
                continue
            if isinstance(result, BaseException):
                request.answer.set_exception(result)
                continue
            request.parts.append(result)
            request.done += len(result)
            if request.done == len(request.texts):
                request.answer.set_result(np.concatenate(request.parts))
            elif self._closed:
                request.answer.set_exception(closed())
            else:
                self._line.append(request)
        self._turn()

    def _loaded(self) -> Encoder:
        """The encoder; in its thread only."""
        if self._encoder is None:
            self._encoder = self._load()
        return self._encoder

    def _compute(self, shares: list[Share]) -> list[Result]:
        """One turn, in the thread. A share with a text that is too long fails alone; the others' texts are computed together."""
        encoder = self._loaded()
        rows: list[list[int]] = []
        sizes: list[int | InputError] = []
        for before, texts in shares:
            try:
                tokens = encoder.tokens(texts, before=before)
            except InputError as error:
                sizes.append(error)
                continue
            sizes.append(len(tokens))
            rows.extend(tokens)
        vectors = encoder.encode_tokens(rows)
        results: list[Result] = []
        start = 0
        for size in sizes:
            if isinstance(size, InputError):
                results.append(size)
                continue
            results.append(vectors[start : start + size])
            start += size
        return results


def closed() -> Overloaded:
    """The answer to calls during and after shutdown."""
    return Overloaded("the encoder is closed", fix="try again when the server is up")
