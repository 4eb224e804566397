import itertools
import random
import sys
from typing import Any

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from groundwork.context.chunking import landmark
from groundwork.context.readers.pdf_layout import Line, Page, blocks, reading_order, without_running_titles
from groundwork.context.reading import parse, parse_here
from groundwork.core.document import Document
from groundwork.core.errors import InputError
from tests.context.made import PageBreak, Spacer, Table, drawn, paragraph, pdf, picture, tagged, two_columns

LONG = "Green tea wants water of seventy degrees, and black tea wants it boiling, as everybody in this house has known for long. " * 3


def headings(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]


def page_of(document: Document, text: str) -> int | None:
    return landmark(document.landmarks, document.text.index(text)).page


def lines_of(*texts: str) -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 11)
        for place, text in enumerate(texts):
            canvas.drawString(72, 700 - 13 * place, text)

    return drawn(draw)


def handbook() -> bytes:
    story: list[Any] = []
    for number in range(1, 4):
        story += [paragraph(f"Chapter {number}", "Heading1"), paragraph(LONG), Spacer(1, 12), paragraph(f"Only on page {number}. {LONG}")]
        story += [paragraph("Doses", "Heading2"), Table([["Tea", "Degrees"], ["Green", "70"], ["Black leaf", "100"]]), PageBreak()]

    def around(canvas: Canvas, document: Any) -> None:
        canvas.drawString(72, 810, "The Tea Handbook 2024")
        canvas.drawString(290, 20, f"Page {document.page}")

    return pdf(story, each_page=around, title="Tea", author="Kim")


def test_each_page_gives_its_text_with_its_number_headings_and_tables() -> None:
    document = parse(handbook(), "docs/tea.pdf")
    assert (document.title, document.medium, document.metadata) == ("Tea", "pdf", {"pages": 3, "author": "Kim"})
    assert [page_of(document, f"Only on page {number}") for number in (1, 2, 3)] == [1, 2, 3]
    assert headings(document)[:2] == [(1, "Chapter 1"), (2, "Doses")]
    assert " ".join(LONG.split()) in document.text, "the lines of a paragraph are joined"
    assert [document.text[table.start : table.end] for table in document.tables] == ["Tea | Degrees\nGreen | 70\nBlack leaf | 100"] * 3


def test_running_titles_and_page_numbers_are_left_out() -> None:
    document = parse(handbook(), "tea.pdf")
    assert "Handbook 2024" not in document.text
    assert "Page 2" not in document.text
    assert "Chapter 2" in document.text, "a heading at the top of a page is none of them"


def test_two_columns_are_read_one_after_the_other() -> None:
    document = parse(two_columns(["Left begins. " + LONG, "Left ends."], ["Right begins. " + LONG], "A Paper"), "paper.pdf")
    places = [document.text.index(text) for text in ("A Paper", "Left begins", "Left ends", "Right begins")]
    assert places == sorted(places)
    assert headings(document) == [(1, "A Paper")]


def test_a_page_that_was_drawn_in_any_order_is_read_by_its_white_space() -> None:
    lines = [(column, place) for column in (50, 320) for place in range(20)]
    random.Random(4).shuffle(lines)

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        for column, place in lines:
            canvas.drawString(column, 720 - 13 * place, f"line {place} at {column} which goes on for a while")

    text = parse(drawn(draw), "a.pdf").text
    places = [text.index(f"line {place} at {column} ") for column in (50, 320) for place in range(20)]
    assert places == sorted(places)


def test_words_across_lines_become_whole_and_hyphens_that_belong_stay() -> None:
    written = lines_of("The state-of-the-art of internation-", "alisation is about the state-of-", "the-art and about 2-", "3 more things.")
    text = parse(written, "a.pdf").text
    assert "internationalisation" in text
    assert text.count("state-of-the-art") == 2
    assert "\x02" not in text


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_page_that_is_drawn_lying_and_shown_upright_is_read_as_it_is_shown(turned: int) -> None:
    width, height = A4 if turned in {0, 180} else (A4[1], A4[0])
    onto = {0: (0, 0), 90: (0, -A4[0]), 180: (-A4[0], -A4[1]), 270: (-A4[1], 0)}[turned]

    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(turned)
        canvas.rotate(turned)
        canvas.translate(*onto)
        canvas.setFont("Helvetica", 11)
        for left, top, text in (
            (72, 100, "Tea needs water that is hot, and"),
            (72, 113, "time."),
            (72, 166, "Pot"),
            (300, 166, "Litres"),
            (72, 179, "Red"),
            (300, 179, "2"),
        ):
            canvas.drawString(left, height - top, text)
        canvas.drawString(72, height - 250, f"Page of {round(width)} points.")

    document = parse(drawn(draw), "a.pdf")
    assert document.text == f"Tea needs water that is hot, and time.\n\nPot | Litres\nRed | 2\n\nPage of {round(width)} points."


def test_items_of_a_list_keep_their_lines() -> None:
    text = parse(lines_of("What is needed:", "• a pot", "• a kettle", "• leaves"), "a.pdf").text
    assert text.endswith("- a pot\n- a kettle\n- leaves")


def test_the_outline_says_what_the_headings_are() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 11)
        for place, (text, level) in enumerate([("1 Pots", 0), ("A pot is round.", None), ("1.1 Lids", 1), ("A lid is flat.", None)]):
            canvas.drawString(72, 700 - 40 * place, text)
            if level is not None:
                canvas.bookmarkPage(text)
                canvas.addOutlineEntry(text, text, level)

    assert headings(parse(drawn(draw), "a.pdf")) == [(1, "1 Pots"), (2, "1.1 Lids")]


def test_a_picture_is_found_by_what_stands_for_it() -> None:
    document = parse(tagged("The growth of figs over ten years", "A chart of figs"), "figs.pdf")
    assert document.text == "The growth of figs over ten years\n\n[image: A chart of figs]"
    assert page_of(document, "[image") == 1


def test_a_scanned_file_is_refused_as_such() -> None:
    with pytest.raises(InputError, match="pictures without text on pages 1-2") as error:
        parse(drawn(lambda canvas: (picture(canvas), canvas.showPage(), picture(canvas))), "scan.pdf")
    assert "recognition" in error.value.fix


def test_scanned_pages_among_others_are_named() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "A page of text that says something worthwhile.")
        for stamp in ("", "2"):
            canvas.showPage()
            picture(canvas)
            canvas.drawString(500, 20, stamp)
        canvas.showPage()  # a blank page is nothing that could be read
        canvas.showPage()
        canvas.drawString(72, 700, "The last page has words too, and not too few.")

    document = parse(drawn(draw), "a.pdf")
    assert document.unread == ("pictures without text on pages 2-3",)
    assert page_of(document, "The last page") == 5


def test_a_heading_over_a_picture_does_not_make_a_page_unread() -> None:
    def draw(canvas: Canvas) -> None:
        picture(canvas, width=100, height=100)
        canvas.drawString(72, 700, "Figure 3")

    assert parse(drawn(draw), "a.pdf").unread == ()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (drawn(lambda canvas: canvas.drawString(72, 700, "hidden"), password="secret"), "asks for a password"),
        (lines_of("cut off")[:500], "broken"),
        (b"%PDF-1.7\nnothing of a PDF follows", "broken"),
        (b"<html><body>a page</body></html>", "no PDF by its content"),
        (b"", "no PDF by its content"),
        (drawn(lambda canvas: canvas.showPage()), "holds no text"),
    ],
    ids=["encrypted", "cut", "garbage", "html", "empty", "blank"],
)
def test_what_cannot_be_read_says_so(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        parse(data, "docs/a.pdf")
    assert error.value.what.startswith("docs/a.pdf")
    assert error.value.fix


def test_a_missing_parser_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = lines_of("text")
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(InputError, match=r"pip install 'groundwork-ai\[documents\]'"):
        parse_here(data, "a.pdf", ".pdf")


def test_damage_anywhere_is_an_answer_or_a_refusal() -> None:
    whole = handbook()
    chance = random.Random(11)
    outcomes = set()
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 200)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            outcomes.add(parse(bytes(broken[: chance.randrange(100, len(broken))]), "a.pdf").medium)
        except InputError:
            outcomes.add("refused")
    assert "refused" in outcomes


# -- layout alone


def line(text: str, *, top: float, left: float = 50, size: float = 10, page: int = 1) -> Line:
    return Line((text,), left, left + 5 * len(text), top - size, top, size)


def test_lines_in_the_order_of_reading_keep_it_whatever_stands_beside_them() -> None:
    lines = [line("footer", top=30), *(line(f"text {place}", top=700 - 12 * place) for place in range(40)), line("header", top=800)]
    assert reading_order(lines) == lines


def test_what_half_of_the_pages_share_at_their_edges_goes_and_nothing_else() -> None:
    pages = [Page(n, 842, [line("Report", top=830), line(f"own {'abcd'[n]} text", top=820), line("Report", top=400)]) for n in range(4)]
    kept = without_running_titles(pages)
    assert [[one.text for one in page.lines] for page in kept] == [[f"own {'abcd'[n]} text", "Report"] for n in range(4)]


def test_larger_type_is_a_heading_and_a_list_of_sizes_its_levels() -> None:
    texts = [("Title", 24), ("Part", 16), ("text " * 40, 10), ("Part two", 16), ("more text " * 20, 10)]
    tops = itertools.count(800, -60)
    found = list(blocks([Page(1, 842, [line(text.strip(), top=next(tops), size=size) for text, size in texts])], {}))
    assert [block.level for block in found] == [1, 2, None, 2, None]
