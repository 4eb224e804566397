"""What may be done: tools, as a model sees them."""

from typing import Any

import msgspec


class Tool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool's declaration: `schema` is JSON Schema of its arguments; `write` marks an action that changes the world."""

    name: str
    description: str
    schema: dict[str, Any]
    write: bool = False
