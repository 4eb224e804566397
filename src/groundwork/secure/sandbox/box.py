r"""The sandbox: untrusted Python programs, each in a process that can reach nothing, or no program at all.

    async with Sandbox() as sandbox:
        outcome = await sandbox.run(Program(text="def twice(x):\n    return 2 * x", tests="assert twice(2) == 4"))

A program gets no network, no files but Python's library (read-only) and a scratch folder in memory that is gone afterwards, no other
process to see or signal, no environment, and limits on time, memory, threads, files and output. Where the system cannot do that, `open`
raises: there is no unisolated way.
Not covered: programs that need packages or start processes; time spent in the kernel on their behalf is bounded by CPU time only; a flaw
of the kernel itself.
"""

import asyncio
import os
from types import TracebackType
from typing import Self

from groundwork.core.errors import InputError, Overloaded
from groundwork.secure.sandbox.process import Zygote, start
from groundwork.secure.sandbox.program import Limits, Outcome, Program

LONGEST = 4_000_000
"""Characters of a program, its tests and input together."""


class Sandbox:
    """Runs any number of programs, `at_once` of them at a time (the cores we may use, if not said), in one event loop.

    A program is never run outside of its walls, and never a second time unless the sandbox itself ended under it.
    """

    def __init__(self, *, limits: Limits | None = None, at_once: int | None = None) -> None:
        self.limits = limits or Limits()
        self._turns = asyncio.Semaphore(at_once or _cores())
        self._starting = asyncio.Lock()
        self._zygote: Zygote | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def open(self) -> None:
        """Start the zygote and prove the walls, some 100 ms. Raises ConfigError, with what to do, where the system does not isolate."""
        await self._alive()

    async def run(self, program: Program, *, limits: Limits | None = None) -> Outcome:
        """Run one program and wait for its end. Whoever is cancelled kills it.

        Raises ConfigError where the system does not isolate, InputError for a program that is too long, Overloaded after `close`.
        """
        if len(program.text) + len(program.tests) + len(program.preamble) + len(program.stdin) > LONGEST:
            raise InputError(f"the program is longer than {LONGEST} characters with its tests and input", fix="shorten it")
        async with self._turns:
            for _ in range(2):  # what ended the zygote may have been another program
                zygote = await self._alive()
                outcome = await zygote.run(program, limits or self.limits)
                if outcome is not None:
                    return outcome
        return Outcome(status="lost", detail="the sandbox ended under it twice; nothing is known of the program")

    async def close(self) -> None:
        """End the zygote and every program; returns when they are gone."""
        self._closed = True
        async with self._starting:
            if self._zygote is not None:
                await self._zygote.close()
                self._zygote = None

    async def _alive(self) -> Zygote:
        async with self._starting:
            if self._closed:
                raise Overloaded("the sandbox is closed", fix="open a new one")
            if self._zygote is None or not self._zygote.alive:
                if self._zygote is not None:
                    await self._zygote.close()
                    self._zygote = None
                self._zygote = await start()
            return self._zygote


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
