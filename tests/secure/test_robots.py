import time

import pytest

from groundwork.secure.robots import may_fetch, rules_for

TEXT = """
# for everybody
User-agent: *
Disallow: /private   # and what is below
Allow: /private/open
Disallow: /*.pdf$
Disallow: /search?q=

User-agent: Groundwork
User-agent: other
Disallow: /ours

User-agent: groundwork
Disallow: /also/*/ours
Sitemap: https://example.com/x.xml
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private", False),
        ("/private/x", False),
        ("/privateer", False),
        ("/private/open/x", True),
        ("/a/b.pdf", False),
        ("/a/b.pdf?x=1", True),
        ("/search?q=1", False),
        ("/search", True),
        ("/ours", True),
        ("/%70rivate", False),
    ],
)
def test_the_longest_rule_for_everybody_decides(path: str, allowed: bool) -> None:
    assert may_fetch(rules_for(TEXT, "somebody"), path) is allowed


@pytest.mark.parametrize(("path", "allowed"), [("/private", True), ("/ours/x", False), ("/also/a/ours", False), ("/also/ours", True)])
def test_groups_that_name_us_are_joined_and_stand_for_all(path: str, allowed: bool) -> None:
    assert may_fetch(rules_for(TEXT, "groundwork"), path) is allowed


@pytest.mark.parametrize("text", ["", "<html>not found</html>", "User-agent: *\nDisallow:", "Disallow: /", "User-agent: *\nNonsense\n: :"])
def test_what_forbids_nothing_allows_everything(text: str) -> None:
    assert may_fetch(rules_for(text, "groundwork"), "/anything")


def test_the_kinder_of_two_equal_rules_holds() -> None:
    assert may_fetch(rules_for("User-agent: *\nDisallow: /a\nAllow: /a", "x"), "/a")


def test_a_rule_of_many_stars_costs_no_time() -> None:
    begun = time.monotonic()
    assert may_fetch(rules_for(f"User-agent: *\nDisallow: /{'*a' * 900}$", "x"), "/" + "a" * 1_999 + "b")
    assert time.monotonic() - begun < 1
