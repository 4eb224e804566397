from pathlib import Path

from groundwork.datasets.rows import SpanRow
from groundwork.tuning.prepare.sources import deal, read_questions
from groundwork.tuning.prepare.synthetic import prepare_synthetic

DATA = Path(__file__).resolve().parents[2] / "data"


def test_nothing_that_a_person_asked_is_learned_from() -> None:
    parts, origins = prepare_synthetic(DATA, 0)
    questions, _ = read_questions(DATA)
    dealt = deal(questions, 0)
    asked = {question.question for question in questions}
    train = [row for row in parts["train"] if isinstance(row, SpanRow)]
    assert train
    assert not any(row.question in asked for row in train)
    assert all(dealt[row.group] == part for part, rows in parts.items() for row in rows)
    assert {row.kind for row in parts["held"]} == {"written"}
    assert origins[-1].name == "questions made by rules"
    assert origins[-1].rows == sum(row.kind.startswith("synthetic.") for row in train)
