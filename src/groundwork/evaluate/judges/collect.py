"""Asking a judge about every labelled item, several at a time. Each verdict is on the disk as it comes, and is not asked for twice."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from groundwork.core.errors import GroundworkError
from groundwork.core.ids import hash_of
from groundwork.core.ports import Model
from groundwork.core.whole import together
from groundwork.evaluate.judges.ask import ask, ask_both
from groundwork.evaluate.judges.judge import Judge
from groundwork.evaluate.judges.labels import Labelled, Recorded
from groundwork.store.files import guarding


class Collected(NamedTuple):
    """Verdicts by id, and what kept the others from being asked: message and how often. A failure is not an unreadable verdict."""

    verdicts: dict[str, Recorded]
    failures: dict[str, int]


async def collect(
    judge: Judge,
    model: Model,
    labels: Sequence[Labelled],
    path: Path,
    *,
    concurrency: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> Collected:
    """Ask for the verdicts that `path` does not hold yet, and append them. Raises StoreError where it cannot be written."""
    kept = {row.id: row for row in _kept(path)}
    verdicts = {row.id: kept[row.id] for row in labels if row.id in kept and kept[row.id].texts == _texts(row)}
    failures: dict[str, int] = {}
    waiting = iter([row for row in labels if row.id not in verdicts])

    async def work() -> None:
        for row in waiting:
            try:
                verdict = await _one(judge, model, row)
            except (GroundworkError, TimeoutError) as error:
                what = str(error) or f"no verdict within {judge.seconds:g} s"
                failures[what] = failures.get(what, 0) + 1
                continue
            _append(path, verdict)
            verdicts[row.id] = verdict
            if progress is not None:
                progress(len(verdicts), len(labels))

    await together([work() for _ in range(concurrency)])
    return Collected(verdicts, failures)


async def _one(judge: Judge, model: Model, row: Labelled) -> Recorded:
    if not judge.is_pairwise:
        one = await ask(judge, model, row.inputs)
        return _recorded(judge, row, one.problem or one.reason, one.cost, verdict=one.verdict)
    first, swapped, _ = await ask_both(judge, model, row.inputs)
    cost = None if first.cost is None or swapped.cost is None else first.cost + swapped.cost
    reason = first.problem or swapped.problem or first.reason
    return _recorded(judge, row, reason, cost, verdicts=(first.verdict, swapped.verdict))


def _recorded(judge: Judge, row: Labelled, reason: str, cost: float | None, **verdict: Any) -> Recorded:
    return Recorded(id=row.id, cost=cost, reason=reason, judge=judge.id, texts=_texts(row), **verdict)


def _texts(row: Labelled) -> str:
    return hash_of(row.inputs)[:16]


def _kept(path: Path) -> list[Recorded]:
    """The verdicts of a file; a torn last line is as if it were not there."""
    with guarding(path):
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    found: list[Recorded] = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Recorded))
        except msgspec.DecodeError:
            continue
    return found


def _append(path: Path, verdict: Recorded) -> None:
    with guarding(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            torn = file.tell() and not _ends_whole(path)
            file.write((b"\n" if torn else b"") + msgspec.json.encode(verdict) + b"\n")


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
