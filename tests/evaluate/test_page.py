"""The report as a file: whole without a network, true to its numbers, and safe whatever an answer says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from groundwork.core.measure import Estimate, Result, Score
from groundwork.evaluate.compare import compare
from groundwork.evaluate.page import comparison_page, run_page
from groundwork.evaluate.report import Evaluated, settle
from groundwork.evaluate.scorers import metrics_of
from groundwork.evaluate.thresholds import ActionSection, climb
from tests.evaluate.builders import OWN, evaluated, example
from tests.server.test_page import ARGUMENTS, CHROMIUM

METRICS = metrics_of(OWN)
HOSTILE = "</script><script>window.stolen = 1</script><img src=x onerror='window.stolen = 2'>\u2028&amp;"

in_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="install Debian's chromium: apt-get install chromium"),
]


def made(values: list[float], *, answer: str = "It is {}.", **run: Any) -> Evaluated:
    """A run whose even items are of one topic and whose odd ones are of another."""
    results = tuple(
        Result(
            example=f"case-{place}",
            place=place,
            status="ok",
            answer=answer.replace("{}", str(place)),
            trace=f"tr_{place:032x}",
            metadata={"topic": "even" if place % 2 == 0 else "odd"},
            scores=(Score(metric="answer.correct", value=value, detail="as stated", evidence={"seen": answer}),),
        )
        for place, value in enumerate(values)
    )
    header = msgspec.structs.replace(evaluated([]).run, **run)
    return Evaluated(settle(header, results, METRICS, finished=2.0), results)


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_a_page_holds_the_figures_the_slices_and_every_item() -> None:
    one = made([1.0, 0.0] * 20)
    page = run_page(one, METRICS, cases=[example(place) for place in range(40)])
    for shown in ("0.500", "wilson", "topic = odd", "topic = even", "worse by 100.0 points", "run_a"):
        assert shown in page
    data = data_of(page)
    assert len(data["items"]) == 40
    assert data["items"][1]["question"] == "What is 1?"
    assert data["items"][1]["expected"] == "fact 1"
    assert data["items"][1]["sides"][0]["scores"][0][:2] == [0.0, "ok"]


def test_a_page_says_what_was_unread_and_which_action_is_earned() -> None:
    one = made([1.0] * 60)
    run = msgspec.structs.replace(one.run, unread={"answer.correct": {"unparseable": 20}})
    actions = [ActionSection(metric="answer.correct", at_least=0.9, then="automate half")]
    page = run_page(one._replace(run=run), METRICS, rungs=climb(actions, run.metrics, METRICS))
    assert "0.750 were the 20 unread answers wrong" in page
    assert "automate half</strong>: answer.correct 1.000 [0.940, 1.000] (n = 60), asked &gt;= 0.900: earned" in page


def test_a_comparison_holds_both_sides_of_every_item() -> None:
    a, b = made([0.0] * 30 + [1.0] * 10), made([1.0] * 40, id="run_b")
    b = b._replace(results=b.results[:-1])
    page = comparison_page(a, b, compare(a, b, METRICS), METRICS)
    assert "B is better by" in page
    items = data_of(page)["items"]
    assert [side["scores"][0][0] for side in items[0]["sides"]] == [0.0, 1.0]
    assert items[-1]["sides"][1] is None


def test_a_page_asks_for_nothing_and_lets_nothing_in() -> None:
    page = run_page(made([1.0, 0.0], answer=HOSTILE), METRICS)
    assert page.count("<script") == 2
    assert "onerror" not in page.replace("\\u003cimg src=x onerror", "")
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert "default-src 'none'" in page
    assert data_of(page)["items"][0]["sides"][0]["answer"] == HOSTILE


def test_an_empty_run_has_a_page() -> None:
    empty = Evaluated(evaluated([], metrics={"x.unknown": Estimate(value=1, low=0, high=1, n=1, method="m")}).run, ())
    assert data_of(run_page(empty, METRICS))["items"] == []


# -- in a real browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


class Opened:
    """A page from the disk, with everything it complained of or asked for."""

    def __init__(self, page: Page, path: Path, text: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        path.write_text(text, encoding="utf-8")
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else self.complaints.append(request.url))
        page.goto(path.as_uri())


class TestInABrowser:
    pytestmark = in_browser

    def test_items_are_found_filtered_sorted_and_opened(self, browser: Browser, tmp_path: Path) -> None:
        page = browser.new_page()
        values = [1.0, 0.0] * 60
        opened = Opened(page, tmp_path / "run.html", run_page(made(values), METRICS, cases=[example(place) for place in range(120)]))
        expect(page.locator("#count")).to_have_text("120 of 120 items")
        expect(page.locator("#table tbody tr")).to_have_count(50)
        page.get_by_role("button", name="Next").click()
        expect(page.locator("#page")).to_have_text("51 to 100")
        page.get_by_label("Find").fill("What is 11?")
        expect(page.locator("#count")).to_have_text("1 of 120 items")
        page.get_by_role("button", name="case-11", exact=True).click()
        expect(page.locator(".detail")).to_contain_text("It is 11.")
        expect(page.locator(".detail")).to_contain_text("groundwork show tr_")
        expect(page.locator(".detail")).to_contain_text("as stated")
        page.get_by_label("Find").fill("")
        page.get_by_label("Show").select_option("wrong")
        expect(page.locator("#count")).to_have_text("60 of 120 items")
        page.get_by_label("Show").select_option("")
        page.get_by_label("Sort by").select_option("up")
        expect(page.locator("#table tbody tr").first).to_contain_text("case-1")
        assert opened.complaints == []
        page.close()

    def test_gains_and_losses_of_a_comparison(self, browser: Browser, tmp_path: Path) -> None:
        page = browser.new_page()
        a, b = made([0.0] * 30 + [1.0] * 10), made([1.0] * 35 + [0.0] * 5, id="run_b")
        opened = Opened(page, tmp_path / "two.html", comparison_page(a, b, compare(a, b, METRICS), METRICS))
        for kind, count in (("gained", 30), ("lost", 5), ("same", 5)):
            page.get_by_label("Show").select_option(kind)
            expect(page.locator("#count")).to_have_text(f"{count} of 40 items")
        expect(page.locator("#table tbody tr").first).to_contain_text("1 → 1")
        assert opened.complaints == []
        page.close()

    def test_markup_in_an_answer_stays_text(self, browser: Browser, tmp_path: Path) -> None:
        page = browser.new_page()
        one = made([1.0, 0.0], answer=HOSTILE, target=HOSTILE, suite=HOSTILE)
        opened = Opened(page, tmp_path / "hostile.html", run_page(one, METRICS))
        expect(page.locator("h1")).to_contain_text("<img src=x")
        page.get_by_role("button", name="case-0").click()
        expect(page.locator(".detail")).to_contain_text("<script>window.stolen = 1</script>")
        assert page.evaluate("window.stolen") is None
        assert page.locator("img").count() == 0
        assert opened.complaints == []
        page.close()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_is_readable_on_a_small_screen(self, browser: Browser, tmp_path: Path, scheme: Any) -> None:
        page = browser.new_page(viewport={"width": 380, "height": 800}, color_scheme=scheme)
        Opened(page, tmp_path / "small.html", run_page(made([1.0, 0.0] * 20), METRICS))
        assert page.evaluate("document.documentElement.scrollWidth") == 380
        page.close()

    def test_five_thousand_items_open(self, browser: Browser, tmp_path: Path) -> None:
        page = browser.new_page()
        opened = Opened(
            page, tmp_path / "large.html", run_page(made([1.0, 0.0, 1.0, 1.0] * 1_250, answer="a long answer {} " * 30), METRICS)
        )
        expect(page.locator("#count")).to_have_text("5000 of 5000 items")
        page.get_by_label("Find").fill("case-4999")
        expect(page.locator("#count")).to_have_text("1 of 5000 items")
        assert opened.complaints == []
        page.close()
