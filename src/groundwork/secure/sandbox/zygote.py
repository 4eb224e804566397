"""The zygote: one warm interpreter, locked away from the system, that forks a child for each program and one for its tests.

It speaks with the outside over one socket of whole messages (SOCK_SEQPACKET) and never sees a program's text: that comes as an open file,
which goes to the child that needs it. It ends when the socket does, and as the first process of its namespace it takes everything with it.
Standard library only: this runs inside the sandbox.
"""

import gc
import json
import os
import random
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from groundwork.secure.sandbox import inside, kernel, walls

PRELOADED = """abc bisect collections copy dataclasses datetime enum functools heapq itertools json math operator random re string time
typing warnings""".split()  # noqa: SIM905
"""What programs use most: imported once instead of once a program. Each one more makes every fork a little dearer, a compiled one by 25 µs."""
MESSAGE = 4_096
ENVIRONMENT = {"HOME": walls.SCRATCH, "TMPDIR": walls.SCRATCH, "LANG": "C.UTF-8", "PATH": ""}
_DESCRIPTORS = 6
_HIGH = 100


def main(descriptor: int) -> NoReturn:
    """Lock ourselves away and serve; `descriptor` is our end of the socket. Says what was refused where the system does not allow it."""
    control = socket.socket(fileno=descriptor)
    for name in PRELOADED:
        import_module(name)
    try:
        walls.surround()
        pid = os.fork()
    except walls.Refused as error:
        control.send(json.dumps({"refused": error.step, "errno": error.errno, "said": error.strerror}).encode())
        sys.exit(0)
    if pid:  # stay outside as the parent whom the outside can wait for
        control.close()
        kernel.die_with_parent()
        os.waitpid(pid, 0)
        os._exit(0)
    kernel.die_with_parent()
    _Zygote(control).serve()


@dataclass(slots=True)
class _Family:
    """The processes of one run that still live, by their part: `program`, `tests`."""

    number: int
    parts: dict[str, int] = field(default_factory=dict[str, int])

    def kill(self) -> None:
        for pid in self.parts.values():
            os.kill(pid, signal.SIGKILL)  # ours until we wait for it: the number cannot mean anybody else


class _Zygote:
    """Forks, waits, reports: one thing at a time, and none of them waits for a program."""

    def __init__(self, control: socket.socket) -> None:
        os.environ.clear()
        os.environ.update(ENVIRONMENT)
        self._control = control
        self._home = os.pidfd_open(os.getpid())
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self._waiting = select.poll()
        self._waiting.register(control, select.POLLIN)
        self._families: dict[int, _Family] = {}
        self._living: dict[int, tuple[_Family, str]] = {}
        """By pidfd: whose process it is, and which part."""

    def serve(self) -> NoReturn:
        threading.main_thread()._set_native_id()  # pyright: ignore[reportAttributeAccessIssue]  1, in our namespace as in each child's
        inside.rehearse()
        for name in [name for name in sys.modules if name.partition(".")[0] == "groundwork"]:
            del sys.modules[name]  # no business of a program
        gc.collect()
        gc.freeze()  # the collector of a child leaves the shared pages alone
        self._say({"ready": True})
        while True:
            for descriptor, _ in self._waiting.poll():
                if descriptor == self._control.fileno():
                    self._obey()
                else:
                    self._bury(descriptor)

    def _obey(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE, _DESCRIPTORS)
        if not message:
            os._exit(0)
        order = json.loads(message)
        if "kill" in order:
            if order["kill"] in self._families:
                self._families[order["kill"]].kill()
            return
        family = self._families[order["run"]] = _Family(order["run"])
        try:
            self._fork_all(family, walls.Bounds(**order["bounds"]), descriptors)
        except OSError as error:
            family.kill()
            self._say({"run": family.number, "failed": str(error), "forked": len(family.parts)})
            if not family.parts:
                del self._families[family.number]
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _fork_all(self, family: _Family, bounds: walls.Bounds, descriptors: list[int]) -> None:
        """`descriptors`: input, output, errors and text of the program[, and of the tests text and verdict]."""
        if len(descriptors) == 4:
            self._fork(family, "program", bounds, descriptors, inside.run_program)
            return
        ours, theirs = socket.socketpair()
        with ours, theirs:
            null = [self._null] * 3
            self._fork(family, "tests", bounds, [*null, *descriptors[4:], ours.fileno()], inside.run_tests)
            self._fork(family, "program", bounds, [*descriptors[:4], theirs.fileno()], inside.serve_program)

    def _fork(self, family: _Family, part: str, bounds: walls.Bounds, kept: list[int], work: Callable[[], NoReturn]) -> None:
        pid = walls.fork_apart(self._home, partial(_child, bounds, kept, work))
        family.parts[part] = pid
        pidfd = os.pidfd_open(pid)
        self._living[pidfd] = (family, part)
        self._waiting.register(pidfd, select.POLLIN)

    def _bury(self, pidfd: int) -> None:
        """Wait for a child that has ended, and report it. With its tests, a program ends too."""
        family, part = self._living.pop(pidfd)
        self._waiting.unregister(pidfd)
        os.close(pidfd)
        _, status, used = os.wait4(family.parts.pop(part), 0)
        if part == "tests":
            family.kill()
        if not family.parts:
            del self._families[family.number]
        spent = {"cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss * 1024}
        self._say({"run": family.number, "part": part, "status": status, **spent})

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError:  # nobody listens any more
            os._exit(0)


def _child(bounds: walls.Bounds, kept: list[int], work: Callable[[], NoReturn]) -> None:
    """In the child: keep these files as 0, 1, 2 and so on, lose every other, raise the walls, work."""
    high = [os.dup2(descriptor, _HIGH + place) for place, descriptor in enumerate(kept)]
    for place, descriptor in enumerate(high):
        os.dup2(descriptor, place)
    os.closerange(len(kept), 1 << 20)
    walls.lock_in(bounds)
    random.seed()  # or all would draw the same numbers
    work()
