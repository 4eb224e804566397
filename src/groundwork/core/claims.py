"""The claims of an answer: its sentences, each with the sources it cites."""

import re
from typing import NamedTuple

from groundwork.core.text import sentences, words

_MARKER = re.compile(r"\s*\[(\d+(?:\s*,\s*\d+)*)\]")
_LATE_MARKER = re.compile(r"([.!?][\"”’)]*)\s*(\[\d+(?:\s*,\s*\d+)*\])")
"""`sentence. [1]` is cited as well as `sentence [1].`"""
_ASIDE = re.compile(r"^(?:_.*_|\[\d+\] .*)$", re.MULTILINE)
"""A line in italics speaks of the answer, and is no claim of it; a line that begins with its citation is cited as a whole."""
_QUOTED = re.compile(r"“[^”]*”")
"""A quotation is one claim, however many sentences it has."""
_END = re.compile(r"[.!?]\s+")
_FEWEST_WORDS = 4


class Claim(NamedTuple):
    """A sentence of an answer, without its `[n]`."""

    text: str
    cited: tuple[int, ...]
    """The numbers it cites, in their order."""


def claims_of(answer: str) -> list[Claim]:
    """What an answer claims, in its order. Not among it: asides, sentences in brackets, and phrases of under four words."""
    text = _QUOTED.sub(lambda quoted: _END.sub(" ", quoted.group()), _LATE_MARKER.sub(r"\2\1", _ASIDE.sub("", answer)))
    found: list[Claim] = []
    for start, end in sentences(text):
        sentence = text[start:end]
        if len(words(sentence)) >= _FEWEST_WORDS and not sentence.startswith("("):
            numbers = [int(number) for marker in _MARKER.findall(sentence) for number in marker.split(",")]
            found.append(Claim(_MARKER.sub("", sentence).strip(), tuple(dict.fromkeys(numbers))))
    return found
