"""Running a target over a suite: several cases at a time, each answer on the disk as it comes, resumable after a kill."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.ids import canonical, event_id
from groundwork.core.measure import Run
from groundwork.core.ports import Target
from groundwork.evaluate.asking import Asker
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.journal import Journal, list_runs, read_run, save_run, stream_results
from groundwork.evaluate.kept import NOTHING_KEPT, KeptAnswers
from groundwork.evaluate.pace import Pace
from groundwork.evaluate.report import settle
from groundwork.evaluate.suite import Suite
from groundwork.evaluate.tally import Tally

T = TypeVar("T")

REVISION = "revision"
"""In `Run.endpoint`: who answered, as the target names it; several where it changed meanwhile."""


class Progress(NamedTuple):
    """How far a run has come. `done` counts answers and errors, those of an earlier start included; each repeat is counted."""

    done: int
    total: int
    errors: int


def new_run(
    suite: Suite,
    *,
    split: str = "",
    target: str,
    config: str = "",
    release: str = "",
    change: str = "",
    endpoint: dict[str, Any] | None = None,
    identifier: str = "",
    started: float | None = None,
) -> Run:
    """A run that has not begun: what is to be evaluated (`target` names it for people), and the versions that make it what it is."""
    return Run(
        id=identifier or event_id("run"),
        suite=suite.name,
        suite_sha256=suite.sha256,
        questions_sha256=suite.examples.questions_sha256,
        split=split,
        target=target,
        started=time.time() if started is None else started,
        config=config,
        release=release,
        change=change,
        repeats=suite.repeats,
        endpoint=endpoint or {},
        scorers=records(suite),
    )


def find_unfinished(folder: Path, wanted: Run) -> Run | None:
    """The latest run in `folder` that was broken off and evaluates exactly what `wanted` would."""
    return next((run for run in list_runs(folder) if run.finished is None and not _differences(run, wanted)), None)


def check_resumable(run: Run, wanted: Run) -> None:
    """Raises InputError where `run` was begun on other cases, of another configuration, or with other metrics, than `wanted` names."""
    differences = _differences(run, wanted)
    if differences:
        raise InputError(f"{run.id} cannot be resumed: {'; '.join(differences)}", fix="start a new run, or go back to what it evaluated")


async def evaluate(
    target: Target,
    suite: Suite,
    run: Run,
    *,
    folder: Path,
    instruments: Instruments | None = None,
    kept: KeptAnswers = NOTHING_KEPT,
    progress: Callable[[Progress], None] | None = None,
    retry_errors: bool = False,
    clock: Callable[[], float] = time.time,
) -> Run:
    """Answer and score every case of the run that has no result yet; return the run with its figures, and save it.

    `folder` holds the runs' files; `instruments` is what scorers measure with. With `retry_errors`, cases that ended in an error are asked once
    more. Whatever breaks it off (Ctrl-C, a kill, a full disk) leaves a run that the same call completes. Raises InputError where the run was
    begun on other cases, on another configuration or with other metrics, StoreBusy, StoreFull; UpstreamError for a key that is refused before
    anything was answered.
    """
    _check_suite(run, suite)
    places = suite.split(run.split).places
    tally = Tally(suite.examples, run.repeats)
    with closing(Journal(folder / f"{run.id}.jsonl", tally.note)) as journal, suite.examples.reading() as read:
        if tally.done or tally.errors:
            before = read_run(folder, run.id)
            check_resumable(before, run)
            run = _named(run, _revisions(before))
        save_run(folder, run)
        pace = Pace(None if suite.concurrency == "auto" else suite.concurrency, attempts=suite.attempts or 1)
        asker = Asker(target, suite.scorers, suite.timeout, pace, suite.sha256, instruments or Instruments(), kept)
        total, named = len(places) * run.repeats, 0

        def report() -> None:
            if progress is not None:
                progress(Progress(tally.done + tally.errors, total, tally.errors))

        async def one(unit: tuple[int, int]) -> None:
            nonlocal run, named
            place, repeat = unit
            results = await asker.ask(read(place), place, repeat)
            journal.append(results)
            tally.mark(place, repeat, broken=results[-1].status == "error")
            if len(asker.revisions) > named:
                named = len(asker.revisions)
                run = _named(run, asker.revisions | _revisions(run))
                save_run(folder, run)
            report()

        report()
        await each(one, tally.left(places, with_errors=retry_errors), pace)
    return finish(run, suite, folder, clock(), asked_once=tally.is_plain)


def _check_suite(run: Run, suite: Suite) -> None:
    if run.suite_sha256 != suite.sha256:
        raise InputError(f"{run.id} was begun on other cases than {suite.path} holds now", fix="start a new run")
    changed = [name for name, _, _ in _apart(run.scorers, records(suite))] if run.scorers else []
    if changed:
        fix = "start a new run, or name the metrics as they were"
        raise InputError(f"{run.id} was begun with other metrics or settings ({', '.join(changed)})", fix=fix)


def records(suite: Suite) -> dict[str, Any]:
    return {one.name: one.record for one in suite.scorers}


def finish(run: Run, suite: Suite, folder: Path, finished: float, *, asked_once: bool = False) -> Run:
    """Add a run's results up, and save it."""
    run = settle(run, stream_results(folder, run.id, asked_once=asked_once), suite.metrics, finished=finished)
    save_run(folder, run)
    return run


async def each(work: Callable[[T], Awaitable[None]], units: Iterator[T], pace: Pace) -> None:
    """Do the work for each unit, as many at a time as the pace allows. The first failure stops all and is raised as it is."""

    async def worker() -> None:
        while True:
            await pace.enter()
            try:
                unit = next(units, None)
                if unit is None:
                    return
                await work(unit)
            finally:
                pace.leave()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(pace.workers):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _revisions(run: Run) -> set[str]:
    kept = run.endpoint.get(REVISION, [])
    return {kept} if isinstance(kept, str) else set(kept)


def _named(run: Run, revisions: set[str]) -> Run:
    named = sorted(one for one in revisions if one)
    if not named:
        return run
    return msgspec.structs.replace(run, endpoint=run.endpoint | {REVISION: named[0] if len(named) == 1 else named})


def _differences(run: Run, wanted: Run) -> list[str]:
    shown = {
        "suite": "suite",
        "suite_sha256": "cases",
        "split": "split",
        "target": "target",
        "config": "configuration",
        "change": "change",
        "release": "release",
        "repeats": "number of repeats",
        "scored_from": "source of answers",
    }
    found = [
        f"its {name} is {getattr(run, field) or 'none'}, not {getattr(wanted, field) or 'none'}"
        for field, name in shown.items()
        if getattr(run, field) != getattr(wanted, field)
    ]
    found += [f"its endpoint had {name} {one!r}, not {other!r}" for name, one, other in _apart(_asked(run), _asked(wanted))]
    changed = [name for name, _, _ in _apart(run.scorers, wanted.scorers)] if run.scorers else []
    return [*found, *([f"it was begun with other metrics or settings ({', '.join(changed)})"] if changed else [])]


def _asked(run: Run) -> dict[str, Any]:
    return {name: value for name, value in run.endpoint.items() if name != REVISION}


def _apart(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Keys whose values are not the same as JSON, with both values."""
    names = sorted(one.keys() | other.keys())
    pairs = ((name, one.get(name), other.get(name)) for name in names)
    return [(name, before, after) for name, before, after in pairs if canonical(before) != canonical(after)]
