"""Files that appear whole or not at all, and lines that are appended to stay."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from groundwork.core.errors import StoreError, StoreFull

_FULL = {errno.ENOSPC, errno.EDQUOT}


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, then move it there: a reader sees the old one or the new one, also after a power cut."""
    with guarding(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            write_synced(part, data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the disk has the names in a folder: a renamed file is only there to stay after this."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def guarding(path: Path) -> Generator[None]:
    """Turn what the file system raises into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(f"no space left for {path}", fix="free some space on the disk, then try again") from error
        raise StoreError(
            f"{path}: {error.strerror or error}", fix="check that the folder exists, is writable and has space left"
        ) from error
