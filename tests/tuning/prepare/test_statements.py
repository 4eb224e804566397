import pytest

from groundwork.datasets.verbs import learn_verbs
from groundwork.tuning.prepare.statements import statement

VERBS = learn_verbs(
    (
        "to discover, to discover it, discovered, to build, to live, to live there, living, to accept, to accept, accepted, to write",
        "to invest, to invest, invested, to lead, to call, to call, called",
    )
)


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("Who wrote the first program?", "Ada", "Ada wrote the first program."),
        ("Who was the duke of Normandy?", "Richard", "Richard was the duke of Normandy."),
        ("What is another term for rotors?", "rotating discs", "Rotating discs is another term for rotors."),
        ("What did Priestley discover in 1774?", "oxygen", "Priestley discovered oxygen in 1774."),
        ("What did the bank invest in?", "railways", "The bank invested in railways."),
        ("When did Priestley discover oxygen?", "1774", "Priestley discovered oxygen in 1774."),
        ("When did Priestley discover oxygen?", "August 1, 1774", "Priestley discovered oxygen on August 1, 1774."),
        ("When did Priestley discover oxygen?", "after 1770", "Priestley discovered oxygen after 1770."),
        ("In what year was the house built?", "1774", "The house was built in 1774."),
        ("What was the colony called?", "France", "The colony was called France."),
        ("Who was the house built for?", "the king", "The house was built for the king."),
        ("What country was led by the duke?", "France", "France was led by the duke."),
        ("How many people live in the city?", "300,000", "300,000 people live in the city."),
        ("How many people live in the city?", "300,000 people", "300,000 people live in the city."),
        ("How many houses did the duke build?", "seven", "The duke built seven houses."),
        ("Which general led the army?", "Jebe", "Jebe led the army."),
        ("Why did he write it?", "for money", None),
        ("How was it built?", "by hand", None),
        ("Who, if anybody, was it?", "Ada", None),
        ("What did he do there?", "nothing", None),
        ("Huh?", "x", None),
        ("Where is it?", "Rome", None),
        ("", "x", None),
    ],
)
def test_a_question_and_its_answer_become_a_statement(question: str, answer: str, said: str | None) -> None:
    assert statement(question, answer, VERBS) == said
