import random
from pathlib import Path

import pytest

from groundwork.datasets.rows import SpanRow
from groundwork.datasets.training import leaks, text_of
from groundwork.engine.encoder import Encoder
from groundwork.tuning.prepare.reader import UNANSWERABLE, edited_rows, found_rows, mine, mine_policies, prepare_reader
from groundwork.tuning.prepare.sources import Question, deal, may_answer, read_questions

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return read_questions(DATA)[0]


def test_the_set_is_dealt_by_article_and_balanced() -> None:
    parts, origins = prepare_reader(DATA, 0)
    assert leaks(parts) == []
    assert [origin.name for origin in origins] == ["SQuAD 2.0, development set"]
    train = [row for row in parts["train"] if isinstance(row, SpanRow)]
    assert sum(not row.answers for row in train) / len(train) == pytest.approx(UNANSWERABLE, abs=0.08)
    assert {row.kind for row in train} <= {"written", "retrieved", "edited"}
    assert {row.kind for row in parts["held"]} <= {"written", "retrieved", "retrieved_doubtful"}
    assert len({row.id for rows in parts.values() for row in rows}) == sum(len(rows) for rows in parts.values())
    dealt = deal(read_questions(DATA)[0], 0)
    assert all(dealt[row.group] == part for part, rows in parts.items() for row in rows)
    assert prepare_reader(DATA, 0)[0] == parts, "the same seed gives the same rows"


def test_what_is_mined_does_not_hold_the_answer(encoder: Encoder, questions: list[Question]) -> None:
    found = mine(questions, encoder, random.Random(0))
    assert found
    assert all(not may_answer(one.question.answers, one.passage) and one.passage != one.question.passage for one in found)
    assert [bool(one.question.answers) for one in found[:3]] == [True] * 3


def test_the_situation_of_an_application(encoder: Encoder, questions: list[Question]) -> None:
    rows = found_rows(questions, encoder, kept=3)
    assert len(rows) == 3 * len(questions)
    own = {question.id: question for question in questions}
    right = 0
    for row in rows:
        question = own[row.id.partition("@")[0]]
        if row.passage == question.passage:
            right += 1
            assert bool(row.answers) == bool(question.answers)
            assert row.kind == "retrieved"
        else:
            assert (row.kind == "retrieved_doubtful") == may_answer(question.answers, row.passage)
    assert right > len(questions) * 0.8
    assert [row.id.partition("@")[2] for row in rows[:3]] == ["1", "2", "3"]


def test_policies_get_questions_that_nobody_asked_of_them(encoder: Encoder) -> None:
    def question(asked: str, passage: str) -> Question:
        return Question(f"q{len(asked)}", asked, passage, ("x",), f"policy:{passage[:5]}", "policyqa")

    asked = ["Do you use cookies on the site?", "Does the website use cookies?", "How can I delete my account?"]
    questions = [question(asked[0], "About cookies."), question(asked[1], "More of cookies."), question(asked[2], "About accounts.")]
    found = mine_policies(questions, encoder, random.Random(0))
    assert {(one.question.question, one.passage) for one in found} >= {(asked[2], "About cookies."), (asked[2], "More of cookies.")}
    assert not any("cookies" in one.question.question and "cookies" in one.passage for one in found)
    assert all(one.question.answers == () for one in found)
    assert mine_policies(questions[:1], encoder, random.Random(0)) == []


def test_edited_questions_are_new_and_as_many_as_wanted(questions: list[Question]) -> None:
    rows = edited_rows(questions, 12, random.Random(0))
    assert 4 <= len(rows) <= 13
    known = {text_of(SpanRow(id="", question=one.question, passage=one.passage, group="")) for one in questions}
    assert not known & {text_of(row) for row in rows}
    assert all(row.answers == () and row.kind == "edited" and "~" in row.id for row in rows)
    assert edited_rows(questions, 0, random.Random(0)) == []
