import os
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest

from groundwork.context.config import AllowSection, ContextSection, FetchSection, PermissionsSection, kind_of
from groundwork.core.access import Scope, readers_of
from groundwork.core.errors import ConfigError
from groundwork.core.request import Principal
from groundwork.core.units import Duration, Size
from tests.context.folder import Application
from tests.context.made import drawn, picture, saved
from tests.web import Page, Web, web

HERE = FetchSection(allow=("127.0.0.1/32",), timeout=Duration(5, "5s"))


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as made:
        yield made


def reasons(report: object) -> dict[str, str]:
    return dict(report.skipped)  # type: ignore[attr-defined]


# -- files


def test_one_folder_of_every_kind_and_of_everything_that_is_wrong(
    application: Application, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is wrong with one document, the others are indexed, and each of the bad ones is named with its reason."""
    word = docx.Document()
    word.add_paragraph("A word of it.")
    good = {
        "a.md": "# Markdown",
        "b.html": "<p>page",
        "c.txt": "text",
        "d.csv": "name,age\nKim,7",
        "e.pdf": drawn(lambda canvas: canvas.drawString(72, 700, "A PDF of one line.")),
        "f.docx": saved(word),
        "g.json": '{"a": "x"}',
        "h.py": "x = 1",
    }
    bomb = tmp_path_factory.mktemp("bomb") / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 60_000_000)
    bad: dict[str, tuple[str | bytes, str]] = {
        "encrypted.pdf": (drawn(lambda canvas: canvas.drawString(72, 700, "x"), password="secret"), "password"),
        "scanned.pdf": (drawn(picture), "pictures without text on page 1"),
        "broken.pdf": (b"%PDF-1.4 nothing", "broken"),
        "wrong.pdf": ("<html>", "no PDF by its content"),
        "really-a-pdf.txt": (good["e.pdf"], "a PDF by its content, not .txt"),
        "really-a-zip.csv": (saved(word), "a ZIP archive"),
        "old.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "binary format"),
        "bomb.docx": (bomb.read_bytes(), "unpack"),
        "latin.txt": ("Grüße".encode("latin-1"), "not valid UTF-8"),
        "empty.md": ("", "no text"),
        "photo.jpg": (b"\xff\xd8", "not read"),
        "no-suffix": ("x", "not read"),
    }
    for name, content in good.items():
        application.write(f"docs/{name}", content)
    for name, (content, _) in bad.items():
        application.write(f"docs/{name}", content)
    report = application.index()
    assert report.added == len(good)
    skipped = reasons(report)
    assert set(skipped) == {f"docs/{name}" for name in bad}
    for name, (_, says) in bad.items():
        assert says in skipped[f"docs/{name}"], name
    assert application.index().unchanged == len(good)


def test_a_huge_file_is_refused_without_being_read(application: Application) -> None:
    for name in ("huge.txt", "huge.pdf"):
        path = application.write(f"docs/{name}", "")
        os.truncate(path, 1_000_000_000)
    begun = time.monotonic()
    report = application.index()
    assert time.monotonic() - begun < 1
    assert ["larger than" in reason for _, reason in report.skipped] == [True, True]


def test_what_was_not_read_of_a_document_is_reported_while_the_rest_is_found(application: Application) -> None:
    def draw(canvas: object) -> None:
        canvas.drawString(72, 700, "A page of text that can be read.")  # type: ignore[attr-defined]
        canvas.showPage()  # type: ignore[attr-defined]
        picture(canvas)  # type: ignore[arg-type]

    application.write("docs/a.pdf", drawn(draw))
    report = application.index()
    assert report.added == 1
    assert report.skipped == [("docs/a.pdf", "read in part: pictures without text on page 2")]


def test_a_folders_name_stands_for_its_documents_but_not_for_code_and_data(application: Application) -> None:
    for name in ("a.md", "b.csv", "conf.py", "index.json", "style.css"):
        application.write(f"docs/{name}", '{"a": 1}')
    assert {entry.source for entry in indexed(application, "docs")} == {"docs/a.md", "docs/b.csv"}
    assert len(indexed(application, "docs", "docs/*.py", "docs/*.json")) == 4


def indexed(application: Application, *sources: str) -> list[object]:
    application.index(sources=sources, fetch=HERE)
    return application.store.documents()  # type: ignore[return-value]


# -- pages


def test_pages_are_indexed_by_their_url_and_stay_current(application: Application, site: Web) -> None:
    page, paper = f"{site.url}/tea", f"{site.url}/paper"
    site.pages["/tea"] = Page(b"<title>Tea</title><h1 id=brew>Brewing</h1><p>Green tea wants seventy degrees.")
    site.pages["/paper"] = Page(drawn(lambda canvas: canvas.drawString(72, 700, "A paper on figs.")), media="application/pdf")
    sources = (page, f"{paper}#top")
    report = application.index(sources=sources, fetch=HERE)
    assert (report.added, report.skipped) == (2, [])
    entries = {entry.source: entry for entry in application.store.documents()}
    assert set(entries) == {page, paper}
    assert entries[page].title == "Tea"
    assert application.store.document(entries[paper].id).medium == "pdf"
    assert application.index(sources=sources, fetch=HERE).unchanged == 2
    site.pages["/tea"] = Page(b"<p>Eighty degrees.")
    assert application.index(sources=sources, fetch=HERE).changed == 1
    assert not any("seventy" in text for text in application.texts())


def test_a_page_that_is_gone_goes_and_one_that_cannot_be_reached_stays(application: Application, site: Web) -> None:
    site.pages["/a"], site.pages["/b"] = Page(b"<p>alpha"), Page(b"<p>beta")
    sources = (f"{site.url}/a", f"{site.url}/b")
    application.index(sources=sources, fetch=HERE)
    site.pages["/a"], site.pages["/b"] = Page(status=404), Page(status=503)
    report = application.index(sources=sources, fetch=HERE)
    assert (report.removed, application.texts()) == (1, {"beta"})
    assert "404" in reasons(report)[sources[0]]
    assert "503" in reasons(report)[sources[1]]


def test_pages_that_may_not_be_fetched_or_read_are_skipped_with_the_rest_unharmed(application: Application, site: Web) -> None:
    application.write("docs/a.md", "alpha")
    site.pages["/robots.txt"] = Page(b"User-agent: *\nDisallow: /private", media="text/plain")
    site.pages["/private"] = Page(b"<p>no")
    site.pages["/film"] = Page(b"...", media="video/mp4")
    site.pages["/big"] = Page(b"<p>" + b"x" * 5_000)
    site.pages["/notes.md"] = Page(b"# Notes", media="text/plain")
    port = site.url.rsplit(":", 1)[1]
    sources = ("docs", f"{site.url}/private", f"{site.url}/film", f"{site.url}/big", f"{site.url}/notes.md", f"http://[::1]:{port}/x")
    report = application.index(sources=sources, fetch=FetchSection(allow=HERE.allow, largest=Size(4_000, "4kB"), timeout=HERE.timeout))
    assert report.added == 2
    assert application.texts() == {"alpha", "Notes"}
    says = reasons(report)
    assert "robots.txt" in says[sources[1]]
    assert "video/mp4" in says[sources[2]]
    assert "larger than" in says[sources[3]]
    assert "this machine itself" in says[sources[5]]


def test_a_page_in_another_encoding_is_read_as_its_server_says(application: Application, site: Web) -> None:
    site.pages["/a"] = Page("Grüße aus Köln".encode("latin-1"), media="text/plain; charset=latin-1")
    application.index(sources=(f"{site.url}/a",), fetch=HERE)
    assert application.texts() == {"Grüße aus Köln"}


async def test_pages_are_fetched_also_where_an_event_loop_is_running(application: Application, site: Web) -> None:
    site.pages["/a"] = Page(b"<p>alpha")
    assert application.index(sources=(f"{site.url}/a",), fetch=HERE).added == 1


# -- functions


def feed(application: Application, body: str) -> None:
    application.write("feeds.py", f"import asyncio\n\n{body}")
    os.utime(application.root / "feeds.py", ns=(time.time_ns(), time.time_ns()))


@pytest.fixture(autouse=True)
def _fresh_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import sys

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    sys.modules.pop("feeds", None)


def again(application: Application, body: str) -> object:
    sys.modules.pop("feeds", None)
    feed(application, body)
    return application.index(sources=("feeds:articles",))


ARTICLES = """
def articles():
    yield {"name": "T-1", "text": "# Tea\\n\\nHot.", "suffix": ".md", "title": "Ticket 1", "metadata": {"owner": "Kim"}}
    yield {"name": "notes.txt", "data": "bytes of a text".encode()}
"""


def test_a_function_gives_documents_with_titles_and_metadata(application: Application) -> None:
    report = again(application, ARTICLES)
    assert (report.added, report.skipped) == (2, [])  # type: ignore[attr-defined]
    entries = {entry.source: entry for entry in application.store.documents()}
    assert set(entries) == {"feeds:articles/T-1", "feeds:articles/notes.txt"}
    document = application.store.document(entries["feeds:articles/T-1"].id)
    assert (document.title, document.metadata, document.text, document.medium) == ("Ticket 1", {"owner": "Kim"}, "Tea\n\nHot.", "markdown")
    assert again(application, ARTICLES).unchanged == 2  # type: ignore[attr-defined]
    assert again(application, ARTICLES.replace("Kim", "Lee")).changed == 1  # type: ignore[attr-defined]
    report = again(application, ARTICLES.rsplit("    yield", 1)[0])
    assert (report.removed, report.changed) == (1, 1)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "body",
    [
        "async def articles():\n    yield {'name': 'a', 'text': 'alpha'}",
        "async def articles():\n    await asyncio.sleep(0)\n    return [{'name': 'a', 'text': 'alpha'}]",
        "def articles():\n    return [{'name': 'a', 'text': 'alpha'}]",
        "def articles():\n    return {'name': 'a', 'text': 'alpha'}",
    ],
    ids=["async generator", "coroutine", "list", "one"],
)
def test_a_function_may_give_them_in_any_way(application: Application, body: str) -> None:
    again(application, body)
    assert application.texts() == {"alpha"}


@pytest.mark.parametrize("body", ["    raise KeyError('down')", "    raise SystemExit(3)", "    yield 1 / 0", "    return 5"])
def test_a_function_that_fails_loses_nothing_and_harms_nobody(application: Application, body: str) -> None:
    application.write("docs/a.md", "alpha")
    again(application, ARTICLES)
    sys.modules.pop("feeds", None)
    feed(application, f"def articles():\n{body}")
    report = application.index(sources=("feeds:articles", "docs"))
    assert (report.added, report.removed) == (1, 0)
    assert "the function failed" in reasons(report)["feeds:articles"]
    assert len(application.store.documents()) == 3


async def test_what_a_failing_function_gave_before_is_under_the_permissions_of_today(application: Application) -> None:
    def allowed(*readers: str) -> PermissionsSection:
        return PermissionsSection(rules=(AllowSection(match="feeds:articles/**", allow=readers),))

    async def seen(user: str, permissions: PermissionsSection) -> int:
        scope = Scope(readers=readers_of(Principal(user=user)))
        return len(
            (await application.search(sources=("feeds:articles",), permissions=permissions).find("hot tea", keep=5, scope=scope)).hits
        )

    feed(application, ARTICLES)
    application.index(sources=("feeds:articles",), permissions=allowed("everyone"))
    assert await seen("bob", allowed("everyone")) > 0
    sys.modules.pop("feeds", None)
    feed(application, "def articles():\n    raise KeyError('down')")
    application.index(sources=("feeds:articles",), permissions=allowed("user:kim"))
    assert await seen("bob", allowed("user:kim")) == 0
    assert await seen("kim", allowed("user:kim")) > 0


def test_what_is_no_document_is_named_and_the_others_are_taken(application: Application) -> None:
    report = again(
        application,
        """
def articles():
    yield {"name": "good", "text": "alpha"}
    yield {"name": "good", "text": "again"}
    yield {"name": "both", "text": "x", "data": b"x"}
    yield {"name": "", "text": "x"}
    yield {"name": "odd", "text": "x", "colour": "red"}
    yield "a text"
    yield {"name": "film.mp4", "data": b"x", "suffix": ".mp4"}
    yield {"name": "bad.pdf", "data": b"x"}
    yield {"name": "surrogate", "text": "\\ud800"}
""",
    )
    assert application.texts() == {"alpha"}
    said = [reason for _, reason in report.skipped]  # type: ignore[attr-defined]
    for part in (
        "more than once",
        "either `text` or `data`",
        "`name` is empty",
        "colour",
        "got `str`",
        ".mp4",
        "no PDF",
        "not valid UTF-8",
    ):
        assert any(part in reason for reason in said), part


def test_a_function_that_is_not_there_is_an_error_of_the_configuration(application: Application) -> None:
    with pytest.raises(ConfigError, match="no module 'feeds'"):
        application.index(sources=("feeds:articles",))
    feed(application, ARTICLES)
    with pytest.raises(ConfigError) as error:
        application.index(sources=("feeds:article",))
    assert "articles" in error.value.fix


# -- the configuration


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("docs/**/*.md", "files"),
        ("docs", "files"),
        ("C:docs", "files"),
        ("a.b:c", "function"),
        ("feeds:articles", "function"),
        ("feeds:my-articles", "files"),
        ("https://example.com/a", "page"),
        ("HTTP://example.com", "page"),
        ("ftp://example.com", "page"),
    ],
)
def test_an_entry_of_sources_is_known_by_its_form(pattern: str, kind: str) -> None:
    assert kind_of(pattern) == kind


@pytest.mark.parametrize("url", ["ftp://example.com/x", "https://user:secret@example.com/", "https://", "http://exa mple.com/"])
def test_a_url_that_may_not_be_fetched_is_refused_when_it_is_read(url: str) -> None:
    with pytest.raises(ValueError, match="source") as error:
        ContextSection(sources=(url,))
    assert "secret" not in str(error.value)


def test_networks_and_limits_of_fetching_are_checked_when_they_are_read() -> None:
    with pytest.raises(ValueError, match="no network"):
        FetchSection(allow=("localhost",))
    with pytest.raises(ValueError, match="more than nothing"):
        FetchSection(largest=Size(0, "0kB"))


def test_links_in_a_circle_between_folders_end(application: Application) -> None:
    application.write("docs/a/a.txt", "alpha")
    application.write("docs/b/b.txt", "beta")
    Path(application.root / "docs/a/to-b").symlink_to("../b")
    Path(application.root / "docs/b/to-a").symlink_to("../a")
    assert application.index(sources=("docs",)).added == 2
