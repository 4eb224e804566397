import json

import pytest

from groundwork.context.chunking import landmark
from groundwork.context.reading import parse
from groundwork.core.document import Document
from groundwork.core.errors import InputError


def place(document: Document, text: str) -> tuple[int | None, str | None]:
    mark = landmark(document.landmarks, document.text.index(text))
    return mark.line, mark.element


def test_each_object_is_a_block_with_its_pointer() -> None:
    value = {
        "title": "Teas",
        "kinds": ["green", "black"],
        "shop": {"city": "Rome", "open": True},
        "items": [{"id": 1, "note": None}, {"id": 2, "a/b": {"deep": "x"}, "parts": [{"n": 3}]}],
    }
    document = parse(json.dumps(value).encode(), "teas.json")
    assert document.title == "Teas"
    assert document.text == ("title: Teas\nkinds: green, black\nshop.city: Rome\nshop.open: true\n\nid: 1\n\nid: 2\na/b.deep: x\n\nn: 3")
    assert place(document, "id: 2") == (None, "/items/1")
    assert place(document, "n: 3") == (None, "/items/1/parts/0")


def test_lines_of_json_keep_their_lines() -> None:
    document = parse(b'{"id": 1, "text": "a\\nb"}\n\n{"id": 2}\r\n', "log.jsonl")
    assert document.text == "id: 1\ntext: a\nb\n\nid: 2"
    assert place(document, "id: 2") == (3, None)


@pytest.mark.parametrize(
    ("source", "data", "says"),
    [
        ("a.json", b'{"a": 1,\n "b" 2}', "line 2"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2"),
        ("a.json", b"[" * 5_000 + b"]" * 5_000, "nests"),
        ("a.json", b"[" * 150 + b"1" + b"]" * 150, "nests"),
        ("a.json", b"1" * 10_000, "number beyond reason"),
        ("a.json", b"{}", "no text"),
        ("a.json", b"", "no JSON"),
        ("a.json", b"\xff\xfe\xff", "UTF-16"),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(source: str, data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse(data, source)


def test_names_inside_names_are_joined_only_so_far() -> None:
    value: dict[str, object] = {"end": "here"}
    for name in "abcdefghij":
        value = {name: value, f"{name}0": 1}
    document = parse(json.dumps(value).encode(), "deep.json")
    assert "end: here" in document.text
    assert max(line.split(":")[0].count(".") for line in document.text.splitlines()) < 8
