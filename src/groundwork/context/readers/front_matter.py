"""What stands above a Markdown document: TOML between `+++` lines, or the plain part of YAML between `---` lines.

Of YAML: `key: value`, lists (`[a, b]`, or `- a` on lines of their own) and block texts. Nested maps, anchors and tags are passed over. Values are
typed: text, number, true or false, a list of texts; a date is a text like `2024-01-31`, and a time of day is dropped.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from typing import Any, cast

from groundwork.core.where import Values, is_date

_YAML = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?\n)?\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY = re.compile(r"([A-Za-z][\w-]*):(?:[ \t]+(.*?))?[ \t]*")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.+?)[ \t]*")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ]\d{2}:\d{2}.*")
_COMMENT = re.compile(r"\s+#.*\Z")


def split_front_matter(text: str) -> tuple[dict[str, Values], str]:
    """The fields above a text, and the text with blank lines in their place, so that its lines keep their numbers.

    What only looks like front matter (TOML that does not parse) stays text.
    """
    fields: dict[str, Values] = {}
    if match := _YAML.match(text):
        fields = _yaml(match.group(1) or "")
    elif match := _TOML.match(text):
        try:
            fields = plain_values(tomllib.loads(match.group(1) or ""))
        except (ValueError, RecursionError):
            match = None
    if match is None:
        return {}, text
    return fields, "\n" * match.group().count("\n") + text[match.end() :]


def plain_values(table: Mapping[str, Any]) -> dict[str, Values]:
    """Those values of a table that a field may hold: dates as texts, lists as lists of texts; tables are passed over."""
    found: dict[str, Values] = {}
    for key, value in table.items():
        if isinstance(value, dt.datetime):
            found[key] = value.date().isoformat()
        elif isinstance(value, dt.date):
            found[key] = value.isoformat()
        elif isinstance(value, str | bool | int | float):
            found[key] = value
        elif isinstance(value, list | tuple):
            found[key] = [str(item) for item in cast(list[Any], value) if isinstance(item, str | int | float | dt.date)]
    return found


def _yaml(text: str) -> dict[str, Values]:
    fields: dict[str, Values] = {}
    key = ""
    for line in text.split("\n"):
        match = _KEY.fullmatch(line)
        if match:
            key = match[1]
            written = match[2] or ""
            if written in {"|", ">", "|-", ">-", "|+", ">+"}:
                fields[key] = ""
            elif written and (value := _value(written)) is not None:
                fields[key] = value
        elif key and (item := _ITEM.fullmatch(line)):
            held = fields.get(key, [])
            if isinstance(held, list):
                fields[key] = [*held, _text(item[1])]
        elif key and line[:1].isspace() and line.strip() and isinstance(held := fields.get(key), str):
            fields[key] = f"{held} {line.strip()}".strip()
        elif line.strip() and not line[:1].isspace() and not line.startswith("#"):
            key = ""
    return {key: value for key, value in fields.items() if value != ""}


def _value(written: str) -> Values | None:
    if written[0] == "[":
        inside = _COMMENT.sub("", written).removeprefix("[").removesuffix("]")
        return [_text(item) for item in _items(inside) if item.strip()]
    if written[0] in "\"'":
        return _text(written)
    if written[0] in "{&*!":
        return None
    plain = _COMMENT.sub("", written)
    if plain in {"true", "false", "True", "False"}:
        return plain.lower() == "true"
    if plain in {"null", "~", "Null"}:
        return None
    if _NUMBER.fullmatch(plain) and len(plain) < 16:
        return float(plain) if "." in plain else int(plain)
    moment = _MOMENT.fullmatch(plain)
    return moment[1] if moment and is_date(moment[1]) else plain


def _items(inside: str) -> list[str]:
    """The members of a list on one line; a comma in quotes parts nothing."""
    return [match[0] for match in re.finditer(r"""\s*(?:"[^"]*"|'[^']*'|[^,"'][^,]*)""", inside)]


def _text(written: str) -> str:
    """One text, without its quotes."""
    written = written.strip()
    quoted = re.match(r"\"([^\"]*)\"|'([^']*)'", written)
    if quoted:
        return quoted[1] if quoted[1] is not None else quoted[2]
    return _COMMENT.sub("", written)
