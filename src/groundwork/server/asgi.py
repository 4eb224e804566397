"""The server as an ASGI application: the API is dispatched here, pages by Starlette. One boundary turns whatever breaks into an answer."""

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping

from groundwork.app.live import Live
from groundwork.core.errors import GroundworkError, InputError, NotFound, Overloaded
from groundwork.secure.secrets import mask_secrets
from groundwork.server.auth import Door
from groundwork.server.chat import chat
from groundwork.server.errors import ClientGone, body_of
from groundwork.server.exchange import Event, Exchange, Receive, Scope, Send
from groundwork.server.feedback import feedback
from groundwork.server.health import health
from groundwork.server.models import model, models
from groundwork.server.pages import pages
from groundwork.server.site import Losses, Site
from groundwork.server.traces import trace

Handler = Callable[[Exchange, Site], Awaitable[None]]

ROUTES: Mapping[str, tuple[str, Handler]] = {
    "/v1/chat/completions": ("POST", chat),
    "/v1/models": ("GET", models),
    "/v1/feedback": ("POST", feedback),
    "/health": ("GET", health),
}
BRANCHES: Mapping[str, tuple[str, Handler]] = {"/v1/models/": ("GET", model), "/v1/traces/": ("GET", trace)}
"""Paths that go on with a name."""

_SECURITY = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Server:
    """Answers HTTP for one application."""

    def __init__(self, live: Live) -> None:
        self.site = Site(live, Door(live), Losses(), time.time())
        self.stopping = False
        self.running: set[asyncio.Task[None]] = set()
        self._pages = pages(self.site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served here")
        exchange = Exchange(scope, receive, _secured(send))
        task = asyncio.current_task()
        if task is not None:
            self.running.add(task)
            task.add_done_callback(self.running.discard)
        try:
            await self._dispatch(exchange)
        except ClientGone:
            return
        except GroundworkError as error:
            await exchange.fail(error)
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            await exchange.fail(Overloaded("the server is shutting down", fix="ask again in a moment"))
        except Exception as error:  # noqa: BLE001  the request boundary: whoever asked gets an answer, whoever runs us the whole story
            report(error, exchange.trace)
            await exchange.fail(GroundworkError("something broke inside groundwork", fix="look into the server's output for this trace"))

    async def _dispatch(self, exchange: Exchange) -> None:
        path = exchange.path
        found = ROUTES.get(path) or next((there for branch, there in BRANCHES.items() if path.startswith(branch)), None)
        if found is None:
            if path == "/v1" or path.startswith("/v1/"):
                raise NotFound(f"there is no {path[:100]!r} here", fix="see /v1/models for what there is to ask")
            await self._pages(exchange.scope, exchange.receive, exchange.send)
            return
        method, handler = found
        if exchange.method != method and (exchange.method, method) != ("HEAD", "GET"):
            error = InputError(f"{path} takes {method}, not {exchange.method}", fix=f"use {method}", code="method_not_allowed", status=405)
            await exchange.respond(body_of(error, ""), status=405, headers={"allow": method})
            return
        await handler(exchange, self.site)


def _secured(send: Send) -> Send:
    async def secured(event: Event) -> None:
        if event["type"] == "http.response.start":
            event = {**event, "headers": [*event.get("headers", ()), *_SECURITY]}
        await send(event)

    return secured


def report(error: Exception, trace: str) -> None:
    """Tell whoever runs the server what broke, with secrets masked."""
    story = "".join(traceback.format_exception(error))
    print(mask_secrets(f"error in {trace or 'a request without a trace'}:\n{story}"), file=sys.stderr, flush=True)
