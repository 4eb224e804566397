import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.globs import matches


@pytest.mark.parametrize(
    ("pattern", "source", "expected"),
    [
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/x/a.md", False),
        ("docs/**/*.md", "docs/a.md", True),
        ("docs/**/*.md", "docs/x/y/a.md", True),
        ("docs/**", "docs/x/y/a.md", True),
        ("docs/**", "docs2/a.md", False),
        ("docs", "docs/x/a.md", True),
        ("docs/", "docs/x/a.md", True),
        ("docs", "docs2/a.md", False),
        ("./docs/a.md", "docs/a.md", True),
        ("docs/a?.md", "docs/ab.md", True),
        ("docs/[a-c].md", "docs/b.md", True),
        ("docs/[!a-c].md", "docs/b.md", False),
        ("docs/[z-a].md", "docs/b.md", False),
        ("docs/[.md", "docs/[.md", True),
        ("docs/a.md", "docs/aXmd", False),
        ("**", "anything/at/all", True),
        ("[?--]", "-", True),
        ("[?--]", "?", True),
        ("[a-c]", "b", True),
        ("[-c]", "b", False),
        ("[!a-c]", "d", True),
    ],
)
def test_what_a_glob_names(pattern: str, source: str, expected: bool) -> None:
    assert matches(pattern, source) is expected


@given(st.text("ab/*?[]!^-.\\(+", max_size=12), st.text("ab/.", max_size=8))
def test_any_text_is_a_safe_glob(pattern: str, source: str) -> None:
    assert matches(pattern, source) in {True, False}
