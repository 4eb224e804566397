"""Loading what people write: TOML into frozen Structs, with file:line and a did-you-mean for everything refused.

Each package declares the Struct of its own section; `app/config.py` composes them and checks names across sections.
"""

import difflib
import json
import os
import re
import tomllib
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from groundwork.core.errors import ConfigError
from groundwork.core.toml_lines import Path as KeyPath
from groundwork.core.toml_lines import key_lines
from groundwork.core.units import Quantity, Secret

S = TypeVar("S", bound=msgspec.Struct)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STEP = re.compile(r'"(?:[^"\\]|\\.)*"|[^.]+')


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=False):
    """Base of everything people write. Unknown keys are refused."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A TOML file as read: its values, and the line of each key."""

    file: str
    table: dict[str, Any]
    lines: dict[KeyPath, int]
    released: dict[KeyPath, str] = {}
    """What a release laid over the file, and how to call it."""

    def where(self, path: KeyPath) -> str:
        """`file:line` of a key, or of the nearest table above it; the change's name where a release has set it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.released:
                return self.released[path[:length]]
            line = self.lines.get(path[:length])
            if line is not None:
                return f"{self.file}:{line}"
        return self.file


def read_toml(path: Path, *, name: str | None = None) -> Written:
    """Read a TOML file. Raises ConfigError for a missing, undecodable or malformed one."""
    shown = name or str(path)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise ConfigError(
            f"{shown} does not exist", fix="name an existing file, or make an application with `groundwork new app`"
        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror}", fix="name a readable file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown} is not UTF-8 (byte {error.start})", fix="save it as UTF-8") from None
    return parse_toml(text, shown)


def parse_toml(text: str, name: str) -> Written:
    """Parse TOML. `name` is what errors call it. Raises ConfigError with the parser's position."""
    text = text.removeprefix("\ufeff")
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside its own error, tomllib lets out those of huge numbers and deep nesting
        line = re.search(r"\(at line (\d+),", str(error))
        where = f"{name}:{line[1]}" if line else f"{name}:{text.count(chr(10)) + 1}" if "end of document" in str(error) else name
        raise ConfigError(
            f"not valid TOML: {error}", where=where, fix="correct the line; strings need quotes, tables need [brackets]"
        ) from None
    return Written(file=name, table=table, lines=key_lines(text))


def decode(written: Written, kind: type[S]) -> S:
    """Turn a file's values into a Struct. Raises ConfigError naming file, line, key and the nearest known key."""
    return cast(S, _decode(written.table, kind, (), written))


def decode_at(written: Written, kind: type[S], path: tuple[str, ...]) -> S:
    """One table of a file alone; where it is not there, an empty one. Raises as `decode` does."""
    table: Any = written.table
    for step in path:
        table = cast(dict[str, Any], table).get(step, {}) if isinstance(table, dict) else table
    return cast(S, _decode(table, kind, path, written))


def _decode(value: Any, kind: Any, path: KeyPath, written: Written) -> Any:
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _decode_struct(value, kind, path, written)
    if isinstance(kind, type) and issubclass(kind, Quantity | Secret):
        return _decode_leaf(value, kind, path, written)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(written, path, f"`{dotted(path)}` must be a table", fix=f"write it as [{dotted(path)}]")
        inner = get_args(kind)[1]
        table = cast(dict[str, Any], value)
        return {key: _decode(item, inner, (*path, key), written) for key, item in table.items()}
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(written, path, f"`{dotted(path)}` must be a list", fix="write it in [square brackets]")
        inner = get_args(kind)[0]
        return tuple(_decode(item, inner, (*path, place), written) for place, item in enumerate(cast(list[Any], value)))
    if origin in {Union, types.UnionType}:
        return _decode_union(value, kind, path, written)
    if origin is Literal:
        return _decode_choice(value, get_args(kind), path, written)
    return _decode_leaf(value, kind, path, written)


def _decode_struct(value: Any, kind: type[msgspec.Struct], path: KeyPath, written: Written) -> Any:
    if not isinstance(value, dict):
        raise _wrong(
            written,
            path,
            f"`{dotted(path)}` must be a table, not {_kind_name(value)}",
            fix=f"write it as [{dotted(path)}] or {{ key = value }}",
        )
    table = cast(dict[str, Any], value)
    hints = get_type_hints(kind)
    names = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    for key in table:
        if key not in names:
            raise unknown("key", dotted((*path, key)), [dotted((*path, name)) for name in names], written.where((*path, key)))
    values = {names[key]: _decode(item, hints[names[key]], (*path, key), written) for key, item in table.items()}
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in values:
            at = written.where(path) if path else written.file
            raise ConfigError(f"`{dotted((*path, field.encode_name))}` is missing", where=at, fix=f"add `{field.encode_name} = …`")
    try:
        return kind(**values)
    except ValueError as error:
        raise _wrong(written, path, f"`{dotted(path)}`: {error}", fix="correct the value") from None


def _decode_union(value: Any, kind: Any, path: KeyPath, written: Written) -> Any:
    """Tables go to the Struct of the union, everything else to the first member that takes it."""
    members = [member for member in get_args(kind) if member is not types.NoneType]
    structs = [member for member in members if isinstance(member, type) and issubclass(member, msgspec.Struct)]
    if isinstance(value, dict) and structs:
        return _decode(value, structs[0], path, written)
    rest = [member for member in members if member not in structs] or members
    failures: list[ConfigError] = []
    for member in rest:
        try:
            return _decode(value, member, path, written)
        except ConfigError as failure:
            failures.append(failure)
    raise failures[0]


def _decode_choice(value: Any, choices: tuple[Any, ...], path: KeyPath, written: Written) -> Any:
    if value in choices:
        return value
    raise unknown(f"value of `{dotted(path)}`:", str(value), [str(choice) for choice in choices], written.where(path))


def _decode_leaf(value: Any, kind: Any, path: KeyPath, written: Written) -> Any:
    try:
        return msgspec.convert(value, kind, dec_hook=_decode_custom, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise _wrong(written, path, f"`{dotted(path)}`: {str(error).split(' - at ')[0]}", fix="correct the value") from None


def _decode_custom(kind: type, value: Any) -> Any:
    if issubclass(kind, Quantity | Secret):
        return kind.parse(value)
    raise NotImplementedError(kind)


def _kind_name(value: Any) -> str:
    return {str: "text", int: "a number", float: "a number", bool: "true or false", list: "a list"}.get(type(value), type(value).__name__)


def _wrong(written: Written, path: KeyPath, what: str, *, fix: str) -> ConfigError:
    return ConfigError(what, where=written.where(path), fix=fix)


def dotted(path: Iterable[str | int]) -> str:
    """A key path as people write it: `models.fast.targets[0]`, `models."gpt-4.1"`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE.fullmatch(step) else json.dumps(step, ensure_ascii=False))
    return text


def steps_of(path: str) -> tuple[str, ...]:
    """The keys of a dotted path: the way back from `dotted`, for paths without list indexes."""
    return tuple(json.loads(step) if step.startswith('"') else step for step in _STEP.findall(path))


def unknown(what: str, name: str, known: Iterable[str], where: str = "") -> ConfigError:
    """The error for a name that does not exist, with the nearest ones that do."""
    options = sorted(known)
    above, _, last = name.rpartition(".")
    beside = bool(above) and all(option.startswith(f"{above}.") for option in options)
    near = [] if beside else difflib.get_close_matches(name, options, n=1, cutoff=0.6)  # what all share would make all of them near
    if not near:  # the last steps may match although the paths differ
        tails = {option.rsplit(".", 1)[-1]: option for option in options}
        near = [tails[tail] for tail in difflib.get_close_matches(last, list(tails), n=1, cutoff=0.6)]
    fix = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(options) or 'none'}"
    return ConfigError(f"unknown {what} `{name}`", where=where, fix=fix)


def flatten(value: Any, path: KeyPath = ()) -> dict[KeyPath, Any]:
    """Every leaf of a decoded configuration by its path; Structs by their fields, quantities as written."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        items: list[tuple[str, Any]] = [(field.encode_name, getattr(value, field.name)) for field in fields]
    elif isinstance(value, dict):
        items = [(str(key), item) for key, item in cast(dict[Any, Any], value).items()]
    else:
        return {path: plain(value)}
    leaves: dict[KeyPath, Any] = {}
    for key, item in items:
        leaves |= flatten(item, (*path, key))
    return leaves if items else {path: {}}


def plain(value: Any) -> Any:
    """A value as TOML or JSON would write it."""
    if isinstance(value, Quantity | Secret):
        return str(value)
    if isinstance(value, msgspec.Struct):
        return {field.encode_name: plain(getattr(value, field.name)) for field in msgspec.structs.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast(dict[str, Any], value).items()}
    return value


def reveal(secret: Secret, where: str, environment: Mapping[str, str] | None = None) -> str:
    """The value of a secret. Raises ConfigError where the variable is unset or empty; never prints it."""
    value = (os.environ if environment is None else environment).get(secret.variable, "")
    if not value:
        raise ConfigError(
            f"the environment variable {secret.variable} is not set",
            where=where,
            fix=f"export {secret.variable}=…, or remove the key that names it",
        )
    return value


def set_path(table: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path, making tables on the way: how a released change overlays what the file says."""
    *steps, last = steps_of(path)
    for step in steps:
        following = table.setdefault(step, {})
        if not isinstance(following, dict):
            raise ConfigError(f"`{path}` passes through `{step}`, which is no table", fix="name a key of a table")
        table = cast(dict[str, Any], following)
    table[last] = value
