"""A model server on 127.0.0.1 that writes texts for chunks: what it says follows from what it is asked."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def noted(user: str) -> str:
    """The passage's last word, so that a test can tell which text belongs to which passage."""
    passage = user.split("that the note is for:")[1].split("Write one sentence", maxsplit=1)[0]
    return f"Situated: zebra{passage.split()[-1].strip('.').lower()} in its document."


@dataclass
class Writer:
    """`answers` maps the user's message to a text; `refuses` says which messages fail, with which status."""

    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: Callable[[str], str] = noted
    refuses: Callable[[str], int] = field(default=lambda _: 0)
    before: Callable[[], None] = field(default=lambda: None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def passages(self) -> list[str]:
        return [
            call["messages"][-1]["content"].split("that the note is for:")[1].split("Write one sentence")[0].strip() for call in self.asked
        ]

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        await asyncio.to_thread(self.before)
        self.asked.append(body)
        user = body["messages"][-1]["content"]
        if status := self.refuses(user):
            return web.json_response({"error": {"message": "no"}}, status=status)
        text = self.answers(user)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for event in (
            {"model": "w-1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}},
        ):
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response


@contextmanager
def writing() -> Iterator[Writer]:
    """A server in a thread of its own, ended with the block."""
    writer, loop = Writer(), asyncio.new_event_loop()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", writer.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    writer.port = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield writer
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
