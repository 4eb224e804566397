"""The instruction types by name, and the instructions of a case: `[{"type": "keywords:existence", "keywords": ["tree"]}]`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec

from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError, InputError

Mode = Literal["official", "fixed"]
Count = Annotated[int, msgspec.Meta(ge=0)]
Words = Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1)]


class Unclear(NamedTuple):
    """Why it cannot be told whether an instruction was followed."""

    reason: str


Verdict = bool | Unclear


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an instruction says beside its type; here: nothing."""


Check = Callable[[str, Any, Mode], Verdict]
C = TypeVar("C", bound=Check)


@dataclass(frozen=True, slots=True)
class Instruction:
    """A type of instruction, with its check: answer, arguments and mode to a verdict."""

    name: str
    arguments: type[Arguments]
    check: Check
    origin: str
    summary: str


class Wanted(NamedTuple):
    """One instruction of a case."""

    instruction: Instruction
    arguments: Arguments


_table: dict[str, Instruction] = {}


def instruction(name: str, arguments: type[Arguments] = Arguments) -> Callable[[C], C]:
    """Register a check. Raises ConfigError where the type is taken, naming both places."""

    def register(check: C) -> C:
        code = check.__code__
        origin = f"{check.__module__}:{check.__qualname__} ({Path(code.co_filename).name}:{code.co_firstlineno})"
        known = _table.get(name)
        if known is not None and known.origin != origin:  # the same place again is a module that was reloaded
            raise ConfigError(f"the instruction `{name}` is defined twice: {known.origin} and {origin}", fix="rename one of them")
        _table[name] = Instruction(name, arguments, check, origin, " ".join((inspect.getdoc(check) or "").split()))
        return check

    return register


def all_instructions() -> tuple[Instruction, ...]:
    """Every type, by name."""
    return tuple(_table[name] for name in sorted(_table))


def parse(written: Any) -> tuple[Wanted, ...]:
    """The instructions of a case, from `expected.instructions`. Arguments that are null count as not given.

    Raises InputError for another shape or wrong arguments, ConfigError with a did-you-mean for an unknown type.
    """
    if not isinstance(written, list | tuple) or not written:
        raise InputError(f"`expected.instructions` is {written!r}", fix='list them: [{"type": "punctuation:no_comma"}]')
    return tuple(_parse(one) for one in written)


def _parse(written: Any) -> Wanted:
    name = written.get("type") if isinstance(written, dict) else None
    if not isinstance(name, str):
        raise InputError(f"the instruction {written!r} names no type", fix='write {"type": "punctuation:no_comma"}')
    found = _table.get(name)
    if found is None:
        raise unknown("instruction", name, _table, "expected.instructions")
    given = {key: value for key, value in written.items() if key != "type" and value is not None}
    try:
        return Wanted(found, msgspec.convert(given, found.arguments))
    except msgspec.ValidationError as error:
        takes = ", ".join(found.arguments.__struct_fields__) or "no arguments"
        raise InputError(f"the instruction `{name}`: {error}", fix=f"it takes {takes}") from None
