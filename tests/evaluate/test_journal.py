from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import NotFound, StoreError
from groundwork.core.measure import Result, Run
from groundwork.evaluate.journal import Journal, list_runs, read_results, read_run, save_run


def fill(path: Path, count: int) -> bytes:
    journal = Journal(path)
    for number in range(count):
        journal.append(Result(example=f"case-{number}", status="ok", answer="zwölf\nLinien"))
    journal.close()
    return path.read_bytes()


@given(cut=st.integers(0, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_wherever_the_file_is_torn_whole_lines_stay_and_the_rest_is_redone(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run_1.jsonl"
    path.unlink(missing_ok=True)
    whole = fill(path, 5)
    cut = min(cut, len(whole))
    path.write_bytes(whole[:cut])
    assert len(read_results(tmp_path, "run_1")) == whole[:cut].count(b"\n")
    journal = Journal(path)
    for number in range(5):
        if f"case-{number}" not in journal.done:
            journal.append(Result(example=f"case-{number}", status="ok", answer="zwölf\nLinien"))
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


def test_of_two_lines_for_a_case_the_later_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run_1.jsonl")
    journal.append(Result(example="a", status="error", error="no"))
    assert (journal.errors, journal.done) == ({"a"}, set())
    journal.append(Result(example="a", status="ok", answer="yes"))
    assert (journal.errors, journal.done) == (set(), {"a"})
    journal.close()
    (result,) = read_results(tmp_path, "run_1")
    assert result.answer == "yes"


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
