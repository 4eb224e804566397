from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import NotFound, StoreError
from groundwork.core.measure import Outcome, Result, Run
from groundwork.evaluate.journal import Head, Journal, list_runs, read_results, read_run, save_run


def fill(path: Path, count: int) -> bytes:
    journal = Journal(path)
    for number in range(count):
        journal.append([Result(example=f"case-{number}", status="ok", place=number, answer="zwölf\nLinien")])
    journal.close()
    return path.read_bytes()


@given(cut=st.integers(0, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_wherever_the_file_is_torn_whole_lines_stay_and_the_rest_is_redone(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run_1.jsonl"
    path.unlink(missing_ok=True)
    whole = fill(path, 5)
    cut = min(cut, len(whole))
    path.write_bytes(whole[:cut])
    assert len(read_results(tmp_path, "run_1")) == whole[:cut].count(b"\n")
    kept: set[int] = set()

    def note(head: Head) -> bool:
        kept.add(head.place)
        return True

    journal = Journal(path, note)
    for number in range(5):
        if number not in kept:
            journal.append([Result(example=f"case-{number}", status="ok", place=number, answer="zwölf\nLinien")])
    journal.close()
    assert path.read_bytes() == whole


def test_a_line_of_noise_at_the_end_is_dropped_too(tmp_path: Path) -> None:
    path = tmp_path / "run_1.jsonl"
    whole = fill(path, 2)
    path.write_bytes(whole + b"\0\0\0\0\n")
    Journal(path).close()
    assert path.read_bytes() == whole


def test_a_broken_line_in_the_middle_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "run_1.jsonl"
    first, second = fill(path, 2).splitlines(keepends=True)
    path.write_bytes(first + b"garbage\n" + second)
    with pytest.raises(StoreError, match=r"run_1\.jsonl:2 is no result"):
        Journal(path)
    with pytest.raises(StoreError, match=r"run_1\.jsonl:2 is no result"):
        read_results(tmp_path, "run_1")


def line(example: str, place: int, status: Outcome = "ok", **more: Any) -> Result:
    return Result(example=example, place=place, status=status, **more)


def test_of_two_attempts_the_later_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run_1.jsonl")
    journal.append([line("a", 0, "error", error="no")])
    journal.append([line("b", 1, answer="fine")])
    journal.append([line("a", 0, "error", error="still not")])
    journal.append([line("a", 0, answer="yes")])
    journal.append([line("a", 0, repeat=1, answer="another repeat")])
    journal.close()
    assert [result.answer for result in read_results(tmp_path, "run_1")] == ["fine", "yes", "another repeat"]


def test_a_conversation_that_broke_counts_with_its_last_attempt_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run_1.jsonl")
    journal.append([line("a", 0, answer="old 0"), line("a", 0, "error", turn=1)])
    journal.append([line("b", 1, answer="b 0"), line("b", 1, turn=1, answer="b 1")])
    journal.append([line("a", 0, answer="new 0"), line("a", 0, turn=1, answer="new 1"), line("a", 0, turn=2, answer="new 2")])
    journal.close()
    assert [result.answer for result in read_results(tmp_path, "run_1")] == ["b 0", "b 1", "new 0", "new 1", "new 2"]


def test_what_a_torn_conversation_left_is_cut_off_with_it(tmp_path: Path) -> None:
    path = tmp_path / "run_1.jsonl"
    whole = fill(path, 3)
    journal = Journal(path)
    journal.append([line("talk", 3, answer="first"), line("talk", 3, turn=1, answer="second")])
    journal.close()
    Journal(path, lambda head: head.example != "talk").close()
    assert path.read_bytes() == whole


def test_lines_from_before_places_were_noted_get_one(tmp_path: Path) -> None:
    lines = [
        '{"example":"b","status":"ok"}',
        '{"example":"a","status":"error"}',
        '{"example":"c","status":"ok"}',
        '{"example":"a","status":"ok"}',
    ]
    (tmp_path / "run_1.jsonl").write_text("\n".join(lines) + "\n")
    assert [(result.example, result.place) for result in read_results(tmp_path, "run_1")] == [("b", 0), ("c", 2), ("a", 1)]


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    for number in (1, 3, 2):
        save_run(tmp_path, Run(id=f"run_{number}", suite="s", suite_sha256="", split="", target="x", started=number))
    assert [run.id for run in list_runs(tmp_path)] == ["run_3", "run_2", "run_1"]
    assert list_runs(tmp_path / "none") == []
    with pytest.raises(NotFound):
        read_run(tmp_path, "run_9")
    (tmp_path / "run_1.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        read_run(tmp_path, "run_1")


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")
    with pytest.raises(StoreError) as error:
        Journal(tmp_path / "runs" / "run_1.jsonl")
    assert "writable" in error.value.fix
