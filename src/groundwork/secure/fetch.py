"""Fetching a page that somebody named, without letting the name lead anywhere it should not (server-side request forgery).

Every connection is checked by the very address it is made to, so that neither a redirect nor a name that resolves anew can lead inside; every
redirect is checked like the first address; robots.txt is respected; time, size and what a compressed answer unpacks to are bounded. No
cookies, credentials, referrers or proxies. Not covered: pages that a script builds, and logins.
"""

import asyncio
import re
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

from groundwork.core.errors import InputError, NotFound, UpstreamError
from groundwork.secure.addresses import Network, parse_address, why_refused
from groundwork.secure.robots import Rule, may_fetch, rules_for

if TYPE_CHECKING:
    import aiohttp

AGENT = "groundwork"
"""The name that a site's robots.txt may call us by."""
MOST_REDIRECTS = 5
_HEADERS = {"user-agent": f"{AGENT}/0.1", "accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-encoding": "gzip"}
_ROBOTS_LARGEST = 500_000
_LONGEST_URL = 2_000
_MOVED = frozenset({301, 302, 303, 307, 308})
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_PIECE = 65_536
_PACKED = {"": False, "identity": False, "gzip": True, "x-gzip": True}

Accept = Callable[[str, str], str]
"""From a media type and a URL to what it is for the caller. Raises InputError where it is nothing that can be used."""


class Limits(NamedTuple):
    """What one page may cost: bytes when unpacked, seconds with all its redirects; and the networks that are allowed though not public."""

    largest: int = 20_000_000
    seconds: float = 20.0
    allow: tuple[Network, ...] = ()


class Fetched(NamedTuple):
    """A page as it came. `url` is where the last redirect led, `kind` what `accept` made of its media type."""

    url: str
    data: bytes
    kind: str
    charset: str


def check_url(url: str) -> str:
    """The URL without its fragment. Raises InputError where it is none for HTTP, or carries a name and password."""
    fix = "write it like https://example.com/page.html"
    if len(url) > _LONGEST_URL or any(letter.isspace() or not letter.isprintable() for letter in url):
        raise InputError(f"{url[:80]!r} is no URL", fix=fix)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InputError(f"{url[:80]!r} is no URL", fix=fix) from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or port == 0:
        raise InputError(f"{url[:80]!r} is no URL of a web page (http or https)", fix=fix)
    if parts.username is not None or parts.password is not None:
        raise InputError(
            f"the URL for {parts.hostname} carries a name or a password", fix="leave them out: pages behind a login are not fetched"
        )
    return urlunsplit(parts._replace(fragment=""))


class Fetcher:
    """Fetches pages one after the other. What a site's robots.txt said is kept for as long as this lives."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rules: dict[str, list[Rule]] = {}

    async def fetch(self, url: str, accept: Accept) -> Fetched:
        """Fetch a page.

        Raises InputError for what will not get better by asking again (a refused address, robots.txt, 404, too large, a media type that
        `accept` refuses), UpstreamError for what may (no connection, too late, 429, 5xx).
        """
        try:
            async with asyncio.timeout(self._limits.seconds), self._session() as (session, refused):
                return await self._follow(session, refused, url, accept)
        except TimeoutError:
            raise UpstreamError(
                f"{url} did not come within {self._limits.seconds:g} s", cause="timeout", fix="raise `context.fetch.timeout`, or try later"
            ) from None

    @asynccontextmanager
    async def _session(self) -> "AsyncGenerator[tuple[aiohttp.ClientSession, list[str]]]":
        """A session whose every connection is checked, and the list that what was refused is written to."""
        import aiohttp

        refused: list[str] = []

        def guarded(info: Any) -> socket.socket:
            family, kind, protocol, _, peer = info
            address = parse_address(str(peer[0]))
            why = "an unknown address" if address is None else why_refused(address, self._limits.allow)
            if why:
                refused.append(f"{peer[0]}, {why}")
                raise PermissionError(f"refused: {peer[0]}")
            return socket.socket(family, kind, protocol)

        connector = aiohttp.TCPConnector(use_dns_cache=False, socket_factory=guarded, force_close=True)
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False, headers=_HEADERS
        ) as session:
            yield session, refused

    async def _follow(self, session: "aiohttp.ClientSession", refused: list[str], url: str, accept: Accept) -> Fetched:
        at = url
        for _ in range(MOST_REDIRECTS + 1):
            at = check_url(at)
            if not may_fetch(await self._robots(session, refused, at), _path_of(at)):
                raise InputError(f"{at}: the site's robots.txt asks not to fetch it", fix="ask the site's owner, or leave it out")
            async with _answer(session, refused, at) as response:
                if response.status in _MOVED:
                    at = _next(response, at)
                    continue
                _check_status(response.status, at)
                media, _, rest = response.headers.get("content-type", "").partition(";")
                kind = accept(media.strip().lower(), at)
                charset = _CHARSET.search(rest)
                return Fetched(at, await _body(response, at, self._limits.largest), kind, charset[1] if charset else "")
        raise _too_often(url)

    async def _robots(self, session: "aiohttp.ClientSession", refused: list[str], url: str) -> list[Rule]:
        """The rules of a URL's site. A site without a robots.txt has none; one that cannot say now is not asked for anything else."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            self._rules[site] = rules_for(await self._robots_text(session, refused, f"{site}/robots.txt"), AGENT)
        return self._rules[site]

    async def _robots_text(self, session: "aiohttp.ClientSession", refused: list[str], url: str) -> str:
        for _ in range(MOST_REDIRECTS + 1):
            async with _answer(session, refused, check_url(url)) as response:
                if response.status in _MOVED:
                    url = _next(response, url)
                    continue
                if response.status >= 500 or response.status == 429:
                    _check_status(response.status, url)
                if response.status != 200:
                    return ""
                return (await _body(response, url, _ROBOTS_LARGEST, whole=False)).decode("utf-8-sig", "replace")
        return ""


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _too_often(url: str) -> InputError:
    return InputError(f"{url} redirects more than {MOST_REDIRECTS} times", fix="name the page that it leads to")


def _next(response: "aiohttp.ClientResponse", url: str) -> str:
    target = response.headers.get("location", "")
    if not target:
        raise InputError(f"{url} redirects to nowhere", fix="name another page")
    return check_url(urljoin(url, target))


@asynccontextmanager
async def _answer(session: "aiohttp.ClientSession", refused: list[str], url: str) -> "AsyncGenerator[aiohttp.ClientResponse]":
    """The answer to a GET, its body not yet read. Raises InputError for a refused address, UpstreamError where nobody answers."""
    import aiohttp

    del refused[:]
    try:
        async with session.get(url, allow_redirects=False) as response:
            yield response
    except aiohttp.InvalidURL as error:
        raise InputError(f"{url} is no URL", fix="write it like https://example.com/page.html") from error
    except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
        if refused:
            raise InputError(
                f"{url} leads to {refused[0]}: such addresses are not fetched from",
                fix="if it is meant, name its network in `context.fetch.allow`",
            ) from None
        raise UpstreamError(f"{url} cannot be reached: {error}", cause="network", fix="check the address, or try later") from error


def _check_status(status: int, url: str) -> None:
    if status == 200:
        return
    if status == 429 or status >= 500:
        raise UpstreamError(
            f"{url} answers {status}", cause="rate" if status == 429 else "overload", fix="try later", upstream_status=status
        )
    if status in {404, 410}:
        raise NotFound(f"{url} is not there ({status})", fix="correct the address, or leave it out of `sources`")
    raise InputError(f"{url} answers {status}", fix="check whether it opens without a login, or leave it out of `sources`")


async def _body(response: "aiohttp.ClientResponse", url: str, largest: int, *, whole: bool = True) -> bytes:
    """A body, unpacked, at most so large: `whole` refuses a larger one, else its beginning is enough."""
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing not in _PACKED:
        raise InputError(f"{url} comes packed as {packing[:20]!r}, which nobody asked for", fix="leave it out of `sources`")
    unpacked = zlib.decompressobj(zlib.MAX_WBITS | 32) if _PACKED[packing] else None
    data, begun = b"", False
    async for piece in response.content.iter_chunked(_PIECE):
        begun = True
        try:  # never more at a time than may be kept: a body that unpacks beyond measure is stopped, not held
            data += unpacked.decompress(piece, largest + 1 - len(data)) if unpacked else piece
        except zlib.error:
            raise _damaged(url) from None
        if len(data) > largest:
            if whole:
                raise InputError(
                    f"{url} is larger than {largest:,} bytes", fix="raise `context.fetch.largest`, or leave it out of `sources`"
                )
            return data[:largest]
    if unpacked and begun and not unpacked.eof:
        raise _damaged(url)
    return data


def _damaged(url: str) -> InputError:
    return InputError(f"{url} comes packed, and damaged", fix="try later, or leave it out of `sources`")
