"""Commands run in this process, over a copy of one small indexed application."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from groundwork.cli import main
from groundwork.cli.table import COMMANDS
from tests.apps import write_docs
from tests.postgres import address

__all__ = ["address"]

THEIRS = {"tour", "demo"}
"""Tested by themselves."""

MORE = """
[models.stage]
targets = ["play/one"]
[providers.play]
kind = "scripted"
script = "play.jsonl"
[routes]
default = "reader"
[routes.named.tickets]
to = "stage"
tools = ["tickets"]
[tools.tickets]
run = "desk:tickets"
[gate]
suite = "suites/small.toml"
require = ["{require}"]
"""

SCRIPT = [
    {"after_tool": "tickets", "answer": "There are {{ result }} open tickets."},
    {"match": "tickets", "tool": {"name": "tickets"}},
    {"match": ".*", "answer": "I do not know."},
]

CASES = [
    ("kept", "How long are backups kept?", "ninety days"),
    ("high", "How high is the lighthouse at Cape Orrin?", "47 metres"),
    ("built", "When was the lighthouse built?", "1868"),
    ("who", "Who may restore a backup?", "operations team"),
]


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Indexed once; tests work on copies."""
    root = write_docs(tmp_path_factory.mktemp("source") / "handbook")
    with (root / "groundwork.toml").open("a") as file:
        file.write(MORE.replace("{require}", "latency.p50 <= 60s"))
    (root / "play.jsonl").write_text("".join(json.dumps(line) + "\n" for line in SCRIPT))
    (root / "desk.py").write_text('def tickets() -> int:\n    """Open tickets."""\n    return 7\n')
    (root / "suites").mkdir()
    (root / "suites" / "small.toml").write_text('cases = "small.jsonl"\nconcurrency = 2\n')
    cases = [
        {"id": f"{name}-{place}", "split": "report", "question": question, "facts": [{"accepted": [fact]}]}
        for place in range(3)
        for name, question, fact in CASES
    ]
    (root / "suites" / "small.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    return root


@pytest.fixture
def app(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = Path(shutil.copytree(source, tmp_path / "handbook"))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> Done:
        capfd.readouterr()
        code = 0
        try:
            main([str(one) for one in arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        return Done(code, *capfd.readouterr())

    return call


def set_gate(app: Path, require: str) -> None:
    file = app / "groundwork.toml"
    file.write_text(file.read_text().replace("latency.p50 <= 60s", require))


COMMAND_NAMES = [name for name in COMMANDS if name not in THEIRS]
