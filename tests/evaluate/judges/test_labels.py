import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ConfigError
from groundwork.evaluate.judges.labels import Rated, majority, people, rated, read_labels, read_verdicts
from tests.evaluate.judges.rubrics import judge_of

PAIR, POINTS, CRITERIA = judge_of("pairwise"), judge_of("pointwise"), judge_of("criteria")
DATA = Path(__file__).parents[2] / "data" / "judges"


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_labels_and_verdicts_of_pairs_come_together(tmp_path: Path) -> None:
    labels = lines(
        tmp_path / "labels.jsonl",
        {"id": "1", "question": "q", "answer_a": "abc", "answer_b": "de", "labels": {"ann": "A", "bob": "A", "cy": "tie"}},
        {"id": "2", "answer_a": "x", "answer_b": "y", "labels": {"ann": "A", "bob": "B"}, "candidates": ["m", "n"]},
        {"id": "3", "answer_a": "x", "answer_b": "y", "label": "b", "lengths": [7, 9], "metadata": {"topic": "wal"}},
        "",
        {"id": "4", "answer_a": "x", "answer_b": "y", "label": "A"},
    )
    verdicts = lines(
        tmp_path / "verdicts.jsonl",
        {"id": "1", "verdicts": ["A", "A"], "cost": 0.5},
        {"id": "2", "verdicts": ["A", "B"]},
        {"id": "3", "verdicts": ["B", None]},
    )
    one, two, three = rated(PAIR, read_labels(labels, PAIR), read_verdicts(verdicts, PAIR))
    assert (one.human, one.final, one.lengths, one.cost) == ("A", "A", (3, 2), 0.5)
    assert (two.human, two.final, two.candidates) == (None, "tie", ("m", "n"))
    assert (three.human, three.final, three.lengths, three.metadata) == ("B", None, (7, 9), {"topic": "wal"})


def test_each_criterion_is_an_item_of_its_own(tmp_path: Path) -> None:
    labels = lines(tmp_path / "labels.jsonl", {"id": "1", "answer": "x", "label": {"short": "yes", "polite": "no"}})
    verdicts = lines(tmp_path / "verdicts.jsonl", {"id": "1", "verdict": {"short": "yes", "polite": "yes"}})
    found = rated(CRITERIA, read_labels(labels, CRITERIA), read_verdicts(verdicts, CRITERIA))
    assert [(one.id, one.human, one.final, one.metadata["criterion"]) for one in found] == [
        ("1/short", "yes", "yes", "short"),
        ("1/polite", "no", "yes", "polite"),
    ]


def test_a_verdict_that_could_not_be_read_stays_in(tmp_path: Path) -> None:
    labels = lines(tmp_path / "labels.jsonl", {"id": "1", "answer": "x", "label": 4})
    verdicts = lines(tmp_path / "verdicts.jsonl", {"id": "1", "verdict": None})
    (one,) = rated(POINTS, read_labels(labels, POINTS), read_verdicts(verdicts, POINTS))
    assert (one.human, one.final, one.verdicts) == (4, None, (None,))


@pytest.mark.parametrize(
    ("labels", "found"),
    [([], None), ([3], 3), ([1, 5], 1), ([1, 4, 5], 4), (["A", "B"], None), (["A", "B", "B"], "B"), (["A", "B", "tie"], None)],
)
def test_what_most_said(labels: list[int | str], found: int | str | None) -> None:
    assert majority(labels) == found


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "not a line"),
        ('{"id": "1", "anwser": "x"}', "unknown field `anwser`"),
        ({"id": "0", "answer": "x"}, "stands in line 1 already"),
        ({"id": "1", "answer": "x", "label": 9}, "9 is no verdict"),
        ({"id": "1", "answer": "x", "labels": {"ann": "good"}}, "'good' is no verdict"),
        ({"id": "1", "answer": "x", "label": 1, "labels": {"ann": 1}}, "not both"),
        ({"id": "1", "lengths": [1, 2]}, "2 lengths"),
        ({"id": "1", "answer": "x", "candidates": ["m"]}, "1 candidates"),
    ],
)
def test_a_bad_label_is_refused_with_its_place(tmp_path: Path, row: Any, says: str) -> None:
    path = lines(tmp_path / "labels.jsonl", {"id": "0", "answer": "x", "label": 1}, row)
    with pytest.raises(ConfigError) as error:
        read_labels(path, POINTS)
    assert says in error.value.what
    assert error.value.where == "labels.jsonl:2"


@pytest.mark.parametrize(
    ("row", "says"),
    [({"id": "1", "verdict": "C"}, "'C' is no verdict"), ({"id": "1", "verdicts": ["A", "A", "B"]}, "3 verdicts"), ("[]", "not a line")],
)
def test_a_bad_verdict_is_refused_with_its_place(tmp_path: Path, row: Any, says: str) -> None:
    path = lines(tmp_path / "verdicts.jsonl", {"id": "0", "verdict": "A"}, row)
    with pytest.raises(ConfigError) as error:
        read_verdicts(path, PAIR)
    assert says in error.value.what
    assert error.value.where == "verdicts.jsonl:2"


def test_a_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_labels(tmp_path / "none.jsonl", POINTS)
    with pytest.raises(ConfigError, match="holds no lines"):
        read_labels(lines(tmp_path / "empty.jsonl", ""), POINTS)


def test_people_agree_as_far_as_their_labels_do() -> None:
    same = [Rated(str(n), "A", {"ann": "AB"[n % 2], "bob": "AB"[n % 2], "cy": "AB"[n // 20]}) for n in range(40)]
    found = people(same)
    assert found is not None
    assert found.annotators == ("ann", "bob", "cy")
    assert found.kappas["ann~bob"].value == 1.0
    assert found.kappas["ann~cy"].value == pytest.approx(0.0, abs=1e-9)
    assert 0 < found.alpha.value < 1


def test_one_annotator_has_nobody_to_agree_with() -> None:
    assert people([Rated("1", "A", {"ann": "A"}), Rated("2", "B", {"bob": "B"})]) is None


def test_the_excerpt_of_public_records_is_read() -> None:
    labels = read_labels(DATA / "llmbar.labels.jsonl", PAIR)
    verdicts = read_verdicts(DATA / "llmbar.verdicts.jsonl", PAIR)
    assert len(rated(PAIR, labels, verdicts)) == len(labels) == 192
