"""The library's doors: an application from Python. Async throughout, with `run` as the one sync door.

import groundwork
reply = groundwork.run(groundwork.ask("app", "When is WAL mode not available?"))
print(reply.text, reply.citations)
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from groundwork.app.live import Live, open_live
from groundwork.core.reply import Reply

T = TypeVar("T")


@asynccontextmanager
async def open_app(folder: str | Path) -> AsyncGenerator[Live, None]:
    """Open the application in a folder and close it again: `async with groundwork.open_app(folder) as app` gives `await app.ask(question)`."""
    async with open_live(Path(folder)) as live:
        yield live


async def ask(folder: str | Path, question: str) -> Reply:
    """Open an application, ask one question, close it again. For more than one question use `open_app`."""
    async with open_live(Path(folder)) as live:
        return await live.ask(question)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result: from plain code, and from a notebook whose event loop is busy with the cell."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    results: list[T] = []
    failures: list[BaseException] = []

    def aside() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001  carried over to the caller's thread, whatever it is
            failures.append(error)

    thread = threading.Thread(target=aside, name="groundwork-run")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]
