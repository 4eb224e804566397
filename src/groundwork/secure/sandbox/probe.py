"""Proof that the walls hold on this system: every attempt is made inside of the sandbox, beside targets that are really there."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from groundwork.core.errors import ConfigError
from groundwork.core.units import Duration
from groundwork.secure.sandbox.attempts import ATTEMPTS, FORGERIES, TASK, Attempt, Targets
from groundwork.secure.sandbox.box import Sandbox
from groundwork.secure.sandbox.program import Limits, Program

_LIMITS = Limits(wall=Duration(5.0, "5s"), cpu=Duration(1.0, "1s"))
_SHORT = Limits(wall=Duration(1.0, "1s"), cpu=Duration(1.0, "1s"))


class Finding(NamedTuple):
    """One thing that was tried; `holds` where it did not succeed."""

    name: str
    holds: bool
    detail: str


async def check_isolation() -> list[Finding]:
    """Try every way out, and every way to pass unearned, on this system. Where it cannot isolate, the one finding says what is missing."""
    try:
        async with Sandbox() as sandbox:
            with targets() as aims:
                out = await asyncio.gather(*(try_out(sandbox, attempt, aims) for attempt in ATTEMPTS))
            return [*out, *await asyncio.gather(*(try_forgery(sandbox, name) for name in FORGERIES))]
    except ConfigError as error:
        return [Finding("isolation", False, f"{error.what}; {error.fix}")]


async def try_out(sandbox: Sandbox, attempt: Attempt, aims: Targets) -> Finding:
    """Make one attempt inside."""
    outcome = await sandbox.run(Program(text=attempt.aimed(aims)), limits=_LIMITS)
    last = (outcome.stderr.strip().splitlines() or [outcome.detail or "it ended without reaching anything"])[-1]
    return Finding(attempt.name, "reached" not in outcome.stdout and outcome.status != "lost", last)


async def try_forgery(sandbox: Sandbox, name: str) -> Finding:
    """Put one wrong answer to the tests."""
    outcome = await sandbox.run(Program(text=FORGERIES[name], tests=TASK), limits=_SHORT)
    return Finding(f"pass by: {name}", outcome.status not in {"passed", "lost"}, outcome.detail)


@contextmanager
def targets() -> Generator[Targets]:
    """Things of the host to be reached: a file, an environment variable, listening sockets, a process. Gone afterwards."""
    name = f"groundwork-{secrets.token_hex(8)}"
    variable = "GROUNDWORK_SANDBOX_TARGET"
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        file = os.path.join(folder, "target")  # noqa: PTH118  a text for a program, not a path of ours
        with open(file, "w", encoding="utf-8") as written:  # noqa: PTH123
            written.write("reached")
        abstract.bind(f"\0{name}")
        abstract.listen()
        os.environ[variable] = "reached"
        victim = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        try:
            yield Targets(file, folder, variable, victim.pid, tcp.getsockname()[1], name)
        finally:
            victim.kill()
            victim.communicate()
            del os.environ[variable]
