"""Run the blocks of a document as a reader would, in copies of the sample application, or of another example that a block names.

A document's blocks run in order in one copy of each, so that a later one sees what an earlier one made; `chg_…` stands for the last id of that kind
that was printed. What is only looked at (`scripts/check_docs.py`), not run: `make`, the demo and the tour (they have tests of their own),
benchmarks, other people's commands. A command that exits with 3 (a gate without a pass) ends its block, as `set -e` would.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.docs_blocks import ROOT, Block, Command, Fault, commands, mismatch

BIN = Path(sys.executable).parent
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
SHOWN = "http://127.0.0.1:8321"
NOT_PASSED = 3
ELSEWHERE = {"demo", "tour"}
LIMIT = 300


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


class Reader:
    """Somebody who works through one document: a copy of the application, what they have seen so far, and perhaps the wheel's commands."""

    def __init__(self, home: Path, app: Path, wheel: Path | None = None) -> None:
        self.home = home
        """Holds `examples/sqlite-helpdesk`, the copy, and a folder of documents."""
        self.wheel = wheel
        """The folder that the wheel was installed into; None where there is none."""
        self.app = home / "examples" / "sqlite-helpdesk"
        self.seen = ""
        shutil.copytree(app, self.app)
        (home / "docs").mkdir()
        (home / "docs" / "handbook.md").write_text("# Handbook\n\nThe office opens at nine.\n", encoding="utf-8")

    def run(self, block: Block) -> list[Fault]:
        """Run a block; what went wrong."""
        if block.marker == "norun" or block.language not in {"console", "sh", "python"}:
            return []
        with contextlib.ExitStack() as stack:
            address = stack.enter_context(self.serving(self._app_of(block))) if block.marker == "server" else SHOWN
            if block.language == "python":
                return self._python(block, address)
            return self._commands(block, address)

    def _app_of(self, block: Block) -> Path:
        """Where a block runs: `app=NAME` names an example, copied when it is first named; `sample`, or nothing, is the sample application."""
        name = block.detail.removeprefix("app=") if block.detail.startswith("app=") else "sample"
        if name == "sample":
            return self.app
        folder = self.home / "examples" / name
        if not folder.exists():
            shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns(".groundwork", "__pycache__"))
        return folder

    def _python(self, block: Block, address: str) -> list[Fault]:
        folder = self._app_of(block) if "app=" in block.detail else self.home
        said = self._execute([sys.executable, "-c", block.text.replace(SHOWN, address)], folder)
        return [block.fault(f"ended with {said.code}: {said.err[-800:]}")] if said.code else []

    def _commands(self, block: Block, address: str) -> list[Fault]:
        folder = self.home if block.marker == "wheel" else self._app_of(block)
        for command in commands(block):
            for words in split(command.text):
                if words[:1] == ["cd"]:
                    folder /= words[1]
                    continue
                said = self._command(words, folder, block, address)
                if said is None:
                    continue
                self.seen += f"{said.out}{said.err}"
                if said.code == NOT_PASSED:
                    return []
                if said.code:
                    return [block.fault(f"`{shlex.join(words)}` ended with {said.code}: {said.err[-800:]}")]
                missing = self._missing(command, said)
                if missing:
                    return [block.fault(f"`{command.text}` does not say: {missing}\n--- it says:\n{said.out[-1500:]}")]
        return []

    def _missing(self, command: Command, said: Said) -> str:
        return mismatch(command.expected, f"{said.out}{said.err}") if command.expected else ""

    def _command(self, words: list[str], folder: Path, block: Block, address: str) -> Said | None:
        """Run one command; None where it is only looked at."""
        words = [self._filled(word).replace(SHOWN, address) for word in words]
        match words:
            case ["pip", "install", name] if block.marker == "wheel":
                return Said(0, "", "") if name == "groundwork-ai" else Said(1, "", f"{name} is not what the wheel is called")
            case ["groundwork", "up", *options]:
                with self.serving(folder, *options):
                    return Said(0, "", "")
            case ["groundwork", name, *_] if name not in ELSEWHERE:
                return self._execute(words, folder)
            case ["curl", *_] if block.marker == "server" and shutil.which("curl"):
                return self._execute(words, folder)
            case _:
                return None

    def _filled(self, word: str) -> str:
        """`chg_…` becomes the last such id that was printed."""
        found = re.fullmatch(r"([a-z]+_)…", word)
        known = re.findall(rf"\b{found[1]}[0-9a-z-]{{6,}}", self.seen) if found else []
        return known[-1] if known else word

    def _execute(self, words: list[str], folder: Path) -> Said:
        done = subprocess.run(
            words, cwd=folder, env=self._environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def _environment(self) -> dict[str, str]:
        places = [BIN] if self.wheel is None else [self.wheel / "bin", BIN]
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        environment["PATH"] = os.pathsep.join([*map(str, places), os.environ["PATH"]])
        if self.wheel is not None:
            environment["PYTHONPATH"] = str(self.wheel)
        return environment

    @contextlib.contextmanager
    def serving(self, folder: Path, *options: str) -> Iterator[str]:
        """`groundwork up` in a folder on a free port, until the block ends. Raises RuntimeError where it does not start."""
        process = subprocess.Popen(
            ["groundwork", "up", "--port", "0", *options],
            cwd=folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        try:
            said = ""
            for line in process.stderr or ():
                said += line
                if found := ADDRESS.search(line):
                    yield found[0]
                    return
            raise RuntimeError(f"`groundwork up` did not start: {said}")
        finally:
            watchdog.cancel()
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            if process.stderr:
                process.stderr.close()


def split(line: str) -> list[list[str]]:
    """The commands of a line that are joined by `&&`."""
    parts: list[list[str]] = [[]]
    for word in shlex.split(line):
        if word == "&&":
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def install_wheel(folder: Path) -> str:
    """Build this checkout's wheel and install it, without its dependencies, into `folder / "target"`; what went wrong, or nothing."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    for words in (
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        [*pip, "install", "--no-deps", "--no-index", "--find-links", str(folder), "--target", str(folder / "target"), "groundwork-ai"],
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
    return ""
