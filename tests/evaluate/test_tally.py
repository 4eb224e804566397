import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.measure import Example, Turn
from groundwork.evaluate.cases import cases_of
from groundwork.evaluate.journal import Head
from groundwork.evaluate.tally import Tally
from tests.evaluate.builders import example

CASES = cases_of(example(number, split="a" if number % 2 else "b") for number in range(5))
TALK = cases_of([Example(id="talk", question="Hello", turns=(Turn(question="And?"), Turn(question="Then?")))])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.booleans()), max_size=40))
def test_what_is_left_is_what_has_no_line_and_the_last_line_counts(lines: list[tuple[int, int, bool]]) -> None:
    tally = Tally(CASES, 3)
    last: dict[tuple[int, int], bool] = {}
    for place, repeat, broken in lines:
        assert tally.note(Head(example=f"case-{place}", status="error" if broken else "ok", place=place, repeat=repeat))
        last[place, repeat] = broken
    every = [(place, repeat) for repeat in range(3) for place in range(5)]
    assert list(tally.left(range(5), with_errors=False)) == [unit for unit in every if unit not in last]
    assert list(tally.left(range(5), with_errors=True)) == [unit for unit in every if last.get(unit, True)]
    assert (tally.done, tally.errors) == (sum(not broken for broken in last.values()), sum(last.values()))
    assert tally.is_plain == (len(lines) == len(last))


def test_only_the_places_of_a_split_are_left() -> None:
    assert [place for place, _ in Tally(CASES, 1).left(CASES.split("a").places, with_errors=False)] == [1, 3]


def test_a_conversation_is_done_with_its_last_turn_or_where_it_broke() -> None:
    tally = Tally(TALK, 1)
    assert [tally.note(Head(example="talk", status="ok", turn=turn)) for turn in range(3)] == [False, False, True]
    assert (tally.done, tally.errors) == (1, 0)
    assert tally.note(Head(example="talk", status="error", turn=1))
    assert (tally.done, tally.errors) == (0, 1)


def test_a_line_of_another_run_is_refused() -> None:
    with pytest.raises(InputError, match="does not hold: stranger"):
        Tally(CASES, 1).note(Head(example="stranger", status="ok"))
    with pytest.raises(InputError):
        Tally(CASES, 1).note(Head(example="case-0", status="ok", repeat=1))
