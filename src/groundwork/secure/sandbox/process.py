"""The link to one zygote: starting it, handing it programs, hearing of their ends. Everything here happens on the event loop, waiting for files.

A program's files are made here and passed over the socket: its text and input in memory, pipes for what it writes. When all its processes
have ended, nobody holds a pipe's other end, so every run ends for certain.
"""

import asyncio
import contextlib
import errno
import json
import math
import os
import socket
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from groundwork.secure.sandbox.isolation import Refusal, not_linux, refused
from groundwork.secure.sandbox.program import Limits, Outcome, Program
from groundwork.secure.sandbox.verdict import Ending, Part, judge

_BOOT = "import sys; sys.path.insert(0, {root!r}); from groundwork.secure.sandbox.zygote import main; del sys.path[0]; main({descriptor})"
_START = 30.0
"""Seconds a zygote may take to start."""
_PIECE = 1 << 16
_SOURCE = Path(__file__).resolve().parents[3]
"""The folder that holds the package."""


@dataclass(slots=True, eq=False)
class Run:
    """One program while it runs."""

    limits: Limits
    expected: int
    """Processes that are to be reported."""
    done: asyncio.Future[bool]
    """False where the zygote ended meanwhile."""
    started: float
    pipes: dict[int, str] = field(default_factory=dict[int, str])
    """Reading ends that are still open, and what they carry."""
    said: dict[str, bytearray] = field(default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray(), "verdict": bytearray()})
    parts: dict[str, Part] = field(default_factory=dict[str, Part])
    stopped: str = ""
    """Why we have killed it: `timeout`, `output`."""
    failed: str = ""
    """What the zygote says where it could not start it."""

    @property
    def ending(self) -> Ending:
        return Ending(parts=self.parts, stopped=self.stopped, failed=self.failed, verdict=bytes(self.said["verdict"]))

    def settle(self) -> None:
        if not self.pipes and len(self.parts) == self.expected and not self.done.done():
            self.done.set_result(True)


class Zygote:
    """A running zygote. `alive` turns False when it ends, whatever ended it."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.alive = True
        self._process = process
        self._control = control
        self._runs: dict[int, Run] = {}
        self._next = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(control.fileno(), self._hear)

    @property
    def pid(self) -> int:
        """Of the process outside that lives as long as the zygote."""
        return self._process.pid

    async def run(self, program: Program, limits: Limits) -> Outcome | None:
        """Run one program to its end; None where the zygote ended under it. Who is cancelled leaves no process behind."""
        self._next += 1
        number = self._next
        run = Run(limits, 2 if program.tests else 1, self._loop.create_future(), time.monotonic())
        timer = self._loop.call_later(limits.wall.seconds, self._stop, number, "timeout")
        try:
            with self._files(run, number, program) as descriptors:
                self._runs[number] = run
                await self._order({"run": number, "bounds": _bounds(limits)}, descriptors)
            if not self.alive or not await run.done:
                return None
            return _outcome(run, program)
        finally:
            timer.cancel()
            self._stop(number, "left")
            self._close_pipes(run)

    async def close(self) -> None:
        """End the zygote and everything in it, and wait until it is gone."""
        self._end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START):
                await self._process.wait()
                return
        self._process.kill()
        await self._process.wait()

    @contextlib.contextmanager
    def _files(self, run: Run, number: int, program: Program) -> Generator[list[int]]:
        """The program's ends of its files, in the order that the zygote expects; ours of its pipes are read from now on."""
        opened: list[int] = []
        try:
            opened.append(_memory_file(program.stdin))
            opened.append(self._pipe(run, number, "stdout"))
            opened.append(self._pipe(run, number, "stderr"))
            opened.append(_memory_file(program.text))
            if program.tests:
                job = {"tests": program.tests, "preamble": program.preamble, "entry_point": program.entry_point}
                opened += [_memory_file(json.dumps(job)), self._pipe(run, number, "verdict")]
            yield opened
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def _pipe(self, run: Run, number: int, name: str) -> int:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(ours, False)
        run.pipes[ours] = name
        self._loop.add_reader(ours, self._read, run, number, ours)
        return theirs

    async def _order(self, message: dict[str, Any], descriptors: list[int]) -> None:
        data = json.dumps(message).encode()
        while self.alive:
            try:
                socket.send_fds(self._control, [data], descriptors)
            except BlockingIOError:  # hundreds of orders wait for it
                await asyncio.sleep(0.001)
            except OSError:
                self._end()
            else:
                return

    def _read(self, run: Run, number: int, descriptor: int) -> None:
        piece = os.read(descriptor, _PIECE)
        said = run.said[run.pipes[descriptor]]
        if not piece:
            self._close_pipe(run, descriptor)
            run.settle()
            return
        room = run.limits.output.bytes - len(run.said["stdout"]) - len(run.said["stderr"])
        if said is not run.said["verdict"] and len(piece) > room:
            said += piece[:room]
            self._stop(number, "output")
        else:
            said += piece

    def _hear(self) -> None:
        """A report of the zygote, or its end."""
        try:
            message = self._control.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._end()
            return
        report = json.loads(message)
        run = self._runs[report["run"]]
        if "failed" in report:
            run.failed = report["failed"]
            run.expected = report["forked"]
        else:
            run.parts[report["part"]] = Part(status=report["status"], cpu=report["cpu"], memory=report["memory"])
        if len(run.parts) >= run.expected:
            del self._runs[report["run"]]
        run.settle()

    def _stop(self, number: int, why: str) -> None:
        """Kill a run that is still going; its end is reported like any other."""
        run = self._runs.get(number)
        if run is None or run.stopped or not self.alive:
            return
        run.stopped = why
        with contextlib.suppress(OSError):
            self._control.send(json.dumps({"kill": number}).encode())

    def _end(self) -> None:
        """The zygote is gone, or is to go: it ends when its socket does."""
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        for run in self._runs.values():
            if not run.done.done():
                run.done.set_result(False)
        self._runs.clear()

    def _close_pipes(self, run: Run) -> None:
        for descriptor in list(run.pipes):
            self._close_pipe(run, descriptor)

    def _close_pipe(self, run: Run, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        del run.pipes[descriptor]


async def start() -> Zygote:
    """Start a zygote. Raises ConfigError, with what to do, where the system does not isolate."""
    if (unfit := not_linux()) is not None:
        raise unfit.error()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    complaints = os.memfd_create("complaints", os.MFD_CLOEXEC)
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", _BOOT.format(root=str(_SOURCE), descriptor=theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=complaints,
                pass_fds=(theirs.fileno(),), env={"LD_BIND_NOW": "1"}, cwd="/", start_new_session=True,
            )  # fmt: skip
        first = await _first_word(ours, process, complaints)
    except BaseException:
        ours.close()
        raise
    finally:
        os.close(complaints)
    if "refused" in first:
        ours.close()
        raise refused(Refusal(**first)).error()
    return Zygote(process, ours)


async def _first_word(control: socket.socket, process: asyncio.subprocess.Process, complaints: int) -> dict[str, Any]:
    """`{"ready": …}` or `{"refused": …}`; where nothing comes, what the process wrote instead. It has ended unless it is ready."""
    message = b""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(_START):
            message = await asyncio.get_running_loop().sock_recv(control, _PIECE)
    first: dict[str, Any] = json.loads(message) if message else {"refused": "start", "errno": errno.EIO}
    if "refused" in first:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if not message:
        said = os.pread(complaints, _PIECE, 0).decode(errors="replace").strip()
        first["said"] = (said.splitlines() or ["no word from it"])[-1]
    return first


def _bounds(limits: Limits) -> dict[str, int]:
    return {
        "memory": limits.memory.bytes,
        "cpu": math.ceil(limits.cpu.seconds),
        "threads": limits.threads,
        "files": limits.files.bytes,
    }


def _memory_file(text: str) -> int:
    """A file without a name, at its beginning. What is no valid text (a lone surrogate) is written as `?`."""
    descriptor = os.memfd_create("text", os.MFD_CLOEXEC)
    data = memoryview(text.encode(errors="replace"))
    while data:
        data = data[os.write(descriptor, data) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _outcome(run: Run, program: Program) -> Outcome:
    outcome = judge(run.ending, program, run.limits)
    texts = {name: bytes(run.said[name]).decode(errors="replace") for name in ("stdout", "stderr")}
    return msgspec.structs.replace(outcome, seconds=time.monotonic() - run.started, **texts)
