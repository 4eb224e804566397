"""The target `auto`: a local model server when one answers, else the offline reader. Never a remote provider by itself.

A stray key in the environment must not send documents away: where one is seen, the command that would use it is printed, no more.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

from groundwork.gateway.transport import Transport

LOCAL_SERVERS = (
    ("vLLM or another OpenAI-compatible server", "http://127.0.0.1:8000/v1"),
    ("llama.cpp", "http://127.0.0.1:8080/v1"),
    ("Ollama", "http://127.0.0.1:11434/v1"),
    ("LM Studio", "http://127.0.0.1:1234/v1"),
)
OURS = "groundwork"
"""What our own server calls itself in its list of models: an application that asked itself would ask for ever."""
KEYS = ("OPENAI_API_KEY",)
_PROBE_SECONDS = 0.3


class Local(NamedTuple):
    """A local server that answers, and the first model it lists."""

    kind: str
    base_url: str
    model: str


async def local_server(transport: Transport, servers: tuple[tuple[str, str], ...] = LOCAL_SERVERS) -> Local | None:
    """The first local server that lists a model."""
    for kind, base_url in servers:
        listing = await transport.get_json(f"{base_url}/models", {}, _PROBE_SECONDS)
        rows = listing.get("data") if isinstance(listing, dict) else None
        first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        if isinstance(first.get("id"), str) and first.get("owned_by") != OURS:
            return Local(kind, base_url, first["id"])
    return None


def advice(environment: Mapping[str, str] | None = None) -> str:
    """One sentence on how to use a key that was seen in the environment; empty where none was."""
    values = os.environ if environment is None else environment
    for name in KEYS:
        if values.get(name):
            return f"{name} is set and not used: nothing is sent to that provider. To let it answer: groundwork model openai/gpt-4o-mini"
    return ""
