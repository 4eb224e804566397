"""The demonstration and the tour, as a newcomer runs them: in a process of their own, without a terminal."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from groundwork.cli.demo import PLANTED, QUESTIONS

SERVED = 240
"""Seconds that a slow machine may need."""


def groundwork(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", "from groundwork.cli import main; main()", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SERVED, check=False
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demonstration's folder and what it printed."""
    place = tmp_path_factory.mktemp("demo")
    done = groundwork("demo", "--folder", "helpdesk", "--port", "0", cwd=place)
    assert done.returncode == 0, done.stderr
    return place, done.stdout


def answers(text: str) -> list[str]:
    """What was printed under each of the questions."""
    return re.split(r"^\d\. ", text.split("On its suite", maxsplit=1)[0], flags=re.MULTILINE)[1:]


def test_three_questions_are_answered_with_citations(shown: tuple[Path, str]) -> None:
    printed = answers(shown[1])
    assert len(printed) == len(QUESTIONS)
    for answer in printed[:3]:
        assert re.search(r"“.+” \[\d\]", answer)
        assert re.search(r"\[\d\] docs/\w+\.html", answer)
    assert "1000 pages" in printed[0]
    assert "281 terabytes" in printed[1]


def test_what_the_documents_do_not_hold_is_declined(shown: tuple[Path, str]) -> None:
    assert "do not seem to hold the answer" in answers(shown[1])[3]


def test_what_a_quoting_reader_cannot_serve_is_said(shown: tuple[Path, str]) -> None:
    assert "does not put them together" in answers(shown[1])[4]


def test_the_secret_is_masked_and_stands_nowhere_in_the_state(shown: tuple[Path, str]) -> None:
    place, text = shown
    assert "[secret:openai_key]" in answers(text)[5]
    state = place / "helpdesk" / ".groundwork"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.name == "traces.db" for path in files)
    assert not [path for path in files if PLANTED.encode() in path.read_bytes()]


def test_the_suite_is_reported_with_an_interval_and_one_failure(shown: tuple[Path, str]) -> None:
    assert re.search(r"answer\.correct +0\.\d\d \[0\.\d\d, 0\.\d\d\], n = 78", shown[1])
    assert "one that went wrong" in shown[1]


def test_it_names_the_page_and_the_next_commands(shown: tuple[Path, str]) -> None:
    assert re.search(r"http://127\.0\.0\.1:\d+", shown[1])
    for command in ("groundwork up", "groundwork tour", "groundwork new"):
        assert command in shown[1]


def test_the_tour_walks_one_lap(shown: tuple[Path, str]) -> None:
    place, _ = shown
    done = groundwork("tour", "--folder", "helpdesk", cwd=place)
    assert done.returncode == 0, done.stderr
    for step in ("An answer, and its trace", "Feedback becomes a dataset", "What serves now, measured", "the gate", "Release and rollback"):
        assert step in done.stdout
    assert "gate: undecided" in done.stdout
    assert "more items would decide" in done.stdout
    assert "gate: pass" in done.stdout
    released = re.findall(r"released (rel_\w+)", done.stdout)
    assert len(released) == 2, "one release, and the rollback"
    assert f"release {released[0]}" in done.stdout, "the answer after the release names it"
