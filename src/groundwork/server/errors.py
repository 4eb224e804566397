"""Errors as OpenAI's clients read them, with what groundwork adds: `fix` and whether asking again can help."""

from typing import Any

from groundwork.core.errors import GroundworkError, InputError, Overloaded, PermissionDenied, StoreBusy, StoreError, UpstreamError
from groundwork.secure.secrets import mask_secrets

_RETRY_AFTER = "1"
"""Seconds. Queues here are short: what is full now is not full for long."""


class ClientGone(Exception):
    """The caller closed the connection."""


def body_of(error: GroundworkError, trace: str) -> dict[str, Any]:
    """The body of an error response, and of the event that ends a stream which failed half-way."""
    return {
        "error": {
            "message": mask_secrets(error.what),
            "type": type_of(error),
            "param": error.param if isinstance(error, InputError) else None,
            "code": error.code,
            "fix": mask_secrets(error.fix),
            "retryable": retryable(error),
            "trace": trace or None,
        }
    }


def type_of(error: GroundworkError) -> str:
    """OpenAI's name for the kind of an error."""
    match error:
        case PermissionDenied():
            return "authentication_error" if error.status == 401 else "permission_error"
        case InputError():
            return "invalid_request_error"
        case UpstreamError():
            return "rate_limit_error" if error.cause == "rate" else "upstream_error"
        case Overloaded() | StoreError():
            return "service_unavailable_error"
        case _:
            return "server_error"


def retryable(error: GroundworkError) -> bool:
    """Whether the very same request may succeed later, without anybody changing anything."""
    return error.retryable if isinstance(error, UpstreamError) else isinstance(error, Overloaded | StoreBusy)


def headers_of(error: GroundworkError) -> dict[str, str]:
    """Headers that keep clients from asking again in vain, and tell them when to."""
    headers = {"x-should-retry": "true" if retryable(error) else "false"}  # OpenAI's own clients heed it
    if isinstance(error, Overloaded) or (isinstance(error, UpstreamError) and error.cause in {"rate", "overload"}):
        headers["retry-after"] = _RETRY_AFTER
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return headers
