"""Floor 1: running programs that nobody trusts, each behind the system's own walls, or not at all.

`Sandbox` (box.py) starts one warm interpreter, the zygote, in namespaces of its own; it forks one child per program, and a second one for
the program's tests, so that no program can decide its own verdict. What runs inside imports the standard library only.

    program.py    what is run, its limits, what came out
    box.py        the sandbox as seen from outside
    process.py    the link to one zygote
    verdict.py    from how processes ended to the outcome
    isolation.py  whether this system can isolate, and what to do where it cannot
    attempts.py   ways out and forged passes, as programs
    probe.py      all of them tried on this system
    zygote.py     inside: forks and reaps
    walls.py      inside: the order in which a process is locked in
    filter.py     inside: the system calls that are left
    kernel.py     inside: calls of the kernel that Python does not offer
    inside.py     inside: running a program, running its tests
    wire.py       inside: values between a program and its tests

The names below load when they are first used: inside there is no library that they need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Limits": "groundwork.secure.sandbox.program",
    "Outcome": "groundwork.secure.sandbox.program",
    "Program": "groundwork.secure.sandbox.program",
    "Sandbox": "groundwork.secure.sandbox.box",
    "check_isolation": "groundwork.secure.sandbox.probe",
}

__all__ = ["Limits", "Outcome", "Program", "Sandbox", "check_isolation"]

if TYPE_CHECKING:
    from groundwork.secure.sandbox.box import Sandbox
    from groundwork.secure.sandbox.probe import check_isolation
    from groundwork.secure.sandbox.program import Limits, Outcome, Program


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'groundwork.secure.sandbox' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
