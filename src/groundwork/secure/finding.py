"""A place in a text that must not travel on as it is, and the masking of such places."""

from collections.abc import Iterable
from typing import NamedTuple


class Finding(NamedTuple):
    """`text[start:end]` is a `kind` (`secret:aws_key`, `email`)."""

    kind: str
    start: int
    end: int


def mask(text: str, findings: Iterable[Finding]) -> str:
    """The text with every finding replaced by `[kind]`; of findings that overlap the one that starts first (and is longest) is named."""
    pieces: list[str] = []
    at = 0
    for finding in sorted(findings, key=lambda found: (found.start, -found.end)):
        if finding.start >= at:
            pieces += (text[at : finding.start], f"[{finding.kind}]")
        at = max(at, finding.end)
    pieces.append(text[at:])
    return "".join(pieces)
