"""The handbook in a real browser: a citation opened at its place in every format, and the original PDF with a key and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.apps import copy_handbook
from tests.server.test_page import ask, browser, pytestmark  # noqa: F401  the same browser, and the same reason to skip
from tests.serving import Served, serving

QUESTION = "How much does the managing director earn a year?"
SENTENCE = "The managing director Edda Lindqvist earns 149,500 euros a year and takes no part in the bonus."


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pytest.importorskip("pypdfium2", reason="reading PDF needs pypdfium2: pip install 'groundwork-ai[documents]'")
    with serving(copy_handbook(tmp_path_factory.mktemp("handbook") / "app")) as served:
        yield served


@pytest.fixture(scope="module")
def keys(handbook: Served) -> dict[str, str]:
    """Anna is of the group hr, bob of none."""
    create = handbook.live.folder.keys.create
    return {name: handbook.run(create(name, groups=groups))[0] for name, groups in (("anna", ("hr",)), ("bob", ()))}


@pytest.fixture
def page(browser: Browser, handbook: Served) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1180, "height": 900}, accept_downloads=True)
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    made = context.new_page()
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.goto(handbook.url)
    yield made
    context.close()
    assert [line for line in complaints if "404" not in line] == []


def use(page: Page, key: str) -> None:
    page.get_by_role("button", name="Use a key").click()
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Use this key").click()
    expect(page.locator("#key-form")).to_be_hidden()


@pytest.mark.parametrize(
    ("question", "marked", "place"),
    [
        ("How many days of paid holiday do I have in a year?", "Everyone has 29 days of paid holiday a year.", "docs/welcome.md, line 20"),
        (
            "How many euros for meals do I get for a day abroad?",
            "For meals you get 34 euros a day at home and 48 euros a day abroad, without receipts.",
            "docs/travel.html",
        ),
        (
            "How many characters must a password have at least?",
            "A password has at least 16 characters and is used in one place only.",
            "docs/equipment.docx, paragraph-6",
        ),
        (
            "How many days does delivery of the antenna A1 take?",
            "part: antenna A1 | fits: Reed | price in euros: 640 | delivery in days: 21",
            "docs/gauges.xlsx, Spare parts!A3",
        ),
    ],
)
def test_a_citation_opens_the_text_at_the_cited_place(page: Page, question: str, marked: str, place: str) -> None:
    ask(page, question)
    page.locator("#text a.cite").first.click()
    mark = page.locator("#panel mark")
    expect(mark).to_be_in_viewport()
    expect(mark).to_have_text(marked)
    expect(page.locator("#panel-place")).to_contain_text(place)


def test_a_restricted_pdf_opens_at_its_page_for_whoever_holds_the_key(page: Page, keys: dict[str, str]) -> None:
    use(page, keys["anna"])
    ask(page, QUESTION)
    page.locator("#text a.cite").first.click()
    expect(page.locator("#panel mark")).to_have_text(SENTENCE)
    expect(page.locator("#panel-place")).to_have_text("From docs/hr/pay.pdf, page 3")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the original").click()
    shown_at_page_3(opened.value)


def shown_at_page_3(tab: Page) -> None:
    """Chromium's own viewer shows the PDF, at the page that the address names."""
    tab.wait_for_url("blob:**#page=3")
    assert tab.evaluate("document.contentType") == "application/pdf"
    for _ in range(50):
        viewer = next((frame for frame in tab.frames if frame.url.startswith("chrome-extension://")), None)
        if viewer is not None:
            break
        tab.wait_for_timeout(100)
    assert viewer is not None
    expect(viewer.locator("#pageSelector")).to_have_value("3", timeout=15_000)


def test_its_own_page_and_from_there_the_original_open_with_the_key_of_the_tab(page: Page, keys: dict[str, str]) -> None:
    use(page, keys["anna"])
    ask(page, QUESTION)
    page.locator("#text a.cite").first.click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open on its own page").click()
    own = opened.value
    expect(own.locator("mark#cite")).to_be_in_viewport()
    expect(own.locator("mark#cite")).to_have_text(SENTENCE)
    own.get_by_role("link", name="docs/hr/pay.pdf").click()
    shown_at_page_3(own)


def test_a_word_file_is_saved_under_its_name(page: Page, keys: dict[str, str]) -> None:
    use(page, keys["bob"])
    ask(page, "How many characters must a password have at least?")
    page.locator("#text a.cite").first.click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Open the original").click()
    assert saved.value.suggested_filename == "equipment.docx"
    assert Path(saved.value.path()).read_bytes()[:2] == b"PK"


def test_the_second_user_sees_none_of_it(page: Page, browser: Browser, handbook: Served, keys: dict[str, str]) -> None:  # noqa: F811
    use(page, keys["anna"])
    ask(page, QUESTION)
    address = page.locator("#text a.cite").first.get_attribute("href")
    other = browser.new_context().new_page()
    other.goto(handbook.url)
    use(other, keys["bob"])
    ask(other, QUESTION)
    expect(other.locator("#text")).to_contain_text("do not seem to hold the answer")
    expect(other.locator("#sources")).to_be_hidden()
    other.goto(f"{handbook.url}{address}")
    expect(other.get_by_role("alert")).to_contain_text("no document")
    assert "149,500" not in other.content()
    other.context.close()
