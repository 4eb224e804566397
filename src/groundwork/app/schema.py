"""The JSON Schema of `groundwork.toml`, for editors: generated from the sections, shipped as a file, compared by a test."""

from typing import Any

import msgspec

from groundwork.app.config import Config
from groundwork.core.units import Quantity, Secret


def config_schema() -> dict[str, Any]:
    """The schema, with quantities as texts that show how they are written."""
    schema = msgspec.json.schema(Config, schema_hook=_custom)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "groundwork.toml", **_plain_defaults(schema)}


def _custom(kind: type) -> dict[str, Any]:
    if issubclass(kind, Secret):
        return {"type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$", "description": "the name of an environment variable"}
    if issubclass(kind, Quantity):
        return {"type": "string", "examples": [kind.example], "description": f"a number with its unit: {', '.join(kind.units)}"}
    raise NotImplementedError(kind)


def _plain_defaults(value: Any) -> Any:
    """Defaults that are quantities or sections, as they are written."""
    if isinstance(value, dict):
        return {key: _plain_defaults(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_defaults(item) for item in value]
    if isinstance(value, Quantity | Secret):
        return str(value)
    if isinstance(value, msgspec.Struct):
        return {key: _plain_defaults(item) for key, item in msgspec.structs.asdict(value).items()}
    return value
