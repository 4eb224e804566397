import random

import pytest

from groundwork.tuning.prepare.edits import ANTONYMS, RULES, Article, another_name, another_number, antonym, article_of, negated, without
from groundwork.tuning.prepare.sources import Question, may_answer

PASSAGE = (
    "William the Conqueror led the army of Normandy in 1066. Later the troops of Robert Guiscard fought in Sicily with 300 men. "
    "The largest castle was built in Rouen, and it still stands there today. Nobody knows who drew the first plan of it."
)
NOTHING = Article((), ())


def asked(question: str, *answers: str) -> Question:
    return Question("q", question, PASSAGE, answers, "squad:A", "squad2")


def rng() -> random.Random:
    return random.Random(0)


def test_names_and_numbers_of_an_article() -> None:
    article = article_of([PASSAGE])
    assert {"Normandy", "Robert Guiscard", "Sicily", "Rouen"} <= set(article.names)
    assert "Later" not in article.names
    assert article.numbers == ("1066", "300")


def test_a_name_becomes_another() -> None:
    edited = another_name(
        asked("Who led the army of Normandy?", "William the Conqueror"), Article(("Sicily", "Anjou", "William"), ()), rng()
    )
    assert edited is not None
    assert edited.question in {"Who led the army of Sicily?", "Who led the army of Anjou?"}
    assert edited.passage == PASSAGE
    assert another_name(asked("Who led the army?", "William"), article_of([PASSAGE]), rng()) is None
    assert another_name(asked("Who led the army of Normandy?"), NOTHING, rng()) is None


def test_a_name_that_the_passage_says_the_same_of_is_not_put_in() -> None:
    passage = "The army marched through Normandy. The army marched through Brittany."
    question = Question("q", "When did the army march through Normandy?", passage, ("1066",), "g", "squad2")
    assert another_name(question, Article(("Brittany",), ()), rng()) is None


def test_a_year_becomes_another_year() -> None:
    article = Article((), ("1066", "300", "1204"))
    edited = another_number(asked("Who led the army in 1066?", "William"), article, rng())
    assert edited is not None
    assert edited.question == "Who led the army in 1204?"
    assert another_number(asked("Who led the army?"), article, rng()) is None
    assert another_number(asked("Who led 7 armies in March?"), Article((), ("1204",)), rng()) is None


@pytest.mark.parametrize(
    ("question", "edited"),
    [
        ("Where was the largest castle?", "Where was the smallest castle?"),
        ("Highest of them is what?", "Lowest of them is what?"),
        ("How many stood there?", None),
        ("Who fought in Sicily?", None),
    ],
)
def test_a_word_becomes_its_opposite(question: str, edited: str | None) -> None:
    found = antonym(asked(question), NOTHING, rng())
    assert (found.question if found else None) == edited


@pytest.mark.parametrize(
    ("question", "edited"),
    [
        ("What was built in Rouen?", "What was not built in Rouen?"),
        ("Where did William fight?", "Where did William not fight?"),
        ("Where did they fight?", "Where did they not fight?"),
        ("Where did nobody fight?", None),
        ("What was not built?", None),
        ("Who fought?", None),
    ],
)
def test_what_was_asked_is_asked_of_its_contrary(question: str, edited: str | None) -> None:
    found = negated(asked(question), NOTHING, random.Random(1))
    assert (found.question.replace("never", "not") if found else None) == edited


def test_the_sentence_with_the_answer_is_taken_out() -> None:
    question = asked("Where was the largest castle built?", "Rouen")
    edited = without(question, NOTHING, rng())
    assert edited is not None
    assert edited.question == question.question
    assert "Rouen" not in edited.passage
    assert not may_answer(question.answers, edited.passage)
    assert edited.passage.startswith("William")
    assert without(Question("q", "Who?", "It was Ada. Ada it was.", ("Ada",), "g", "squad2"), NOTHING, rng()) is None


def test_opposites_go_both_ways_and_shares_add_up() -> None:
    assert all(opposite in ANTONYMS for opposite in ANTONYMS.values())
    assert all(word != opposite for word, opposite in ANTONYMS.items())
    assert sum(share for _, share in RULES.values()) == pytest.approx(1)
