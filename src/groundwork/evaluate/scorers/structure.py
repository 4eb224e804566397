"""Answers in JSON: whether one fits its schema, and which of its fields are right.

The JSON of an answer is the whole of it, or what its one fence holds, or the one object or list in its text. `json.valid` measures that very
form, so that an answer without JSON is 0 there; for `json.fields` it is unparseable.
"""

import functools
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from groundwork.core.errors import ConfigError, InputError
from groundwork.core.text import fold, shorten
from groundwork.evaluate.registry import Answered, Graded, Unparseable, scorer

_FENCE = re.compile(r"```[ \t]*([\w-]*)[^\n]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_MOST_TRIES = 200
"""Brackets in a text that are tried as the beginning of JSON: a text of nothing but brackets is not worth more."""
_MISSING = object()
_SHOWN = 5
"""Wrong fields that a detail names."""


@scorer("json.valid", better="higher")
def json_valid(answered: Answered, *, schema: dict[str, Any] | None = None, whole: bool = False) -> Graded:
    """1 where the answer holds JSON that fits the schema (the setting, else `expected.schema`, else any), else 0; only JSON with `whole`."""
    wanted = schema if schema is not None else answered.example.expected.get("schema")
    found = extract(answered.reply.text, whole=whole)
    if isinstance(found, Unparseable):
        return Graded(0.0, found.reason)
    problem = _validator(json.dumps(wanted, sort_keys=True))(found) if wanted is not None else ""
    return Graded(float(not problem), problem)


@scorer("json.fields", better="higher", needs="json")
def json_fields(
    answered: Answered, *, tolerance: float = 0.0, fold_case: bool = True, extra: bool = False, ordered: bool = True
) -> Graded | Unparseable:
    """Share of the values of `expected.json` that the answer's JSON has in their place; with `extra`, values it adds count as wrong ones.

    Text is compared with case and spacing folded, numbers within `tolerance`, lists by position (in any order, unless `ordered`).
    """
    wanted = answered.example.expected["json"]
    if not isinstance(wanted, dict | list) or not wanted:
        raise InputError(f"`expected.json` is {wanted!r}", fix="write an object or a list with something in it")
    found = extract(answered.reply.text)
    if isinstance(found, Unparseable):
        return found
    said, right = (dict(leaves(value if ordered else _sorted(value))) for value in (found, wanted))
    wrong = [path for path, value in right.items() if not _same(said.get(path, _MISSING), value, tolerance, fold_case=fold_case)]
    added = [path for path in said if path not in right] if extra else []
    detail = f"wrong: {shorten(', '.join([*wrong, *added][:_SHOWN]), 200)}" if wrong or added else ""
    return Graded(1 - len(wrong + added) / len(right.keys() | set(added)), detail, {"wrong": wrong, "added": added})


def extract(text: str, *, whole: bool = False) -> Any | Unparseable:
    """The JSON value of an answer. Of several fences only one may hold JSON; likewise of several objects in plain text."""
    stripped = text.strip()
    try:
        return _load(stripped)
    except (ValueError, RecursionError):
        if whole:
            return Unparseable("the answer is not JSON throughout")
    fenced = list(_readable(match[2] for match in _FENCE.finditer(stripped)))
    found = fenced or list(_embedded(stripped))
    if len(found) == 1:
        return found[0]
    return Unparseable(f"{len(found)} pieces of JSON where one was to be given" if found else "no JSON")


def leaves(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Every value that holds no other, with its path: `$.lines[0].price`. Empty objects and lists are values too."""
    inner = (
        [(f"{path}.{name}", one) for name, one in value.items()]
        if isinstance(value, dict)
        else [(f"{path}[{place}]", one) for place, one in enumerate(value)]
        if isinstance(value, list)
        else []
    )
    if not inner:
        yield path, value
    for below, one in inner:
        yield from leaves(one, below)


def _readable(pieces: Iterator[str]) -> Iterator[Any]:
    for piece in pieces:
        try:
            yield _load(piece)
        except (ValueError, RecursionError):
            continue


def _embedded(text: str) -> Iterator[Any]:
    """Objects and lists in a text that are not inside another one."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at = failed = 0
    while failed < _MOST_TRIES and (match := _OPENING.search(text, at)):
        try:
            value, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at, failed = match.end(), failed + 1
            continue
        if value:  # `[]` and `{}` stand in prose as well
            yield value


def _load(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


@functools.lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    """A function from a value to what is wrong with it; empty where nothing is."""
    try:
        import jsonschema_rs
    except ImportError:
        raise ConfigError("`jsonschema-rs` is not installed, which checks schemas", fix="pip install 'groundwork-ai[structured]'") from None
    try:
        validator: Any = jsonschema_rs.validator_for(json.loads(schema), offline=True)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise InputError(f"the schema is none: {shorten(str(error), 200)}", fix="correct it by JSON Schema") from None

    def check(value: Any) -> str:
        first = next(validator.iter_errors(value), None)
        return (
            "" if first is None else shorten(f"{'/'.join(str(part) for part in first.instance_path) or 'the whole'}: {first.message}", 200)
        )

    return check


def _sorted(value: Any) -> Any:
    """A value whose lists are in an order of their own."""
    if isinstance(value, dict):
        return {name: _sorted(one) for name, one in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(one) for one in value), key=lambda one: fold(json.dumps(one, sort_keys=True, ensure_ascii=False)))
    return value


def _same(said: Any, wanted: Any, tolerance: float, *, fold_case: bool) -> bool:
    if isinstance(said, bool) or isinstance(wanted, bool):
        return said is wanted
    if isinstance(said, int | float) and isinstance(wanted, int | float):
        return said == wanted or math.isclose(said, wanted, rel_tol=0.0, abs_tol=tolerance)
    if isinstance(said, str) and isinstance(wanted, str) and fold_case:
        return fold(said) == fold(wanted)
    return type(said) is type(wanted) and said == wanted
