"""From the lines of a PDF's pages to blocks of text: reading order, running titles, headings, paragraphs, lists and rows of tables.

A PDF says where letters stand, not what they are: everything here is inferred from sizes and gaps, in multiples of the type's size. The
order in which a page draws its lines is nearly always the order of reading and is kept; where it jumps about, the page's white space decides.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_LIST_ITEM = re.compile(r"(?:[•◦▪‣●○■–*·-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)])\s+\S")
MARKER = re.compile(r"[•◦▪‣●○■–*·-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\d{1,2}(?:\.\d{1,2})+")
"""What stands before an item of a list, or a heading, with a gap behind it that parts no cells."""
_BULLET = re.compile(r"^[•◦▪‣●○■·]\s*")
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_LETTERS = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"\d+|\b[ivxlc]{1,6}\b")
_PAGE_NUMBER = re.compile(r"\W*(?:page )?#(?: ?(?:of|/|-) ?#)?\W*")
_LEADERS = re.compile(r"(?:\. ?){5,}")
_MARGIN = 0.12
"""The share of a page's height at its top and bottom where running titles and page numbers stand."""
_LARGER = 1.1
"""Type of so many times the text's size is a heading's."""
_TITLE = 1.3
_OTHER_SIZE = 0.16
_LONGEST_HEADING = 150
Edge = Callable[["Line"], float]
SOFT_HYPHENS = "\x02\ufffe\u00ad"
"""How PDFium writes the hyphen of a word that goes on in the next line."""
_HYPHENS = {0x02: "-", 0xFFFE: "-", 0xAD: ""}


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands on its page, in points from the page's lower left corner. `cells` are its pieces between wide gaps."""

    cells: tuple[str, ...]
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool = False
    gaps: tuple[tuple[float, float], ...] = ()
    """Where each wide gap between two cells begins and ends."""

    @property
    def text(self) -> str:
        return " ".join(self.cells)


@dataclass(slots=True)
class Page:
    """A page's lines in the order it draws them."""

    number: int
    height: float
    lines: list[Line]


@dataclass(slots=True)
class Block:
    """Lines that belong together: a paragraph, a heading (with its level), the lines of a list, or rows of a table."""

    page: int
    lines: list[str]
    level: int | None = None
    table: bool = False
    size: float = 0.0
    bold: bool = False
    right: float = 0.0
    """Where its longest line ends."""


def without_running_titles(pages: Sequence[Page]) -> list[Page]:
    """The pages without the lines at their top and bottom that half of them share (running titles), and without page numbers.

    Lines that differ in their numbers are the same, except in larger type: `Chapter 1` and `Chapter 2` are headings at the top of a page.
    """
    body = _commonest((line.size, len(line.text)) for page in pages for line in page.lines)

    def name(line: Line) -> str:
        text = " ".join(line.text.split()).casefold()
        same = _NUMBER.sub("#", text)
        return same if line.size <= body * _LARGER or _PAGE_NUMBER.fullmatch(same) else text

    def in_margin(line: Line, page: Page) -> bool:
        return line.bottom > page.height * (1 - _MARGIN) or line.top < page.height * _MARGIN

    counts = Counter(each for page in pages for each in {name(line) for line in page.lines if in_margin(line, page)})
    enough = max(3, len(pages) // 2)

    def runs(line: Line) -> bool:
        return counts[name(line)] >= (3 if _PAGE_NUMBER.fullmatch(name(line)) else enough)

    return [Page(page.number, page.height, [line for line in page.lines if not (in_margin(line, page) and runs(line))]) for page in pages]


def title_on(pages: Sequence[Page]) -> str:
    """What the first page that holds text says in its largest type, where that is clearly larger than the text."""
    first = next((page.lines for page in pages if page.lines), [])
    body = _commonest((line.size, len(line.text)) for page in pages for line in page.lines)
    size = max((line.size for line in first), default=0.0)
    text = " ".join(line.text for line in first if line.size == size)
    return text if size > body * _TITLE and len(text) <= _LONGEST_HEADING and _LETTERS.search(text) else ""


def _commonest(sizes: Iterable[tuple[float, int]]) -> float:
    """The size that most letters have."""
    counts: Counter[float] = Counter()
    for size, letters in sizes:
        counts[size] += letters
    return counts.most_common(1)[0][0] if counts else 0.0


def blocks(pages: Sequence[Page], outline: dict[str, int]) -> Iterator[Block]:
    """The blocks of all pages. `outline` gives the level of a heading by its `heading_name`; without one, larger and bold type decide."""
    known = {word for page in pages for line in page.lines for word in _words(line.text)}
    found = [block for page in pages for block in _page_blocks(page, known)]
    body = _commonest((block.size, sum(map(len, block.lines))) for block in found)
    larger = sorted({block.size for block in found if _looks_like_heading(block) and block.size > body * _LARGER}, reverse=True)
    listed = {name for name in map(_name_of, found) if name in outline}
    for block in found:
        if block.table or not _looks_like_heading(block):
            pass
        elif listed:
            block.level = outline.get(_name_of(block))
        elif block.size > body * _LARGER:
            block.level = min(6, larger.index(block.size) + 1)
        elif block.bold:
            block.level = min(6, len(larger) + 1)
        if block.level is not None:
            block.lines = [" ".join(block.lines)]
        yield block


def heading_name(text: str) -> str:
    """A heading as two places may write it: without its number, case and spaces."""
    return "".join(re.sub(r"^\W*(?:\d+(?:\.\d+)*\.?|[A-Z]\.)\s+", "", text.strip()).casefold().split())


def _name_of(block: Block) -> str:
    return heading_name(" ".join(block.lines))


def _looks_like_heading(block: Block) -> bool:
    text = " ".join(block.lines)
    long = len(block.lines) > 3 or len(text) > _LONGEST_HEADING
    return not block.table and not long and text[-1:] not in ".,;:" and _LETTERS.search(text) is not None and not _BULLET.match(text)


# -- one page


def _page_blocks(page: Page, known: set[str]) -> list[Block]:
    made: list[Block] = []
    lines = _joined_rows(reading_order(page.lines))
    rows = _table_rows(lines)
    before: Line | None = None
    for place, line in enumerate(lines):
        if rows[place]:
            if not (made and before and rows[place - 1] and made[-1].table and _follows(before, line, 2.6)):
                made.append(Block(page.number, [], table=True, size=line.size))
            made[-1].lines.append(" | ".join(line.cells))
        elif made and before and not made[-1].table and _continues(made[-1], before, line):
            _append(made[-1], line, known)
        else:
            made.append(Block(page.number, [_clean(line.text)], size=line.size, bold=line.bold, right=line.right))
        before = line
    for block in made:
        block.lines = [text.translate(_HYPHENS) for text in block.lines]
    return [block for block in made if any(text.strip() for text in block.lines)]


def _clean(text: str) -> str:
    """A line as it is written: one kind of bullet, no dots that lead to a page number."""
    return _LEADERS.sub("… ", _BULLET.sub("- ", text))


def _append(block: Block, line: Line, known: set[str]) -> None:
    """Add a line to a paragraph: as a new line where it opens an item of a list, else joined with a space, or across a hyphen without."""
    block.right = max(block.right, line.right)
    if _LIST_ITEM.match(line.text):
        block.lines.append(_clean(line.text))
        return
    end = block.lines[-1]
    text = _clean(line.text)
    if _breaks_off(end):
        block.lines[-1] = (end[:-1] if _is_one_word(end, text, known) else end[:-1] + "-") + text
    else:
        block.lines[-1] = f"{end} {text}"


def _breaks_off(text: str) -> bool:
    """Whether a line breaks off inside a word."""
    return len(text) > 1 and text[-1] in f"-{SOFT_HYPHENS}" and text[-2].isalpha()


def _is_one_word(end: str, text: str, known: set[str]) -> bool:
    """Whether the hyphen at the end of a line is there for the line's sake: as the document writes the word elsewhere, else by the letter."""
    first, second = (_words(end[:-1]) or [""])[-1], (_words(text) or [""])[0]
    if f"{first}-{second}" in known:
        return False
    return f"{first}{second}" in known or (end[-1] in SOFT_HYPHENS and text[:1].islower())


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _continues(block: Block, before: Line, line: Line) -> bool:
    """Whether a line goes on with the paragraph of the line before it."""
    if abs(line.size - before.size) > _OTHER_SIZE * before.size or line.bold != before.bold:
        return False
    item = _LIST_ITEM.match(line.text) is not None
    if not _follows(before, line, 1.6):
        up = line.bottom > before.bottom  # the next column: a sentence may go on there
        return up and not item and line.text[:1].islower() and before.text[-1:] not in ".!?:"
    if item:
        return _LIST_ITEM.match(block.lines[-1]) is not None or block.lines[-1].startswith("- ")
    ended = before.text.rstrip()[-1:] in ".!?:" and before.right < block.right - 3 * before.size
    indented = line.left > before.left + 0.8 * line.size and not _LIST_ITEM.match(before.text) and len(block.lines) == 1
    return not (ended or (indented and before.text.rstrip()[-1:] in ".!?:"))


def _follows(before: Line, line: Line, most: float) -> bool:
    """Whether a line stands right below another, at most so many type sizes."""
    return 0 < before.bottom - line.bottom <= most * max(before.size, line.size)


def _joined_rows(lines: Sequence[Line]) -> list[Line]:
    """Lines that stand beside each other at one height are cells of one row, when they are drawn one after the other."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last is not None and line.left > last.right and abs(last.bottom - line.bottom) < 0.35 * min(last.size, line.size):
            joined[-1] = replace(
                last,
                cells=(*last.cells, *line.cells),
                right=line.right,
                gaps=(*last.gaps, (last.right, line.left), *line.gaps),
            )
        else:
            joined.append(line)
    return joined


def _table_rows(lines: Sequence[Line]) -> list[bool]:
    """Which lines are rows: those with gaps that the line before or after shares."""
    rows = [False] * len(lines)
    for place in range(len(lines) - 1):
        one, two = lines[place], lines[place + 1]
        if _follows(one, two, 3.2) and any(a < d - 1 and c < b - 1 for a, b in one.gaps for c, d in two.gaps):
            rows[place] = rows[place + 1] = True
    return rows


# -- reading order


def reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines as a person reads them: as they are drawn, unless the drawing jumps up within a column again and again."""
    jumps = sum(_jumps_up(before, line) for before, line in itertools.pairwise(lines))
    if jumps <= max(2, len(lines) // 20):
        return list(lines)
    return _cut(list(lines))


def _jumps_up(before: Line, line: Line) -> bool:
    overlap = min(before.right, line.right) - max(before.left, line.left)
    narrow = min(before.right - before.left, line.right - line.left)
    return line.bottom > before.top and overlap > 0.3 * narrow


def _cut(lines: list[Line]) -> list[Line]:
    """Order by white space: columns where a gutter runs through, else above and below the widest gap. Source: the recursive X-Y cut of
    G. Nagy and S. Seth, ICPR 1984.
    """
    if len(lines) < 2:
        return lines
    for columns in _split(sorted(lines, key=lambda line: line.left), lambda line: line.left, lambda line: line.right):
        if all(len(side) > 2 and sum(line.right - line.left for line in side) / len(side) > 8 * side[0].size for side in columns):
            return _cut(columns[0]) + _cut(columns[1])
    for halves in _split(sorted(lines, key=lambda line: -line.top), lambda line: -line.top, lambda line: -line.bottom):
        return _cut(halves[0]) + _cut(halves[1])
    return sorted(lines, key=lambda line: (-line.bottom, line.left))


def _split(lines: list[Line], begin: Edge, end: Edge) -> list[tuple[list[Line], list[Line]]]:
    """The ways to divide sorted lines at white space that runs through, the widest first."""
    ways: list[tuple[float, int]] = []
    reach = end(lines[0])
    for place in range(1, len(lines)):
        if begin(lines[place]) > reach:
            ways.append((begin(lines[place]) - reach, place))
        reach = max(reach, end(lines[place]))
    return [(lines[:place], lines[place:]) for _, place in sorted(ways, reverse=True)]
