"""Who is asking: by the key they show, or because they sit at this machine.

A key decides, right or wrong. Without one, a caller at this machine is an internal user, and then the request must not come from a web
page elsewhere: its `Host` must name this machine (a rebound name does not), and a change must come from our own page (`Origin`).

For whom a request asks follows from its key. Only a key made with `--on-behalf-of` may name somebody else, in the headers `groundwork-user` and
`groundwork-groups`; from anybody else these are refused, and a request's body is never believed.
"""

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from groundwork.app.live import Live
from groundwork.core.errors import PermissionDenied
from groundwork.core.request import Principal
from groundwork.server.exchange import Exchange

_REMEMBERED_SECONDS = 1.0
_REMEMBERED = 1_024
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""What a proxy adds. We believe none of it, but where it stands the caller is not known to sit at this machine."""

_USER, _GROUPS = "groundwork-user", "groundwork-groups"

Find = Callable[[str], Awaitable[Principal | None]]


class Door:
    """Admits callers, or says why not."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.keys = KeyMemory(live.folder.keys.find)

    async def admit(self, exchange: Exchange) -> Principal:
        """The principal behind a request. Raises PermissionDenied: 401 without a valid key, 403 where a key is not enough."""
        exchange.check()
        key = _bearer(exchange.headers.get("authorization", ""))
        if key:
            principal = await self.keys.find(key)
            if principal is None:
                raise PermissionDenied(
                    "this API key is not valid here, or was revoked",
                    fix="make a key with `groundwork keys create NAME`; at the server's own machine none is needed (clients that insist on one: `none`)",
                    status=401,
                    code="invalid_api_key",
                )
        else:
            principal = self._at_this_machine(exchange)
        principal = _on_behalf(principal, exchange)
        app = self.live.app.settings.config.app
        if app.autonomy == "walk" and not principal.internal:
            raise PermissionDenied(
                f"{app.name} is open to internal users only for now",
                fix='ask its owner for an internal key, or to set `autonomy = "run"` in groundwork.toml',
                code="internal_only",
            )
        return principal

    def _at_this_machine(self, exchange: Exchange) -> Principal:
        client = exchange.scope.get("client")
        proxied = any(name in exchange.headers for name in _FORWARDED)
        if client is None or not is_loopback(client[0]) or proxied:
            raise PermissionDenied(
                "an API key is needed",
                fix="send `Authorization: Bearer KEY`; its owner makes one with `groundwork keys create NAME`",
                status=401,
                code="missing_api_key",
            )
        host = host_of(exchange.headers.get("host", ""))
        ours = {self.live.app.settings.config.server.host} - {"0.0.0.0", "::"}  # noqa: S104  names for "everywhere" name nobody
        if not is_local(host) and host not in ours:
            raise PermissionDenied(
                f"requests without a key must be addressed to this machine, not to {host or 'nobody'!r}",
                fix="use http://127.0.0.1, or send a key",
                code="foreign_host",
            )
        if exchange.method not in {"GET", "HEAD"}:
            _check_site(exchange)
        return Principal(internal=True)


class KeyMemory:
    """Key look-ups, remembered for a second at most: a revoked key opens nothing after that."""

    def __init__(self, find: Find, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()

    async def find(self, key: str) -> Principal | None:
        name = hashlib.sha256(key.encode()).digest()  # never the key itself: memory ends up in core dumps
        asked = self._clock()
        known = self._known.get(name)
        if known is not None and asked - known[0] < _REMEMBERED_SECONDS:
            return known[1]
        principal = await self._find(key)
        self._known[name] = (asked, principal)
        self._known.move_to_end(name)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return principal


def _bearer(header: str) -> str:
    """The key of an `Authorization` header. An empty one and the word `none` count as none: OpenAI's clients insist on sending something."""
    scheme, _, key = header.strip().partition(" ")
    if scheme and scheme.lower() != "bearer":
        raise PermissionDenied(
            f"the authorization scheme {scheme[:20]!r} is not known here",
            fix="send `Authorization: Bearer KEY`",
            status=401,
            code="invalid_api_key",
        )
    return "" if key.strip().lower() == "none" else key.strip()


def _on_behalf(principal: Principal, exchange: Exchange) -> Principal:
    """The principal that the headers name, where the key may name one. The tenant stays the key's own."""
    user, groups = (exchange.headers.get(name) for name in (_USER, _GROUPS))
    if user is None and groups is None:
        return principal
    if not principal.on_behalf_of:
        raise PermissionDenied(
            f"this caller may not say for whom it asks (`{_USER if user is not None else _GROUPS}`)",
            fix="leave the header out, or use a key made with `groundwork keys create NAME --on-behalf-of`",
            code="not_on_behalf_of",
        )
    if not (user or "").strip():
        raise PermissionDenied(
            f"`{_GROUPS}` names groups of nobody", fix=f"send `{_USER}: NAME` with it", status=403, code="not_on_behalf_of"
        )
    named = tuple(group.strip() for group in (groups or "").split(",") if group.strip())
    return msgspec.structs.replace(principal, user=(user or "").strip(), groups=named)


def _check_site(exchange: Exchange) -> None:
    """A browser says where a request comes from. Other programs send neither header, and need not."""
    site = exchange.headers.get("sec-fetch-site", "same-origin")
    origin = exchange.headers.get("origin")
    if site not in {"same-origin", "none"} or (origin is not None and origin != exchange.origin):
        raise PermissionDenied(
            f"a web page at {origin or 'another site'} may not act here without a key", fix="send a key", code="foreign_origin"
        )


def host_of(header: str) -> str:
    """The name in a `Host` header, without its port: `[::1]:8321` is `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].rstrip(".").lower()


def is_local(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    return host == "localhost" or is_loopback(host)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, also where IPv4 arrives as IPv6 (`::ffff:127.0.0.1`)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
