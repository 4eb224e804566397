import random

import pytest

from groundwork.core.document import Citation
from groundwork.core.reply import Reply
from groundwork.evaluate.review.rules import Read, Rule, agreement_of, find_rule, held_out

CITED = (Citation(number=1, document="d", chunk="c", source="a.md", title="A", start=0, end=1, quote="x"),)
NOUNS = ("door", "belt", "wheel", "lamp", "valve", "frame", "motor", "chain", "gear", "shaft")


def read(number: int, answer: str, shows: bool, *, question: str = "", **more: object) -> Read:
    reply = Reply(
        text=answer, finish="stop", citations=() if more.pop("uncited", False) else CITED, abstained=bool(more.pop("abstained", False))
    )
    return Read(f"i{number}", question or f"What of the {NOUNS[number % 10]}?", reply, shows)


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (
            "answer",
            [read(n, f"The {NOUNS[n % 10]} is unknown." if n % 3 == 0 else f"The {NOUNS[n % 10]} is new.", n % 3 == 0) for n in range(30)],
        ),
        (
            "question",
            [
                read(n, f"It is {n}.", n % 3 == 0, question=f"Is the price of {n} fair?" if n % 3 == 0 else f"Where is {n}?")
                for n in range(30)
            ],
        ),
        ("declined", [read(n, f"It is {n}.", n % 3 == 0, abstained=n % 3 == 0) for n in range(30)]),
        ("uncited", [read(n, f"It is {n}.", n % 3 == 0, uncited=n % 3 == 0) for n in range(30)]),
        ("longer", [read(n, " ".join(NOUNS * (5 if n % 3 == 0 else 1)), n % 3 == 0) for n in range(30)]),
        ("shorter", [read(n, " ".join(NOUNS * (1 if n % 3 == 0 else 5)), n % 3 == 0) for n in range(30)]),
    ],
)
def test_the_rule_that_tells_the_mode_is_found_and_holds_on_other_answers(kind: str, rows: list[Read]) -> None:
    rule = find_rule(rows)
    assert rule.kind == kind
    assert [rule.holds(one.question, one.reply) for one in rows] == [one.shows for one in rows]
    left = held_out(rows)
    assert left is not None
    assert left.value == 1.0


def test_several_words_are_taken_where_each_makes_it_better() -> None:
    rows = [read(n, f"It is {('sadly gone', 'alas broken', 'fine')[n % 3]} {n}.", n % 3 < 2) for n in range(30)]
    rule = find_rule(rows)
    assert [rule.holds(one.question, one.reply) for one in rows] == [one.shows for one in rows]


def test_chance_does_not_hold_on_other_answers() -> None:
    """Random words, random labels: some words fit the labels, and only the answers held out show that they mean nothing."""
    chooser = random.Random(4)
    rows = [read(n, " ".join(f"w{chooser.randrange(60)}" for _ in range(12)), chooser.random() < 0.3, question="What?") for n in range(50)]
    rule = find_rule(rows)
    fitted = agreement_of([rule.holds(one.question, one.reply) for one in rows], [one.shows for one in rows]).kappa
    left = held_out(rows)
    assert left is not None
    assert fitted.low > 0.1
    assert left.value < 0.2
    assert left.low < 0


def test_nothing_tells_equal_answers_apart_and_few_are_not_held_out() -> None:
    rows = [read(0, "It is new.", shows, question="Q") for shows in (True, False)]
    assert find_rule(rows).kind == "never"
    assert not find_rule(rows).holds("Q", rows[0].reply)
    assert held_out(rows) is None


def test_words_are_taken_as_they_are() -> None:
    rule = Rule("answer", words=("3.40.1",))
    assert rule.holds("", Reply(text="since 3.40.1.", finish="stop"))
    assert not rule.holds("", Reply(text="since 3x40x1", finish="stop"))


def test_agreement_has_recall_and_precision() -> None:
    found = agreement_of([True, True, False, False], [True, False, True, False])
    assert (found.recall.value, found.precision and found.precision.value, found.kappa.value) == (0.5, 0.5, 0.0)
    assert agreement_of([False, False], [True, False]).precision is None
