"""Everything that can break, as one tree. Outcomes (a blocked reply, a failed score) are values, never errors.

GroundworkError          what went wrong, and `fix`: the one thing to try
├── ConfigError          groundwork.toml, a prompt file, a suite or the environment: with file and line where there is one
├── InputError           what a caller sent, or a document that cannot be read (400)
│   └── NotFound         no such model, trace, run, source (404)
├── PermissionDenied     a key, a tool (401, 403)
├── Overloaded           a queue of ours is full; later it will not be (503)
├── UpstreamError        a provider, with its `cause` (rate, overload, network, context, filter, auth, invalid, cut)
└── StoreError           disk, database, index (503)
    ├── StoreFull        the disk is full
    └── StoreBusy        another process holds what we need
"""

from typing import Literal

Cause = Literal["rate", "overload", "network", "timeout", "context", "filter", "auth", "invalid", "cut"]


class GroundworkError(Exception):
    """What went wrong, in a sentence, and `fix`: the one thing to try."""

    status = 500
    code = "internal_error"

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class ConfigError(GroundworkError):
    """What a person wrote is wrong: `where` is `file:line` where a line is known."""

    code = "config_error"

    def __init__(self, what: str, *, fix: str, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what, fix=fix)
        self.where = where


class InputError(GroundworkError):
    """What a caller sent cannot be served. `param` names the field of the request, where one is to blame."""

    status = 400
    code = "invalid_request"

    def __init__(self, what: str, *, fix: str, param: str | None = None, code: str | None = None, status: int | None = None) -> None:
        super().__init__(what, fix=fix)
        self.param = param
        self.code = code or type(self).code
        self.status = status or type(self).status


class NotFound(InputError):
    """The thing named does not exist here."""

    status = 404
    code = "not_found"


class PermissionDenied(GroundworkError):
    """The principal may not do this. `status` is 401 without a valid key and 403 with one."""

    code = "permission_denied"

    def __init__(self, what: str, *, fix: str, status: int = 403, code: str | None = None) -> None:
        super().__init__(what, fix=fix)
        self.status = status
        self.code = code or type(self).code


class Overloaded(GroundworkError):
    """A bounded queue of this process is full."""

    status = 503
    code = "overloaded"


class UpstreamError(GroundworkError):
    """A model's provider failed. `retryable` says whether asking again can help."""

    code = "upstream_error"

    def __init__(self, what: str, *, cause: Cause, fix: str, upstream_status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(what, fix=fix)
        self.cause: Cause = cause
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        """Seconds after which the provider wants to be asked again, where it says so."""
        self.code = f"upstream_{cause}"
        self.status = {"rate": 429, "context": 400, "filter": 400, "timeout": 504, "overload": 503}.get(cause, 502)

    @property
    def retryable(self) -> bool:
        return self.cause in {"rate", "overload", "network", "timeout", "cut"}


class StoreError(GroundworkError):
    """The disk, a database or the index failed; what was acknowledged before is safe."""

    status = 503
    code = "store_error"


class StoreFull(StoreError):
    """No space left: nothing of this write was kept."""

    code = "store_full"


class StoreBusy(StoreError):
    """Another process holds the lock."""

    code = "store_busy"
