from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.context.chunking import landmark
from groundwork.context.reading import Raw, parse, parse_raw, read
from groundwork.core.document import Document
from groundwork.core.errors import InputError


def headings(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]


def place(document: Document, text: str) -> tuple[int | None, str | None]:
    mark = landmark(document.landmarks, document.text.index(text))
    return mark.line, mark.element


def test_a_page_becomes_its_text_and_nothing_around_it(data: Path) -> None:
    document = read(data / "page.html", "docs/page.html")
    assert document.title == "Kettle manual"
    assert document.text == (
        "Kettle manual\n\nRead this before use. It is short.\n\nBoiling\n\nFill it to the mark — at most 2^10 millilitres.\n\n"
        "- Close the lid.\n- Press ON.\n\nset  temperature = 96\n  wait\n\nCleaning\n\nOnce a month.\nTwice in hard water.\n\n"
        "What about vinegar?\n\nA cup of it, then rinse.\n\nParts\n\nPart | Number\nLid | K-17\n\n- In a layout table."
    )
    assert headings(document) == [(1, "Kettle manual"), (2, "Boiling"), (2, "Cleaning"), (7, "What about vinegar?")]


def test_a_place_on_a_page_leads_to_the_anchor_above_it(data: Path) -> None:
    document = read(data / "page.html", "docs/page.html")
    assert place(document, "Read this") == (None, "top")
    assert place(document, "Boiling") == (None, "boil")
    assert place(document, "wait") == (None, "boil")
    assert place(document, "Cleaning") == (None, "clean")
    assert place(document, "Once a month") == (None, "tips")


def test_markdown_loses_its_markup_and_keeps_its_code_and_lines(data: Path) -> None:
    document = read(data / "guide.md", "docs/guide.md")
    assert (document.title, document.metadata) == ("Garden guide", {"owner": "Kim"})
    assert document.text == (
        "Watering\n\nWater in the morning, never at noon. Roots drink slowly.\n\n- tomatoes: daily\n- beans: weekly\n1. young ones\n"
        "2. old ones\n\nTable of doses\n\nplant | litres\nfig | 5\n\nopen --valve 3\n\nclose\n\nInline HTML here\n\nQuoted wisdom."
    )
    assert headings(document) == [(1, "Watering"), (2, "Table of doses")]
    lines = (data / "guide.md").read_text().splitlines()
    for text, written in (
        ("Watering", "# Watering"),
        ("- beans", "- beans: weekly"),
        ("fig", "| fig   | **5**  |"),
        ("Quoted", "> Quoted wisdom."),
    ):
        assert place(document, text) == (lines.index(written) + 1, None)


def test_plain_text_stays_as_it_is_with_a_line_for_each_paragraph(data: Path) -> None:
    document = read(data / "notes.txt", "docs/release_notes-2024.txt")
    assert document.title == "release notes 2024"
    assert document.text == "First paragraph,\nhard wrapped.\n\nSecond paragraph.\n\nThird."
    assert [place(document, text)[0] for text in ("First", "Second", "Third")] == [1, 5, 7]


def test_the_same_text_under_another_name_is_another_document() -> None:
    one, same, other = (parse(b"hello", name) for name in ("a.txt", "a.txt", "b.txt"))
    assert one.id == same.id != other.id


@pytest.mark.parametrize(
    ("source", "data", "says"),
    [
        ("a.txt", b"", "no text"),
        ("a.md", b"\n \n\t", "no text"),
        ("a.html", b"<html><body><script>x</script></body></html>", "no text"),
        ("a.txt", b"abc\0def", "NUL"),
        ("a.md", b"\xff\xd8\xff\xe0JFIF", "UTF-8"),
        ("a.html", b"<p>\x81\x8d", "CP1252"),
        ("a.jpg", b"\xff\xd8", "not read"),
        ("a.pdf", b"<html>", "no PDF"),
        ("README", b"text", "not read"),
        ("a.html", b"<div>" * 20_000 + b"x", "nests"),
    ],
)
def test_what_cannot_be_read_says_so_and_what_to_do(source: str, data: bytes, says: str) -> None:
    with pytest.raises(InputError) as error:
        parse(data, source)
    assert says in error.value.what
    assert source in error.value.what
    assert error.value.fix


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    path.write_text("x" * 101)
    assert len(read(path, "big.txt", largest=101).text) == 101
    with pytest.raises(InputError, match="larger than 100"):
        read(path, "big.txt", largest=100)


@pytest.mark.parametrize(
    "data",
    [
        "<p>Grüße".encode(),
        "<p>Grüße".encode("cp1252"),
        '<meta charset="iso-8859-15"><p>Grüße'.encode("iso-8859-15"),
        '<meta charset="no-such-thing"><p>Grüße'.encode("cp1252"),
        b"\xef\xbb\xbf" + "<p>Grüße".encode(),
        b"\xff\xfe" + "<p>Grüße".encode("utf-16-le"),
    ],
)
def test_a_page_is_decoded_as_it_declares_or_as_browsers_would(data: bytes) -> None:
    assert parse(data, "a.html").text == "Grüße"


@pytest.mark.parametrize("html", ["<p", "</div></p>text", "<table><tr><td>a<td>b", "<b><i>x</b></i>", "<<<>>>x", "<ul><li>a<ul><li>b"])
def test_broken_pages_are_read_as_far_as_they_go(html: str) -> None:
    try:
        text = parse(html.encode(), "a.html").text
    except InputError as error:
        text = error.what
    assert text


def test_a_page_that_is_all_links_is_read_after_all() -> None:
    document = parse(b'<nav><a href="/soup">Soup</a> <a href="/fish">Fish</a></nav>', "menu.html")
    assert "Soup" in document.text


def test_a_menu_of_dishes_is_no_menu_of_links() -> None:
    document = parse(b'<div class="menu"><p>Soup of the day, 4.50</p><a href="/">home</a></div>', "menu.html")
    assert "Soup of the day" in document.text


def test_deep_nesting_meets_no_recursion_limit() -> None:
    assert parse(b"<div>" * 4_000 + b"deep", "a.html").text == "deep"
    assert parse(b"> " * 3_000 + b"deep\n\nshallow", "a.md").text.endswith("shallow")


def test_markdown_front_matter_alone_is_no_text() -> None:
    with pytest.raises(InputError, match="no text"):
        parse(b"---\ntitle: x\n---\n", "a.md")


@pytest.mark.parametrize(
    ("source", "data", "text"),
    [
        ("a.html", b'<p>See <img src=x.png alt="a  fig tree" title="In June">.', "See [image: a fig tree; In June]."),
        ("a.html", b'<figure><img alt="A fig"><figcaption>Figure 1</figcaption></figure>', "[image: A fig]\n\nFigure 1"),
        ("a.html", b'<p>x<img alt=""><img alt="img_01.PNG"><img alt="*"><img role=presentation alt="a line"><img alt="image 3">', "x"),
        ("a.md", b'See ![a *fig*](x.png "In June").', "See [image: a fig; In June]."),
        ("a.md", b"![the same](x.png 'the same')", "[image: the same]"),
    ],
)
def test_an_image_is_what_its_author_wrote_to_stand_for_it(source: str, data: bytes, text: str) -> None:
    assert parse(data, source).text == text


def test_source_code_keeps_its_shape_and_every_line_its_number() -> None:
    document = parse(b"import os\n\n\ndef a():\n    x = 1\n\n    return x\n", "src/tool.py")
    assert (document.title, document.medium) == ("tool.py", "code")
    assert document.text == "import os\n\ndef a():\n    x = 1\n\n    return x"
    assert [place(document, text)[0] for text in ("import", "def a", "    x = 1", "    return")] == [1, 4, 5, 7]


@pytest.mark.parametrize("source", ["a.go", "a.rs", "a.TS", "deploy.yaml", "query.sql", "Makefile.toml"])
def test_code_of_many_languages_is_read(source: str) -> None:
    assert parse(b"x: 1", source).medium == "code"


def test_tables_are_known_with_their_headers() -> None:
    for data, source in ((b"| a | b |\n|---|---|\n| 1 | 2 |\n", "a.md"), (b"<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a.html")):
        document = parse(data, source)
        assert [document.text[table.start : table.header] for table in document.tables] == ["a | b"]
        assert [document.text[table.start : table.end] for table in document.tables] == ["a | b\n1 | 2"]


def test_a_source_that_says_its_own_encoding_title_and_kind_is_believed() -> None:
    raw = Raw(source="x:y/z", data="Grüße".encode("latin-1"), suffix=".txt", encoding="ISO-8859-1", title="Letter", metadata={"to": "Kim"})
    document = parse_raw(raw)
    assert (document.text, document.title, document.metadata) == ("Grüße", "Letter", {"to": "Kim"})
    assert raw.identity != msgspec.structs.replace(raw, title="Another").identity


_MARKUP = st.one_of(
    st.sampled_from("p div ul ol li table tr td pre b a h1 h2 h br hr nav s sup dl dd svg title body form button".split()).flatmap(  # noqa: SIM905
        lambda tag: st.sampled_from([f"<{tag}>", f"</{tag}>", f'<{tag} id="{tag}" class="menu" href="#x">'])
    ),
    st.text(max_size=12),
    st.just("some words "),
)


@settings(max_examples=300)
@given(text=st.lists(_MARKUP, max_size=40).map("".join), source=st.sampled_from(["a.html", "a.md", "a.txt"]))
def test_whatever_is_read_has_places_that_hold(text: str, source: str) -> None:
    try:
        document = parse(text.encode(errors="replace"), source)
    except InputError:
        return
    starts = [mark.start for mark in document.landmarks]
    assert starts == sorted(set(starts))
    for heading in document.headings:
        assert document.text[heading.start : heading.end].strip()
        assert document.text[heading.end : heading.end + 1] in {"", "\n"}
