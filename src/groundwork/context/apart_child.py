"""The child of `apart`: files in, documents out, until the pipe ends."""

import contextlib
import os
import sys

import msgspec

from groundwork.context.apart import Answer, Refused, Task, received, send
from groundwork.context.reading import parse_here
from groundwork.core.errors import InputError

MEMORY = 4_000_000_000
"""Bytes of address space, where the system can hold a process to that (Linux): the largest file, read and decoded, takes a quarter."""


def main() -> None:
    """Serve the parent."""
    _hold_to(MEMORY)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a parser prints is no answer
    while (message := received(sys.stdin.buffer)) is not None:
        send(answers, msgspec.msgpack.encode(_answer(msgspec.msgpack.decode(message, type=Task))))


def _answer(task: Task) -> Answer:
    try:
        return Answer(parse_here(task.data, task.source, task.suffix))
    except InputError as error:
        return Answer(None, Refused(error.what, error.fix))
    except MemoryError:
        what = f"{task.source} is broken or enormous: reading it takes more than {MEMORY // 1_000_000_000} GB of memory"
        return Answer(None, Refused(what, "split it into several files, or leave it out of `sources`"))


def _hold_to(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    main()
