"""Values between a program and its tests: plain data only, so that nothing a program makes ever runs where its verdict is made.

Frames are four bytes of length and JSON. What JSON lacks is an object of one key: `{"t": [1, 2]}` is a tuple. An iterator travels as what
it yields and arrives as an iterator; a subclass (a named tuple, a Counter) arrives as the plain kind below it.
Not covered: functions, classes and objects of a program's own, as arguments or as results.
Standard library only: this runs inside the sandbox.
"""

import json
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, cast

LONGEST = 16_000_000
"""Bytes of one frame."""
_PIECE = 1 << 16
_SMALL = 1 << 62
_NUMBERS = {"D": ("decimal", "Decimal"), "F": ("fractions", "Fraction")}
"""By module, imported when one is met: few programs use them."""


class Unfit(Exception):
    """A value is not plain data, or bytes are no frame of ours."""


def pack(value: Any) -> Any:
    """A value in the form that JSON can carry. Raises Unfit, or RecursionError for one that is nested too deep or holds itself."""
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return value if -_SMALL < value < _SMALL else {"i": hex(value)}
    if isinstance(value, list):
        return [pack(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {"d": [[pack(key), pack(item)] for key, item in cast(dict[Any, Any], value).items()]}
    return _pack_tagged(value)


def _pack_tagged(value: Any) -> Any:
    if isinstance(value, range):
        return {"r": [value.start, value.stop, value.step]}
    if isinstance(value, bytes | bytearray):
        return {"b" if isinstance(value, bytes) else "B": value.hex()}
    if isinstance(value, complex):
        return {"c": [value.real, value.imag]}
    for tag, (module, name) in _NUMBERS.items():
        if module in sys.modules and isinstance(value, getattr(sys.modules[module], name)):
            return {tag: str(value)}
    for tag, kind in (("t", tuple), ("s", set), ("f", frozenset), ("q", deque), ("v", Iterator)):
        if isinstance(value, kind):
            return {tag: [pack(item) for item in cast(Iterable[Any], value)]}
    raise Unfit(f"a value of type `{type(value).__name__}` is not plain data")


def unpack(form: Any) -> Any:
    """The value again. Raises Unfit for what `pack` does not make."""
    if isinstance(form, list):
        return [unpack(item) for item in cast(list[Any], form)]
    if not isinstance(form, dict):
        return form
    table = cast(dict[str, Any], form)
    if len(table) != 1:
        raise Unfit("a value of two tags")
    ((tag, inside),) = table.items()
    try:
        return _unpack_tagged(tag, inside)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise Unfit(f"a malformed value: {error}") from error


def _unpack_tagged(tag: str, inside: Any) -> Any:
    match tag:
        case "i":
            return int(inside, 16)
        case "d":
            return {unpack(key): unpack(item) for key, item in inside}
        case "r":
            return range(*inside)
        case "b":
            return bytes.fromhex(inside)
        case "B":
            return bytearray.fromhex(inside)
        case "c":
            return complex(*inside)
        case "D" | "F":
            module, name = _NUMBERS[tag]
            return getattr(import_module(module), name)(inside)
        case "t" | "s" | "f" | "q" | "v":
            makers = {"t": tuple[Any, ...], "s": set[Any], "f": frozenset[Any], "q": deque[Any], "v": iter}
            return makers[tag]([unpack(item) for item in inside])
        case _:
            raise Unfit(f"an unknown tag {tag[:8]!r}")


def send(link: int, message: dict[str, Any]) -> None:
    """Write one frame to a socket or pipe. Raises Unfit where it is too long, OSError where nobody reads."""
    data = json.dumps(message).encode()
    if len(data) > LONGEST:
        raise Unfit(f"{len(data)} bytes are more than can be passed ({LONGEST})")
    rest = memoryview(len(data).to_bytes(4, "big") + data)
    while rest:
        rest = rest[os.write(link, rest) :]


def receive(link: int) -> dict[str, Any] | None:
    """Read one frame; None at the end. Raises Unfit for what is none, RecursionError for one that is nested too deep.

    The two sides take turns, so whatever follows a frame is no answer to anything.
    """
    data = bytearray()
    length = LONGEST
    while len(data) < 4 + length:
        piece = os.read(link, _PIECE)
        if not piece:
            return None
        data += piece
        if len(data) >= 4:
            length = int.from_bytes(data[:4], "big")
        if length > LONGEST or len(data) > 4 + length:
            raise Unfit("no frame")
    try:
        message: object = json.loads(data[4:])
    except ValueError as error:
        raise Unfit("a frame that is not JSON") from error
    if not isinstance(message, dict):
        raise Unfit("a frame that is no object")
    return cast(dict[str, Any], message)
