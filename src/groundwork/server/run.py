"""Serving in this process: take the port, take the folder, answer until told to stop, then let running answers finish."""

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any

import uvicorn

from groundwork.app.live import Live
from groundwork.core.errors import ConfigError
from groundwork.server.asgi import Server, report

_BACKLOG = 2_048
_LAST_SECONDS = 5.0
"""For answers that were cancelled to close their streams and leave their traces."""

Ready = Callable[[str, str], None]


def _unheard(_address: str, _app: str) -> None:
    """Nobody waits to hear that the server listens."""


async def serve(live: Live, host: str, port: int, *, ready: Ready = _unheard, stop: asyncio.Event | None = None) -> None:
    """Serve the application until SIGINT, SIGTERM or `stop`; `ready` is called with the address and the application's name.

    Running answers get `server.drain` to finish, then they are cancelled, and every trace is written before this returns. The caller
    closes `live`. Raises ConfigError where the port cannot be had, StoreBusy where another server has the folder.
    """
    listener = bind(host, port)
    stopping = stop or asyncio.Event()
    try:
        address = address_of(listener)
        live.folder.lock_server(address)
        app = Server(live)
        web = _web(app, live.app.settings.config.server.drain.seconds)
        async with _beside(live.watch(), "watch of releases"), _beside(_stop(stopping, web, app), "watch for the end"):
            with _signals(stopping):
                ready(address, live.app.name)
                await web.serve(sockets=[listener])
            if app.running:
                await asyncio.wait(app.running, timeout=_LAST_SECONDS)
        await live.folder.traces.flush()
    finally:
        listener.close()


class _Web(uvicorn.Server):
    """uvicorn without its hands on the signals: they are ours, since stores are to be closed after it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _web(app: Server, drain: float) -> _Web:
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]  the same interface, in wider types
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # what a header says of the caller's address is not believed
        timeout_graceful_shutdown=drain,  # pyright: ignore[reportArgumentType]  it waits for fractions of seconds as well
        timeout_keep_alive=75,
        backlog=_BACKLOG,
    )
    return _Web(config)


async def _stop(stopping: asyncio.Event, web: uvicorn.Server, app: Server) -> None:
    await stopping.wait()
    app.stopping = True
    web.should_exit = True


@contextlib.contextmanager
def _signals(stopping: asyncio.Event) -> Generator[None]:
    """The first SIGINT or SIGTERM begins the end. Only the main thread can hear them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None], what: str) -> AsyncGenerator[None]:
    """Run work beside the body and cancel it at the end. Where it breaks before, the server goes on and its output says so."""
    task = asyncio.create_task(work)

    def ended(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and isinstance(error := done.exception(), Exception):
            report(error, f"the {what}")

    task.add_done_callback(ended)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError naming the option that would help."""
    if not 0 <= port <= 65_535:
        raise ConfigError(f"{port} is no port", fix="choose one from 1 to 65535 with `--port`")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise ConfigError(f"{host!r} is no address of this machine: {error.strerror}", fix="choose another with `--host`") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)  # already here: only listening shows that the port is really free
    except OSError as error:
        listener.close()
        raise _refused(error, host, port) from None
    listener.setblocking(False)
    return listener


def _refused(error: OSError, host: str, port: int) -> ConfigError:
    match error:
        case PermissionError():
            return ConfigError(f"port {port} needs more rights than this user has", fix="choose one above 1023 with `--port`")
        case OSError(errno=errno.EADDRINUSE):
            return ConfigError(
                f"port {port} is in use", fix="stop what listens there, or choose another with `--port` (0 takes a free one)"
            )
        case _:
            return ConfigError(
                f"{host} port {port} cannot be listened on: {error.strerror}", fix="choose another with `--host` and `--port`"
            )


def address_of(listener: socket.socket) -> str:
    """The URL a person opens; where the server listens everywhere, this machine's own."""
    host, port = listener.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop of uvloop where it is installed, for `asyncio.Runner(loop_factory=…)`; None means asyncio's own."""
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
