"""The first page in a real browser: ask, open a citation at the right place, see the steps, say what one thinks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.apps import write_play
from tests.serving import Served, serving

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="install Debian's chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


class Watched:
    """A page with everything it complained of, and every address outside the server that it asked for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(url) else self.complaints.append(f"asked for {request.url}"))


@pytest.fixture
def watched(browser: Browser, library: Served) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1180, "height": 900})
    made = Watched(page, library.url)
    page.goto(library.url)
    yield made
    page.close()
    assert made.complaints == []


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("#story")).to_be_visible(timeout=20_000)


def test_ask_and_open_the_source_at_the_cited_place(watched: Watched) -> None:
    page = watched.page
    expect(page.locator("#health")).to_have_text("Ready")
    ask(page, "How long are backups kept?")
    expect(page.locator("#text")).to_contain_text("ninety days")
    page.locator("#text a.cite").first.click()
    mark = page.locator("#panel mark")
    expect(mark).to_be_in_viewport()
    expect(mark).to_have_text("Backups are kept for ninety days, then they are deleted.")
    expect(page.locator("#panel-place")).to_contain_text("docs/backups.md, line 7")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def test_the_source_has_a_page_of_its_own(watched: Watched, library: Served) -> None:
    page = watched.page
    ask(page, "How high is the lighthouse at Cape Orrin?")
    href = page.locator("#text a.cite").first.get_attribute("href")
    page.goto(f"{library.url}{href}")
    expect(page.locator("mark#cite")).to_be_in_viewport()
    expect(page.locator("h1")).to_have_text("The lighthouse")
    page.get_by_role("link", name="docs/lighthouse.md").click()
    expect(page.locator("body")).to_contain_text("## Keepers")


def test_the_steps_of_the_request(watched: Watched) -> None:
    page = watched.page
    ask(page, "When did the last keeper leave?")
    names = page.locator("#steps .what").all_inner_texts()
    assert names[0] == "Whole request"
    assert {"Search in documents", "Model embedded/quoting-reader"} <= set(names)
    assert all(text.endswith("s") for text in page.locator("#steps .time").all_inner_texts())
    page.locator("#steps summary").nth(1).click()
    expect(page.locator("#steps details[open] dl")).to_be_visible()
    expect(page.locator("#facts")).to_contain_text("embedded/quoting-reader")
    expect(page.locator("#facts")).to_contain_text("tr_")


def test_thumbs_and_what_it_should_have_said(watched: Watched, library: Served) -> None:
    page = watched.page
    ask(page, "Who may restore a backup?")
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.locator("#thanks")).to_have_text("Noted, thank you.")
    expect(page.get_by_role("button", name="No", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_label("What it should have said").fill("The operations team.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#thanks")).to_have_text("Kept as the right answer, thank you.")
    trace = page.locator("#facts dd").last.inner_text()
    kept: Any = library.run(library.live.folder.feedback.of([trace]))
    assert [row.opinion.value for row in kept] == [False, "The operations team."]


def test_the_keyboard_is_enough(watched: Watched) -> None:
    page = watched.page
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("How long are backups kept?")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#story")).to_be_visible(timeout=20_000)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#panel mark")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_small_screen(browser: Browser, library: Served, scheme: Any) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.goto(library.url)
    ask(page, "How long are backups kept?")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator("#text a.cite").first.click()
    expect(page.locator("#panel mark")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.close()


def test_an_answer_that_breaks_off_is_said_to(browser: Browser, server: Served) -> None:
    page = browser.new_page()
    page.goto(server.url)
    page.get_by_label("Your question").fill("broken")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#progress")).to_have_text("This answer is not whole.")
    expect(page.get_by_role("alert")).to_contain_text("the script breaks off here")
    page.get_by_label("Your question").fill("forever")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#text")).to_contain_text("word word")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#progress")).to_have_text("Stopped.")
    page.close()


def test_markup_in_an_answer_stays_text(browser: Browser, tmp_path: Path) -> None:
    text = "<img src=x onerror=alert(1)> **bold** `a_b` snake_case_name [1]\n\n- one\n- two\n\n```\n<b>code</b>\n```"
    with serving(write_play(tmp_path / "app", [{"match": ".*", "answer": text}])) as server:
        page = browser.new_page()
        page.goto(server.url)
        ask(page, "hi")
        assert page.locator("#text img").count() == 0
        expect(page.locator("#text strong")).to_have_text("bold")
        expect(page.locator("#text code").first).to_have_text("a_b")
        expect(page.locator("#text li")).to_have_count(2)
        expect(page.locator("#text pre")).to_have_text("<b>code</b>")
        expect(page.locator("#text")).to_contain_text("snake_case_name [1]")
        page.close()


def test_who_needs_a_key_is_asked_for_it(browser: Browser, server: Served) -> None:
    clear, _ = server.run(server.live.folder.keys.create("person", internal=True))
    page = browser.new_page(extra_http_headers={"x-forwarded-for": "203.0.113.9"})  # not at this machine, as far as we know
    page.goto(server.url)
    page.get_by_label("Your question").fill("hi")
    page.get_by_label("Your question").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("an API key is needed")
    page.get_by_label("API key").fill(clear)
    page.get_by_role("button", name="Use this key").click()
    expect(page.locator("#text")).to_contain_text("Hello, this is the answer.")
    page.close()
