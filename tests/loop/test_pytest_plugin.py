"""The plugin, in a pytest of its own, as a user has it."""

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.apps import write_docs

PLUGIN = "groundwork.loop.pytest_plugin"
INSTALLED = any(one.value == PLUGIN for one in entry_points(group="pytest11"))
ALWAYS = ["-q", "-p", "no:cacheprovider", *(() if INSTALLED else ("-p", PLUGIN)), "-W", "error"]

BOT = """
def right(question):
    return "fact " + question.removeprefix("What is ").rstrip("?")

async def half(question):
    return right(question) if int(question.removeprefix("What is ").rstrip("?")) % 2 else "no idea"
"""

TESTS = """
import pytest
from bot import half, right

@pytest.mark.groundwork("quiz.toml", target="bot:right", require=["answer.correct >= 0.8"])
def test_marked():
    pass

@pytest.mark.groundwork("quiz.toml", target="bot:half", require=["answer.correct >= 0.8", "latency.p50 <= 10s"])
def test_marked_and_wrong():
    raise RuntimeError("its body is not reached")

def test_asked(groundwork_eval):
    checked = groundwork_eval("quiz.toml", target=right, require=["answer.correct >= 0.8"], repeats=2)
    assert checked.run.statuses == {"ok": 80}
    assert checked.run.metrics["answer.correct"].n == 40

async def test_asked_from_a_loop(groundwork_eval):
    assert groundwork_eval("quiz.toml", target=half).run.n == 40

def test_undecided(groundwork_eval):
    groundwork_eval("quiz.toml", target=half, require=["answer.correct >= 0.45"])

def test_misspelt(groundwork_eval):
    groundwork_eval("quiz.toml", target=half, require=["answer.corect >= 0.4"])
"""


def run(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "pytest", *ALWAYS, *options], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "test_bot.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\npythonpath = .\naddopts = --strict-markers\n"
    )
    (tmp_path / "quiz.toml").write_text('cases = "quiz.jsonl"\nmetrics = ["answer.correct", "latency"]\n')
    cases = [{"id": f"c{number}", "question": f"What is {number}?", "facts": [{"accepted": [f"fact {number}"]}]} for number in range(40)]
    (tmp_path / "quiz.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    return tmp_path


def test_a_test_fails_unless_the_interval_says_so(project: Path) -> None:
    done = run(project, "-rA", "--junit-xml=out.xml")
    said = done.stdout
    assert "3 passed, 3 failed" in said or "3 failed, 3 passed" in said, said + done.stderr
    for name in ("test_marked_and_wrong", "test_undecided", "test_misspelt"):
        assert f"FAILED test_bot.py::{name}" in said
    assert "its body is not reached" not in said.replace('raise RuntimeError("its body is not reached")', "")
    assert "fail: answer.correct >= 0.8: 0.500 [0.352, 0.648] (n = 40): not at least 0.800" in said
    assert "undecided: answer.correct >= 0.45:" in said
    assert "more cases would decide" in said
    assert "unknown metric `answer.corect`" in said
    assert "fix: did you mean" in said.lower()
    assert 'name="answer.correct" value="1.0"' in (project / "out.xml").read_text()
    assert list((project / ".groundwork" / "runs").glob("run_*.json"))


def test_an_application_is_its_own_target(project: Path) -> None:
    root = write_docs(project / "handbook")
    (root / "suite.toml").write_text('cases = "suite.jsonl"\n')
    (root / "suite.jsonl").write_text('{"id": "a", "question": "How long are backups kept?", "facts": [{"accepted": ["ninety days"]}]}\n')
    (project / "test_app.py").write_text(
        'def test_app(groundwork_eval):\n    checked = groundwork_eval("handbook/suite.toml")\n'
        '    assert checked.run.target == "handbook"\n    assert checked.run.metrics["answer.correct"].value == 1.0\n'
    )
    done = run(project, "test_app.py")
    assert done.returncode == 0, done.stdout
    assert list((root / ".groundwork" / "runs").glob("run_*.json"))


def test_unused_it_imports_nothing(project: Path) -> None:
    (project / "test_plain.py").write_text(
        "import sys\n\ndef test_plain():\n"
        "    ours = [name for name in sys.modules if name.startswith('groundwork')]\n"
        "    assert ours == ['groundwork', 'groundwork.loop', 'groundwork.loop.pytest_plugin']\n"
        "    assert not {'msgspec', 'numpy', 'aiohttp', 'click'} & sys.modules.keys()\n"
    )
    done = run(project, "test_plain.py", "-p", "no:hypothesispytest")
    assert done.returncode == 0, done.stdout
