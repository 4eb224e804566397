"""A place in a text that must not travel on as it is, and the masking of such places."""

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Finding(NamedTuple):
    """`text[start:end]` is a `kind` (`secret:aws_key`, `email`)."""

    kind: str
    start: int
    end: int


Span = tuple[int, int]


def find_all(text: str, look: Callable[[str, list[Span]], list[Finding]]) -> list[Finding]:
    """What `look` finds, and what only shows once that is masked: so masking what is masked changes nothing.

    `look` gets the text, with what was found before blanked out, and the spans of the blanks.
    """
    found: list[Finding] = []
    blanks: list[Span] = []
    while more := look(text, blanks):
        found += more
        blanks += [(finding.start, finding.end) for finding in more]
        text = _blank(text, more)
    return found


def _blank(text: str, findings: Iterable[Finding]) -> str:
    """The text at its length, with brackets (as a mask has) in place of every finding."""
    pieces: list[str] = []
    at = 0
    for finding in sorted(findings, key=lambda found: found.start):
        if finding.end > at:
            pieces += (text[at : finding.start], "]" * (finding.end - max(at, finding.start)))
            at = finding.end
    pieces.append(text[at:])
    return "".join(pieces)


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
