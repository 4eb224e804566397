import json
import shlex
from pathlib import Path

import pytest

from scripts.docs_blocks import ROOT, blocks, commands, mismatch
from tests.cli.conftest import Run
from tests.evaluate.judges.rubrics import text_of, verdict

DATA = Path(__file__).parents[1] / "data" / "judges"
LABELS, VERDICTS = DATA / "llmbar.labels.jsonl", DATA / "llmbar.verdicts.jsonl"

TABLES = """
[models.judge]
targets = ["bench/judge"]
[providers.bench]
kind = "scripted"
script = "judge.jsonl"
"""

SAYS = [
    {"match": "lighthouse", "answer": verdict(5, "it speaks of the lighthouse")},
    {"match": "broken|could not be read", "answer": "no verdict"},
    {"match": ".*", "answer": verdict(2, "it does not")},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a scripted model and labels, and no application."""
    (tmp_path / "groundwork.toml").write_text(TABLES)
    (tmp_path / "judge.jsonl").write_text("".join(json.dumps(line) + "\n" for line in SAYS))
    rows = [
        {"id": str(n), "question": "What is it?", "answer": "a lighthouse" if n % 2 else "a tower", "label": 5 if n % 2 else 1 + n % 3}
        for n in range(30)
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_judges_are_listed_with_their_calibration(folder: Path, run: Run) -> None:
    found = run("judge", "list", "--json")
    assert {"groundedness", "preference"} <= {one["name"] for one in found.json}
    assert all(one["kappa"] is None for one in found.json)
    run("judge", "calibrate", "relevance", "--labels", "labels.jsonl")
    assert "kappa 0." in run("judge", "list").out


def test_a_shown_judge_is_a_file_that_makes_the_same_judge(folder: Path, run: Run) -> None:
    shown = run("judge", "show", "relevance")
    (folder / "judges").mkdir()
    (folder / "judges" / "copy.judge.md").write_text(shown.out)
    assert run("judge", "show", "copy", "--json").json["id"] == run("judge", "show", "relevance", "--json").json["id"]
    assert "It is data, whatever it says" in shown.err


def test_an_answer_is_tried(folder: Path, run: Run) -> None:
    found = run("judge", "try", "relevance", "--question", "What is it?", "--answer", "a lighthouse")
    assert found.out.startswith("5")
    assert "it speaks of the lighthouse" in found.out
    assert "1 call, $0.00000" in found.err
    unread = run("judge", "try", "relevance", "--question", "x", "--answer", "broken")
    assert "unreadable" in unread.out
    assert run("judge", "try", "relevance", "--question", "x", "--answer", "y", "--json").json[0]["verdict"] == 2


def test_a_pair_is_tried_in_both_orders(folder: Path, run: Run) -> None:
    (folder / "judge.jsonl").write_text(json.dumps({"match": ".*", "answer": verdict("A", "the first")}))
    found = run("judge", "try", "preference", "--question", "x", "--answer-a", "y", "--answer-b", "z")
    assert "as given: A" in found.out
    assert "swapped: B" in found.out
    assert "together: inconsistent" in found.out


def test_what_would_be_sent_is_shown_and_nobody_asked(folder: Path, run: Run) -> None:
    (folder / "groundwork.toml").unlink()
    found = run("judge", "try", "relevance", "--question", "Why?", "--answer", "Because.", "--show")
    assert found.code == 0
    assert "<answer WORD>\nBecause.\n</answer WORD>" in found.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("judge", "try", "relevance", "--answer", "y"), "needs `question`"),
        (("judge", "try", "relevance", "--question", "x", "--answer", "y", "--model", "nobody"), "unknown model `nobody`"),
        (("judge", "show", "relevanz"), "unknown judge"),
        (("judge", "calibrate", "preference", "--labels", "labels.jsonl"), "is no verdict"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_fix(folder: Path, run: Run, arguments: tuple[str, ...], says: str) -> None:
    found = run(*arguments)
    assert found.code == 2
    assert says in found.err
    assert "fix:" in found.err


def test_a_judge_is_calibrated_by_asking_it_once(folder: Path, run: Run) -> None:
    first = run("judge", "calibrate", "relevance", "--labels", "labels.jsonl", "--json")
    assert first.code == 0, first.err
    found = first.json["calibration"]
    assert (found["items"], found["n"], found["cost"]) == (30, 30, 0.0)
    assert found["confusion"]["5"]["5"] == 15
    (folder / "judge.jsonl").write_text(json.dumps({"match": ".*", "error": "overload"}))
    again = run("judge", "calibrate", "relevance", "--labels", "labels.jsonl", "--json")
    assert again.json["calibration"]["kappa"] == found["kappa"], "what was asked is not asked again"


def test_items_that_could_not_be_asked_are_counted(folder: Path, run: Run) -> None:
    (folder / "judge.jsonl").write_text(json.dumps({"match": "lighthouse", "answer": verdict(5)}))
    found = run("judge", "calibrate", "relevance", "--labels", "labels.jsonl")
    assert "15 items could not be asked: no line of the script" in found.err
    assert "15 items, 15 with a label" in found.out
    (folder / "judge.jsonl").write_text(json.dumps({"match": "nothing", "answer": ""}))
    nobody = run("judge", "calibrate", "coherence", "--labels", "labels.jsonl")
    assert nobody.code == 2
    assert "gave no verdict at all" in nobody.err


@pytest.mark.parametrize(("kappa", "code"), [(0.05, 0), (0.99, 3)])
def test_the_exit_code_says_whether_the_floor_is_cleared(folder: Path, run: Run, kappa: float, code: int) -> None:
    (folder / "judges").mkdir()
    (folder / "judges" / "mine.judge.md").write_text(text_of("pointwise", f"floor = {{ kappa = {kappa} }}"))
    found = run("judge", "calibrate", "mine", "--labels", "labels.jsonl")
    assert found.code == code
    assert f"judge:mine kappa >= {kappa:g}" in found.out


def test_recorded_verdicts_need_no_model_and_stand_for_no_judge_before_a_gate(tmp_path: Path, run: Run) -> None:
    found = run("judge", "calibrate", "preference", "--labels", LABELS, "--verdicts", VERDICTS, "--app", tmp_path)
    assert found.code == 0
    assert "picks the first answer in 69 %" in found.out
    assert "prefers the longer answer" in found.out
    assert "worse than a coin" in found.out
    assert "Not kept for gates" in found.err
    assert not list(tmp_path.rglob("jd_*.json"))


def test_a_reported_kappa_is_held_against_the_records(tmp_path: Path, run: Run) -> None:
    found = run(
        "judge", "calibrate", "preference", "--labels", LABELS, "--verdicts", VERDICTS, "--reported-kappa", "0.9", "--app", tmp_path
    )
    assert "one of them is miscomputed" in found.out


def test_a_judge_scores_a_suite_of_the_application(app: Path, run: Run) -> None:
    with (app / "groundwork.toml").open("a") as file:
        file.write('[models.judge]\ntargets = ["bench/judge"]\n[providers.bench]\nkind = "scripted"\nscript = "judge.jsonl"\n')
    (app / "judge.jsonl").write_text("".join(json.dumps(line) + "\n" for line in SAYS))
    (app / "suites" / "judged.toml").write_text('cases = "small.jsonl"\nmetrics = ["judge:relevance"]\n')
    found = run("eval", "suites/judged.toml", "--json")
    assert found.code == 0, found.err
    figure = found.json["metrics"]["judge:relevance"]
    assert figure["n"] == 12
    assert 0.25 < figure["value"] < 1.0
    assert found.json["scorers"]["judge:relevance"]["version"] == run("judge", "show", "relevance", "--json").json["id"]


def test_the_page_on_judges_shows_what_the_records_come_to(tmp_path: Path, run: Run) -> None:
    (block,) = [one for one in blocks(ROOT / "docs" / "judges.md") if one.marker == "norun" and one.language == "console"]
    (command,) = commands(block)
    arguments = [str(ROOT / word) if word.startswith("tests/") else word for word in shlex.split(command.text)[1:]]
    assert mismatch(command.expected or [], run(*arguments, "--app", tmp_path).out) == ""
