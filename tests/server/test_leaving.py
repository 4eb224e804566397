"""A client that leaves cancels its request, and the model server sees its connection close."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Served, serving

APP = """\
[app]
name = "play"
[providers.up]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
[models.quick]
targets = ["up/m"]
"""
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Upstream:
    """A model server that writes a word every 50 ms for ever, and notes when its connection closes."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = threading.Event()
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(65_536)
            self.asked.set()
            data = b"data: " + json.dumps({"choices": [{"delta": {"content": "word "}}], "model": "m"}).encode() + b"\n\n"
            try:
                connection.sendall(HEAD)
                for _ in range(400):
                    connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
                    time.sleep(0.05)
            except OSError:
                self.closed.set()

    def close(self) -> None:
        self.listener.close()
        self.thread.join(30)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


@pytest.fixture
def server(tmp_path: Path, upstream: Upstream) -> Iterator[Served]:
    (tmp_path / "groundwork.toml").write_text(APP.format(port=upstream.port))
    with serving(tmp_path) as served:
        yield served


@pytest.mark.parametrize("stream", [False, True])
def test_leaving_reaches_the_model_server(server: Served, upstream: Upstream, stream: bool) -> None:
    body = json.dumps({"model": "play", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as caller:
        caller.sendall(head.encode() + body)
        assert upstream.asked.wait(10)
        if stream:
            seen = b""
            while seen.count(b"word") < 3:
                seen += caller.recv(4096)
        else:
            time.sleep(0.3)
        assert not upstream.closed.is_set()
    assert upstream.closed.wait(5), "the model server still writes to nobody"
    rows: Any = _traces(server)
    assert [row.status for row in rows] == ["cancelled"]


def _traces(server: Served) -> Any:
    async def read() -> Any:
        await server.live.folder.traces.flush()
        return await server.live.folder.trace_store.list()

    for _ in range(50):
        rows = server.run(read())
        if rows:
            return rows
        time.sleep(0.05)
    return []
