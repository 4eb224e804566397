"""The embedded encoder as an OpenAI-compatible server on 127.0.0.1, for peers that embed over HTTP: the same weights for everyone.

Texts longer than the encoder's window are cut at it, as sentence-transformers does with this model by default. The CPU seconds of each path's
first part (`/index/v1/embeddings`, `/ask/v1/embeddings`) are counted.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from groundwork.engine.encoder import SPECIAL, Encoder


class Served:
    """Where the server is, and the CPU seconds that embedding took on each side."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._turn = threading.Lock()
        self.url = ""
        self.cpu: Counter[str] = Counter()
        self.cut = 0
        """Texts that were longer than the window."""

    def embed(self, side: str, texts: list[str]) -> list[list[float]]:
        with self._turn:  # an encoder belongs to one thread at a time
            started = time.thread_time()
            vectors = self._encoder.encode([self._within(text) for text in texts])
            self.cpu[side] += time.thread_time() - started
        return [[float(value) for value in vector] for vector in vectors]

    def _within(self, text: str) -> str:
        most = self._encoder.window - SPECIAL
        pieces = self._encoder.pieces(text)
        while len(pieces) > most:
            self.cut += len(pieces) > most
            text = text[: pieces[most - 1][1]]
            pieces = self._encoder.pieces(text)
        return text


@contextmanager
def serving(encoder: Encoder) -> Iterator[Served]:
    """Serve until the block ends."""
    served = Served(encoder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            given = asked["input"]
            vectors = served.embed(self.path.split("/")[1], [given] if isinstance(given, str) else given)
            data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
            usage = {"prompt_tokens": 0, "total_tokens": 0}
            body = json.dumps({"object": "list", "model": asked["model"], "data": data, "usage": usage}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet: a request's line is of no interest here."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
