"""Texts from files, one piece at a time, however large the files are: plain text, Markdown, HTML source, JSON lines; also compressed with gzip."""

import gzip
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO, cast

import msgspec

from groundwork.core.errors import InputError

KINDS = (".txt", ".md", ".html", ".htm", ".jsonl")
_BLOCK = 1 << 20
_OVERLAP = 4_096
"""Characters that two blocks of a file share, so that what lies across their border is seen whole."""


class Passage(NamedTuple):
    """A piece of a source: a row of JSON lines by its line, or a block of text by its offset in characters."""

    source: str
    text: str
    line: int | None = None
    offset: int = 0


def files_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files that the paths name, folders with all that is in them. Raises InputError for a path without a text that can be read."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(one for one in path.rglob("*") if one.is_file() and _kind(one) in KINDS) if path.is_dir() else [path]
        if not inside or not path.exists():
            what = "holds no text" if path.is_dir() else "does not exist"
            raise InputError(f"{path} {what}", fix=f"name files or folders with {', '.join(KINDS)} (or those with .gz)")
        found |= dict.fromkeys(inside)
    return tuple(found)


def read_passages(path: Path, *, name: str = "") -> Iterator[Passage]:
    """The passages of a file. Raises InputError for what is no text, or a line that is no JSON."""
    source = name or str(path)
    if _kind(path) == ".jsonl":
        for line, row in rows_of(path, name=source):
            yield from (Passage(source, text, line) for text in texts_in(row))
        return
    with _opened(path, source) as file:
        yield from _blocks(file, source)


def rows_of(path: Path, *, name: str = "") -> Iterator[tuple[int, Any]]:
    """Each line's number and JSON value; blank lines are skipped. Raises InputError for a line that is no JSON."""
    source = name or str(path)
    with _opened(path, source) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield number, msgspec.json.decode(line)
                except msgspec.DecodeError as error:
                    raise InputError(f"{source}:{number} is no JSON: {error}", fix="write one JSON value on each line") from None


@contextmanager
def _opened(path: Path, source: str) -> Generator[TextIO]:
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as file:
            yield cast(TextIO, file)
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{source} cannot be read: {error}", fix="name a readable UTF-8 text") from None


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts_in(one)


def _blocks(file: TextIO, source: str) -> Iterator[Passage]:
    offset, kept = 0, ""
    while block := file.read(_BLOCK):
        yield Passage(source, kept + block, None, offset - len(kept))
        offset += len(block)
        kept = (kept + block)[-_OVERLAP:]


def _kind(path: Path) -> str:
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
