"""PDF, through PDFium: the text of each page in reading order, with the page's number; headings by the outline, else by type.
What stands for a tagged file's pictures comes after their page's text.

A page that draws something but holds no text (a scan, mostly) is named in the document's `unread`; a file of nothing else is refused.
Not covered: recognising letters in pictures, what is typed into forms, and notes that readers have put on a page.
"""

import ctypes
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from groundwork.context.readers.canonical import Canonical, image_text, title_of
from groundwork.context.readers.pdf_images import alternative_texts
from groundwork.context.readers.pdf_layout import MARKER, SOFT_HYPHENS, Line, Page, blocks, heading_name, title_on, without_running_titles
from groundwork.core.document import Document
from groundwork.core.errors import InputError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""
_MOST_PAGES = 20_000
_MOST_LETTERS = 20_000_000
_WIDE = 1.0
"""A gap of so many type sizes may part two cells."""
_SHORT = 30
"""Fewer letters than these on a page that a picture covers are a stamp or a number, not its text."""
_LOCK = threading.Lock()
"""PDFium may be used by one thread at a time."""
_NO_TITLE = ("untitled", "anonymous", "(anonymous)", "(unspecified)", "microsoft word - ", "microsoft powerpoint - ")
_FILE_ENDINGS = (".doc", ".docx", ".dvi", ".indd", ".odt", ".pdf", ".ppt", ".pptx", ".rtf", ".tex", ".xls", ".xlsx")


def read_pdf(data: bytes, source: str) -> Document:
    """Read a PDF. Raises InputError where it is encrypted, broken or scanned, holds no text, or where the parser is not installed."""
    if b"%PDF-" not in data[:1024]:
        raise InputError(f"{source} is no PDF by its content", fix="give it the ending of what it is, or leave it out of `sources`")
    try:
        import pypdfium2
    except ImportError:
        command = "pip install 'groundwork-ai[documents]'"
        raise InputError(f"{source}: PDF needs pypdfium2, which is not installed: {command}", fix=command) from None
    with _LOCK:
        try:
            pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            raise _refusal(source, error.err_code) from None
        try:
            return _Reading(pdf, source).document()
        except pypdfium2.PdfiumError:
            raise _refusal(source, None) from None
        finally:
            pdf.close()


def _refusal(source: str, code: int | None) -> InputError:
    from pypdfium2 import raw

    if code == raw.FPDF_ERR_PASSWORD:
        return InputError(
            f"{source} is encrypted and asks for a password", fix="save a copy without a password, or leave it out of `sources`"
        )
    if code == raw.FPDF_ERR_SECURITY:
        return InputError(f"{source} is encrypted in a way that cannot be read", fix="save a copy without encryption")
    return InputError(f"{source} is broken: no PDF reader can open it", fix="export it again, or leave it out of `sources`")


class _Reading:
    """One PDF from its first page to its last."""

    def __init__(self, pdf: "PdfDocument", source: str) -> None:
        self._pdf = pdf
        self._source = source
        self._letters = 0
        self._images: dict[int, list[str]] = {}
        self._scanned: list[int] = []
        self._damaged: list[int] = []
        self._garbled: list[int] = []

    def document(self) -> Document:
        if len(self._pdf) > _MOST_PAGES:
            raise InputError(f"{self._source} has more than {_MOST_PAGES:,} pages", fix="split it into several files")
        pages = [page for number in range(1, len(self._pdf) + 1) if (page := self._page(number)) is not None]
        unread = self._unread()
        if not any(page.lines for page in pages) and unread:
            raise InputError(
                f"{self._source} cannot be read, it is scanned or damaged: {'; '.join(unread)}",
                fix="run text recognition over it (ocrmypdf, say), and index what it makes",
            )
        canonical = Canonical()
        images = dict(self._images)
        for block in blocks(without_running_titles(pages), self._outline()):
            for number in [number for number in images if number < block.page]:
                self._write_images(canonical, number, images.pop(number))
            for place, line in enumerate(block.lines):
                canonical.add(line, tight=place > 0, row=block.table, level=block.level, page=block.page)
        for number, texts in images.items():
            self._write_images(canonical, number, texts)
        values = self._pdf.get_metadata_dict(skip_empty=True)
        title = " ".join(values.get("Title", "").split())
        metadata: dict[str, Any] = {"pages": len(self._pdf)}
        if _is_title(author := " ".join(values.get("Author", "").split())):
            metadata["author"] = author
        title = (title if _is_title(title) else title_on(pages)) or title_of(self._source)
        return canonical.document(self._source, title=title, medium="pdf", metadata=metadata, unread=unread)

    def _write_images(self, canonical: Canonical, number: int, texts: list[str]) -> None:
        for text in texts:
            canonical.add(image_text(text), page=number)

    def _unread(self) -> tuple[str, ...]:
        reasons = (
            (self._scanned, "pictures without text"),
            (self._garbled, "fonts that do not say which letters they draw"),
            (self._damaged, "damage"),
        )
        return tuple(f"{reason} on page{'s' * (len(numbers) > 1)} {_ranges(numbers)}" for numbers, reason in reasons if numbers)

    def _outline(self) -> dict[str, int]:
        """Levels of headings by their name. An outline whose top is one entry (the title) begins below it."""
        entries = [(heading_name(mark.get_title()), mark.level + 1) for mark in self._pdf.get_toc(max_depth=6)]
        return {name: level for name, level in reversed(entries) if name}

    def _page(self, number: int) -> Page | None:
        from pypdfium2 import PdfiumError

        try:
            page = self._pdf[number - 1]
            text = page.get_textpage()
        except PdfiumError:
            self._damaged.append(number)
            return None
        try:
            lines, letters, unknown = _Lines(text, _upright(page)).read()
            if texts := alternative_texts(page):
                self._images[number] = texts
            self._letters += letters
            if self._letters > _MOST_LETTERS:
                raise InputError(f"{self._source} holds more than {_MOST_LETTERS:,} letters", fix="split it into several files")
            if letters < _SHORT and _draws(page, covering=letters > 0):
                self._scanned.append(number)
            elif unknown > letters // 3:
                self._garbled.append(number)
                lines = []
            return Page(number, page.get_height(), lines)
        except PdfiumError:
            self._damaged.append(number)
            return None
        finally:
            text.close()
            page.close()


def _draws(page: "PdfPage", *, covering: bool) -> bool:
    """Whether there is a picture or a drawing on a page; `covering`: one that covers half of it."""
    from pypdfium2 import raw

    kinds = [raw.FPDF_PAGEOBJ_IMAGE] if covering else [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING]
    half = page.get_width() * page.get_height() / 2
    for drawn in page.get_objects(filter=kinds, max_depth=3):
        left, bottom, right, top = drawn.get_bounds()
        if not covering or abs((right - left) * (top - bottom)) > half:
            return True
    return False


def _is_title(title: str) -> bool:
    return bool(title) and not title.casefold().startswith(_NO_TITLE) and not title.casefold().endswith(_FILE_ENDINGS)


def _ranges(numbers: list[int]) -> str:
    """1, 2, 3, 7 as `1-3, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _upright(page: "PdfPage") -> Callable[[Box], Box]:
    """How a letter's box lies on the page as it is shown: many pages are drawn lying, and turned."""
    width, height = page.get_size()
    turns: dict[int, Callable[[Box], Box]] = {
        90: lambda box: (box[1], height - box[2], box[3], height - box[0]),
        180: lambda box: (width - box[2], height - box[3], width - box[0], height - box[1]),
        270: lambda box: (width - box[3], box[0], width - box[1], box[2]),
    }
    return turns.get(page.get_rotation(), lambda box: box)


class _Lines:
    """Gathers a page's letters into lines, with their boxes as `upright` turns them."""

    def __init__(self, text: "PdfTextPage", upright: Callable[[Box], Box]) -> None:
        self._text = text
        self._upright = upright
        self._lines: list[Line] = []
        self._clear()

    def _clear(self) -> None:
        self._letters: list[str] = []
        self._cells: list[str] = []
        self._gaps: list[tuple[float, float]] = []
        self._sizes: Counter[float] = Counter()
        self._box: Box | None = None
        self._ends = (0, 0)

    def read(self) -> tuple[list[Line], int, int]:
        """The lines, how many letters there are, and of how many of them nobody knows which they are."""
        from pypdfium2 import raw

        letters = unknown = 0
        box = raw.FS_RECTF()
        for place in range(self._text.count_chars()):
            letter = chr(raw.FPDFText_GetUnicode(self._text, place))
            if letter in "\r\n":
                self._end()
            elif letter in SOFT_HYPHENS:  # PDFium draws the halves of a broken word together: they are two lines
                self._letters.append(letter)
                self._end()
            elif letter.isspace() or letter == "\0":
                if self._letters:
                    self._letters.append(" ")
            else:
                letters += 1
                unknown += raw.FPDFText_HasUnicodeMapError(self._text, place) == 1 or letter == "\ufffd"
                raw.FPDFText_GetLooseCharBox(self._text, place, ctypes.byref(box))
                size = raw.FPDFText_GetFontSize(self._text, place)
                self._add(letter, place, self._upright((box.left, box.bottom, box.right, box.top)), float(size))
        self._end()
        return self._lines, letters, unknown

    def _add(self, letter: str, place: int, box: Box, size: float) -> None:
        left, bottom, right, top = box
        size = size if size > 1.5 else top - bottom  # a scaled type says 1
        if self._box is None:
            self._box, self._ends = box, (place, place)
        else:
            reach = self._box[2]
            if left - reach > _WIDE * size:
                self._cut()
                self._gaps.append((reach, left))
            self._ends = (self._ends[0], place)
            self._box = (min(self._box[0], left), min(self._box[1], bottom), max(reach, right), max(self._box[3], top))
        self._letters.append(letter)
        self._sizes[round(size * 2) / 2] += 1

    def _cut(self) -> None:
        cell = " ".join("".join(self._letters).encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())
        if cell:
            self._cells.append(cell)
        self._letters = []

    def _end(self) -> None:
        self._cut()
        if len(self._cells) > 1 and MARKER.fullmatch(self._cells[0]):
            self._cells[:2] = [" ".join(self._cells[:2])]
            del self._gaps[:1]
        if self._cells and self._box is not None:
            left, bottom, right, top = self._box
            size = self._sizes.most_common(1)[0][0]
            self._lines.append(Line(tuple(self._cells), left, right, bottom, top, size, bold=self._is_bold(), gaps=tuple(self._gaps)))
        self._clear()

    def _is_bold(self) -> bool:
        """Whether the line begins and ends in bold type, by its font's name or weight."""
        from pypdfium2 import raw

        name = ctypes.create_string_buffer(128)
        flags = ctypes.c_int()
        for place in self._ends:
            raw.FPDFText_GetFontInfo(self._text, place, name, len(name), ctypes.byref(flags))
            if b"bold" not in name.value.lower() and raw.FPDFText_GetFontWeight(self._text, place) < 700:
                return False
        return True
