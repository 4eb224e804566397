"""An embeddings service on 127.0.0.1 that embeds with the real embedded encoder, in OpenAI's shape, and fails as a test asks."""

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web

from groundwork.engine.encoder import Encoder

KEY = "sk-local-0123456789abcdef"


@dataclass
class Service:
    """What it was asked, and how it misbehaves. `faults` are answered first, one a call; `twist` changes the items of a right answer."""

    encoder: Any
    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    faults: list[Callable[[web.Request], Any]] = field(default_factory=list)
    twist: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = field(default=lambda items: items)
    most_words: int = 10_000
    """A longer text is refused, and with it the whole call."""
    fails_after: int = 1_000_000
    """Calls that are answered; then it is down."""
    scale: float = 1.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def texts(self) -> list[str]:
        return [text for call in self.asked for text in call["input"]]

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        if self.faults:
            answer = self.faults.pop(0)(request)
            return await answer if asyncio.iscoroutine(answer) else answer
        if len(self.asked) > self.fails_after:
            return web.json_response({"error": {"message": "we are down"}}, status=503)
        if any(len(text.split()) > self.most_words for text in body["input"]):
            said = "This model's maximum context length is 8192 tokens, however you requested 9000 tokens"
            return web.json_response({"error": {"message": said, "code": "context_length_exceeded"}}, status=400)
        made = await asyncio.to_thread(self.encoder.encode, body["input"])
        made = made[:, : body.get("dimensions", made.shape[1])] * self.scale
        items = [{"object": "embedding", "index": place, "embedding": shaped(row, body)} for place, row in enumerate(made)]
        return web.json_response({"object": "list", "model": body["model"], "data": self.twist(items), "usage": {"prompt_tokens": 1}})


def shaped(row: np.ndarray, body: dict[str, Any]) -> Any:
    if body.get("encoding_format") == "base64":
        return base64.b64encode(row.astype("<f4").tobytes()).decode()
    return [float(value) for value in row]


@contextmanager
def serving(encoder: Any = None) -> Iterator[Service]:
    """A service in a thread of its own, ended with the block."""
    service = Service(encoder or Encoder())
    loop = asyncio.new_event_loop()
    app = web.Application(client_max_size=50_000_000)
    app.router.add_post("/v1/embeddings", service.embeddings)
    runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    service.port = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
