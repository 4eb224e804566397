"""The answer cache: an answer is the same only where everything that made it is the same.

The key is a hash of tenant and permissions, the whole conversation and variables, every parameter, route, configuration (with prompts,
guard, tools and scripts), model revision and index generation. Answers that used tools, were blocked, broke off or hold a secret are not kept.
"""

import msgspec

from groundwork.app.application import Context, Kept, Route
from groundwork.core.document import Found
from groundwork.core.ids import hash_of
from groundwork.core.ports import AnswerStore
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.observe.recorder import note, span
from groundwork.secure.secrets import find_secrets


class NoCache:
    """An application that keeps no answers."""

    async def find(self, request: Request, route: Route) -> Kept | None:
        return None

    def keep(self, request: Request, route: Route, found: Found, reply: Reply) -> None:
        return


class ExactCache:
    """Keeps whole answers for a while, in the store."""

    def __init__(self, store: AnswerStore, seconds: float, config: str, context: Context, revision: str) -> None:
        self.store = store
        self.seconds = seconds
        self.config = config
        self.context = context
        self.revision = revision

    async def find(self, request: Request, route: Route) -> Kept | None:
        """The kept answer, if the very same was asked of the very same application before."""
        with span("cache exact") as attributes:
            generation = await self.context.generation(route)
            value = await self.store.get(self.key(request, route, generation))
            attributes["groundwork.cache.hit"] = value is not None
        if value is None:
            return None
        kept = msgspec.json.decode(value, type=Kept)
        note(found=kept.found)
        return kept

    def keep(self, request: Request, route: Route, found: Found, reply: Reply) -> None:
        """Keep a clean answer, under the generation it was really built on."""
        flagged = any(verdict.action in {"block", "error"} for verdict in reply.verdicts)
        if route.prompt is not None and route.prompt.select.from_traces:
            return  # its examples change with what people think of other answers
        if reply.cached or reply.live or reply.calls or reply.finish != "stop" or flagged:
            return
        value = msgspec.json.encode(Kept(found=found, reply=reply))
        if find_secrets(value.decode()):
            return  # masked it would be another answer, and in clear it must not be written
        self.store.put(self.key(request, route, found.generation), value, seconds=self.seconds)

    def key(self, request: Request, route: Route, generation: str) -> str:
        who = request.principal
        return hash_of(
            {
                "tenant": who.tenant,
                "permissions": [who.user, sorted(who.groups)],
                "where": request.where,
                "messages": request.messages,
                "variables": request.variables,
                "parameters": request.parameters,
                "tools": request.tools,
                "route": route.name,
                "config": self.config,
                "models": self.revision,
                "generation": generation,
            }
        )
