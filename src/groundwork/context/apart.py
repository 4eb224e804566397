"""Reading in a process of its own. What a file does to its parser there (hang, crash, take all memory) costs that file, not the batch.

One child serves one file after the other; after a crash or a time-out the next file gets a new one. It ends with its parent, whose pipe it
reads.
"""

import atexit
import contextlib
import struct
import subprocess
import sys
import threading
from typing import IO

import msgspec

from groundwork.core.document import Document
from groundwork.core.errors import InputError

SECONDS = 120.0
"""That a file may take."""
_LENGTH = struct.Struct("<Q")


class Task(msgspec.Struct, frozen=True, array_like=True):
    """A file for the child."""

    source: str
    suffix: str
    data: bytes


class Refused(msgspec.Struct, frozen=True, array_like=True):
    """An InputError on its way."""

    what: str
    fix: str


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What became of a file."""

    document: Document | None
    refused: Refused | None = None


class Apart:
    """A child that reads, started at the first file. Any thread may ask; one file is read at a time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def read(self, data: bytes, source: str, suffix: str) -> Document:
        """The document, by the reader of this suffix. Raises InputError as that reader does, and where the file takes too long, too much
        memory, or ends the child.
        """
        with self._turn:
            child = self._running()
            late = threading.Event()
            timer = threading.Timer(self._seconds, _stop, (child, late))
            timer.start()
            try:
                answer = _asked(child, msgspec.msgpack.encode(Task(source, suffix, data)))
            finally:
                timer.cancel()
            if answer is None:
                raise _failure(source, self._end(), self._seconds if late.is_set() else None)
            if late.is_set():  # it answered in the very moment
                self._end()
        read = msgspec.msgpack.decode(answer, type=Answer)
        if read.document is not None:
            return read.document
        refused = read.refused or Refused(f"{source} could not be read", "leave it out of `sources`")
        raise InputError(refused.what, fix=refused.fix)

    def close(self) -> None:
        """End the child."""
        with self._turn:
            self._end()

    def _end(self) -> int:
        """Its exit status; what it holds open is closed."""
        child, self._child = self._child, None
        if child is None:
            return 0
        child.kill()
        with contextlib.suppress(BrokenPipeError):
            child.communicate()
        return child.returncode

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is not None:
            self._end()
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "groundwork.context.apart_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._child


def _stop(child: "subprocess.Popen[bytes]", late: threading.Event) -> None:
    late.set()
    child.kill()


def _asked(child: "subprocess.Popen[bytes]", task: bytes) -> bytes | None:
    """What the child answers; None where it ended instead."""
    if child.stdin is None or child.stdout is None:
        return None
    try:
        send(child.stdin, task)
    except BrokenPipeError:
        return None
    return received(child.stdout)


def _failure(source: str, code: int, seconds: float | None) -> InputError:
    fix = "export it again, or leave it out of `sources`"
    if seconds is not None:
        return InputError(f"{source} is broken or enormous: reading it took more than {seconds:g} seconds", fix=fix)
    return InputError(f"{source} is broken: its parser crashed on it (exit {code})", fix=fix)


def send(pipe: IO[bytes], message: bytes) -> None:
    """Write a message with its length before it."""
    pipe.write(_LENGTH.pack(len(message)))
    pipe.write(message)
    pipe.flush()


def received(pipe: IO[bytes]) -> bytes | None:
    """The next message; None where the pipe ends before its end."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    message = pipe.read(length)
    return message if len(message) == length else None


SHARED = Apart()
"""The child of this process."""
atexit.register(SHARED.close)
