"""A real web server on 127.0.0.1 for tests: pages by their path, and what was asked for."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Page(NamedTuple):
    """What is answered."""

    body: bytes = b""
    media: str = "text/html"
    status: int = 200
    headers: dict[str, str] = {}


class Web:
    """A running server. `pages` may be changed at any time; a function is called with the handler and writes what it likes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pages: dict[str, Page | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextlib.contextmanager
def web() -> Iterator[Web]:
    """A server on a free port, ended with the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            page = made.pages.get(self.path, Page(b"no", status=404))
            if not isinstance(page, Page):
                page(self)
                return
            self.send_response(page.status)
            for name, value in {"content-type": page.media, "content-length": str(len(page.body)), **page.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(page.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Web(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
