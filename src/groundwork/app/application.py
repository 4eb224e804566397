"""What an application is made of, one field for each box of a request's path. Each can be absent: a null object, never a None."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from groundwork.agents.loop import Agent
from groundwork.app.choosing import DEFAULT, Chooser
from groundwork.app.config import Settings
from groundwork.context.assembling import Assembling, Room
from groundwork.context.queries.expanding import Expanding
from groundwork.context.queries.rewriting import AS_ASKED, Rewriter
from groundwork.core.access import Scope, readers_of
from groundwork.core.config import unknown
from groundwork.core.document import NOTHING, Found
from groundwork.core.errors import InputError
from groundwork.core.measure import Example
from groundwork.core.message import text_of
from groundwork.core.ports import Model, Retriever
from groundwork.core.record import Versions
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.guard.incoming import GuardIn
from groundwork.guard.outgoing import GuardOut
from groundwork.observe.recorder import note, span
from groundwork.prompts import few_shot
from groundwork.prompts.counting import count_tokens, first_tokens
from groundwork.prompts.few_shot import Shot
from groundwork.prompts.front_matter import Prompt
from groundwork.prompts.render import render


@dataclass(frozen=True, slots=True)
class Route:
    """A way through the application."""

    name: str
    model: str
    agent: Agent
    prompt: Prompt | None
    collections: tuple[str, ...] = ()
    """Those that are searched; empty: all."""


class Router:
    """Routes by name: `APP/NAME` takes the one named; `APP` the one that `chooser` picks, or the default one where it picks none."""

    def __init__(self, app: str, default: Route, named: Mapping[str, Route], chooser: Chooser = DEFAULT) -> None:
        self.app = app
        self.default = default
        self.named = named
        self.chooser = chooser

    async def choose(self, request: Request) -> Route:
        """Raises InputError for a route that does not exist, and what the chooser's embedder raises."""
        _, _, name = request.model.partition("/")
        name = name or await self.chooser.choose(request)
        route = self.named.get(name) if name else self.default
        if route is None:
            error = unknown("route", name, self.named)
            raise InputError(error.what, fix=error.fix, param="model", code="model_not_found", status=404)
        note(route=route.name, prompt=route.prompt.id if route.prompt else "")
        return route


class Context(Protocol):
    """What may be known for a request, on its way through the application (left out: the default one)."""

    async def gather(self, request: Request, route: Route | None = None, /) -> Found: ...

    async def generation(self, route: Route | None = None, /) -> str: ...


class NoContext:
    """An application without documents."""

    async def gather(self, request: Request, route: Route | None = None) -> Found:
        """Nothing. Raises InputError for a request that filters documents: it would be answered as if it had not."""
        if request.where.strip():
            raise InputError(
                f"`{request.model}` searches no documents, so there is nothing to filter", fix="leave `where` out", param="where"
            )
        return NOTHING

    async def generation(self, route: Route | None = None) -> str:
        return ""


class Documents:
    """Looks the question up in the application's index, among the documents that whoever asks may see."""

    def __init__(
        self,
        retriever: Retriever,
        keep: int,
        rewriter: Rewriter = AS_ASKED,
        assembling: Assembling | None = None,
        rooms: Mapping[str, Room] | None = None,
        expanding: Expanding | None = None,
        narrowed: Mapping[tuple[str, ...], Retriever] | None = None,
    ) -> None:
        self.retriever = retriever
        self.keep = keep
        self.rewriter = rewriter
        self.assembling = assembling or Assembling(count_tokens, first_tokens)
        self.rooms = rooms or {}
        self.expanding = expanding or Expanding()
        self._narrowed = narrowed or {}
        """What searches some of the collections only, by their names."""

    def _retriever(self, route: Route | None) -> Retriever:
        return self._narrowed[route.collections] if route is not None and route.collections else self.retriever

    async def gather(self, request: Request, route: Route | None = None) -> Found:
        """What a prompt is given: looked up, and put together for the route's model."""
        scope = Scope(where=request.where, readers=readers_of(request.principal))
        retriever = self._retriever(route)
        query, also = await self.queries(request, scope, retriever)
        with span("retrieval documents") as attributes:
            found = await retriever.find(query, keep=self.keep, scope=scope, also=also)
            attributes |= {
                "gen_ai.operation.name": "retrieval",
                "groundwork.retrieval.hits": len(found.hits),
                "groundwork.index.generation": found.generation,
                "groundwork.retrieval.doubtful": found.doubtful,
            }
            if found.evidence is not None:
                attributes["groundwork.retrieval.evidence"] = round(found.evidence, 3)
        found = await self.assembling.assemble(found, self.rooms.get(route.model if route else "", Room()))
        note(found=found)
        return found

    async def queries(self, request: Request, scope: Scope, retriever: Retriever) -> tuple[str, dict[str, float]]:
        """What is looked up for a request: the query, and further ones with what they count."""
        query = await self.rewriter.rewrite(request)
        first = (await retriever.find(query, keep=self.keep, scope=scope)).hits if self.expanding.wants_hits(query) else ()
        return query, await self.expanding.queries(query, request, first)

    async def generation(self, route: Route | None = None) -> str:
        """Which state of the index is current: it is part of the answer cache's key."""
        return await self._retriever(route).generation()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in the cache, with what it was built on."""

    found: Found
    reply: Reply


class Cache(Protocol):
    """Whole answers to whole requests."""

    async def find(self, request: Request, route: Route, /) -> Kept | None: ...

    def keep(self, request: Request, route: Route, found: Found, reply: Reply, /) -> None: ...


class Prompts:
    """Renders a route's prompt with the examples chosen for the request; a route without a prompt passes the messages on."""

    def __init__(self, chooser: few_shot.Chooser) -> None:
        self.chooser = chooser

    async def render(self, request: Request, found: Found, route: Route) -> Request:
        """The request as the model gets it. Raises InputError and ConfigError as `render` does."""
        if route.prompt is None:
            return request
        rendered = render(route.prompt, request, found, await self._shots(route.prompt, request))
        note(rendered=[{"role": message.role, "text": "".join(text_of(part) for part in message.parts)} for message in rendered.messages])
        return rendered

    async def _shots(self, prompt: Prompt, request: Request) -> tuple[Shot, ...]:
        if not prompt.shows_examples:
            return ()
        with span("few-shot examples") as attributes:
            chosen = await self.chooser.choose(prompt, request)
            attributes |= {
                "groundwork.few_shot": [shot.id for shot in chosen.shots],
                "groundwork.few_shot.by": prompt.select.by,
                "groundwork.few_shot.withheld": chosen.withheld,
                "groundwork.few_shot.no_room": chosen.no_room,
            }
        return chosen.shots


@dataclass(frozen=True, slots=True)
class App:
    """An application, composed (`app/compose.py`) and ready to answer."""

    name: str
    settings: Settings
    config: str
    """Hash of the effective configuration."""
    versions: Versions
    guard_in: GuardIn
    router: Router
    context: Context
    cache: Cache
    guard_out: GuardOut
    prompts: Prompts
    models: Mapping[str, Model]
    """Model aliases, for callers that ask for one by name and so reach the gateway only."""


def withhold(app: App, cases: Iterable[Example]) -> App:
    """The application while these cases are measured: none of its few-shot examples gives their answers away."""
    prompts = [route.prompt for route in (app.router.default, *app.router.named.values()) if route.prompt]
    if not any(prompt.shows_examples for prompt in prompts):
        return app
    names = (name for case in cases for name in (case.id, case.question))
    return replace(app, prompts=Prompts(app.prompts.chooser.withholding(names)))
