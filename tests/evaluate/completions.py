"""A chat-completions server on 127.0.0.1 that answers by a function of the request."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = dict[str, Any] | tuple[int, dict[str, str], Any]
"""A completion; or status, headers and body (JSON, or text as it is)."""


def completion(text: str | None, *, finish: str = "stop", model: str = "m-2026", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text, **message}
    return {
        "model": model,
        "choices": [{"index": 0, "message": said, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2},
    }


@dataclass
class Server:
    answer: Callable[[dict[str, Any]], Answer | Awaitable[Answer]]
    port: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        given = self.answer(body)
        found = given if isinstance(given, dict | tuple) else await given
        status, headers, content = found if isinstance(found, tuple) else (200, {}, found)
        if isinstance(content, str):
            return web.Response(status=status, headers=headers, text=content)
        return web.json_response(content, status=status, headers=headers)


@asynccontextmanager
async def serving(answer: Callable[[dict[str, Any]], Answer | Awaitable[Answer]]) -> AsyncGenerator[Server]:
    server = Server(answer)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
