"""The JSON Schema of `groundwork.toml`, for editors: generated from the sections, shipped as a file, compared by a test.

What it does not cover: names across sections, and limits of numbers. `groundwork check` does.
"""

import inspect
import types
from datetime import date
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from groundwork.app.config import Config
from groundwork.core.config import plain
from groundwork.core.units import Quantity, Secret, SecretURL

_SIMPLE = {str: "string", bool: "boolean", int: "integer", float: "number", date: "string"}


def config_schema() -> dict[str, Any]:
    """The schema, with quantities as texts that show how they are written."""
    sections: dict[str, Any] = {}
    top = _schema(Config, sections)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "groundwork.toml",
        **top,
        "$defs": dict(sorted(sections.items())),
    }


def _schema(kind: Any, sections: dict[str, Any]) -> dict[str, Any]:
    """What a type takes when it is written in TOML, which has no null. Sections go to `sections` by name."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind.__name__ not in sections:
            sections[kind.__name__] = {}
            sections[kind.__name__] = _section(kind, sections)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, type) and issubclass(kind, SecretURL):
        return {
            "type": "string",
            "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$|://",
            "description": "an address, or the name of an environment variable",
        }
    if isinstance(kind, type) and issubclass(kind, Secret):
        return {"type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$", "description": "the name of an environment variable"}
    if isinstance(kind, type) and issubclass(kind, Quantity):
        return _quantity(kind)
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], sections)}
    if origin is tuple:
        return {"type": "array", "items": _schema(inner[0], sections)}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in {Union, types.UnionType}:
        members = [_schema(member, sections) for member in inner if member is not types.NoneType]
        return members[0] if len(members) == 1 else {"anyOf": members}
    return {"type": _SIMPLE[kind]}


def _section(kind: type[msgspec.Struct], sections: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    fields = msgspec.structs.fields(kind)
    section: dict[str, Any] = {"type": "object", "description": inspect.getdoc(kind) or "", "additionalProperties": False}
    section["properties"] = {field.encode_name: _schema(hints[field.name], sections) | _default(field.default) for field in fields}
    if required := [field.encode_name for field in fields if field.required]:
        section["required"] = required
    return section


def _default(value: Any) -> dict[str, Any]:
    """What stands where nothing is written; a section's defaults are those of its own keys."""
    if value is None or value is msgspec.NODEFAULT or isinstance(value, msgspec.Struct):
        return {}
    return {"default": plain(value)}


def _quantity(kind: type[Quantity]) -> dict[str, Any]:
    units = "|".join("".join(f"[{letter.upper()}{letter}]" for letter in unit) for unit in kind.units)
    return {
        "type": "string",
        "pattern": rf"^\s*\d+([_,]\d{{3}})*(\.\d+)?\s*({units})\s*$",
        "examples": [kind.example],
        "description": f"a number with its unit: {', '.join(kind.units)}",
    }
