import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from groundwork.core.errors import InputError, NotFound
from groundwork.tuning.prepare.sources import Question, by_part, deal, is_policy, locate, may_answer, read_questions

DATA = Path(__file__).resolve().parents[2] / "data"


def line(title: str, question: str, context: str = "It was Ada.", answers: tuple[str, ...] = ("Ada",), **more: object) -> dict[str, object]:
    return {"title": title, "question": question, "context": context, "answers": answers, **more}


def folder_of(path: Path, **files: list[dict[str, object]]) -> Path:
    (path / "reader").mkdir()
    for name, lines in files.items():
        (path / "reader" / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(json.dumps(one) for one in lines).encode()))
    return path


def question(answers: tuple[str, ...], passage: str, asked: str = "Who?") -> Question:
    return Question("q", asked, passage, answers, "squad:A", "squad2")


def test_no_question_is_taken_twice(tmp_path: Path) -> None:
    squad2 = [line("A", "Who was it?", id="1"), line("A", "who was it", id="2", answers=("Ada", "Ada Lovelace"))]
    squad1 = [line("A", "Who else?", id="3"), line("B", "Who was it?", id="4"), line("C", "When was it?", id="5")]
    policy = [
        line("s.com", "What?", context="We keep it.", answers=("keep it",)),
        line("s.com", "What?", context="We keep it.", answers=("We",)),
    ]
    questions, origins = read_questions(folder_of(tmp_path, squad2=squad2, squad1=squad1, policyqa=policy))
    assert [(one.id, one.group) for one in questions[:2]] == [("1", "squad:A"), ("5", "squad:C")]
    assert questions[0].answers == ("Ada", "Ada Lovelace")
    assert set(questions[2].answers) == {"We", "keep it"}
    assert is_policy(questions[2])
    assert [origin.rows for origin in origins] == [1, 1, 1]
    assert [origin.licence for origin in origins] == ["CC BY-SA 4.0", "CC BY-SA 4.0", "MIT"]


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no questions in"):
        read_questions(tmp_path)
    folder_of(tmp_path, squad2=[{"title": "A"}])
    with pytest.raises(InputError, match="cannot be read"):
        read_questions(tmp_path)
    (tmp_path / "reader" / "squad2.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cannot be read"):
        read_questions(tmp_path)


def test_articles_and_sites_are_dealt_whole_and_the_same_way_each_time() -> None:
    questions = [
        Question(f"{group}{number}", "?", "p", (), group, source)
        for source, groups, count in (("squad2", 26, 9), ("squad1", 13, 9), ("policyqa", 20, 10))
        for group in (f"{source}:{place}" for place in range(groups))
        for number in range(count)
    ]
    parts = deal(questions, 0)
    counted = Counter((group.split(":")[0], part) for group, part in parts.items())
    assert counted["squad2", "held"] == 5
    assert counted["squad2", "dev"] == 3
    assert counted["squad1", "train"] == 13
    assert counted["policyqa", "held"] in {2, 3}
    assert counted["policyqa", "dev"] == 1 or counted["policyqa", "dev"] == 2
    assert deal(questions[::-1], 0) == parts
    assert deal(questions, 1) != parts
    assert sum(len(found) for found in by_part(questions, parts).values()) == len(questions)


def test_of_several_places_the_answer_stands_where_the_question_is_spoken_of() -> None:
    passage = "Ada was born in 1815. The engine was described by Ada in notes. Ada died."
    (span,) = locate(question(("Ada",), passage, "Who described the engine?"))
    assert span.start == passage.index("Ada in notes")


def test_answers_are_whole_words_where_they_can_be() -> None:
    (span,) = locate(question(("art",), "A part is art."))
    assert span.start == 10
    (span,) = locate(question(("dollars",), "It cost $7dollarsand more."))
    assert span.text == "dollars"
    assert locate(question(("dollars",), "?"), "It cost $7dollarsand more.") == ()
    assert locate(question((), "It was Ada.")) == ()


@pytest.mark.parametrize(
    ("answers", "passage", "may"),
    [
        (("Ada",), "It was ADA!", True),
        (("Ada",), "It was Adam.", True),
        (("the merchant ships of Genoa",), "Ships of a merchant from Genoa", True),
        (("Ada",), "It was Charles.", False),
        ((), "anything", False),
    ],
)
def test_a_passage_that_may_answer_is_no_negative(answers: tuple[str, ...], passage: str, *, may: bool) -> None:
    assert may_answer(answers, passage) == may


def test_the_excerpt_is_read() -> None:
    questions, _ = read_questions(DATA)
    assert len(questions) == 40
    assert sum(not one.answers for one in questions) == 20
    assert all(span.text == one.passage[span.start :][: len(span.text)] for one in questions for span in locate(one))
