"""What every handler of the server shares."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from groundwork.app.live import Live
from groundwork.server.auth import Door

_RECENT_SECONDS = 60.0


class Losses:
    """Says whether a count has grown of late. It notices when it is asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = 0
        self._grew: float | None = None

    def recent(self, count: int) -> bool:
        """Whether the count has grown in the last minute."""
        if count > self._seen:
            self._seen, self._grew = count, self._clock()
        return self._grew is not None and self._clock() - self._grew < _RECENT_SECONDS


@dataclass(frozen=True, slots=True)
class Site:
    """The application that answers now, the door before it, and since when (Unix seconds) it is served."""

    live: Live
    door: Door
    losses: Losses
    since: float
