"""The one thread in which all embedded models compute: the event loop never does, and two models never fight for the cores.

Each model holds a `Lease`. The thread starts with the first work and ends when the last lease is closed; work of different models takes turns
in the order it came, so whoever has much to do hands it over in small pieces.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class ModelThread:
    """A thread that is there while somebody holds a lease on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._holders = 0

    def lease(self) -> "Lease":
        """The right to hand work over. It holds the thread from the first work on."""
        return Lease(self)

    def _take(self) -> ThreadPoolExecutor:
        with self._lock:
            self._holders += 1
            self._pool = self._pool or ThreadPoolExecutor(max_workers=1, thread_name_prefix="groundwork-encoder")
            return self._pool

    def _give_back(self, pool: ThreadPoolExecutor) -> None:
        with self._lock:
            self._holders -= 1
            last = not self._holders
            if last:
                self._pool = None
        if last:
            pool.shutdown(wait=True)
        else:
            pool.submit(int).result()  # what this lease handed over comes before


class Lease:
    """One model's right to the thread."""

    def __init__(self, thread: ModelThread) -> None:
        self._thread = thread
        self._pool: ThreadPoolExecutor | None = None

    def run(self, work: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """Have `work` done in the thread, after what was handed over before. Cancelled before its turn, it is never begun."""
        if self._pool is None:
            self._pool = self._thread._take()
        return asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    async def close(self) -> None:
        """Wait for what was handed over, and give the thread back."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(self._thread._give_back, pool)


SHARED = ModelThread()
"""The thread of this process."""
