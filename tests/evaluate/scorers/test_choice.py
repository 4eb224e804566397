import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.evaluate.registry import Unparseable
from groundwork.evaluate.scorers.choice import Options, chosen
from tests.evaluate.scorers.asking import ask

ABCD = Options("ABCD")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("**B**", "B"),
        ("B.", "B"),
        ("The answer is (C).", "C"),
        ("the correct option is b.", "B"),
        ("Answer: C. Final answer: D", "D"),
        ("A man walks home. So the answer: D", "D"),
        (r"Therefore \boxed{\text{B}}", "B"),
        ("B) Paris is the capital", "B"),
        ("(A) because B is too small", "A"),
        ("A is wrong; the correct answer is B", "B"),
        ("D is correct.", "D"),
        ("The answer is not A. It is B.", "B"),
        ("I would go with C", "C"),
        ("not A, but C", "C"),
        ("It must be (C), as in case (C) above.", "C"),
    ],
)
def test_the_chosen_letter_is_found(text: str, letter: str) -> None:
    assert chosen(text, ABCD) == letter


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no letter"),
        ("the answer is a matter of taste", "no letter"),
        ("A dog barks.", "no letter"),
        ("It is A or B.", "A and B"),
        ("Both A and C hold.", "A and C"),
        ("The answer is A. The answer is B.", "A and B"),
        ("E", "no letter"),
    ],
)
def test_no_letter_and_two_letters_are_unparseable(text: str, reason: str) -> None:
    found = chosen(text, ABCD)
    assert isinstance(found, Unparseable)
    assert reason in found.reason


async def test_an_options_text_stands_for_its_letter() -> None:
    options = ["York", "New York", "Boston"]
    assert (await ask("choice", "It is New York.", choice="B", options=options)).value == 1
    assert (await ask("choice", "Boston, not York", choice="C", options=options)).status == "unparseable"
    assert (await ask("choice", "blue", choice="y", options={"x": "red", "y": "blue"})).value == 1


async def test_a_wrong_letter_is_wrong_and_an_unreadable_answer_is_not() -> None:
    wrong = await ask("choice", "A", choice="B")
    assert (wrong.value, wrong.evidence) == (0, {"chosen": "A"})
    assert (await ask("choice", "I cannot say", choice="B")).status == "unparseable"
    assert (await ask("choice", "E", choice="E", settings={"letters": "ABCDE"})).value == 1


@pytest.mark.parametrize(
    "expected",
    [
        {"choice": "E"},
        {"choice": 2},
        {"choice": "A", "options": ["one"]},
        {"choice": "A", "options": 5},
        {"choice": "A", "options": ["x", ""]},
    ],
)
async def test_a_case_that_cannot_be_chosen_from_is_at_fault(expected: dict[str, object]) -> None:
    assert (await ask("choice", "A", **expected)).status == "error"


@given(st.text(max_size=100))
def test_whatever_is_chosen_is_one_of_the_letters(text: str) -> None:
    found = chosen(text, ABCD)
    assert isinstance(found, Unparseable) or found in "ABCD"
