import gzip
import json
import random
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from groundwork.core.errors import InputError
from groundwork.datasets.rows import PairRow
from groundwork.datasets.training import leaks
from groundwork.datasets.verbs import learn_verbs
from groundwork.tuning.prepare.pairs import claim_rows, prepare_grounding, prepare_reranker
from groundwork.tuning.prepare.sources import deal, may_answer, read_questions

DATA = Path(__file__).resolve().parents[2] / "data"


def test_a_reranker_learns_from_what_search_finds() -> None:
    parts, _ = prepare_reranker(DATA, 0)
    assert leaks(parts) == []
    answers = {question.id: question.answers for question in read_questions(DATA)[0]}
    for rows in parts.values():
        for row in rows:
            assert isinstance(row, PairRow)
            assert (row.kind == "own") == (row.label == 1)
            if row.kind == "found":
                assert not may_answer(answers[row.id.partition("@")[0]], row.b)
    counts = Counter(row.a for row in parts["train"])
    assert max(counts.values()) <= 4


def test_all_sets_hold_the_same_articles_back() -> None:
    dealt = deal(read_questions(DATA)[0], 0)
    for prepare in (prepare_reranker, prepare_grounding):
        parts, _ = prepare(DATA, 0)
        assert leaks(parts) == []
        assert all(dealt[row.group] == part for part, rows in parts.items() for row in rows)


def test_neither_claim_nor_document_tells_the_label() -> None:
    questions, _ = read_questions(DATA)
    rows = claim_rows(questions, 60, learn_verbs(question.passage for question in questions), None, random.Random(0))
    assert len(rows) >= 60
    assert len(rows) % 4 == 0
    for side in ("a", "b"):
        balance: defaultdict[str, list[float]] = defaultdict(list)
        for row in rows:
            balance[getattr(row, side)].append(row.label)
        assert all(sum(labels) * 2 == len(labels) for labels in balance.values())
    assert len({row.kind.partition(".")[0] for row in rows}) >= 4
    assert claim_rows(questions, 60, learn_verbs(question.passage for question in questions), None, random.Random(0)) == rows


def with_made_up(path: Path, lines: bytes) -> Path:
    shutil.copytree(DATA / "reader", path / "reader")
    (path / "guard").mkdir()
    (path / "guard" / "halueval_qa_oneturn.jsonl.gz").write_bytes(gzip.compress(lines))
    return path


def test_made_up_answers_are_dealt_by_what_is_known(tmp_path: Path) -> None:
    line = {"question": "Who?", "right_answer": "Ada", "hallucinated_answer": "It was Bob."}
    lines = [line | {"knowledge": f"Known thing {place // 2}.", "question": f"Who {place}?"} for place in range(60)]
    parts, origins = prepare_grounding(with_made_up(tmp_path, "\n".join(map(json.dumps, [*lines, lines[0]])).encode()), 0)
    assert leaks(parts) == []
    made_up = [row for rows in parts.values() for row in rows if row.kind == "halueval"]
    assert len(made_up) == origins[-1].rows == 120
    assert origins[-1].licence == "MIT"
    assert {(row.a, row.label) for row in made_up if row.b == "Known thing 0."} == {
        (f"Who {place}? {answer}", label) for place in (0, 1) for answer, label in (("Ada", 1), ("It was Bob.", 0))
    }
    assert sum(row.label for row in made_up) == 60


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"halueval.* cannot be read"):
        prepare_grounding(with_made_up(tmp_path, b"{"), 0)
