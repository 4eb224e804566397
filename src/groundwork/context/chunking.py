"""Splitting a document into chunks: by heading, then by size in the encoder's own tokens; or in one of the other ways of `By`.

A chunk counts with its prefix (title and heading path) and the two special pieces, as it is embedded: so none is ever cut silently. Cuts fall
between paragraphs, else sentences, else lines, words, and pieces at last. Every character that is no blank belongs to a chunk.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from groundwork.context.grouping import Embed, recursive, semantic
from groundwork.context.packing import PIECE, SPECIAL, Measure, Packing, Room
from groundwork.core.document import Chunk, Document, Landmark
from groundwork.core.errors import InputError
from groundwork.core.ids import content_id

By = Literal["heading", "recursive", "semantic", "sentences", "words", "characters", "tokens", "document"]
"""`heading`: within its section, filled to `tokens`. `recursive`: at the strongest separators. `semantic`: where what is spoken of changes.
`sentences`, `words`, `characters`, `tokens`: filled to a size, whatever the headings. `document`: one chunk each."""

BYS: tuple[By, ...] = get_args(By)

Parent = Literal["section"] | int
"""A chunk's passage: its section, or a part of it of so many tokens."""
LONGEST_PARENT = 1_200
"""Tokens of a section that is given as a whole; a longer one is given in parts."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document under one heading path. It begins with its own heading, and with those above that have no text of their own."""

    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a chunk begins and ends, under which title and heading path."""

    title: str
    path: tuple[str, ...]
    start: int
    end: int


def embedded_text(chunk: Chunk) -> str:
    """What the encoder reads of a chunk."""
    return f"{chunk.lead}\n{chunk.text}"


def split(
    document: Document,
    measure: Measure,
    *,
    tokens: int,
    overlap: int,
    by: By = "heading",
    size: int = 0,
    embed: Embed | None = None,
    parent: Parent | None = None,
) -> list[Chunk]:
    """Split a document. `tokens` bounds `embedded_text` with its special pieces; `overlap` is how many of the text's pieces, in whole sentences
    (or words, where those are counted), a chunk repeats from the one before it (in its section, where it is split by heading).

    `parent` names the passages that chunks are parts of: whole sections (up to `LONGEST_PARENT`), or parts of them of so many tokens; split by
    heading, no chunk reaches over the end of one.

    `size` bounds words, sentences or characters beside the tokens, where `by` counts them; 0 leaves it to `tokens`. `embed` is needed for
    `semantic`. A chunk's id names source, prefix, text and the how-manieth of its kind it is, not its place: an edit elsewhere leaves it
    alone. Raises ConfigError where a single character with its prefix does not fit into `tokens`, InputError where the whole document is to
    be one chunk and does not fit.
    """
    room = Room(tokens, overlap, by if by in ("words", "sentences", "characters") else "", size)
    passages = parents(document, measure, parent) if parent is not None else []
    if by == "heading":
        cuts = _by_heading(document, measure, room, passages)
    elif by == "document":
        cuts = _whole(document, measure, room)
    else:
        cuts = _across(document, measure, room, by, embed)
    chunks: list[Chunk] = []
    seen: Counter[tuple[str, str]] = Counter()
    for cut in cuts:
        text, prefix = document.text[cut.start : cut.end], _prefix(cut.title, cut.path)
        occurrence = seen[prefix, text]
        seen[prefix, text] += 1
        place = landmark(document.landmarks, cut.start)
        chunks.append(
            Chunk(
                id=content_id("ch", document.source, prefix, text, str(occurrence)),
                document=document.id,
                source=document.source,
                title=cut.title,
                headings=cut.path,
                start=cut.start,
                end=cut.end,
                text=text,
                line=place.line,
                page=place.page,
                element=place.element,
                landmarks=inside(document.landmarks, cut.start, cut.end),
                parent=_parent(passages, cut),
            )
        )
    return chunks


def parents(document: Document, measure: Measure, parent: Parent) -> list[tuple[int, int]]:
    """The passages of a document, in order: its sections, cut between paragraphs (else sentences) where they are longer than asked for."""
    most = LONGEST_PARENT if parent == "section" else parent
    packing = Packing(document.text, "", measure, Room(most + SPECIAL, 0))
    return [span for section in sections(document) for span in packing.spans(packing.sentence_units(section.start, section.end))]


def _parent(passages: list[tuple[int, int]], cut: Cut) -> tuple[int, int] | None:
    """From the beginning of the passage that a chunk begins in to the end of the one that it ends in."""
    if not passages:
        return None
    first = max(0, bisect_right(passages, cut.start, key=lambda span: span[0]) - 1)
    last = max(first, bisect_left(passages, cut.end, key=lambda span: span[0]) - 1)
    return min(passages[first][0], cut.start), max(passages[last][1], cut.end)


def _within(section: Section, passages: list[tuple[int, int]]) -> Iterator[Section]:
    """A section's parts in each passage; the whole where there are none."""
    if not passages:
        yield section
    for start, end in passages:
        if start < section.end and section.start < end:
            yield Section(section.path, max(start, section.start), min(end, section.end))


def _by_heading(document: Document, measure: Measure, room: Room, passages: list[tuple[int, int]]) -> Iterator[Cut]:
    """Section by section (and passage by passage), each filled with its sentences."""
    found = _sections_with_headers(document, measure, room.tokens // 2)
    for section in (part for whole in found for part in _within(whole, passages)):
        title, path = _fit_prefix(document.title, section.path, measure, room.tokens // 3)
        packing = Packing(document.text, _prefix(title, path), measure, room)
        for start, end in packing.spans(packing.sentence_units(section.start, section.end)):
            yield Cut(title, path, start, end)


def _across(document: Document, measure: Measure, room: Room, by: By, embed: Embed | None) -> Iterator[Cut]:
    """Across sections: a chunk carries the heading path of where it begins. All leave room for the longest path, so that their sizes are alike."""
    found = list(sections(document))
    starts = [section.start for section in found]
    fitted = [_fit_prefix(document.title, section.path, measure, room.tokens // 3) for section in found]
    longest = max((_prefix(*one) for one in fitted), key=measure.count, default="")
    packing = Packing(document.text, longest, measure, room)
    for start, end in _spans(document, packing, room, by, embed):
        title, path = fitted[max(0, bisect_right(starts, start) - 1)]
        yield Cut(title, path, start, end)


def _spans(document: Document, packing: Packing, room: Room, by: By, embed: Embed | None) -> Iterator[tuple[int, int]]:
    end = len(document.text)
    if by in ("words", "characters", "tokens"):
        return packing.spans(packing.word_units(0, end))
    units = packing.sentence_units(0, end, paragraphs=False)
    if by == "sentences":
        return packing.spans(units)
    units = packing.fitting(units)
    most = max(1, packing.budget - room.overlap)
    if by == "recursive":
        return packing.spans_of(units, recursive(document, units, most))
    if embed is None:
        raise InputError("sentences cannot be compared without an encoder", fix="give `embed`, or split by anything but `semantic`")
    return packing.spans_of(units, semantic(document.text, units, most, embed))


def _whole(document: Document, measure: Measure, room: Room) -> Iterator[Cut]:
    title, _ = _fit_prefix(document.title, (), measure, room.tokens // 3)
    packing = Packing(document.text, title, measure, room)
    start = len(document.text) - len(document.text.lstrip())
    end = len(document.text.rstrip())
    if start >= end:
        return
    if not packing.fits(start, end):
        raise InputError(
            f"the whole document is longer than a chunk of {room.tokens} tokens, and `context.chunk.by` is 'document'",
            fix='split it another way: `by = "heading"`',
        )
    yield Cut(title, (), start, end)


def landmark(landmarks: tuple[Landmark, ...], offset: int) -> Landmark:
    """The landmark that covers an offset; an empty one before the first."""
    place = bisect_right(landmarks, offset, key=lambda mark: mark.start)
    return landmarks[place - 1] if place else Landmark(start=0)


def inside(landmarks: tuple[Landmark, ...], start: int, end: int) -> tuple[Landmark, ...]:
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
    return len(text) // PIECE > most or measure.count(text) > most


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
