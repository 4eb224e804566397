"""One HTTP request and its response, on the bare ASGI interface: the hot path pays for nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from groundwork.core.errors import GroundworkError, InputError, UpstreamError
from groundwork.server.errors import ClientGone, body_of, headers_of

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
T = TypeVar("T")

_BODY_SECONDS = 30.0
_ONCE = {"host", "authorization", "origin", "content-type", "content-length", "sec-fetch-site", "groundwork-user", "groundwork-groups"}
"""Headers that decide something: said twice, two readers could take different ones, so they are refused."""


class Exchange:
    """A request as it comes in and a response as it goes out. `trace` names the request in errors once there is a trace."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[str, str] = {}
        self.trace = ""
        self.started = False
        self.streaming = False
        self._twice = ""
        self._send = send
        self._over = False
        for raw, value in scope["headers"]:
            name = raw.decode("latin-1").lower()
            if name in self.headers and name in _ONCE:
                self._twice = name
            self.headers.setdefault(name, value.decode("latin-1"))

    # -- the request

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1")))

    @property
    def origin(self) -> str:
        """Where the caller reached us, for links in answers; empty where that is not said."""
        host = self.headers.get("host", "")
        plain = all(character.isalnum() or character in ".-:[]" for character in host)
        return f"{self.scope['scheme']}://{host}" if host and plain else ""

    def check(self) -> None:
        """Raises InputError for a request that two readers could understand in two ways."""
        if self._twice:
            raise InputError(f"the header {self._twice} is there twice", fix="send it once")

    async def json(self, most: int) -> Any:
        """The body as a JSON value, read whole. Raises InputError: another content type, more than `most` bytes, no JSON."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise InputError(
                f"the body is {kind or 'of no type'}, not JSON",
                fix="send the header `content-type: application/json`",
                code="unsupported_media_type",
                status=415,
            )
        body = await self._body(most)
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise InputError(f"the body is no JSON: {error}", fix="send one JSON object", code="invalid_json") from None
        # A NUL ends texts early in many a library below us, so none comes in.
        return _without_nul(value) if b"\\u0000" in body else value

    async def _body(self, most: int) -> bytes:
        said = self.headers.get("content-length", "0")
        if said.isdigit() and int(said) > most:
            raise _too_large(most)
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while True:
                    event = await self.receive()
                    if event["type"] == "http.disconnect":
                        raise ClientGone
                    pieces.append(event.get("body", b""))
                    size += len(pieces[-1])
                    if size > most:
                        raise _too_large(most)
                    if not event.get("more_body"):
                        return b"".join(pieces)
        except TimeoutError:
            raise InputError("the body did not come in time", fix="send it faster", code="request_timeout", status=408) from None

    async def attend(self, work: Coroutine[Any, Any, T], *, seconds: float | None = None) -> T:
        """Run work in a task of its own, to its end. It is cancelled where the caller leaves (ClientGone) or `seconds` are over (UpstreamError)."""
        task = asyncio.create_task(work)
        gone = asyncio.create_task(self._gone())
        try:
            await asyncio.wait({task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if gone.done():
                raise ClientGone
            raise UpstreamError(f"no answer within the {seconds:g} s that the request allows", cause="timeout", fix="allow more time")
        finally:
            for each in (task, gone):
                each.cancel()
            await asyncio.wait({task, gone})
            if not task.cancelled():
                task.exception()  # whatever it still had to say when it was cancelled, nobody waits for it

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    # -- the response

    async def send(self, event: Event) -> None:
        """The bare interface, noting how far the response has come."""
        self.started = self.started or event["type"] == "http.response.start"
        if event["type"] == "http.response.body":
            if self.method == "HEAD":
                event = {**event, "body": b""}
            self._over = not event.get("more_body", False)
        await self._send(event)

    async def respond(self, value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON value as the whole response."""
        body = msgspec.json.encode(value)
        fields = {"content-type": "application/json", "content-length": str(len(body)), "cache-control": "no-store", **(headers or {})}
        await self._start(status, fields)
        await self.send({"type": "http.response.body", "body": body})

    async def open(self) -> None:
        """Begin a stream of server-sent events."""
        self.streaming = True
        await self._start(
            200, {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store, no-transform", "x-accel-buffering": "no"}
        )

    async def _start(self, status: int, fields: Mapping[str, str]) -> None:
        if self.trace:
            fields = {**fields, "x-groundwork-trace": self.trace}
        raw = [(name.encode("latin-1"), value.encode("latin-1", errors="replace")) for name, value in fields.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    async def event(self, data: bytes) -> None:
        """Send one event of an open stream."""
        await self.send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": True})

    async def close(self, last: bytes) -> None:
        """Send the last event of a stream and end it."""
        await self.send({"type": "http.response.body", "body": b"data: " + last + b"\n\n"})

    async def fail(self, error: GroundworkError) -> None:
        """Answer with an error: by its status where nothing has left, inside the stream (and without `[DONE]`) where content has."""
        body = body_of(error, self.trace)
        if not self.started:
            await self.respond(body, status=error.status, headers=headers_of(error))
        elif self.streaming and not self._over:
            with suppress(OSError):
                await self.close(msgspec.json.encode(body))


def _too_large(most: int) -> InputError:
    return InputError(
        f"the body has more than {most:,} bytes", fix="send less, or raise `server.max_body`", code="request_too_large", status=413
    )


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value
