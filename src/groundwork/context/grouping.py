"""Which sentences belong into one chunk, where it is not simply filled: by the strongest separator, or by what is spoken of.

Both take the units of a stretch and give groups (first, until) that cover them in order, each of at most `most` pieces.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from groundwork.context.packing import Unit
from groundwork.core.document import Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Embed = Callable[[Sequence[str]], "Vectors"]
"""Texts to vectors of length 1, float32 of shape [texts, dimensions]."""

_BLOCK = 3
"""Sentences on each side of a gap that are held against each other."""
_SMALLEST = 4
"""No side of a cut is smaller than one of so many parts of a chunk, where another cut can be made."""
_LEVELS = 16
"""Above every level of heading, with room for the separators below."""


def recursive(document: Document, units: Sequence[Unit], most: int) -> Iterator[tuple[int, int]]:
    """Cut at the strongest separator there is (headings by level, paragraphs, lines, sentences), and again inside whatever is still too
    large; neighbours that fit together stay together.
    """
    strengths = _strengths(document, units)
    upto = _upto(units)

    def cut(first: int, until: int) -> Iterator[tuple[int, int]]:
        inner = strengths[first + 1 : until]
        if not inner or upto[until] - upto[first] <= most:
            yield first, until
            return
        strongest = max(inner)
        places = [first, *(place for place in range(first + 1, until) if strengths[place] == strongest), until]
        begin = first
        for part, end in pairwise(places):
            if upto[end] - upto[begin] <= most:
                continue
            if begin < part:
                yield begin, part
            begin = part
            if upto[end] - upto[part] > most:
                yield from cut(part, end)
                begin = end
        if begin < until:
            yield begin, until

    if units:
        yield from cut(0, len(units))


def semantic(text: str, units: Sequence[Unit], most: int, embed: Embed) -> Iterator[tuple[int, int]]:
    """Cut where what is said before differs most from what is said after, and again inside whatever is still too large.

    The difference at a gap is 1 less the cosine of the mean vectors of up to three sentences on each side. Source: M. A. Hearst, TextTiling,
    Computational Linguistics 23 (1997), 33-64, with vectors in the place of counted words.
    """
    upto = _upto(units)
    if upto[-1] <= most:
        yield from [(0, len(units))] if units else []
        return
    gaps = _differences(embed([text[unit.start : unit.end] for unit in units]))
    waiting = [(0, len(units))]
    while waiting:
        first, until = waiting.pop()
        if until - first == 1 or upto[until] - upto[first] <= most:
            yield first, until
            continue
        inner = range(first + 1, until)
        even = [place for place in inner if _SMALLEST * min(upto[place] - upto[first], upto[until] - upto[place]) >= most]
        cut = max(even or inner, key=lambda place: (gaps[place], -place))
        waiting.extend([(cut, until), (first, cut)])


def _strengths(document: Document, units: Sequence[Unit]) -> list[int]:
    """How strongly each unit stands apart from the one before it: by its heading's level, a blank line 2, a line of its own 1, else 0. What
    follows a heading is cut from it last of all.
    """
    levels = {heading.start: _LEVELS - heading.level for heading in document.headings}
    found: list[int] = []
    for place, unit in enumerate(units):
        before = document.text[max(0, unit.start - _LEVELS) : unit.start].rstrip(" \t")
        if unit.start in levels:
            found.append(levels[unit.start])
        elif place and units[place - 1].start in levels:
            found.append(-1)
        else:
            found.append(2 if before.endswith("\n\n") else int(before.endswith("\n")))
    return found


def _upto(units: Sequence[Unit]) -> list[int]:
    """The pieces of all units before each place, and at the end of all."""
    return [0, *accumulate(unit.size for unit in units)]


def _differences(vectors: "Vectors") -> list[float]:
    """At each place the difference between the block before it and the block that begins there; 0 at the first."""
    import numpy as np

    found = [0.0]
    for place in range(1, len(vectors)):
        before, after = vectors[max(0, place - _BLOCK) : place].mean(axis=0), vectors[place : place + _BLOCK].mean(axis=0)
        lengths = float(np.linalg.norm(before) * np.linalg.norm(after))
        found.append(1 - float(before @ after) / lengths if lengths else 0.0)
    return found
