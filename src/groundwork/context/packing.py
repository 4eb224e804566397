"""Filling chunks with units, from front to back: sentences, else lines, words, and pieces at last; nothing is cut that need not be.

A chunk counts with its prefix and the two special pieces, as it is embedded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from groundwork.core.errors import ConfigError
from groundwork.core.text import sentences

SPECIAL = 2
"""Word pieces that the encoder puts around every text."""

PIECE = 20
"""Characters that count as one piece at least, so that no chunk grows beyond a prompt where the encoder sees little in it."""

Counted = Literal["", "words", "sentences", "characters"]
"""What a chunk may be bounded by beside its pieces."""

_LONGEST_WORD = 400
"""Characters; an encoder may see a word of any length as one unknown piece."""

_LINE = re.compile(r"[^\n]*\S[^\n]*")
_WORD = re.compile(r"\S+")


class Measure(Protocol):
    """Counts as the encoder counts: pieces of a text (without the special ones), and where each stands in it, in code points."""

    def count(self, text: str, /) -> int: ...

    def pieces(self, text: str, /) -> list[tuple[int, int]]: ...


@dataclass(frozen=True, slots=True)
class Unit:
    """What is not cut again, with its size in pieces. `opens` says that it begins a paragraph."""

    start: int
    end: int
    size: int
    opens: bool


@dataclass(frozen=True, slots=True)
class Room:
    """What a chunk may hold: pieces with prefix and special ones, pieces that it may repeat, and `size` of what is `counted` (0: any)."""

    tokens: int
    overlap: int
    counted: Counted = ""
    size: int = 0


class Packing:
    """Fills chunks of one stretch of a text with units. `prefix` is the longest that a chunk of it will carry.

    Raises ConfigError where the prefix leaves no room.
    """

    def __init__(self, text: str, prefix: str, measure: Measure, room: Room) -> None:
        self._text = text
        self._prefix = prefix
        self._measure = measure
        self._room = room
        self.budget = room.tokens - SPECIAL - measure.count(prefix)
        self._overlap = min(room.overlap, self.budget // 2)
        if self.budget < 1:
            raise self._no_room()

    def spans(self, units: list[Unit]) -> Iterator[tuple[int, int]]:
        """Start and end of each chunk, trimmed of blanks. A chunk ends at a paragraph where one ends in its second half."""
        first = 0  # the chunk's first unit, repeated ones included
        fresh = 0  # its first unit that no chunk held before
        while fresh < len(units):
            until = self._fill(units, first, fresh)
            while until is None and first < fresh:  # what is repeated leaves no room for what is new
                first += 1
                until = self._fill(units, first, fresh)
            if until is None:
                units[fresh : fresh + 1] = self._halves(units[fresh])
                continue
            yield units[first].start, units[until - 1].end
            fresh = until
            first = self._repeat(units, until)

    def spans_of(self, units: list[Unit], groups: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Start and end of each chunk where the groups of units (first, until) are given; each repeats the end of the one before it."""
        before = 0
        waiting = list(reversed(list(groups)))
        while waiting:
            first, until = waiting.pop()
            if until - first > 1 and not self.fits(units[first].start, units[until - 1].end):
                middle = (first + until) // 2  # sizes add up but for rare joints; what counts is the whole
                waiting.extend([(middle, until), (first, middle)])
                continue
            start = first
            if first:
                start = max(before, self._repeat(units, first))
                while start < first and not self.fits(units[start].start, units[until - 1].end):
                    start += 1
            yield units[start].start, units[until - 1].end
            before = first

    def sentence_units(self, start: int, end: int, *, paragraphs: bool = True) -> list[Unit]:
        """The sentences of a stretch; what is too long for a chunk comes in its lines, else in runs of words. `paragraphs`: mark where one opens."""
        return [part for unit in self._sentences(start, end, paragraphs=paragraphs) for part in self._parts(unit)]

    def word_units(self, start: int, end: int) -> list[Unit]:
        """The words of a stretch; one beyond reason comes in parts."""
        found: list[Unit] = []
        for line in _LINE.finditer(self._text, start, end):
            pieces = self._measure.pieces(line.group())
            place = 0
            for word in _WORD.finditer(line.group()):
                size = place
                while place < len(pieces) and pieces[place][0] < word.end():
                    place += 1
                at = line.start() + word.start()
                if len(word.group()) <= _LONGEST_WORD:
                    found.append(Unit(at, line.start() + word.end(), max(place - size, len(word.group()) // PIECE), opens=False))
                    continue
                end = line.start() + word.end()
                found.extend(self._unit(part, min(part + _LONGEST_WORD, end), opens=False) for part in range(at, end, _LONGEST_WORD))
        return found

    def fitting(self, units: list[Unit]) -> list[Unit]:
        """The units, with those that fit into no chunk cut at the piece in their middle until they do."""
        waiting, found = list(reversed(units)), list[Unit]()
        while waiting:
            unit = waiting.pop()
            if self.fits(unit.start, unit.end):
                found.append(unit)
            else:
                waiting.extend(reversed(self._halves(unit)))
        return found

    def fits(self, start: int, end: int) -> bool:
        """Whether a stretch fits into a chunk, counted as the encoder will read it."""
        return self._measure.count(f"{self._prefix}\n{self._text[start:end]}") + SPECIAL <= self._room.tokens

    def _fill(self, units: list[Unit], first: int, fresh: int) -> int | None:
        """The end (exclusive) of a chunk from `first`, at a paragraph where one ends in its second half; None where not one new unit fits."""
        size, until = 0, first
        while until < len(units) and size + units[until].size <= self.budget and self._within(units, first, until + 1):
            size += units[until].size
            until += 1
        while until > fresh and not self.fits(units[first].start, units[until - 1].end):
            until -= 1  # sizes add up but for rare joints; what counts is the whole
        if until <= fresh:
            return None
        if until < len(units):
            half = size
            for cut in range(until, fresh, -1):
                if units[cut].opens:
                    return cut
                half -= units[cut - 1].size
                if half < self.budget // 2:
                    break
        return until

    def _within(self, units: list[Unit], first: int, until: int) -> bool:
        """Whether the units stay within the room's `size`."""
        return not self._room.size or self._held(units, first, until) <= self._room.size

    def _held(self, units: list[Unit], first: int, until: int) -> int:
        """How much of what is counted the units hold."""
        return units[until - 1].end - units[first].start if self._room.counted == "characters" else until - first

    def _repeat(self, units: list[Unit], until: int) -> int:
        """The first unit to repeat before `until`: whole ones, together at most the overlap, and half of the room's `size`."""
        first, size = until, 0
        while first > 0 and size + units[first - 1].size <= self._overlap:
            if self._room.size and self._held(units, first - 1, until) > self._room.size // 2:
                break
            first -= 1
            size += units[first].size
        return first

    def _sentences(self, start: int, end: int, *, paragraphs: bool) -> Iterator[Unit]:
        """The sentences of a stretch; each reaches to the next one's start, so that nothing falls between them."""
        text = self._text[start:end]
        starts = [place for place, _ in sentences(text)]
        if starts:
            starts[0] = 0
        for left, right in zip(starts, [*starts[1:], len(text)], strict=True):
            yield self._unit(start + left, start + right, opens=paragraphs and text[:left].endswith("\n\n"))

    def _unit(self, start: int, end: int, *, opens: bool) -> Unit:
        piece = self._text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        size = (right - left) // PIECE  # a unit that is too long already need not be counted
        if size <= self.budget:
            size = max(size, self._measure.count(self._text[left:right]))
        return Unit(left, max(left, right), size, opens)

    def _parts(self, unit: Unit) -> list[Unit]:
        """A long sentence by its lines (listings, mostly), and what is still too long by words."""
        if unit.size <= self.budget // 3 and unit.end - unit.start <= _LONGEST_WORD:
            return [unit]
        text = self._text[unit.start : unit.end]
        lines = [
            self._unit(unit.start + line.start(), unit.start + line.end(), opens=unit.opens and not line.start())
            for line in _LINE.finditer(text)
        ]
        if unit.size <= self.budget and len(lines) <= 1:
            lines = [unit]
        return [part for line in lines for part in self._words(line)]

    def _words(self, unit: Unit) -> list[Unit]:
        """A unit that passes the budget, or holds a word beyond reason, in runs of words of at most half the budget."""
        text = self._text[unit.start : unit.end]
        words = list(_WORD.finditer(text))
        if unit.size <= self.budget and all(len(word.group()) <= _LONGEST_WORD for word in words):
            return [unit]
        runs: list[Unit] = []
        most = max(1, self.budget // 2)
        for word in words:
            for start in range(word.start(), word.end(), _LONGEST_WORD):
                end = min(word.end(), start + _LONGEST_WORD)
                part = self._unit(unit.start + start, unit.start + end, opens=unit.opens and not start)
                joined = runs and start == word.start() and len(word.group()) <= _LONGEST_WORD and runs[-1].size + part.size <= most
                if joined:
                    runs[-1] = Unit(runs[-1].start, part.end, runs[-1].size + part.size, runs[-1].opens)
                else:
                    runs.append(part)
        return runs

    def _halves(self, unit: Unit) -> list[Unit]:
        """A unit that does not fit even alone, cut at the piece in its middle."""
        if unit.end - unit.start <= 1:
            raise self._no_room()
        pieces = self._measure.pieces(self._text[unit.start : unit.end])
        middle = pieces[len(pieces) // 2][0] if pieces else 0
        if not 0 < middle < unit.end - unit.start:
            middle = (unit.end - unit.start) // 2
        return [
            part
            for part in (
                self._unit(unit.start, unit.start + middle, opens=unit.opens),
                self._unit(unit.start + middle, unit.end, opens=False),
            )
            if part.end > part.start
        ]

    def _no_room(self) -> ConfigError:
        return ConfigError(
            f"a chunk of {self._room.tokens} tokens has no room beside its prefix {self._prefix!r}", fix="raise `context.chunk.tokens`"
        )
