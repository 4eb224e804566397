from typing import Any

import pytest

from groundwork.evaluate.registry import Unparseable
from groundwork.evaluate.scorers.structure import extract, leaves
from tests.evaluate.scorers.asking import ask

PERSON = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2] \n", [1, 2]),
        ('Here:\n```json\n{"a": [1]}\n```\nDone.', {"a": [1]}),
        ('```\n{"a": 1}\n```\n```python\nprint(1)\n```', {"a": 1}),
        ('The result is {"a": {"b": 2}} as asked [sic].', {"a": {"b": 2}}),
        ("5", 5),
    ],
)
def test_the_json_of_an_answer_is_found(text: str, value: Any) -> None:
    assert extract(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no", "no JSON"),
        ("", "no JSON"),
        ("{'a': 1}", "no JSON"),
        ('{"a": NaN}', "no JSON"),
        ('{"a": 1} or {"a": 2}', "2 pieces"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_none_or_two_are_unparseable(text: str, reason: str) -> None:
    found = extract(text)
    assert isinstance(found, Unparseable)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("answer", "schema", "value", "detail"),
    [
        ('{"name": "Ada", "age": 36}', PERSON, 1, ""),
        ('{"age": 36}', PERSON, 0, "name"),
        ('{"name": "Ada", "age": "36"}', PERSON, 0, "age"),
        ("no", PERSON, 0, "no JSON"),
        ("[1]", None, 1, ""),
    ],
)
async def test_an_answer_fits_its_schema_or_says_where_not(answer: str, schema: Any, value: float, detail: str) -> None:
    expected = {} if schema is None else {"schema": schema}
    found = await ask("json.valid", answer, **expected)
    assert found.value == value
    assert detail in found.detail


async def test_the_schema_may_be_a_setting_and_the_whole_answer_json() -> None:
    assert (await ask("json.valid", "{}", settings={"schema": PERSON})).value == 0
    assert (await ask("json.valid", 'So: {"name": "Ada"}', settings={"schema": PERSON})).value == 1
    assert (await ask("json.valid", 'So: {"name": "Ada"}', settings={"schema": PERSON, "whole": True})).value == 0


@pytest.mark.parametrize("schema", [{"type": "no-such"}, {"$ref": "http://127.0.0.1:1/x.json"}, 5])
async def test_a_schema_that_is_none_or_points_elsewhere_is_the_cases_fault(schema: Any) -> None:
    found = await ask("json.valid", "{}", schema=schema)
    assert (found.status, found.value) == ("error", None)
    assert "schema" in found.detail


RIGHT = {"name": "Ada Lovelace", "age": 36, "tags": ["a", "b"], "home": {"city": "London", "zip": None}}


@pytest.mark.parametrize(
    ("answer", "settings", "value", "wrong"),
    [
        ('{"name": "ada  lovelace", "age": 36, "tags": ["a", "b"], "home": {"city": "London", "zip": null}}', {}, 1, []),
        ('{"name": "Ada Lovelace", "age": 37, "tags": ["a"], "home": {"city": "London"}}', {}, 0.5, ["$.age", "$.tags[1]", "$.home.zip"]),
        (
            '{"name": "Ada Lovelace", "age": 36.4, "tags": ["b", "a"], "home": {"city": "London", "zip": null}}',
            {"tolerance": 0.5, "ordered": False},
            1,
            [],
        ),
        (
            '{"name": "ADA LOVELACE", "age": true, "tags": ["a", "b"], "home": {"city": "London", "zip": null}}',
            {"fold_case": False},
            4 / 6,
            ["$.name", "$.age"],
        ),
        ("[]", {}, 0, ["$.name", "$.age", "$.tags[0]", "$.tags[1]", "$.home.city", "$.home.zip"]),
    ],
)
async def test_fields_count_one_by_one(answer: str, settings: dict[str, Any], value: float, wrong: list[str]) -> None:
    found = await ask("json.fields", answer, json=RIGHT, settings=settings)
    assert found.value == pytest.approx(value)
    assert found.evidence["wrong"] == wrong


async def test_fields_that_nobody_asked_for_count_where_said() -> None:
    assert (await ask("json.fields", '{"a": 1, "b": 2}', json={"a": 1})).value == 1
    assert (await ask("json.fields", '{"a": 1, "b": 2}', json={"a": 1}, settings={"extra": True})).value == 0.5


async def test_an_answer_without_json_is_unparseable_and_an_empty_case_at_fault() -> None:
    assert (await ask("json.fields", "none", json={"a": 1})).status == "unparseable"
    assert (await ask("json.fields", "{}", json={})).status == "error"
    assert (await ask("json.fields", "{}")).status == "unscored"


def test_leaves_are_what_holds_nothing_else() -> None:
    assert dict(leaves({"a": [{"b": 1}, []], "c": {}})) == {"$.a[0].b": 1, "$.a[1]": [], "$.c": {}}
