"""JSON lines that a person hands to a command: each row with its place, or an error that names it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from groundwork.core.errors import InputError

T = TypeVar("T")


def rows_of(path: Path, kind: type[T], *, form: str) -> Iterator[tuple[str, T]]:
    """Every line of a file as a `kind`, with `file:line`; blank lines are passed over. Raises InputError; `form` shows what a line looks like."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix="name a readable file of JSON lines") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield f"{path}:{number}", msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError as error:
            raise InputError(f"{path}:{number}: {error}", fix=f"write {form}") from None
