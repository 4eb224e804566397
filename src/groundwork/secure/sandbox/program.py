"""What is run in the sandbox, what it may use, and what came out."""

from typing import Literal

import msgspec

from groundwork.core.config import Section
from groundwork.core.units import Duration, Size

Status = Literal["passed", "finished", "failed", "timeout", "memory", "output", "crashed", "lost"]
"""`passed`: its tests ran to their end. `finished`: without tests, it ended with exit status 0. `failed`: it raised, answered wrongly, or
ended otherwise. `timeout`: of wall or CPU time. `memory`, `output`: it asked for more than it may. `crashed`: a signal ended it. `lost`: the
sandbox itself ended under it twice, so nothing is known of it."""


class Limits(Section, frozen=True, kw_only=True):
    """What one program may use. Time counts from its start; its tests have the same limits, in a process of their own."""

    memory: Size = Size(512e6, "512MB")
    """Address space; the warm interpreter has some 40 MB of it mapped."""
    cpu: Duration = Duration(5.0, "5s")
    """Rounded up to whole seconds: the kernel counts no finer."""
    wall: Duration = Duration(10.0, "10s")
    threads: int = 16
    """At a time, the first one included. New processes are never allowed."""
    output: Size = Size(1e6, "1MB")
    """Of standard output and standard error together."""
    files: Size = Size(16e6, "16MB")
    """In its scratch folder, the only place it can write to."""

    def __post_init__(self) -> None:
        if self.memory.bytes < 64_000_000:
            raise ValueError(f"memory of {self.memory} does not hold a Python interpreter: allow 64MB or more")
        if min(self.cpu.seconds, self.wall.seconds, self.output.bytes, self.files.bytes, self.threads) <= 0:
            raise ValueError("a limit of nothing lets no program run: choose one above 0")


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A Python program (standard library only), alone or with its tests.

    With tests, what it reads from `stdin` is empty, and the tests run in another process: they call its functions with plain data
    (`groundwork.secure.sandbox.wire`) and compare what comes back. They may be assertions that use the program's names, or define
    `check(candidate)`, which is then called with the function that `entry_point` names.
    Not covered: tests that need a program's classes, or pass functions to it.
    """

    text: str
    stdin: str = ""
    tests: str = ""
    preamble: str = ""
    """Run before the tests: definitions of the task's own that they use."""
    entry_point: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended. `detail` is a sentence for people where it did not pass; its words may be the program's."""

    status: Status
    detail: str = ""
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    """None where a signal ended it."""
    seconds: float = 0.0
    """Wall time."""
    cpu_seconds: float = 0.0
    """Of the program and its tests, user and system."""
    memory: int = 0
    """The most bytes of the program that were in memory, with what it shares with the zygote."""
