"""A trained model behind an async door: its work is done in the thread of all embedded models, batch by batch.

    door = Door(lambda: SpanReader(folder))
    found = await door.ask(lambda reader: reader.reading(question, passages))

Between two batches others take their turn, so a question never waits for a whole folder of pairs. Callers' texts are not put into common
batches: on one thread that gains nothing (`benchmarks/adapters.py`).
"""

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from groundwork.core.errors import Overloaded
from groundwork.engine.thread import SHARED, ModelThread

M = TypeVar("M")
R = TypeVar("R")
Work = Generator[None, None, R]
"""What a model does for one call; it pauses where others may take their turn."""

WAITING = 64


def drained(work: Work[R]) -> R:
    """Do all of it at once, in this thread."""
    while True:
        done, result = _step(work)
        if done:
            return result[0]


class Door(Generic[M]):
    """One model for any number of concurrent callers.

    It loads at first use, in the thread (or in `warm`); where loading fails, the caller gets the error and the next call tries again.
    `waiting` bounds the calls that are not yet answered; `thread` is a seam of tests.
    """

    def __init__(self, load: Callable[[], M], *, waiting: int = WAITING, thread: ModelThread = SHARED) -> None:
        self._load = load
        self._limit = waiting
        self._thread = thread.lease()
        self._model: M | None = None  # touched by the thread only
        self._waiting = 0
        self._closed = False

    async def ask(self, work: Callable[[M], Work[R]]) -> R:
        """The result of `work` on the model. What it raises is passed on; when the caller is cancelled, the rest is never computed.

        Raises `Overloaded` where too many callers wait or the door is closed, `StoreError` where the model does not load.
        """
        if self._waiting >= self._limit:
            raise Overloaded(f"the model's queue is full: {self._waiting} calls are waiting", fix="try again in a few seconds")
        self._waiting += 1
        try:
            self._refuse_closed()
            steps = await self._thread.run(lambda: work(self._loaded()))
            while True:
                self._refuse_closed()
                done, result = await self._thread.run(lambda: _step(steps))
                if done:
                    return result[0]
        finally:
            self._waiting -= 1

    async def warm(self) -> None:
        """Load the model now. Raises `StoreError` where it does not load."""
        self._refuse_closed()
        await self._thread.run(self._loaded)

    async def close(self) -> None:
        """Refuse new calls, end those that wait after the batch they are in, and give the thread back."""
        self._closed = True
        await self._thread.close()
        self._model = None

    def _loaded(self) -> M:
        """The model; in the thread only."""
        if self._model is None:
            self._model = self._load()
        return self._model

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Overloaded("the model is closed", fix="try again when the server is up")


def _step(work: Work[R]) -> tuple[bool, list[R]]:
    """One pause further, or the result in a list. A `StopIteration` would not pass through a future."""
    try:
        next(work)
    except StopIteration as end:
        return True, [end.value]
    return False, []
