import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.evaluate.scorers.numbers import Number, numbers
from groundwork.evaluate.scorers.numbers import given as given_number
from tests.evaluate.scorers.asking import ask

GSM8K = [json.loads(line) for line in (Path(__file__).parents[2] / "data/evaluate/gsm8k.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("$1,234.50", ["1234.5"]),
        ("-5 and −7", ["-5", "-7"]),
        ("3-5", ["3", "5"]),
        ("1 1/2 cups, ½, 2½", ["1.5", "0.5", "2.5"]),
        (r"\frac{3}{4} of 1{,}000", ["0.75", "1000"]),
        ("25% or 12.5 percent", ["25", "12.5"]),
        ("1.5 million, 2 thousand", ["1500000", "2000"]),
        ("2.5e-3, 6.02 × 10^23", ["0.0025", "602000000000000000000000"]),
        ("COVID-19, H2O, v1.2.3", ["19"]),
        ("1\u202f000 €", ["1000"]),
        ("18.", ["18"]),
        (".5", ["0.5"]),
        ("$-18", ["-18"]),
        ("1/0", []),
        ("none", []),
        ("9" * 5000, ["9" * 5000]),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, values: list[str]) -> None:
    assert [number.value for number in numbers(text)] == [Decimal(value) for value in values]


def test_a_decimal_comma_is_read_where_it_is_said_to_be_one() -> None:
    assert [number.value for number in numbers("1.234,5", ",")] == [Decimal("1234.5")]


@pytest.mark.parametrize(
    ("text", "take", "value"),
    [
        ("I had 3, so\n#### 18\nThat is 2 more.", "answer", 18),
        (r"thus 4 or \boxed{1{,}200}, not 5", "answer", 1200),
        ("The answer is $5 out of 10.", "answer", 5),
        ("Answer: 3 + 4 = 7", "answer", 7),
        ("Final answer: 9. The answer is not 8.", "answer", 9),
        ("A: 26", "answer", 26),
        ("5 apples and 3 pears", "answer", 3),
        ("5 apples and 3 pears", "last", 3),
        ("#### 5\n3 pears", "last", 3),
        ("it is 5, yes 5.0", "only", 5),
    ],
)
def test_the_marked_number_counts_and_else_the_last(text: str, take: Any, value: float) -> None:
    found = given_number(text, take)
    assert isinstance(found, Number)
    assert found.value == value


@pytest.mark.parametrize(
    ("text", "take", "reason"),
    [
        ("none", "answer", "no number"),
        ("5", "marked", "marked"),
        ("3 or 5", "only", "2 numbers"),
        ("#### none\n5", "answer", "what is marked"),
    ],
)
async def test_an_answer_without_a_number_is_unparseable_and_never_zero(text: str, take: str, reason: str) -> None:
    found = await ask("numeric", text, number=5, settings={"take": take})
    assert (found.status, found.value) == ("unparseable", None)
    assert reason in found.detail


@pytest.mark.parametrize(
    ("answer", "number", "settings", "value"),
    [
        ("42", 42, {}, 1),
        ("41.9", 42, {}, 0),
        ("41.9", 42, {"tolerance": 0.1}, 1),
        ("103", 100, {"relative": 0.05}, 1),
        ("106", 100, {"relative": 0.05}, 0),
        ("0.1", 0.1, {}, 1),
        ("3/4", "0.75", {}, 1),
        ("25%", 25, {}, 1),
        ("25%", 0.25, {"percent": "share"}, 1),
        ("0.25", "25 %", {"percent": "share"}, 1),
        ("1,5", "1,5", {"decimal": ","}, 1),
        ("123456789012345678901", 123456789012345678902, {}, 0),
    ],
)
async def test_a_number_is_right_within_its_tolerance(answer: str, number: object, settings: dict[str, Any], value: float) -> None:
    assert (await ask("numeric", answer, number=number, settings=settings)).value == value


async def test_a_unit_that_is_asked_for_must_stand_there() -> None:
    assert (await ask("numeric", "5 km in 20 minutes", number=5, unit="km")).value == 1
    assert (await ask("numeric", "$7 for 2", number=7, unit="USD")).value == 1
    assert (await ask("numeric", "5 miles", number=5, unit="km")).status == "unparseable"


@pytest.mark.parametrize("wrong", [True, "many", "1 or 2", None, [1], float("nan"), float("inf")])
async def test_a_case_whose_number_is_none_is_at_fault(wrong: object) -> None:
    found = await ask("numeric", "5", number=wrong)
    assert found.status == "error"
    assert "expected.number" in found.detail


@pytest.mark.parametrize("row", GSM8K, ids=lambda row: row["ground_truth"])
async def test_verdicts_on_real_solutions_are_the_published_ones(row: dict[str, Any]) -> None:
    found = await ask("numeric", row["solution"], number=row["ground_truth"])
    assert (found.value == 1) is row["is_correct"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_number_is_read_back_with_and_without_separators(value: Decimal) -> None:
    for written in (f"{value:,}", f"{value}"):
        assert [number.value for number in numbers(f"so {written} it is")] == [value]


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    given_number(text)
