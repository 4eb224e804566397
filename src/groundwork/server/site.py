"""What every handler of the server shares."""

from dataclasses import dataclass

from groundwork.app.live import Live
from groundwork.server.auth import Door
from groundwork.server.health import Losses


@dataclass(frozen=True, slots=True)
class Site:
    """The application that answers now, the door before it, and since when (Unix seconds) it is served."""

    live: Live
    door: Door
    losses: Losses
    since: float
