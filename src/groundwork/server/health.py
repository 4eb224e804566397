"""`GET /health`: whether the application answers as it should, and what is wrong where it does not."""

from typing import Any

from groundwork import __version__
from groundwork.app.live import Live
from groundwork.app.searching import searches_of
from groundwork.core.errors import GroundworkError, PermissionDenied
from groundwork.server.exchange import Exchange
from groundwork.server.site import Losses, Site


async def health(exchange: Exchange, site: Site) -> None:
    """Say how things are: the word to everybody, the reasons to those who may use the application."""
    generation, problems = await examine(site.live, site.losses)
    status = "degraded" if problems else "ok"
    try:
        await site.door.admit(exchange)
    except PermissionDenied:
        await exchange.respond({"status": status})
        return
    app = site.live.app
    answer: dict[str, Any] = {"status": status, "version": __version__, "app": app.name, "release": app.settings.release}
    await exchange.respond({**answer, "index_generation": generation, "problems": problems})


async def examine(live: Live, losses: Losses) -> tuple[str, list[str]]:
    """The generation of the index, and every problem as a sentence."""
    problems: list[str] = []
    if live.problem:
        problems.append(live.problem)
    lost = live.folder.traces.lost
    if losses.recent(lost):
        problems.append(f"traces are being lost ({lost} so far): is the disk full?")
    generation = ""
    if live.app.settings.config.context is not None:
        try:
            generation = await live.app.context.generation()
            for name, search in searches_of(live.app).items():
                index = f"the index of the collection {name!r}" if name else "the index"
                fits = await search.fits()
                if fits is None:
                    problems.append(f"nothing is indexed yet{f' in the collection {name!r}' if name else ''}: run `groundwork index`")
                elif not fits:
                    problems.append(f"{index} was made by another encoder: run `groundwork index --rebuild`")
        except GroundworkError as error:
            return "", [*problems, f"the index cannot be read: {error.what}"]
    return generation, problems
