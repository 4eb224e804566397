"""HTTP to model servers: one seam, so that the client behind it can change. aiohttp today.

What comes out are the server-sent events' data, as bytes; what goes wrong comes out as an UpstreamError with its cause.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import UpstreamError
from groundwork.gateway.config import TimeoutSection
from groundwork.gateway.failure import http_failure

if TYPE_CHECKING:
    import aiohttp

_MAX_EVENT = 4_000_000
_ERROR_BODY = 64_000
_ERROR_SECONDS = 2.0
_MARK = b"\xef\xbb\xbf"


_CONNECT_SECONDS = 5.0
"""Where a call does not say."""


class Transport:
    """Connections to model servers, shared by all models of a process. Opens at the first request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def events(self, url: str, body: bytes, headers: Mapping[str, str], timeout: TimeoutSection) -> AsyncGenerator[bytes, None]:
        """POST and yield the data of each event until `[DONE]` or the end. Leaving early closes the connection.

        Raises UpstreamError: refused or reset (network), late (timeout), an HTTP error by its status, a stream cut in the middle (cut).
        """
        import aiohttp

        limits = aiohttp.ClientTimeout(total=timeout.total.seconds, sock_connect=timeout.connect.seconds)
        session = self._open()
        answering = False
        until = asyncio.get_running_loop().time() + timeout.first_token.seconds
        try:
            async with asyncio.timeout_at(until):
                response = await session.post(url, data=body, headers=headers, timeout=limits, allow_redirects=False)
            async with response:
                if response.status != 200:
                    raise http_failure(response.status, await _whole(response), url, response.headers.get("retry-after", ""))
                answering = True
                async with aclosing(_data(response, until, timeout.stall.seconds)) as data:
                    async for item in data:
                        yield item
        except TimeoutError as error:
            raise UpstreamError(
                f"{url} did not answer in time", cause="timeout", fix="raise [models.NAME] timeout, or add a fallback"
            ) from error
        except (aiohttp.ClientError, ssl.SSLError, ConnectionError) as error:
            if answering:
                raise UpstreamError(f"{url} broke off its answer", cause="cut", fix="ask again, or add a fallback") from error
            raise UpstreamError(
                f"{url} cannot be reached: {error}", cause="network", fix="check that the server runs and base_url is right"
            ) from error

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """POST and take the whole answer, for callers with a deadline of their own. Raises UpstreamError as `events` does."""
        import aiohttp

        try:
            async with self._open().post(url, data=body, headers=headers, allow_redirects=False) as response:
                if response.status != 200:
                    raise http_failure(response.status, await _whole(response), url, response.headers.get("retry-after", ""))
                return await response.read()
        except aiohttp.ClientPayloadError as error:
            raise UpstreamError(f"{url} broke off its answer", cause="cut", fix="ask again, or add a fallback") from error
        except (aiohttp.ClientError, ssl.SSLError, ConnectionError) as error:
            raise UpstreamError(
                f"{url} cannot be reached: {error}", cause="network", fix="check that the server runs and base_url is right"
            ) from error

    async def get_json(self, url: str, headers: Mapping[str, str], seconds: float) -> Any:
        """GET a small JSON document; None where nobody answers in time with one."""
        import aiohttp

        limits = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._open().get(url, headers=headers, timeout=limits, allow_redirects=False) as response:
                return json.loads(await response.content.read(1_000_000)) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp

        if self._session is None:
            # trust_env stays off: a proxy in the environment must not see what a local server is asked.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),  # one caller's answer must not travel with another's question
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                auto_decompress=True,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            await asyncio.sleep(0)  # lets the connections' transports close


async def _whole(response: "aiohttp.ClientResponse") -> bytes:
    """The body of an error, to its end or `_ERROR_BODY`; what came of it where it breaks off."""
    import aiohttp

    body = b""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(body) < _ERROR_BODY and (piece := await response.content.read(_ERROR_BODY)):
                body += piece
    return body


async def _data(response: "aiohttp.ClientResponse", until: float, stall: float) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event. Source: WHATWG HTML, section 9.2 (a byte order mark, comments, several data lines, CRLF).

    The first event has to come `until` then, each further one within `stall` seconds: comments that a server sends while it waits keep no answer alive.
    """
    clock = asyncio.get_running_loop().time
    gathered: list[bytes] = []
    buffer, size, begun = b"", 0, False
    while chunk := await asyncio.wait_for(response.content.readany(), max(0.0, until - clock())):
        buffer += chunk
        if not begun and len(buffer) < len(_MARK) and _MARK.startswith(buffer):
            continue
        if not begun:
            begun, buffer = True, buffer.removeprefix(_MARK)
        *lines, buffer = buffer.split(b"\n")
        for row in lines:
            line = row.rstrip(b"\r")
            if line.startswith(b"data:"):
                gathered.append(line[5:].removeprefix(b" "))
                size += len(line)
            elif not line and gathered:
                data, gathered, size = b"\n".join(gathered), [], 0
                yield data
                if data == b"[DONE]":
                    return
                until = clock() + stall
        if size + len(buffer) > _MAX_EVENT:
            raise UpstreamError("the server sent an event of more than 4 MB", cause="invalid", fix="report it to the provider")
    if gathered:
        yield b"\n".join(gathered)
