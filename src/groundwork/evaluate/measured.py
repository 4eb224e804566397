"""From a suite and something to ask to a finished run in the state folder: what `groundwork eval`, the loop and the pytest plugin share."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Result, Run
from groundwork.core.ports import Target
from groundwork.core.record import Trace
from groundwork.evaluate.endpoint import TargetSection
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.journal import read_run, stream_results
from groundwork.evaluate.kept import NOTHING_KEPT, EndpointAnswers, KeptAnswers
from groundwork.evaluate.models import Models
from groundwork.evaluate.report import Evaluated, load_evaluated
from groundwork.evaluate.rescore import rescore
from groundwork.evaluate.runner import Progress, evaluate, find_unfinished, new_run
from groundwork.evaluate.suite import Concurrency, Suite
from groundwork.evaluate.targets import function_target, open_target
from groundwork.store.folder import Folder
from groundwork.store.traces import AnswerCache

ATTEMPTS = 4
"""How often a request to a URL or a model is sent, where the suite does not say."""


class Measured:
    """A finished run and its suite; its results stay in their file until they are asked for."""

    def __init__(self, run: Run, suite: Suite, files: Path) -> None:
        """`files` is the folder of runs."""
        self.run = run
        self.suite = suite
        self.files = files

    def results(self) -> Iterator[Result]:
        """Every result, one in memory at a time."""
        return stream_results(self.files, self.run.id)

    @cached_property
    def evaluated(self) -> Evaluated:
        """The run with all its results in memory: what comparison and gate take."""
        return load_evaluated(self.files, self.run.id)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to be carried out, as a command line says it."""

    resume: str | None = None
    """The run to complete; empty for the latest that was broken off, None for a new one."""
    retry_errors: bool = False
    progress: Callable[[Progress], None] | None = None
    repeats: int | None = None
    concurrency: Concurrency | None = None
    """In the suite's place, where they are given."""

    def adjusted(self, suite: Suite) -> Suite:
        """The suite as it is to be run."""
        given = {"repeats": self.repeats, "concurrency": self.concurrency}
        return msgspec.structs.replace(suite, **{name: value for name, value in given.items() if value is not None})


@asynccontextmanager
async def open_instruments(suite: Suite, root: Path, folder: Folder) -> AsyncGenerator[tuple[Instruments, Models]]:
    """What the suite's scorers may measure with, and the models behind it. Opened when first asked for, closed at the end."""
    async with AsyncExitStack() as stack:
        models = Models(root, suite.providers, suite.models, suite.written)
        stack.push_async_callback(models.close)
        await models.look()
        boxes: list[Any] = []

        async def sandbox() -> Any:
            from groundwork.secure.sandbox.box import Sandbox

            if not boxes:
                boxes.append(Sandbox())
                await stack.enter_async_context(boxes[0])
            return boxes[0]

        async def trace(identifier: str) -> Trace | None:
            await folder.traces.flush()  # the answer's trace may still be on its way to the disk
            return await folder.trace_store.get(identifier)

        yield Instruments(model=models.get, embedder=models.embedder, sandbox=sandbox, trace=trace), models


async def carry_out(
    open_for: Callable[[Run], Target],
    suite: Suite,
    run: Run,
    folder: Folder,
    how: Asked,
    *,
    instruments: Instruments,
    kept: KeptAnswers = NOTHING_KEPT,
) -> Measured:
    """Run a target over a suite (or complete a run that was broken off), and keep what came out with what it was made from.

    `open_for` gives the target of a run, once it is known which run that is.

    Raises InputError where there is nothing to resume, or the run was begun on something else.
    """
    if how.resume is not None:
        found = read_run(folder.run_files, how.resume) if how.resume else find_unfinished(folder.run_files, run)
        if found is None:
            raise InputError("no run of this suite and configuration was broken off", fix="start one without --resume")
        run = msgspec.structs.replace(run, id=found.id, started=found.started)
    run = await evaluate(
        open_for(run),
        suite,
        run,
        folder=folder.run_files,
        instruments=instruments,
        kept=kept,
        progress=how.progress,
        retry_errors=how.retry_errors,
    )
    return await _keep(run, suite, folder)


async def _keep(run: Run, suite: Suite, folder: Folder) -> Measured:
    await folder.runs.put(run)
    await folder.lineage.link(run.id, (run.change, run.config, run.release, run.scored_from, suite.dataset))
    return Measured(run, suite, folder.run_files)


async def measure_target(
    section: TargetSection, suite: Suite, root: Path, folder: Folder, *, split: str = "", how: Asked | None = None, keep: bool | None = None
) -> Measured:
    """Run a URL, a model or a function of yours over a suite. No application is needed, only a folder for what is kept.

    With `keep`, an answer to the same request is taken from earlier runs; unset, it is where the target is sampled without chance. Raises
    ConfigError for what cannot be asked.
    """
    how = how or Asked()
    suite = how.adjusted(suite)
    if suite.attempts is None and section.function is None:
        suite = msgspec.structs.replace(suite, attempts=ATTEMPTS)
    async with open_instruments(suite, root, folder) as (instruments, models), open_target(section, suite, root, models) as target:
        run = new_run(suite, split=split, target=section.shown, endpoint=section.endpoint)
        is_kept = section.is_repeatable if keep is None else keep and section.function is None
        kept = EndpointAnswers(AnswerCache(folder.traces), section.endpoint) if is_kept else NOTHING_KEPT
        return await carry_out(lambda _: target, suite, run, folder, how, instruments=instruments, kept=kept)


async def measure_again(old: Run, suite: Suite, root: Path, folder: Folder, *, how: Asked | None = None) -> Measured:
    """Score the answers of a run again with the suite as it is now; nothing is asked. Raises InputError where it asks something else."""
    progress = how.progress if how else None
    async with open_instruments(suite, root, folder) as (instruments, _):
        run = await rescore(old, suite, folder=folder.run_files, instruments=instruments, progress=progress)
    return await _keep(run, suite, folder)


async def measure_function(function: Callable[..., Any], suite: Suite, folder: Folder, *, name: str = "", split: str = "") -> Measured:
    """Run a function (sync or async, as `function_target` takes it) over a suite: from Python, and from tests."""
    shown = name or f"{function.__module__}:{getattr(function, '__qualname__', 'function')}"
    target = function_target(function, shown, suite.timeout)
    async with open_instruments(suite, folder.root, folder) as (instruments, _):
        run = new_run(suite, split=split, target=shown)
        return await carry_out(lambda _: target, suite, run, folder, Asked(), instruments=instruments)
