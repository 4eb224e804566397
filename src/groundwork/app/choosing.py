"""Which named route a request takes that names none: the default one, or the one for its intent.

    [routes]
    by = "intents"                  # .groundwork/models/intents, made by `groundwork tune router intents.toml`
    [routes.named.returns]
    to      = "smart"
    intents = ["refund", "cancel"]

A message that is out of scope, or whose intent has no route, takes the default one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from groundwork.app.config import RoutesSection
from groundwork.core.config import Written, unknown
from groundwork.core.errors import ConfigError
from groundwork.core.ports import Embedder
from groundwork.core.request import Request
from groundwork.engine.heads import MANIFEST, read_head
from groundwork.engine.intents import IntentRouter
from groundwork.observe.recorder import note, span


class Chooser(Protocol):
    """Picks a route."""

    @property
    def fingerprint(self) -> str: ...

    async def choose(self, request: Request, /) -> str:
        """The name of a route; empty for the default one."""
        ...


class Default:
    """Picks none."""

    fingerprint = ""

    async def choose(self, request: Request) -> str:
        return ""


DEFAULT = Default()


class ByIntent:
    """Picks the route of the message's intent."""

    def __init__(self, router: IntentRouter, routes: Mapping[str, str]) -> None:
        self._router = router
        self._routes = routes
        """Intent → route."""

    @property
    def fingerprint(self) -> str:
        return self._router.fingerprint

    async def choose(self, request: Request) -> str:
        """Raises as the embedder does."""
        with span("route by intent") as attributes:
            intent = await self._router.classify(request.question)
            route = self._routes.get(intent.label, "") if intent.in_scope else ""
            attributes |= {
                "groundwork.router": self.fingerprint,
                "groundwork.router.intent": intent.label,
                "groundwork.router.in_scope": intent.in_scope,
                "groundwork.router.probability": round(intent.probability, 4),
                "groundwork.router.energy": round(intent.energy, 3),
                "groundwork.router.read": intent.read,
            }
        note(router=self.fingerprint)
        return route


def chooser_of(routes: RoutesSection, written: Written, models: Path, embedder: Embedder) -> Chooser:
    """What chooses routes, as configured; `models` is the folder of the application's own models.

    Raises ConfigError for a router that is not there, intents that it does not know, an intent of two routes, or no route to choose;
    StoreError for one that is damaged or was made for another encoder.
    """
    where = written.where(("routes", "by"))
    if routes.by is None:
        if name := next((name for name, route in routes.named.items() if route.intents), ""):
            at = written.where(("routes", "named", name, "intents"))
            raise ConfigError("there are intents, and nothing that recognises them", where=at, fix='add `by = "ROUTER"` to [routes]')
        return DEFAULT
    known = sorted(path.parent.name for path in models.glob(f"*/{MANIFEST}"))
    if routes.by not in known:
        if known:
            raise unknown("router", routes.by, known, where)
        raise ConfigError(f"there is no router `{routes.by}`", where=where, fix=f"make it: groundwork tune router {routes.by}.toml")
    router = IntentRouter(read_head(models / routes.by, base=embedder.fingerprint), embedder)
    return ByIntent(router, _routes(routes, router.head.labels, written))


def _routes(routes: RoutesSection, labels: tuple[str, ...], written: Written) -> dict[str, str]:
    """Intent → route."""
    found: dict[str, str] = {}
    for name, route in routes.named.items():
        for place, intent in enumerate(route.intents or ((name,) if name in labels else ())):
            at = written.where(("routes", "named", name, "intents", place))
            if intent not in labels:
                raise unknown("intent", intent, labels, at)
            if found.setdefault(intent, name) != name:
                raise ConfigError(f"the intent `{intent}` leads to `{found[intent]}` already", where=at, fix="let it lead to one route")
    if not found:
        where = written.where(("routes", "by"))
        fix = f"add [routes.named.NAME] with `intents`; it knows {', '.join(labels)}"
        raise ConfigError(f"`{routes.by}` has no route to choose", where=where, fix=fix)
    return found
