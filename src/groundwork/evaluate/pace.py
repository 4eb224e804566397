"""How many requests are in the air, and when one that was refused is sent again.

A fixed number is held as it is. `auto` finds the number: it doubles until the endpoint slows down or refuses, then rises by one a window and
falls by half at each refusal (additive increase, multiplicative decrease: D. Chiu and R. Jain, Computer Networks and ISDN Systems 17 (1989), 1-14).
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from groundwork.core.errors import UpstreamError

T = TypeVar("T")

START, MOST = 4, 256
"""Requests in the air with `auto`, at the beginning and at most."""
_SLOWER = 2.0
"""A window whose median is so many times the best one's tells that requests wait in a line over there."""
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
"""Seconds before the second attempt, and at most before any."""
_CONGESTED = frozenset({"rate", "overload", "timeout"})


class Pace:
    """The gate that requests pass one by one, and what is learnt from how they fare."""

    def __init__(
        self,
        concurrency: int | None,
        *,
        attempts: int = 1,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`concurrency` None adapts. `attempts` bounds how often one request is sent; `chance` spreads the waits, in [0, 1)."""
        self.adapts = concurrency is None
        self.workers = MOST if concurrency is None else concurrency
        self.limit = START if concurrency is None else concurrency
        self.attempts = attempts
        self._sleep = sleep
        self._chance = chance
        self._running = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._window: list[float] = []
        self._best = float("inf")
        self._doubling = True
        self._calm_from = 0.0

    async def enter(self) -> None:
        """Wait for a place in the air."""
        if self.adapts:
            while self._running >= self.limit:
                turn = asyncio.get_running_loop().create_future()
                self._line.append(turn)
                await turn
        self._running += 1

    def leave(self) -> None:
        """Give the place back."""
        self._running -= 1
        self._wake()

    async def ask(self, work: Callable[[], Awaitable[T]], *, until: float) -> tuple[T, float]:
        """What `work` gives, and the seconds of the attempt that gave it. Sent again where that can help and there is time before `until`.

        Raises what the last attempt raised. `until` is on the event loop's clock.
        """
        clock = asyncio.get_running_loop().time
        attempt = 1
        while True:
            start = clock()
            try:
                found = await work()
            except UpstreamError as error:
                self._note_failure(error, clock())
                wait = self._wait(attempt, error)
                if not error.retryable or attempt >= self.attempts or clock() + wait >= until:
                    raise
            else:
                seconds = clock() - start
                self._note_answer(seconds)
                return found, seconds
            attempt += 1
            await self._sleep(wait)

    def _wait(self, attempt: int, error: UpstreamError) -> float:
        """Seconds before the next attempt: what the server asks for, else doubling, and spread so that not all come back at once."""
        spread = 0.5 + self._chance() / 2
        if error.retry_after is not None:
            return error.retry_after + spread * _FIRST_WAIT
        return min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1)) * spread

    def _note_answer(self, seconds: float) -> None:
        """A window full of answers moves the limit."""
        if not self.adapts:
            return
        self._window.append(seconds)
        if len(self._window) < self.limit:
            return
        median = sorted(self._window)[len(self._window) // 2]
        self._window.clear()
        self._best = min(self._best, median)
        if median > _SLOWER * self._best:
            self._doubling = False
            self._set(self.limit - max(1, self.limit // 8))
        else:
            self._set(self.limit * 2 if self._doubling else self.limit + 1)

    def _note_failure(self, error: UpstreamError, now: float) -> None:
        """Halve, but once for what was in the air together."""
        if not self.adapts or error.cause not in _CONGESTED or now < self._calm_from:
            return
        self._doubling = False
        self._window.clear()
        self._calm_from = now + (0.0 if self._best == float("inf") else self._best) + (error.retry_after or 0.0)
        self._set(self.limit // 2)

    def _set(self, limit: int) -> None:
        self.limit = max(1, min(MOST, limit))
        self._wake()

    def _wake(self) -> None:
        free = self.limit - self._running
        while self._line and free > 0:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
