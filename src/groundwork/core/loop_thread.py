"""An event loop in a thread of its own, for code without one (indexing runs in a thread) whose work on the network goes on over many calls."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from groundwork.core.errors import Overloaded

T = TypeVar("T")


class LoopThread:
    """The thread starts with the first work. Closing it cancels what still runs, and whoever waits for that gets Overloaded."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and wait for it. Not to be called from the thread itself."""
        with self._lock:
            if self._closed:
                work.close()
                raise _closed()
            loop = self._loop or self._start()
            future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except CancelledError:
            raise _closed() from None

    def close(self, *, last: Coroutine[Any, Any, None] | None = None) -> None:
        """Cancel what runs, let `last` close what was opened, and end the thread."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            if last is not None:
                last.close()
            return
        asyncio.run_coroutine_threadsafe(_ended(last), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name=self._name, daemon=True)
        self._thread.start()
        return loop


async def _ended(last: Coroutine[Any, Any, None] | None) -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    if last is not None:
        await last


def _closed() -> Overloaded:
    return Overloaded("this work was ended from outside", fix="start it again: what was finished is kept")
