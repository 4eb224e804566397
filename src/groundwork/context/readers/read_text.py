"""Plain text and source code, as they are: a landmark with its line for every paragraph."""

import re

from groundwork.context.readers.canonical import Canonical
from groundwork.core.document import Document

_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def read_text(text: str, source: str) -> Document:
    """Read plain text. Line ends become newlines and runs of blank lines one; everything else stays. Raises InputError where it is blank."""
    text = _lines(text)
    canonical = Canonical()
    line, seen = 1, 0
    for match in _PARAGRAPH.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        canonical.add(match.group(), line=line)
    return canonical.document(source, title="", medium="text")


def read_code(text: str, source: str) -> Document:
    """Read source code: as plain text with the number of every line, under the whole name of its file. Raises InputError where it is blank."""
    canonical = Canonical()
    above = False  # whether the line before holds anything
    for number, line in enumerate(_lines(text).split("\n"), start=1):
        canonical.add(line, tight=above, line=number)
        above = bool(line.strip())
    return canonical.document(source, title=source.rsplit("/", 1)[-1], medium="code")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
