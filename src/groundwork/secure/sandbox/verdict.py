"""From how the processes of a run ended to its outcome. Only the tests' own process can say `passed`."""

import json
import os
import signal
from collections.abc import Mapping
from typing import Any, NamedTuple

from groundwork.secure.sandbox.program import Limits, Outcome, Program, Status

_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGFPE, signal.SIGSYS})
_COUNTED = 0.75
"""Of a limit of CPU time: the kernel holds it by its ticks, which on a busy machine come to more than the time it reports at the end."""


class Part(NamedTuple):
    """How one process ended."""

    status: int
    """As `wait` gives it."""
    cpu: float
    """Seconds."""
    memory: int
    """The most bytes that were in memory."""


class Ending(NamedTuple):
    """What is known when all processes of a run have ended. `verdict` is what the tests' process wrote."""

    parts: Mapping[str, Part]
    stopped: str
    failed: str
    verdict: bytes


def judge(ending: Ending, program: Program, limits: Limits) -> Outcome:
    """The outcome, without what was written and how long it took."""
    main = ending.parts.get("program")
    code = os.WEXITSTATUS(main.status) if main is not None and os.WIFEXITED(main.status) else None
    status, detail = _status(ending, program, limits)
    return Outcome(
        status=status,
        detail=detail,
        exit_code=code,
        cpu_seconds=sum(part.cpu for part in ending.parts.values()),
        memory=main.memory if main is not None else 0,
    )


def _status(ending: Ending, program: Program, limits: Limits) -> tuple[Status, str]:
    if ending.failed:
        return "lost", f"it could not be started: {ending.failed}"
    said = _verdict(ending) if program.tests else None
    if said is not None and said["passed"] is True and ending.stopped in {"", "left"}:
        return "passed", ""
    if ending.stopped == "timeout":
        return "timeout", f"it had not ended after {limits.wall}"
    if ending.stopped == "output":
        return "output", f"it wrote more than {limits.output}"
    if not program.tests:
        return _ended(ending.parts["program"], limits)
    if said is None:  # the tests themselves were ended
        return _ended(ending.parts["tests"], limits, whose="its tests")
    if said["lost"]:
        status, detail = _ended(ending.parts["program"], limits)
        return (
            ("failed", f"{said['why']} ({detail or 'it ended with exit status 0'})")
            if status in {"finished", "failed"}
            else (status, detail)
        )
    return "memory" if said["raised"] == "MemoryError" else "failed", str(said["why"])


def _verdict(ending: Ending) -> dict[str, Any] | None:
    """What the tests' process wrote; None where it did not come to its end."""
    tests = ending.parts["tests"]
    if tests.status != 0:
        return None
    try:
        return json.loads(ending.verdict)
    except ValueError:
        return None


def _ended(part: Part, limits: Limits, whose: str = "it") -> tuple[Status, str]:
    """How a process ended that was not stopped by us."""
    if os.WIFEXITED(part.status):
        code = os.WEXITSTATUS(part.status)
        return ("finished", "") if code == 0 and whose == "it" else ("failed", f"{whose} ended with exit status {code}")
    number = os.WTERMSIG(part.status)
    if number in {signal.SIGKILL, signal.SIGXCPU} and part.cpu >= limits.cpu.seconds * _COUNTED:
        return "timeout", f"{whose} used more than {limits.cpu} of CPU time"
    if number == signal.SIGKILL:
        return "memory", f"{whose} was killed by the system: memory ran out"
    return "crashed", f"{whose} was ended by the signal {signal.Signals(number).name}"
