"""Answers kept from earlier runs, so that the same request to the same endpoint is not paid for twice.

The key is everything that makes an answer what it is: the endpoint (address, model, revision, sampling, system message), every message, tools,
and the number of the repeat, so that the second of two answers is never the first one again. Where the server names another revision of the
model than before, what the old one answered is no longer found.
"""

from typing import Any, Protocol

import msgspec

from groundwork.core.ids import hash_of
from groundwork.core.ports import AnswerStore
from groundwork.core.reply import Reply
from groundwork.core.request import Request

SECONDS = 90 * 86_400.0
"""How long an answer is kept."""


class KeptAnswers(Protocol):
    """Answers by request and repeat."""

    async def find(self, request: Request, repeat: int, /) -> Reply | None: ...

    def keep(self, request: Request, repeat: int, reply: Reply, /) -> None: ...


class _NothingKept:
    async def find(self, _request: Request, _repeat: int) -> Reply | None:
        return None

    def keep(self, _request: Request, _repeat: int, _reply: Reply) -> None:
        return


NOTHING_KEPT = _NothingKept()
"""For runs that ask everything."""


class EndpointAnswers:
    """The answers of one endpoint, in a store."""

    def __init__(self, store: AnswerStore, endpoint: dict[str, Any]) -> None:
        self._store = store
        self._endpoint = hash_of(endpoint)
        self._revision: str | None = None

    async def find(self, request: Request, repeat: int) -> Reply | None:
        """The answer to the same request and repeat, if the revision that gave it is the latest that was seen."""
        if self._revision is None:
            told = await self._store.get(f"revision:{self._endpoint}")
            self._revision = told.decode() if told else ""
        found = await self._store.get(self._key(request, repeat))
        reply = None if found is None else msgspec.json.decode(found, type=Reply)
        return reply if reply is not None and reply.model == self._revision else None

    def keep(self, request: Request, repeat: int, reply: Reply) -> None:
        """Keep a whole answer; not one that was cut off, blocked, or used live tools."""
        if reply.model != self._revision:
            self._revision = reply.model
            self._store.put(f"revision:{self._endpoint}", reply.model.encode(), seconds=SECONDS)
        if reply.finish in {"stop", "tool"} and not reply.live:
            self._store.put(self._key(request, repeat), msgspec.json.encode(reply), seconds=SECONDS)

    def _key(self, request: Request, repeat: int) -> str:
        return f"eval:{hash_of((self._endpoint, request.messages, request.variables, request.tools, repeat))}"
