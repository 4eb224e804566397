from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.context.readers.front_matter import split_front_matter
from groundwork.context.reading import parse

YAML = """\
---
title: "A: title"
year: 2024
rating: 4.5
draft: false
date: 2024-01-31
reviewed: 2024-02-01T10:30:00Z
tags: [pay, "a, b", 'c']
owners:
  - anna
  - "bob"   # the other one
summary: >
  two
  lines
nothing:
nested:
  deep: 1
version: 1.2.3  # a comment
url: https://example.com/#x
---
# Text
"""

TOML = """\
+++
title = "T"
year = 2024
date = 2024-01-31
when = 2024-02-01T10:30:00Z
tags = ["a", 2]
[nested]
deep = 1
+++
# Text
"""


def test_yaml_is_typed() -> None:
    fields, text = split_front_matter(YAML)
    assert fields == {
        "title": "A: title",
        "year": 2024,
        "rating": 4.5,
        "draft": False,
        "date": "2024-01-31",
        "reviewed": "2024-02-01",
        "tags": ["pay", "a, b", "c"],
        "owners": ["anna", "bob"],
        "summary": "two lines",
        "version": "1.2.3",
        "url": "https://example.com/#x",
    }
    assert text.split("\n").index("# Text") == YAML.split("\n").index("# Text"), "lines keep their numbers"


def test_toml_is_typed() -> None:
    fields, text = split_front_matter(TOML)
    assert fields == {"title": "T", "year": 2024, "date": "2024-01-31", "when": "2024-02-01", "tags": ["a", "2"]}
    assert text.lstrip("\n") == "# Text\n"


@pytest.mark.parametrize("text", ["# Text", "+++\nno toml at all\n+++\nText", "text\n---\na: b\n---\n", "--- a\nb: c\n---\n"])
def test_what_only_looks_like_it_stays_text(text: str) -> None:
    assert split_front_matter(text) == ({}, text)


def test_a_document_holds_its_fields() -> None:
    document = parse(TOML.encode(), "docs/a.md")
    assert document.title == "T"
    assert document.metadata == {"year": 2024, "date": "2024-01-31", "when": "2024-02-01", "tags": ["a", "2"]}
    assert parse(b"---\ntitle: 2024\n---\nx", "a.md").title == "2024"


@given(st.text("ab: -[]\"',#\n|>{}&~.0", max_size=80))
def test_any_front_matter_gives_plain_values(text: str) -> None:
    fields, _ = split_front_matter(f"---\n{text}\n---\nbody")

    def plain(value: Any) -> bool:
        return isinstance(value, str | int | float | bool) or (isinstance(value, list) and all(isinstance(one, str) for one in value))

    assert all(plain(value) for value in fields.values())
