"""A model server on 127.0.0.1 that does what a test scripts, byte by byte."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Step = bytes | float | Literal["cut", "reset", "hang"]
"""Bytes to write, seconds to wait, or how the connection ends; without one the body ends as it should."""


@dataclass
class Script:
    steps: Sequence[Step]
    status: int = 200
    kind: str = "text/event-stream"
    headers: str = ""


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Upstream:
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    """One for each request; the last one serves for ever."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """A client left while we were still writing or waiting."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def play(self, *steps: Step, **more: Any) -> None:
        self.scripts.append(Script(steps, **more))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append(Asked(first.split(" ")[1], headers, json.loads(body) if body else None))
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        started = False
        for step in script.steps:
            if isinstance(step, float):
                await self._wait(reader, step)
            elif isinstance(step, bytes):
                if not started:
                    writer.write(self._head(script))
                    started = True
                writer.write(b"%x\r\n%s\r\n" % (len(step), step))
                await writer.drain()
            elif step == "hang":
                await self._wait(reader, 60.0)
            else:
                if step == "reset":
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                return False
        writer.write((b"" if started else self._head(script)) + b"0\r\n\r\n")
        await writer.drain()
        return True

    def _head(self, script: Script) -> bytes:
        return f"HTTP/1.1 {script.status} X\r\ncontent-type: {script.kind}\r\n{script.headers}transfer-encoding: chunked\r\n\r\n".encode()

    async def _wait(self, reader: asyncio.StreamReader, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                if not await reader.read(1):
                    raise ConnectionResetError
        except TimeoutError:
            pass


@asynccontextmanager
async def upstream() -> AsyncGenerator[Upstream]:
    made = Upstream()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in list(made.tasks):
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)
        await server.wait_closed()


def event(value: Any, end: bytes = b"\n\n") -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + end


def text(content: str, **more: Any) -> bytes:
    return event({"model": "m-2026", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}], **more})


def finish(reason: str = "stop") -> bytes:
    return event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


def usage(prompt: int = 10, completion: int = 3, **more: Any) -> bytes:
    return event({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion, **more}})


DONE = event(b"[DONE]")
HELLO = (text("Hel"), text("lo"), finish(), usage(), DONE)
