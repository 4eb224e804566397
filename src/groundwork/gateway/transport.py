"""HTTP to model servers: one seam, so that the client behind it can change. aiohttp today.

What comes out are the server-sent events' data, as bytes; what goes wrong comes out as an UpstreamError with its cause.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import msgspec

from groundwork.core.errors import Cause, UpstreamError
from groundwork.gateway.config import TimeoutSection

if TYPE_CHECKING:
    import aiohttp

_MAX_EVENT = 4_000_000
_ERROR_BODY = 64_000


class Transport:
    """Connections to model servers, shared by all models of a process. Opens at the first request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def events(self, url: str, body: bytes, headers: Mapping[str, str], timeout: TimeoutSection) -> AsyncGenerator[bytes, None]:
        """POST and yield the data of each event until `[DONE]` or the end. Leaving early closes the connection.

        Raises UpstreamError: refused or reset (network), late (timeout), an HTTP error by its status, a stream cut in the middle (cut).
        """
        import aiohttp

        limits = aiohttp.ClientTimeout(
            total=timeout.total.seconds, sock_connect=timeout.connect.seconds, sock_read=timeout.first_token.seconds
        )
        session = self._open()
        try:
            async with session.post(url, data=body, headers=headers, timeout=limits) as response:
                if response.status != 200:
                    raise _http_error(response.status, await response.content.read(_ERROR_BODY), url)
                async with aclosing(_data(response, timeout.stall.seconds)) as data:
                    async for item in data:
                        yield item
        except TimeoutError as error:
            raise UpstreamError(
                f"{url} did not answer in time", cause="timeout", fix="raise [models.NAME] timeout, or add a fallback"
            ) from error
        except aiohttp.ClientPayloadError as error:
            raise UpstreamError(f"{url} broke off its answer", cause="cut", fix="ask again, or add a fallback") from error
        except (aiohttp.ClientError, ssl.SSLError, ConnectionError) as error:
            raise UpstreamError(
                f"{url} cannot be reached: {error}", cause="network", fix="check that the server runs and base_url is right"
            ) from error

    async def get_json(self, url: str, headers: Mapping[str, str], seconds: float) -> Any:
        """GET a small JSON document; None where nobody answers in time with one."""
        import aiohttp

        try:
            async with self._open().get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=seconds)) as response:
                return json.loads(await response.content.read(1_000_000)) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp

        if self._session is None:
            # trust_env stays off: a proxy in the environment must not see what a local server is asked.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60), auto_decompress=True)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            await asyncio.sleep(0)  # lets the connections' transports close


async def _data(response: "aiohttp.ClientResponse", stall: float) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event. Source: WHATWG HTML, section 9.2 (comments, several data lines, CRLF)."""
    gathered: list[bytes] = []
    buffer = b""
    first = True
    while True:
        chunk = await (response.content.readany() if first else asyncio.wait_for(response.content.readany(), stall))
        first = False
        if not chunk:
            if gathered:
                yield b"\n".join(gathered)
            return
        buffer += chunk
        if len(buffer) > _MAX_EVENT:
            raise UpstreamError("the server sent an event of more than 4 MB", cause="invalid", fix="report it to the provider")
        *lines, buffer = buffer.split(b"\n")
        for row in lines:
            line = row.rstrip(b"\r")
            if line.startswith(b"data:"):
                gathered.append(line[5:].removeprefix(b" "))
            elif not line and gathered:
                data, gathered = b"\n".join(gathered), []
                yield data
                if data == b"[DONE]":
                    return


def _http_error(status: int, body: bytes, url: str) -> UpstreamError:
    """An HTTP error by its meaning, with the provider's own sentence."""
    try:
        error = cast(dict[str, Any], msgspec.json.decode(body)).get("error") or {}
        said, code = str(error.get("message", "")), str(error.get("code", ""))
    except (msgspec.DecodeError, AttributeError):
        said, code = body[:200].decode(errors="replace"), ""
    cause: Cause = "invalid"
    if status in {401, 403}:
        cause, said = "auth", ""  # what a provider says of a key may repeat the key
    elif status == 429:
        cause = "rate"
    elif status >= 500:
        cause = "overload"
    elif "context_length" in code or "maximum context" in said:
        cause = "context"
    elif "content_filter" in code or "content_policy" in code:
        cause = "filter"
    fixes: dict[Cause, str] = {
        "auth": "check the provider's key",
        "rate": "ask again later, or add a fallback",
        "overload": "ask again later, or add a fallback",
        "context": "send less, or use a model with a larger window",
        "filter": "change the request: the provider's filter refused it",
    }
    what = f"{url} answered {status}" + (f": {said}" if said else "")
    return UpstreamError(what, cause=cause, fix=fixes.get(cause, "correct the request"), upstream_status=status)
