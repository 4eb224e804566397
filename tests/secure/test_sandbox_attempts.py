"""Every way out is tried inside, and the same text outside, where it succeeds: an attempt that is broken would hold nothing."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from groundwork.core.errors import ConfigError
from groundwork.secure.sandbox.attempts import ATTEMPTS, FORGERIES, TASK, Attempt, Targets
from groundwork.secure.sandbox.box import Sandbox
from groundwork.secure.sandbox.probe import check_isolation, targets, try_forgery, try_out
from groundwork.secure.sandbox.program import Program

FOOLS = {
    "leave with exit status 0", "leave at once", "leave when asked", "leave politely when asked", "equal everything",
    "a number that equals everything", "read the tests' file",
}  # fmt: skip
"""Forgeries that pass where program and tests share a process."""


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    try:
        async with Sandbox() as opened:
            yield opened
    except ConfigError as error:
        pytest.skip(f"{error.what}; {error.fix}")


@pytest.fixture
def aims() -> Iterator[Targets]:
    with targets() as found:
        yield found


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
async def test_nothing_of_the_host_is_reached(attempt: Attempt, sandbox: Sandbox, aims: Targets) -> None:
    found = await try_out(sandbox, attempt, aims)
    assert found.holds, found.detail


@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one.outside != "unsafe"], ids=lambda attempt: attempt.name)
def test_the_same_attempt_succeeds_without_walls(attempt: Attempt, aims: Targets, tmp_path: Path) -> None:
    if attempt.outside == "root" and not is_mighty():
        pytest.skip("only root of the machine gets that far without walls")
    leaked = os.open(aims.file, os.O_RDONLY)
    try:
        command = [sys.executable, "-c", attempt.aimed(aims)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path, pass_fds=(leaked,), check=False)
    finally:
        os.close(leaked)
    assert "reached" in done.stdout, done.stderr


def is_mighty() -> bool:
    """Whether we are root with every capability, not root of a container."""
    lines = Path("/proc/self/status").read_text().splitlines()
    capabilities = next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff"))
    return os.geteuid() == 0 and bool(capabilities >> 21 & 1)


@pytest.mark.parametrize("name", FORGERIES)
async def test_no_wrong_answer_passes(name: str, sandbox: Sandbox) -> None:
    found = await try_forgery(sandbox, name)
    assert found.holds


@pytest.mark.parametrize("name", sorted(FOOLS))
def test_a_forgery_passes_where_the_tests_run_beside_it(name: str, tmp_path: Path) -> None:
    """The usual way: program and tests in one file, and exit status 0 is a pass."""
    file = tmp_path / "whole.py"
    file.write_text(f"{FORGERIES[name]}\n{TASK}\n")
    done = subprocess.run([sys.executable, file], capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


async def test_the_right_answer_passes_the_task_that_no_forgery_does(sandbox: Sandbox) -> None:
    text = "def answer(x):\n    return {'1': 42, '[2]': 43}.get(str(x), 44)"
    assert (await sandbox.run(Program(text=text, tests=TASK))).status == "passed"


def test_the_check_names_everything_that_was_tried() -> None:
    found = asyncio.run(check_isolation())
    if len(found) == 1:
        pytest.skip(found[0].detail)
    assert all(one.holds for one in found)
    assert len(found) == len(ATTEMPTS) + len(FORGERIES)
