"""Where a caller takes its deltas from: nowhere, a list, or a bounded queue."""

import asyncio
from collections.abc import AsyncGenerator

from groundwork.core.reply import Delta


class Discard:
    """For callers that want the whole reply only."""

    async def send(self, delta: Delta) -> None:
        return


class Queued:
    """For callers that read as it comes. A slow reader slows the answer: the queue is bounded."""

    def __init__(self, size: int = 64) -> None:
        self._queue: asyncio.Queue[Delta | None] = asyncio.Queue(size)

    async def send(self, delta: Delta) -> None:
        await self._queue.put(delta)

    async def end(self) -> None:
        await self._queue.put(None)

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        while (delta := await self._queue.get()) is not None:
            yield delta
