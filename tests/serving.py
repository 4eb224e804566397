"""A real server on 127.0.0.1 for tests, in a thread of its own, ended with the test."""

import asyncio
import contextlib
import http.client
import json
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.app.live import Live, open_live
from groundwork.server.run import serve


@dataclass
class Served:
    """A running server."""

    url: str
    live: Live
    loop: asyncio.AbstractEventLoop
    stopping: asyncio.Event
    thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.stopping.set)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], Any]:
        """One request by hand: status, headers (lower case), and the body (parsed where it is JSON)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json"} if body is not None else {}
        try:
            connection.request(method, path, data, sent | (headers or {}))
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            text = response.read()
        finally:
            connection.close()
        return (
            response.status,
            fields,
            json.loads(text) if fields.get("content-type") == "application/json" and text else text.decode(errors="replace"),
        )

    def say(self, text: str, model: str = "play", headers: dict[str, str] | None = None, **more: Any) -> tuple[int, dict[str, str], Any]:
        """One question by hand."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.ask("POST", "/v1/chat/completions", body, headers)


@contextlib.contextmanager
def serving(root: Path) -> Iterator[Served]:
    """Serve the application in a folder on a free port."""
    came: list[Served] = []
    listening = threading.Event()
    failed: list[BaseException] = []

    async def main() -> None:
        async with open_live(root) as live:
            stopping = asyncio.Event()

            def ready(address: str, app: str) -> None:
                assert app == live.app.name
                came.append(Served(address, live, asyncio.get_running_loop(), stopping))
                listening.set()

            await serve(live, "127.0.0.1", 0, ready=ready, stop=stopping)

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failed.append(error)
        finally:
            listening.set()

    thread = threading.Thread(target=work, name="test-server")
    thread.start()
    listening.wait(30)
    if not came:
        thread.join(5)
        raise failed[0]
    served = came[0]
    served.thread = thread
    try:
        yield served
    finally:
        if thread.is_alive():
            served.stop()
        thread.join(30)
    assert not thread.is_alive(), "the server did not end"
    if failed:
        raise failed[0]
