"""The files of a run: `RUN_ID.json` says what is evaluated, `RUN_ID.jsonl` gets one line for each answer as it comes.

A killed run loses nothing that was appended: a torn last line is cut off, with the lines of the conversation it broke, and its case is
asked again. After a power cut the last second may be missing, which comes to the same. Where a case was asked again after an error, the lines
of the last attempt count.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from groundwork.core.errors import NotFound, StoreBusy, StoreError
from groundwork.core.measure import Result, Run
from groundwork.store.files import guarding, write_whole
from groundwork.store.lock import take

_SYNC_SECONDS = 1.0
Line = TypeVar("Line")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a line is about, without what it says: all that resuming needs to read."""

    example: str
    status: str
    place: int = 0
    repeat: int = 0
    turn: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Result)
_heads = msgspec.json.Decoder(Head)


def _whole(_head: Head) -> bool:
    return True


class Journal:
    """The open file of a run's results; one process at a time has it."""

    def __init__(self, path: Path, note: Callable[[Head], bool] = _whole) -> None:
        """Open or make the file, take its lock, and cut off what was torn.

        Every line that is there is passed to `note`, which says whether it completes its case: what comes after the last line that does is cut.
        Raises StoreBusy where another process writes the file, StoreError for a line that is none.
        """
        self.path = path
        with guarding(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _lock(self._handle, path)
            with guarding(path):
                self._end = self._repair(note)
        except BaseException:
            os.close(self._handle)
            raise
        self._synced = time.monotonic()

    def append(self, results: Iterable[Result]) -> None:
        """Add the lines of a case at once; they survive this process, and within a second a power cut. Raises StoreFull, and leaves no half line."""
        lines = b"".join(_encoder.encode(result) + b"\n" for result in results)
        try:
            self._write(lines)
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                self._sync()
        except OSError:
            with guarding(self.path):
                os.ftruncate(self._handle, self._end)
                raise
        self._end += len(lines)

    def close(self) -> None:
        """Wait until the disk has everything, and let go of the file."""
        try:
            with guarding(self.path):
                self._sync()
        finally:
            os.close(self._handle)

    def _write(self, lines: bytes) -> None:
        written = os.write(self._handle, lines)
        while written < len(lines):
            written += os.write(self._handle, memoryview(lines)[written:])

    def _sync(self) -> None:
        os.fsync(self._handle)
        self._synced = time.monotonic()

    def _repair(self, note: Callable[[Head], bool]) -> int:
        end = 0
        for after, head in _scan(self.path, _heads):
            if note(head):
                end = after
        if end < os.fstat(self._handle).st_size:
            os.ftruncate(self._handle, end)
            os.fsync(self._handle)
        return end


def read_results(folder: Path, identifier: str) -> tuple[Result, ...]:
    """The results of a run in memory, one for each answer. Changes nothing. For large runs: `stream_results`."""
    return tuple(stream_results(folder, identifier))


def stream_results(folder: Path, identifier: str, *, asked_once: bool = False) -> Iterator[Result]:
    """The results of a run, one for each answer, one line in memory at a time, in the order of their lines. Changes nothing.

    `asked_once` says that no case was asked again after an error, which spares the look for it.
    Lines of a run from before places were noted get one, in the order in which their cases first come.
    """
    path = folder / f"{identifier}.jsonl"
    with guarding(path):
        if not path.exists():
            return
        attempts, places = _survey(path) if not asked_once else ({}, {})
        for _, result in _scan(path, _decoder):
            unit = (result.example, result.repeat)
            left = attempts.get(unit, 0) if attempts else 0
            if left and result.turn == 0:
                left = attempts[unit] = left - 1
            if not left:
                yield msgspec.structs.replace(result, place=places[result.example]) if places else result


def _survey(path: Path) -> tuple[dict[tuple[str, int], int], dict[str, int]]:
    """How often each case was asked that ended in an error and was asked again; and, in a run without places, the place of each case."""
    attempts: dict[tuple[str, int], int] = {}
    first, old = "", False
    for _, head in _scan(path, _heads):
        if head.place == 0:
            old = old or bool(first and head.example != first)
            first = first or head.example
        unit = (head.example, head.repeat)
        if attempts and unit in attempts:
            attempts[unit] += head.turn == 0
        elif head.status == "error":
            attempts[unit] = 1
    return {unit: count for unit, count in attempts.items() if count > 1}, _first_places(path) if old else {}


def _first_places(path: Path) -> dict[str, int]:
    places: dict[str, int] = {}
    for _, head in _scan(path, _heads):
        places.setdefault(head.example, len(places))
    return places


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


def _scan(path: Path, decoder: "msgspec.json.Decoder[Line]") -> Iterator[tuple[int, Line]]:
    """Each line with the offset where it ends; stops before a torn last line. Raises StoreError for a broken line before it."""
    end = 0
    broken = ""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if broken:
                raise StoreError(broken, fix="restore the file from a backup, or evaluate again")
            try:
                found = decoder.decode(line) if line.endswith(b"\n") else None
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                found, broken = None, f"{path}:{number} is no result: {error}"
            if found is not None:
                end += len(line)
                yield end, found


def _lock(handle: int, path: Path) -> None:
    """Keep other processes out until this one closes the file or dies."""
    if not take(handle):
        raise StoreBusy(f"another process is writing {path.name}", fix="let it finish, or stop it, then resume the run")
