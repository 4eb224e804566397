"""Typed ids: random where an event happens, hashes where content is named.

`tr_` + 32 hex is an OpenTelemetry trace id. Events (`fb_`, `run_`, `rel_`, `chg_`, `ds_`, `key_`, `rv_`) are UUIDv7, so they sort by time.
Content (`doc_`, `ch_`, `pr_`, `cfg_`) is named by its hash, so the same content has the same name everywhere.
"""

import hashlib
import os
import time
from typing import Any

import msgspec

Kind = str

KINDS: dict[str, str] = {
    "tr": "trace",
    "fb": "feedback",
    "doc": "document",
    "ch": "chunk",
    "pr": "prompt",
    "cfg": "configuration",
    "ds": "dataset",
    "ex": "example",
    "run": "run",
    "chg": "change",
    "rel": "release",
    "key": "key",
    "rv": "review",
}
"""What an id's prefix stands for. `groundwork show` works on every one of them."""


def trace_id() -> str:
    """A new OpenTelemetry trace id, 16 random bytes in hex."""
    return f"tr_{os.urandom(16).hex()}"


def span_id() -> str:
    """A new OpenTelemetry span id, 8 random bytes in hex."""
    return os.urandom(8).hex()


def event_id(prefix: Kind, *, milliseconds: int | None = None) -> str:
    """A UUIDv7 with a prefix: 48 bits of Unix time in milliseconds, then random bits. Source: RFC 9562, section 5.7."""
    moment = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    noise = int.from_bytes(os.urandom(10), "big")
    value = (moment & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (noise >> 68 & 0xFFF) << 64 | 0b10 << 62 | noise & ((1 << 62) - 1)
    return f"{prefix}_{value:032x}"


def content_id(prefix: Kind, *parts: bytes | str) -> str:
    """The name of some content: 128 bits of SHA-256 over the parts, each preceded by its length so that parts cannot run together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return f"{prefix}_{digest.hexdigest()[:32]}"


def hash_of(value: Any) -> str:
    """SHA-256 (hex) of a value's canonical JSON: keys sorted, Structs as their fields."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Any) -> bytes:
    """The one JSON form of a value, for hashing and comparing."""
    return msgspec.json.encode(value, order="sorted", enc_hook=str)


def kind_of(identifier: str) -> str | None:
    """What an id names, from its prefix, or None where the prefix is none of ours."""
    prefix, _, rest = identifier.partition("_")
    return KINDS.get(prefix) if rest else None
