"""Reading a file into canonical text: decoded, checked, and handed to the reader of its medium.

Not covered: PDF, office formats and images. What cannot be read raises `InputError` with a sentence; nothing is read by half.
"""

import codecs
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from groundwork.context.read_html import read_html
from groundwork.context.read_markdown import read_markdown
from groundwork.context.read_text import read_text
from groundwork.core.document import Document
from groundwork.core.errors import InputError

VERSION = 2
"""Raised whenever the readers give other text for the same file: then every source is read again."""

LARGEST = 20_000_000

_READERS: dict[str, Callable[[str, str], Document]] = {
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".text": read_text,
}
SUPPORTED = tuple(_READERS)

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


def read(path: Path, source: str, *, largest: int = LARGEST) -> Document:
    """Read a file. `source` is what the document is called: its path relative to the application's folder.

    Raises InputError for an unknown suffix, a file over `largest` bytes, binary or undecodable content, and a file without text; OSError
    where the file cannot be opened.
    """
    return parse(load(path, source, largest=largest), source)


def load(path: Path, source: str, *, largest: int = LARGEST) -> bytes:
    """A file's bytes. Raises InputError where its suffix is not supported or it is too large, OSError where it cannot be opened."""
    _reader(source)
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise InputError(f"{source} is larger than {largest:,} bytes", fix="split it into several files, or leave it out of `sources`")
    return data


def parse(data: bytes, source: str) -> Document:
    """Turn a file's bytes into a document by the suffix of its name. Raises InputError as `read` does."""
    reader = _reader(source)
    text = _decode(data, source, html=reader is read_html)
    if "\0" in text:
        raise InputError(f"{source} is binary (it holds NUL bytes)", fix="leave it out of `sources`, or export it as text")
    return reader(text, source)


def _reader(source: str) -> Callable[[str, str], Document]:
    suffix = PurePosixPath(source).suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None:
        raise InputError(f"{source}: files of type {suffix or '(no suffix)'} are not read", fix=f"use one of {', '.join(SUPPORTED)}")
    return reader


def _decode(data: bytes, source: str, *, html: bool) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding, source)
    if not html:
        return _strictly(data, "utf-8", source)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _strictly(data, _declared(data), source)


def _strictly(data: bytes, encoding: str, source: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{source} is not valid {encoding.upper()} (byte {error.start})", fix="save it as UTF-8, or leave it out of `sources`"
        ) from None


def _declared(data: bytes) -> str:
    """The encoding that a page declares for itself. Pages that declare none, or wrongly UTF-8, are Windows-1252, as browsers assume."""
    match = _DECLARED.search(data[:4_096])
    if match is None:
        return "cp1252"
    try:
        name = codecs.lookup(match.group(1).decode("ascii")).name
    except LookupError:
        return "cp1252"
    return "cp1252" if name in {"utf-8", "iso8859-1", "ascii"} or name.startswith("utf-16") else name
