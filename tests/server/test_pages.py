"""A source as a page: nothing of its text is lost, and exactly the cited span is marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from groundwork.core.document import Document, Heading, Landmark
from groundwork.server.pages import blocks, original_of, place_of
from tests.serving import Served

TEXTS = st.lists(st.sampled_from(["One sentence.", "a | b", "line\nline", "🙂 <b>&amp;", "  indented", "", "x"]), max_size=8).map(
    "\n\n".join
)


def document(text: str, **fields: object) -> Document:
    return Document(id="doc_1", source="a.md", title="A", medium="markdown", text=text, **fields)  # type: ignore[arg-type]


@given(text=TEXTS, start=st.integers(0, 80), length=st.integers(1, 40), cut=st.integers(0, 80))
def test_nothing_is_lost_and_only_the_cited_is_marked(text: str, start: int, length: int, cut: int) -> None:
    end = min(start + length, len(text))
    headings = (Heading(level=2, start=min(cut, len(text)), end=min(cut + 3, len(text))),) if cut < len(text) else ()
    shown = blocks(document(text, headings=headings), start, end)
    pieces = [piece for block in shown for piece in block.pieces]
    assert "".join("".join(piece.text for piece in pieces).split()) == "".join(text.split())
    assert "".join("".join(piece.text for piece in pieces if piece.cited).split()) == "".join(text[start:end].split())
    assert sum(piece.first for piece in pieces) == any(piece.cited for piece in pieces)


def test_headings_become_headings() -> None:
    text = "Title\n\nBody one.\n\nPart\n\nBody two."
    headings = (Heading(level=1, start=0, end=5), Heading(level=3, start=18, end=22))
    assert [(block.level, block.pieces[0].text) for block in blocks(document(text, headings=headings), 0, 0)] == [
        (1, "Title"),
        (0, "Body one."),
        (3, "Part"),
        (0, "Body two."),
    ]


def test_the_place_in_the_original() -> None:
    lines = document("abc", landmarks=(Landmark(start=0, line=4), Landmark(start=2, line=9)))
    assert [place_of(lines, start) for start in (0, 1, 2)] == ["line 4", "line 4", "line 9"]
    assert place_of(document("abc", landmarks=(Landmark(start=0, page=3),)), 1) == "page 3"
    assert place_of(document("abc"), 1) == ""
    slide, cell, anchor = ((Landmark(start=0, page=3),), (Landmark(start=0, element="Prices!A12"),), (Landmark(start=0, element="top"),))
    assert place_of(replace(document("abc", landmarks=slide), medium="pptx"), 1) == "slide 3"
    assert place_of(replace(document("abc", landmarks=cell), medium="xlsx"), 1) == "Prices!A12"
    assert place_of(replace(document("abc", landmarks=anchor), medium="html"), 1) == ""


def test_the_original_opens_where_it_can_be_opened() -> None:
    page = document("abcdef", landmarks=(Landmark(start=0, page=1), Landmark(start=3, page=2)))
    assert original_of(replace(page, medium="pdf"), 4) == "/original/doc_1#page=2"
    assert original_of(page, 4) == "/original/doc_1"
    assert original_of(replace(page, source="https://example.com/a"), 4) == "https://example.com/a"
    assert original_of(replace(page, source="feeds:articles/T-1"), 4) == ""


def test_a_source_page_by_hand(library: Served) -> None:
    answer = library.say("How long are backups kept?", model="handbook")[2]
    message = answer["choices"][0]["message"]
    for annotation in message["annotations"]:
        where = annotation["url_citation"]
        assert message["content"][where["start_index"] : where["end_index"]].startswith("[")
    citation = answer["groundwork"]["citations"][0]
    path = citation["url"].removeprefix(library.url)
    status, headers, page = library.ask("GET", path.partition("#")[0])
    assert status == 200
    assert f'<mark id="cite">{citation["quote"]}</mark>' in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    for query in ("", "?start=9&end=3", "?start=x&end=y", "?start=-1&end=99999999999999"):
        status, _, page = library.ask("GET", f"/source/{citation['document']}{query}")
        assert (status, "<mark" in page) == (200, False)
    assert library.ask("GET", f"/original/{citation['document']}")[1]["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("medium", "kind"), [("pdf", "application/pdf"), ("docx", "application/octet-stream")])
def test_an_original_that_is_no_text_is_shown_or_saved_as_what_it_is(library: Served, medium: str, kind: str) -> None:
    root = library.live.app.settings.root
    (root / f"a b.{medium}").write_bytes(b"%PDF-1.7 bytes")
    made = replace(document("text"), id=f"doc_{medium}", source=f"a b.{medium}", medium=medium)
    library.live.folder.index.put(made, [], {}, digest="x")
    status, headers, body = library.ask("GET", f"/original/doc_{medium}")
    assert (status, headers["content-type"], body) == (200, kind, "%PDF-1.7 bytes")
    assert headers["x-content-type-options"] == "nosniff"
    assert ("attachment; filename*=UTF-8''a%20b.docx" in headers.get("content-disposition", "")) == (medium == "docx")


def test_pages_that_are_not_there(library: Served) -> None:
    for path in (
        "/nothing",
        "/source/doc_nothing",
        "/original/doc_nothing",
        "/static/nothing.js",
        "/static/../run.py",
        "/static/%2e%2e/run.py",
    ):
        status, headers, page = library.ask("GET", path)
        assert status == 404, path
        assert "import" not in page
        assert headers["x-content-type-options"] == "nosniff"
