"""A change, proposed: one setting of retrieval, or the text of one prompt; with what stood there before, and why.

One difference at a time: two at once would pass or fail the gate together, and nobody would know which of them did it.
"""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from groundwork.core.config import plain, unknown
from groundwork.core.errors import InputError
from groundwork.core.measure import Change, ChangeKind

RELEASABLE = ("context.retrieve.",)
"""Where settings live that a release may change: what takes effect without building the index again."""


def propose_setting(
    path: str,
    value: Any,
    *,
    effective: Mapping[str, Any],
    why: str,
    identifier: str,
    made: float,
    base: str = "",
    parents: tuple[str, ...] = (),
) -> Change:
    """Propose another value for a setting.

    `path` is dotted, as in `context.retrieve.keep`; `effective` maps every such path to the value in force; `base` is that configuration's hash.
    Raises InputError for an unknown path, one that no release changes, a value of another type, the same value, or no reason.
    """
    if path not in effective:
        error = unknown("setting", path, [known for known in effective if known.startswith(RELEASABLE)])
        raise InputError(error.what, fix=error.fix, param="path")
    if not path.startswith(RELEASABLE):
        raise InputError(
            f"`{path}` cannot be changed by a release", fix=f"change it in groundwork.toml; releases change {_shown()}", param="path"
        )
    before, after = plain(effective[path]), plain(value)
    if before is not None and _type(before) is not _type(after):
        raise InputError(
            f"`{path}` is {json.dumps(before)}, and {json.dumps(after)} is of another type", fix="give a value of that type", param="value"
        )
    return _change("setting", path, before, after, why=why, identifier=identifier, made=made, base=base, parents=parents)


def propose_prompt(
    name: str,
    text: str,
    *,
    prompts: Mapping[str, str],
    why: str,
    identifier: str,
    made: float,
    base: str = "",
    parents: tuple[str, ...] = (),
) -> Change:
    """Propose another text for a prompt. `prompts` maps the name of each prompt to the text in force.

    Raises InputError for an unknown prompt, an empty or the same text, or no reason.
    """
    if name not in prompts:
        error = unknown("prompt", name, prompts)
        raise InputError(error.what, fix=error.fix, param="name")
    if not text.strip():
        raise InputError(f"the new text of the prompt `{name}` is empty", fix="give the whole new text", param="text")
    return _change("prompt", f"prompts.{name}", prompts[name], text, why=why, identifier=identifier, made=made, base=base, parents=parents)


def parse_value(text: str) -> Any:
    """A value as TOML would read it (`8`, `0.5`, `true`, `"rrf"`, `["a"]`); anything else is taken as plain text."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        return text


def _change(
    kind: ChangeKind, path: str, before: Any, after: Any, *, identifier: str, why: str, made: float, base: str, parents: tuple[str, ...]
) -> Change:
    if before == after:
        raise InputError(f"`{path}` is {json.dumps(before)} already", fix="propose another value", param="value")
    if not why.strip():
        raise InputError("a change needs a reason", fix="say in a sentence what it should make better, and why", param="why")
    return Change(id=identifier, kind=kind, path=path, before=before, after=after, why=why.strip(), made=made, base=base, parents=parents)


def _type(value: Any) -> type:
    """Whole and decimal numbers are one type to whoever writes them; true and false are not numbers."""
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def _shown() -> str:
    return ", ".join(f"`{prefix}*`" for prefix in RELEASABLE) + " and prompts"
