"""Splitting a document into chunks: by heading, then by size in the encoder's own tokens.

A chunk counts with its prefix (title and heading path) and the two special pieces, as it is embedded: so none is ever cut silently. Cuts fall
between paragraphs, else sentences, else lines, words, and pieces at last. Every character that is no blank belongs to a chunk.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from groundwork.core.document import Chunk, Document, Landmark
from groundwork.core.errors import ConfigError
from groundwork.core.ids import content_id
from groundwork.core.text import sentences

SPECIAL = 2
"""Word pieces that the encoder puts around every text."""

_LONGEST_WORD = 400
"""Characters; an encoder may see a word of any length as one unknown piece."""

_PIECE = 20
"""Characters that count as one piece at least, so that no chunk grows beyond a prompt where the encoder sees little in it."""

_LINE = re.compile(r"[^\n]*\S[^\n]*")
_WORD = re.compile(r"\S+")


class Measure(Protocol):
    """Counts as the encoder counts: pieces of a text (without the special ones), and where each stands in it, in code points."""

    def count(self, text: str, /) -> int: ...

    def pieces(self, text: str, /) -> list[tuple[int, int]]: ...


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document under one heading path. It begins with its own heading, and with those above that have no text of their own."""

    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unit:
    """What is not cut again, with its size in pieces. `opens` says that it begins a paragraph."""

    start: int
    end: int
    size: int
    opens: bool


def embedded_text(chunk: Chunk) -> str:
    """What the encoder reads of a chunk."""
    return f"{chunk.prefix}\n{chunk.text}"


def split(document: Document, measure: Measure, *, tokens: int, overlap: int) -> list[Chunk]:
    """Split a document. `tokens` bounds `embedded_text` with its special pieces; `overlap` is how many of the text's pieces, in whole sentences,
    a chunk repeats from the one before it in its section.

    A chunk's id names source, prefix, text and the how-manieth of its kind it is, not its place: an edit elsewhere leaves it alone.
    Raises ConfigError where a single character with its prefix does not fit into `tokens`.
    """
    chunks: list[Chunk] = []
    seen: Counter[tuple[str, str]] = Counter()
    for section in _sections_with_headers(document, measure, tokens // 2):
        title, path = _fit_prefix(document.title, section.path, measure, tokens // 3)
        prefix = _prefix(title, path)
        for start, end in _Packing(document.text, prefix, measure, tokens, overlap).spans(section):
            text = document.text[start:end]
            occurrence = seen[prefix, text]
            seen[prefix, text] += 1
            place = landmark(document.landmarks, start)
            chunks.append(
                Chunk(
                    id=content_id("ch", document.source, prefix, text, str(occurrence)),
                    document=document.id,
                    source=document.source,
                    title=title,
                    headings=path,
                    start=start,
                    end=end,
                    text=text,
                    line=place.line,
                    page=place.page,
                    element=place.element,
                    landmarks=_inside(document.landmarks, start, end),
                )
            )
    return chunks


def landmark(landmarks: tuple[Landmark, ...], offset: int) -> Landmark:
    """The landmark that covers an offset; an empty one before the first."""
    place = bisect_right(landmarks, offset, key=lambda mark: mark.start)
    return landmarks[place - 1] if place else Landmark(start=0)


def _inside(landmarks: tuple[Landmark, ...], start: int, end: int) -> tuple[Landmark, ...]:
    """The landmarks after a start and before an end."""
    first = bisect_right(landmarks, start, key=lambda mark: mark.start)
    return landmarks[first : bisect_left(landmarks, end, key=lambda mark: mark.start)]


def sections(document: Document) -> Iterator[Section]:
    """The document's sections in order. A heading without text of its own opens the section that follows it."""
    text = document.text
    path: list[tuple[int, str]] = []
    start = 0
    body = 0  # where the text under the latest heading begins
    for heading in document.headings:
        if text[body : heading.start].strip():
            yield Section(tuple(name for _, name in path), start, heading.start)
            start = heading.start
        while path and path[-1][0] >= heading.level:
            path.pop()
        path.append((heading.level, " ".join(text[heading.start : heading.end].split())))
        body = heading.end
    if text[start:].strip():
        yield Section(tuple(name for _, name in path), start, len(text))


def _sections_with_headers(document: Document, measure: Measure, most: int) -> Iterator[Section]:
    """The sections, with each table of more than `most` pieces as one of its own, whose path ends in the table's header: so every chunk of
    its rows names their columns. Smaller ones need none: they are not cut, but begin a new chunk where they do not fit.
    """
    text = document.text
    long = deque(table for table in document.tables if _is_long(text[table.start : table.end], measure, most))
    for section in sections(document):
        start = section.start
        while long and long[0].start < section.end:
            table = long.popleft()
            if text[start : table.start].strip():
                yield Section(section.path, start, table.start)
            yield Section((*section.path, " ".join(text[table.start : table.header].split())), table.start, table.end)
            start = table.end
        if text[start : section.end].strip():
            yield Section(section.path, start, section.end)


def _is_long(text: str, measure: Measure, most: int) -> bool:
    return len(text) // _PIECE > most or measure.count(text) > most


def _prefix(title: str, path: tuple[str, ...]) -> str:
    return Chunk(id="", document="", source="", title=title, headings=path, start=0, end=0, text="").prefix


def _fit_prefix(title: str, path: tuple[str, ...], measure: Measure, most: int) -> tuple[str, tuple[str, ...]]:
    """Title and heading path within `most` pieces: outer headings go first, then the title's end, then the last heading's."""

    def size(title: str, path: tuple[str, ...]) -> int:
        return measure.count(_prefix(title, path))

    while len(path) > 1 and size(title, path) > most:
        path = path[1:]
    if size(title, path) > most:
        title = _cut(title, measure, most if not path else most // 2)
    if path and size(title, path) > most:
        path = (_cut(path[0], measure, most // 2 - 1),)
    return title, path


def _cut(text: str, measure: Measure, most: int) -> str:
    """The beginning of a line, at most `most` pieces and as many short words long."""
    pieces = measure.pieces(text)
    end = pieces[most - 1][1] if len(pieces) > most > 0 else len(text)
    return text[: min(end, most * 20)].rstrip()


class _Packing:
    """Fills chunks of one section with units, from front to back."""

    def __init__(self, text: str, prefix: str, measure: Measure, tokens: int, overlap: int) -> None:
        self._text = text
        self._prefix = prefix
        self._measure = measure
        self._tokens = tokens
        self._budget = tokens - SPECIAL - measure.count(prefix)
        self._overlap = min(overlap, self._budget // 2)
        if self._budget < 1:
            raise ConfigError(f"a chunk of {tokens} tokens has no room beside its prefix {prefix!r}", fix="raise `context.chunk.tokens`")

    def spans(self, section: Section) -> Iterator[tuple[int, int]]:
        """Start and end of each chunk, trimmed of blanks."""
        units = [part for unit in self._units(section) for part in self._parts(unit)]
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

    def _fill(self, units: list[Unit], first: int, fresh: int) -> int | None:
        """The end (exclusive) of a chunk from `first`, at a paragraph where one ends in its second half; None where not one new unit fits."""
        size, until = 0, first
        while until < len(units) and size + units[until].size <= self._budget:
            size += units[until].size
            until += 1
        while until > fresh and not self._fits(units[first].start, units[until - 1].end):
            until -= 1  # sizes add up but for rare joints; what counts is the whole
        if until <= fresh:
            return None
        if until < len(units):
            half = size
            for cut in range(until, fresh, -1):
                if units[cut].opens:
                    return cut
                half -= units[cut - 1].size
                if half < self._budget // 2:
                    break
        return until

    def _fits(self, start: int, end: int) -> bool:
        return self._measure.count(f"{self._prefix}\n{self._text[start:end]}") + SPECIAL <= self._tokens

    def _repeat(self, units: list[Unit], until: int) -> int:
        """The first unit to repeat before `until`: whole ones, together at most the overlap."""
        first, size = until, 0
        while first > 0 and size + units[first - 1].size <= self._overlap:
            first -= 1
            size += units[first].size
        return first

    def _units(self, section: Section) -> Iterator[Unit]:
        """The sentences of a section; each reaches to the next one's start, so that nothing falls between them."""
        text = self._text[section.start : section.end]
        starts = [start for start, _ in sentences(text)]
        if starts:
            starts[0] = 0
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            yield self._unit(section.start + start, section.start + end, opens=text[:start].endswith("\n\n"))

    def _unit(self, start: int, end: int, *, opens: bool) -> Unit:
        piece = self._text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        size = (right - left) // _PIECE  # a unit that is too long already need not be counted
        if size <= self._budget:
            size = max(size, self._measure.count(self._text[left:right]))
        return Unit(left, max(left, right), size, opens)

    def _parts(self, unit: Unit) -> list[Unit]:
        """A long sentence by its lines (listings, mostly), and what is still too long by words."""
        if unit.size <= self._budget // 3 and unit.end - unit.start <= _LONGEST_WORD:
            return [unit]
        text = self._text[unit.start : unit.end]
        lines = [
            self._unit(unit.start + line.start(), unit.start + line.end(), opens=unit.opens and not line.start())
            for line in _LINE.finditer(text)
        ]
        if unit.size <= self._budget and len(lines) <= 1:
            lines = [unit]
        return [part for line in lines for part in self._words(line)]

    def _words(self, unit: Unit) -> list[Unit]:
        """A unit that passes the budget, or holds a word beyond reason, in runs of words of at most half the budget."""
        text = self._text[unit.start : unit.end]
        words = list(_WORD.finditer(text))
        if unit.size <= self._budget and all(len(word.group()) <= _LONGEST_WORD for word in words):
            return [unit]
        runs: list[Unit] = []
        most = max(1, self._budget // 2)
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
            raise ConfigError(
                f"a chunk of {self._tokens} tokens has no room beside its prefix {self._prefix!r}", fix="raise `context.chunk.tokens`"
            )
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
