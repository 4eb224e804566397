"""Documents that a function of the user's gives: `sources = ["feeds:articles"]` asks `articles` in `feeds.py` of the application's folder.

The function takes nothing and returns or yields one mapping for each document (async, if it likes): `name` and `text`, or `name` and `data`
with the `suffix` of a file's name (`.pdf`); `title` and `metadata` where it knows them. The document is called `feeds:articles/NAME`.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from groundwork.context.origins import GivenOrigin, aside
from groundwork.context.reading import SUPPORTED, Raw
from groundwork.core import functions


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document as a function gives it."""

    name: str
    text: str | None = None
    data: bytes | None = None
    suffix: str = ""
    """What it is: `.md`, `.html`, `.pdf`. Left out: the ending of `name`, else plain text."""
    title: str = ""
    metadata: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError("`name` is empty")
        if (self.text is None) == (self.data is None):
            raise ValueError("give either `text` or `data`")


class FunctionFailed(Exception):
    """A user's function raised, or gave what is no document: what it would have given is not known."""


def given_by(path: str, root: Path, skipped: list[tuple[str, str]]) -> dict[str, GivenOrigin]:
    """What the function `module:function` gives, by source. What is no document goes to `skipped`, and so does a name that comes twice.

    Raises ConfigError where there is no such function, FunctionFailed where it raises.
    """
    found: dict[str, GivenOrigin] = {}
    for number, item in enumerate(_called(functions.load(path, root, "context.sources")), start=1):
        try:
            raw = _raw(path, msgspec.convert(item, Item))
        except (msgspec.ValidationError, ValueError) as error:
            skipped.append((path, f"document {number} that it gives is none: {error}"))
            continue
        if raw.source in found:
            skipped.append((raw.source, "the function gives it more than once: the first is taken"))
        else:
            found[raw.source] = GivenOrigin(raw)
    return found


def _called(function: Callable[..., Any]) -> list[Any]:
    """All that a function gives: from a list, a generator, or either of them async."""
    try:
        given = function()
        if inspect.isasyncgen(given):
            return aside(_gathered(given))
        if inspect.isawaitable(given):
            given = aside(_awaited(given))
        return [given] if isinstance(given, str | bytes | dict) else list(given)
    except (Exception, SystemExit) as error:
        raise FunctionFailed(f"the function failed ({type(error).__name__}: {error}): what the index held of it stays") from error


async def _gathered(given: Any) -> list[Any]:
    return [item async for item in given]


async def _awaited(given: Any) -> Any:
    return await given


def _raw(path: str, item: Item) -> Raw:
    ending = "." + item.name.rsplit(".", 1)[-1].lower() if "." in item.name else ""
    suffix = item.suffix.lower() or (ending if ending in SUPPORTED else ".txt")
    if item.data is None and item.text is not None:
        data, encoding = item.text.encode("utf-8", "surrogatepass"), "utf-8"
    else:
        data, encoding = item.data or b"", ""
    return Raw(source=f"{path}/{item.name}", data=data, suffix=suffix, encoding=encoding, title=item.title, metadata=item.metadata)
