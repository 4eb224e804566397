"""Plain text, as it is: a landmark with its line for every paragraph."""

import re

from groundwork.context.canonical import Canonical
from groundwork.core.document import Document

_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def read_text(text: str, source: str) -> Document:
    """Read plain text. Line ends become newlines and runs of blank lines one; everything else stays. Raises InputError where it is blank."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    canonical = Canonical()
    line, seen = 1, 0
    for match in _PARAGRAPH.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        canonical.add(match.group(), line=line)
    return canonical.document(source, title="", medium="text")
