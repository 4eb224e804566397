"""The files of a run: `RUN_ID.json` says what is evaluated, `RUN_ID.jsonl` gets one line for each answer as it comes.

A killed run loses nothing that was appended: a torn last line is cut off, and its example is answered again. After a power cut the last
second may be missing, which comes to the same. Of two lines for one example (an error that was tried again) the later counts.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from groundwork.core.errors import NotFound, StoreBusy, StoreError
from groundwork.core.measure import Result, Run
from groundwork.store.files import guarding, write_whole
from groundwork.store.lock import take

_SYNC_SECONDS = 1.0

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Result)


class Journal:
    """The open file of a run's results; one process at a time has it."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, take its lock and cut off a torn last line. Raises StoreBusy where another process writes it."""
        self.path = path
        self.errors: set[str] = set()
        self.done: set[str] = set()
        """Examples that have a line which is no error."""
        self.scorers: frozenset[str] | None = None
        """What the lines that are there were scored with."""
        with guarding(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _lock(self._handle, path)
            with guarding(path):
                self._end = self._repair()
        except BaseException:
            os.close(self._handle)
            raise
        self._synced = time.monotonic()

    def append(self, result: Result) -> None:
        """Add one line; it survives this process at once, and a power cut within a second. Raises StoreFull, and leaves no half line."""
        line = _encoder.encode(result) + b"\n"
        with guarding(self.path):
            try:
                self._write(line)
                if time.monotonic() - self._synced > _SYNC_SECONDS:
                    self._sync()
            except OSError:
                os.ftruncate(self._handle, self._end)
                raise
        self._end += len(line)
        self._note(result)

    def close(self) -> None:
        """Wait until the disk has everything, and let go of the file."""
        try:
            with guarding(self.path):
                self._sync()
        finally:
            os.close(self._handle)

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(self._handle, left) :]

    def _sync(self) -> None:
        os.fsync(self._handle)
        self._synced = time.monotonic()

    def _repair(self) -> int:
        end = 0
        for after, result in _scan(self.path):
            self._note(result)
            end = after
        if end < os.fstat(self._handle).st_size:
            os.ftruncate(self._handle, end)
            os.fsync(self._handle)
        return end

    def _note(self, result: Result) -> None:
        if result.status == "error":
            self.errors.add(result.example)
            return
        self.errors.discard(result.example)
        self.done.add(result.example)
        if self.scorers is None and result.scores:
            self.scorers = frozenset(score.metric for score in result.scores)


def read_results(folder: Path, identifier: str) -> tuple[Result, ...]:
    """The results of a run, one for each example that has been answered, in the order of their first lines. Changes nothing."""
    latest: dict[str, Result] = {}
    path = folder / f"{identifier}.jsonl"
    with guarding(path):
        if path.exists():
            for _, result in _scan(path):
                latest[result.example] = result
    return tuple(latest.values())


def save_run(folder: Path, run: Run) -> None:
    """Write down what a run is, or has become."""
    write_whole(folder / f"{run.id}.json", msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")


def read_run(folder: Path, identifier: str) -> Run:
    """What a run is. Raises NotFound."""
    path = folder / f"{identifier}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Run)
    except FileNotFoundError:
        raise NotFound(f"no run {identifier!r} in {folder}", fix="see `groundwork list runs`") from None
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged: {error}", fix="remove it and evaluate again") from None


def list_runs(folder: Path) -> list[Run]:
    """All runs of a folder, newest first."""
    names = [path.stem for path in folder.glob("run_*.json")] if folder.is_dir() else []
    return sorted((read_run(folder, name) for name in names), key=lambda run: (run.started, run.id), reverse=True)


def _scan(path: Path) -> Iterator[tuple[int, Result]]:
    """Each result with the offset where its line ends; stops before a torn last line. Raises StoreError for a broken line before it."""
    end = 0
    broken = ""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if broken:
                raise StoreError(broken, fix="restore the file from a backup, or evaluate again")
            try:
                result = _decoder.decode(line) if line.endswith(b"\n") else None
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                result, broken = None, f"{path}:{number} is no result: {error}"
            if result is not None:
                end += len(line)
                yield end, result


def _lock(handle: int, path: Path) -> None:
    """Keep other processes out until this one closes the file or dies."""
    if not take(handle):
        raise StoreBusy(f"another process is writing {path.name}", fix="let it finish, or stop it, then resume the run")
