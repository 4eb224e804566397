"""Reading a file into canonical text: decoded, checked, and handed to the reader of its medium.

The ending of its name says what a file is; content that is plainly something else is refused rather than guessed at. What cannot be read
raises `InputError` with a sentence; nothing is read by half. Not covered: letters in images, EPUB, mail, the binary formats of old offices.
"""

import codecs
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import msgspec

from groundwork.context import apart
from groundwork.context.readers.read_csv import read_csv
from groundwork.context.readers.read_docx import read_docx
from groundwork.context.readers.read_html import read_html
from groundwork.context.readers.read_json import read_json, read_json_lines
from groundwork.context.readers.read_markdown import read_markdown
from groundwork.context.readers.read_pdf import read_pdf
from groundwork.context.readers.read_pptx import read_pptx
from groundwork.context.readers.read_text import read_code, read_text
from groundwork.context.readers.read_xlsx import read_xlsx
from groundwork.core.document import Document
from groundwork.core.errors import InputError

VERSION = 2
"""Raised whenever the readers give other text for the same file: then every source is read again."""

LARGEST = 20_000_000
"""Bytes of a file of text."""
LARGEST_BINARY = 100_000_000
"""Bytes of a PDF or an office file: most of them are pictures."""

_TEXT: dict[str, Callable[[str, str], Document]] = {
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".text": read_text,
    ".rst": read_text,
    ".adoc": read_text,
    ".org": read_text,
    ".log": read_text,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".tab": read_csv,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}
_BINARY: dict[str, Callable[[bytes, str], Document]] = {
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".docm": read_docx,
    ".pptx": read_pptx,
    ".pptm": read_pptx,
    ".xlsx": read_xlsx,
    ".xlsm": read_xlsx,
}
_CODE = tuple(
    f".{name}"
    for name in """bash bat c cc cfg clj cmake conf cpp cs css cxx dart dockerfile elm erl ex exs f90 fs go gradle graphql groovy h hpp hs hxx
    ini java jl js jsx kt kts less lisp lua m mjs ml mm nim php pl pm proto ps1 py pyi r rb rs sass scala scm scss sh sql svelte swift tcl
    tex tf toml ts tsx vb vue xml yaml yml zig zsh""".split()  # noqa: SIM905
)
DOCUMENTS = (*(suffix for suffix in _TEXT if not suffix.startswith((".json", ".ndjson"))), *_BINARY)
"""What a folder's name in `sources` stands for. JSON and source code are read where a glob names them: a folder of pages holds much of both
that nobody wants to read.
"""
SUPPORTED = (*_TEXT, *_BINARY, *_CODE)

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive, or an office file"),
    (b"\xd0\xcf\x11\xe0", "an office file of the old binary format, or an encrypted one"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"{\\rtf", "rich text (RTF)"),
)


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it came, before it is read: from a file, from the web, from a function."""

    source: str
    data: bytes
    suffix: str
    """What it is, as the ending of a file's name: `.pdf`."""
    encoding: str = ""
    """Of text, where whoever sent it said so."""
    title: str = ""
    """Instead of what the reader finds."""
    metadata: dict[str, Any] = {}

    @property
    def identity(self) -> bytes:
        """What makes another text of it: a file's bytes alone, else also what was said about them."""
        said = (self.encoding, self.title, self.metadata)
        return self.data + msgspec.json.encode(said) if any(said) else self.data


class _Reader(NamedTuple):
    """What reads a suffix: one that takes text, or one that takes bytes."""

    suffix: str
    text: Callable[[str, str], Document]
    binary: Callable[[bytes, str], Document] | None = None


def read(path: Path, source: str, *, largest: int | None = None) -> Document:
    """Read a file. `source` is what the document is called: its path relative to the application's folder.

    Raises InputError for an unknown suffix, a file over `largest` bytes, content that is not what the suffix says or cannot be decoded, and
    a file without text; OSError where the file cannot be opened.
    """
    return parse(load(path, source, largest=largest), source)


def load(path: Path, source: str, *, largest: int | None = None) -> bytes:
    """A file's bytes. Raises InputError where its suffix is not supported or it is too large, OSError where it cannot be opened."""
    most = largest_of(source) if largest is None else largest
    with path.open("rb") as file:
        data = file.read(most + 1) if path.stat().st_size <= most else None  # a huge one is not read at all
    if data is None or len(data) > most:
        raise InputError(f"{source} is larger than {most:,} bytes", fix="split it into several files, or leave it out of `sources`")
    return data


def largest_of(source: str, suffix: str = "") -> int:
    """How many bytes a source of this kind may have. Raises InputError where its suffix is not supported."""
    return LARGEST_BINARY if _reader(source, suffix).binary else LARGEST


def parse(data: bytes, source: str, *, suffix: str = "", encoding: str = "") -> Document:
    """Turn a file's bytes into a document by the suffix of its name, or the one given. Raises InputError as `read` does."""
    reader = _reader(source, suffix)
    if reader.binary is not None:
        return apart.SHARED.read(data, source, reader.suffix)
    kind = next((kind for begins, kind in _SIGNATURES if data.startswith(begins)), None)
    if kind is not None:
        raise InputError(f"{source} is {kind} by its content, not {reader.suffix}", fix="give it the ending of what it is")
    text = _decode(data, source, html=reader.text is read_html, encoding=encoding)
    if "\0" in text:
        raise InputError(f"{source} is binary (it holds NUL bytes)", fix="leave it out of `sources`, or export it as text")
    return reader.text(text, source)


def parse_here(data: bytes, source: str, suffix: str) -> Document:
    """Turn a binary file into a document in this very process, which it may end. Raises InputError as `read` does."""
    return _BINARY[suffix](data, source)


def parse_raw(raw: Raw) -> Document:
    """Turn a source into a document. What was said about it stands above what its reader found. Raises InputError as `read` does."""
    document = parse(raw.data, raw.source, suffix=raw.suffix, encoding=raw.encoding)
    if not raw.title and not raw.metadata:
        return document
    return msgspec.structs.replace(document, title=raw.title or document.title, metadata={**document.metadata, **raw.metadata})


def _reader(source: str, suffix: str) -> _Reader:
    suffix = (suffix or PurePosixPath(source).suffix).lower()
    if suffix in _BINARY:
        return _Reader(suffix, read_text, _BINARY[suffix])
    reader = read_code if suffix in _CODE else _TEXT.get(suffix)
    if reader is None:
        fix = f"use one of {', '.join(DOCUMENTS)}, JSON or source code"
        raise InputError(f"{source}: files of type {suffix or '(no suffix)'} are not read", fix=fix)
    return _Reader(suffix, reader)


def _decode(data: bytes, source: str, *, html: bool, encoding: str = "") -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], name, source)
    if encoding:
        return _strictly(data, _known(encoding), source)
    if not html:
        return _strictly(data, "utf-8", source)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _strictly(data, _declared(data), source)


def _known(encoding: str) -> str:
    """The encoding of this name, UTF-8 where there is none."""
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        return "utf-8"
    return "cp1252" if codec.name in {"iso8859-1", "ascii"} else codec.name


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
