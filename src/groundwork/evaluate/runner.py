"""Running an application over a suite: several cases at a time, each answer on the disk as it comes, resumable after a kill.

An error (the target raised, or took too long) is a status of its own: it is never a wrong answer, and never a NaN.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.ids import event_id
from groundwork.core.measure import Example, Outcome, Result, Run, Score
from groundwork.core.message import say
from groundwork.core.ports import Target
from groundwork.core.reply import Reply
from groundwork.core.request import Principal, Request
from groundwork.evaluate.journal import Journal, list_runs, read_results, read_run, save_run
from groundwork.evaluate.registry import Answered, Scorer
from groundwork.evaluate.registry import say as say_error
from groundwork.evaluate.report import summarise
from groundwork.evaluate.suite import Suite


class Progress(NamedTuple):
    """How far a run has come. `done` counts answers and errors, those of an earlier start included."""

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
    identifier: str = "",
    started: float | None = None,
) -> Run:
    """A run that has not begun: what is to be evaluated (`target` names it for people), and the versions that make it what it is."""
    return Run(
        id=identifier or event_id("run"),
        suite=suite.name,
        suite_sha256=suite.sha256,
        split=split,
        target=target,
        started=time.time() if started is None else started,
        config=config,
        release=release,
        change=change,
    )


def find_unfinished(folder: Path, wanted: Run) -> Run | None:
    """The latest run in `folder` that was broken off and evaluates exactly what `wanted` would."""
    return next((run for run in list_runs(folder) if run.finished is None and not _differences(run, wanted)), None)


def check_resumable(run: Run, wanted: Run) -> None:
    """Raises InputError where `run` was begun on other cases, or of another configuration, than `wanted` names."""
    differences = _differences(run, wanted)
    if differences:
        raise InputError(f"{run.id} cannot be resumed: {'; '.join(differences)}", fix="start a new run, or go back to what it evaluated")


async def evaluate(
    target: Target,
    suite: Suite,
    run: Run,
    *,
    folder: Path,
    progress: Callable[[Progress], None] | None = None,
    retry_errors: bool = False,
    clock: Callable[[], float] = time.time,
) -> Run:
    """Answer and score every case of the run that has no result yet; return the run with its figures, and save it.

    `folder` holds the runs' files. With `retry_errors`, cases that ended in an error are asked once more. Whatever breaks it off (Ctrl-C,
    a kill, a full disk) leaves a run that the same call completes. Raises InputError where the run was begun on other cases, on another
    configuration or with other metrics, StoreBusy, StoreFull.
    """
    examples = suite.split(run.split)
    if run.suite_sha256 != suite.sha256:
        raise InputError(f"{run.id} was begun on other cases than {suite.path} holds now", fix="start a new run")
    journal = Journal(folder / f"{run.id}.jsonl")
    try:
        _check_lines(journal, run, suite, examples)
        if journal.done or journal.errors:
            check_resumable(read_run(folder, run.id), run)
        save_run(folder, run)
        finished = journal.done if retry_errors else journal.done | journal.errors
        left = [example for example in examples if example.id not in finished]

        def report() -> None:
            if progress is not None:
                progress(Progress(len(journal.done) + len(journal.errors), len(examples), len(journal.errors)))

        async def one(example: Example) -> None:
            journal.append(await _answer(target, example, suite.scorers, suite.timeout))
            report()

        report()
        await _each(one, left, suite.concurrency)
    finally:
        journal.close()
    results = read_results(folder, run.id)
    errors = sum(result.status == "error" for result in results)
    run = msgspec.structs.replace(run, finished=clock(), n=len(results), errors=errors, metrics=summarise(results, suite.metrics))
    save_run(folder, run)
    return run


def request_for(example: Example) -> Request:
    """The structured request that an example stands for, asked from inside: evaluation is the operator's own."""
    return Request(
        messages=(*example.history, say("user", example.question)), variables=example.variables, principal=Principal(internal=True)
    )


async def _each(work: Callable[[Example], Awaitable[None]], examples: Iterable[Example], concurrency: int) -> None:
    """Do the work for each example, so many at a time. The first failure stops all and is raised as it is."""
    waiting = iter(examples)

    async def worker(source: Iterator[Example]) -> None:
        for example in source:
            await work(example)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker(waiting))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _answer(target: Target, example: Example, scorers: Iterable[Scorer], timeout: float) -> Result:
    """Ask once and score. Whatever the target or a scorer raises becomes a result with the status `error`."""
    reply: Reply | None = None
    limit = asyncio.timeout(timeout)
    start = time.perf_counter()
    try:
        async with limit:
            reply = await target(request_for(example))
        seconds = time.perf_counter() - start
        status = _status(reply)
        answered = Answered(example, reply, seconds)
        scores = tuple([await one.score(answered) for one in scorers]) if status != "unscored" else ()
    except Exception as error:  # noqa: BLE001  one case is a job: what breaks in it is its result, and the other cases go on
        seconds = time.perf_counter() - start
        what = f"no answer within {timeout:g} s" if reply is None and limit.expired() else say_error(error)
        return _result(example, reply, status="error", seconds=seconds, error=what if reply is None else f"a scorer failed: {what}")
    error = "waits for an approval" if status == "unscored" else ""
    return _result(example, reply, status=status, seconds=seconds, scores=scores, error=error)


def _result(
    example: Example, reply: Reply | None, *, status: Outcome, seconds: float, scores: tuple[Score, ...] = (), error: str = ""
) -> Result:
    return Result(
        example=example.id,
        status=status,
        answer=reply.text if reply else "",
        trace=reply.trace if reply else "",
        seconds=seconds,
        cost=reply.cost if reply else None,
        abstained=reply.abstained if reply else False,
        scores=scores,
        error=error,
    )


def _status(reply: Reply) -> Outcome:
    if reply.finish == "awaiting_approval":
        return "unscored"
    return "refused" if reply.finish == "blocked" or (reply.refusal and not reply.text) else "ok"


def _check_lines(journal: Journal, run: Run, suite: Suite, examples: tuple[Example, ...]) -> None:
    strangers = (journal.done | journal.errors) - {example.id for example in examples}
    if strangers:
        raise InputError(f"{run.id} has results for cases that the suite does not hold: {min(strangers)}", fix="start a new run")
    wanted = frozenset(one.name for one in suite.scorers)
    if journal.scorers is not None and journal.scorers != wanted:
        changed = ", ".join(sorted(journal.scorers ^ wanted))
        raise InputError(f"{run.id} was begun with other metrics ({changed})", fix="start a new run, or name the metrics as they were")


def _differences(run: Run, wanted: Run) -> list[str]:
    shown = {
        "suite": "suite",
        "suite_sha256": "cases",
        "split": "split",
        "target": "target",
        "config": "configuration",
        "change": "change",
        "release": "release",
    }
    return [
        f"its {name} is {getattr(run, field) or 'none'}, not {getattr(wanted, field) or 'none'}"
        for field, name in shown.items()
        if getattr(run, field) != getattr(wanted, field)
    ]
