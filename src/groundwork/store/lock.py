"""One holder at a time, across processes: a lock on a file, which the operating system frees when its holder dies."""

import contextlib
import fcntl
from collections.abc import Generator
from pathlib import Path

from groundwork.core.errors import StoreBusy
from groundwork.store.database import raising


@contextlib.contextmanager
def holding(path: Path, *, what: str) -> Generator[None]:
    """Hold the lock `path`. Raises StoreBusy at once where another process has it; `what` says what that process is doing."""
    with contextlib.ExitStack() as stack:
        with raising(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("w"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusy(f"another process is {what}", fix="wait until it has finished, then try again") from None
        yield
