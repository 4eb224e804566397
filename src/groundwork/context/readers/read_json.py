"""JSON and JSON Lines: a block for each object, a line for each of its values, and the JSON pointer of the object as its locator.

An object inside an object lends its names with dots (`address.city: Rome`); a list of plain values is one line; objects in a list are
blocks of their own. Source of the pointers: RFC 6901.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

from groundwork.context.readers.canonical import Canonical
from groundwork.core.document import Document
from groundwork.core.errors import InputError

_DEEPEST = 100
_LONGEST_PATH = 6
"""Names that are joined with dots; what lies deeper is a block of its own."""
_TITLES = ("title", "name")


def read_json(text: str, source: str) -> Document:
    """Read a JSON file. Raises InputError where it is none, nests beyond reason, or holds no text."""
    value = _decode(text, source, 1)
    canonical = Canonical()
    for pointer, block in _blocks(value, "", source, 0):
        canonical.add(block, element=pointer or None)
    top = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    title = next((top[name] for name in _TITLES if isinstance(top.get(name), str)), "")
    return canonical.document(source, title=title, medium="json")


def read_json_lines(text: str, source: str) -> Document:
    """Read JSON Lines. Raises InputError as `read_json` does, naming the line: one that is broken leaves no half of a file."""
    canonical = Canonical()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.strip():
            for pointer, block in _blocks(_decode(line, source, number), "", source, 0):
                canonical.add(block, line=number, element=pointer or None)
    return canonical.document(source, title="", medium="json")


def _decode(text: str, source: str, line: int) -> Any:
    fix = "correct it, or leave it out of `sources`"
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{source} is no JSON (line {line + error.lineno - 1}: {error.msg})", fix=fix) from None
    except RecursionError:
        raise _too_deep(source) from None
    except ValueError:  # an integer of thousands of digits
        raise InputError(f"{source} holds a number beyond reason (line {line})", fix=fix) from None


def _too_deep(source: str) -> InputError:
    return InputError(f"{source} nests more than {_DEEPEST} levels", fix="leave it out of `sources`")


def _blocks(value: Any, pointer: str, source: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each block with the pointer of what it shows: first a value's own lines, then the objects in its lists."""
    if depth > _DEEPEST:
        raise _too_deep(source)
    lines: list[str] = []
    inner: list[tuple[str, Any]] = []
    _gather(value, "", pointer, lines, inner)
    if lines:
        yield pointer, "\n".join(lines)
    for place, item in inner:
        yield from _blocks(item, place, source, depth + 1)


def _gather(value: Any, name: str, pointer: str, lines: list[str], inner: list[tuple[str, Any]]) -> None:
    """The lines of a value under its dotted name; what needs blocks of its own goes to `inner`."""
    if isinstance(value, dict):
        for key, item in cast(dict[str, Any], value).items():
            place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if isinstance(item, dict) and name.count(".") >= _LONGEST_PATH - 1:
                inner.append((place, item))
            else:
                _gather(item, f"{name}.{key}" if name else key, place, lines, inner)
    elif isinstance(value, list):
        items = cast(list[Any], value)
        if any(isinstance(item, dict | list) for item in items):
            inner.extend((f"{pointer}/{place}", item) for place, item in enumerate(items))
        else:
            _line(name, ", ".join(filter(None, map(_plain, items))), lines)
    else:
        _line(name, _plain(value), lines)


def _line(name: str, text: str, lines: list[str]) -> None:
    if text.strip():
        lines.append(f"{name}: {text}" if name else text)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()
    return "" if value is None else json.dumps(value)
