"""What a provider's error means: its status, code and sentence become a cause, whether it came as a status or inside a stream."""

import contextlib
import math
import time
from email.utils import parsedate_to_datetime
from typing import Any, cast

import msgspec

from groundwork.core.errors import Cause, UpstreamError

_SAID = 300
"""Characters of a provider's own sentence that are passed on."""

_FIXES: dict[Cause, str] = {
    "auth": "check the provider's key",
    "rate": "ask again later, or add a fallback",
    "overload": "ask again later, or add a fallback",
    "timeout": "ask again later, or add a fallback",
    "context": "send less, or use a model with a larger window",
    "filter": "change the request: the provider's filter refused it",
}

_WORDS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    ("auth", ("invalid_api_key", "authentication", "permission", "unauthorized", "incorrect api key")),
    ("context", ("context_length", "maximum context", "context window", "prompt is too long")),
    ("filter", ("content_filter", "content_policy", "content management policy", "responsibleaipolicy")),
    ("rate", ("rate_limit", "rate limit", "insufficient_quota", "too many requests")),
)


def http_failure(status: int, body: bytes, url: str, retry_after: str = "") -> UpstreamError:
    """An answer with another status than 200. `retry_after` is the header of that name: seconds, or a date."""
    code, said = _read(body)
    cause: Cause = "invalid"
    if status in {401, 403}:
        cause = "auth"
    elif status == 429:
        cause = "rate"
    elif status == 408:
        cause = "timeout"
    elif status >= 500:
        cause = "overload"
    elif status in {400, 413, 422}:
        found = _cause(code, said)
        cause = found if found in {"context", "filter", "auth"} else "invalid"
    failure = _failure(f"{url} answered {status}", cause, said, "correct the request", status)
    failure.retry_after = _seconds(retry_after)
    return failure


def _seconds(retry_after: str) -> float | None:
    """How long a server wants to be left alone; None where it does not say, or not so that it can be read."""
    with contextlib.suppress(ValueError):
        seconds = float(retry_after)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    return None


def stream_failure(error: Any) -> UpstreamError:
    """An error inside a stream that began with status 200; one that says nothing else is an overload."""
    code, said = _parts(error)
    return _failure("the provider failed while answering", _cause(code, said) or "overload", said, "ask again, or add a fallback", None)


def _failure(what: str, cause: Cause, said: str, fix: str, status: int | None) -> UpstreamError:
    shown = "" if cause == "auth" else said  # what a provider says of a key may repeat the key
    return UpstreamError(f"{what}: {shown}" if shown else what, cause=cause, fix=_FIXES.get(cause, fix), upstream_status=status)


def _cause(code: str, said: str) -> Cause | None:
    text = f"{code} {said}".lower()
    return next((cause for cause, words in _WORDS if any(word in text for word in words)), None)


def _read(body: bytes) -> tuple[str, str]:
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", body[:200].decode(errors="replace").strip()
    if isinstance(value, list) and value:  # one provider wraps its error in a list
        value = cast(list[Any], value)[0]
    return _parts(cast(dict[str, Any], value).get("error", value) if isinstance(value, dict) else value)


def _parts(error: Any) -> tuple[str, str]:
    """Code (with type and status, where a provider says those) and sentence of an error in whatever shape."""
    if not isinstance(error, dict):
        return "", str(error)[:_SAID]
    fields = cast(dict[str, Any], error)
    code = " ".join(str(fields[name]) for name in ("code", "type", "status") if fields.get(name))
    return code, str(fields.get("message") or fields.get("detail") or code)[:_SAID]
