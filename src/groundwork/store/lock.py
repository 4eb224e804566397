"""One holder at a time, across processes: a lock on a file, which the operating system frees when its holder dies."""

import contextlib
import fcntl
from collections.abc import Generator
from pathlib import Path

from groundwork.core.errors import StoreBusy
from groundwork.store.database import raising


def take(handle: int) -> bool:
    """Take the lock of an open file, until it is closed or this process dies; say whether it was free."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def holding(path: Path, *, what: str) -> Generator[None]:
    """Hold the lock `path`. Raises StoreBusy at once where another process has it; `what` says what that process is doing."""
    with contextlib.ExitStack() as stack:
        with raising(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("w"))
        if not take(file.fileno()):
            raise StoreBusy(f"another process is {what}", fix="wait until it has finished, then try again")
        yield
