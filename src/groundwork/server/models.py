"""`GET /v1/models`: the application, its routes, and its model aliases."""

from typing import Any

from groundwork.app.application import App
from groundwork.core.config import unknown
from groundwork.core.errors import InputError
from groundwork.server.exchange import Exchange
from groundwork.server.site import Site


def names(app: App) -> list[str]:
    """Every name that a caller may put into `model`."""
    return [app.name, *(f"{app.name}/{route}" for route in app.router.named), *app.models]


async def models(exchange: Exchange, site: Site) -> None:
    """List all models."""
    await site.door.admit(exchange)
    await exchange.respond({"object": "list", "data": [_row(name, site) for name in names(site.live.app)]})


async def model(exchange: Exchange, site: Site) -> None:
    """One model by its name, which may hold slashes."""
    await site.door.admit(exchange)
    name = exchange.path.removeprefix("/v1/models/")
    known = names(site.live.app)
    if name not in known:
        error = unknown("model", name, known)
        raise InputError(error.what, fix=error.fix, param="model", code="model_not_found", status=404)
    await exchange.respond(_row(name, site))


def _row(name: str, site: Site) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(site.since), "owned_by": "groundwork"}
