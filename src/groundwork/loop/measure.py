"""Measuring an application, and proposed changes of it, on a suite: the step between a proposal and the gate."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundwork.app.application import App
from groundwork.app.cache import NoCache
from groundwork.app.live import Live, open_live, read_settings
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import GateResult, Run
from groundwork.core.ports import Target
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.evaluate.config import GateSection
from groundwork.evaluate.journal import list_runs, read_run
from groundwork.evaluate.report import Evaluated, load_evaluated
from groundwork.evaluate.runner import Progress, evaluate, find_unfinished, new_run
from groundwork.evaluate.suite import Suite, load_suite
from groundwork.loop.gate import gate
from groundwork.store.folder import Folder


class Measured(NamedTuple):
    """A finished run, its suite and its results."""

    run: Run
    suite: Suite
    evaluated: Evaluated


@asynccontextmanager
async def open_candidate(root: Path, folder: Folder, *, change: str = "", release: str = "") -> AsyncGenerator[Live]:
    """The application as it would be with a change (or as an earlier release had it), without answers from the cache."""
    settings = await read_settings(root, folder, release=release, change=change)
    async with open_live(root, settings=settings, folder=folder) as live:
        live.app = replace(live.app, cache=NoCache())
        yield live


async def measure(
    live: Live,
    suite: Suite,
    *,
    split: str,
    change: str = "",
    resume: str | None = None,
    retry_errors: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Measured:
    """Run an open application over a suite. `resume` names a run to complete, or is empty for the latest that was broken off.

    Raises InputError where there is nothing to resume, or the run was begun on something else.
    """
    folder = live.folder
    app = live.app
    run = new_run(suite, split=split, target=app.name, config=app.config, release=app.settings.release, change=change)
    if resume is not None:
        found = read_run(folder.run_files, resume) if resume else find_unfinished(folder.run_files, run)
        if found is None:
            raise InputError("no run of this suite and configuration was broken off", fix="start one without --resume")
        run = msgspec.structs.replace(run, id=found.id, started=found.started)
    run = await evaluate(_target(live, run.id), suite, run, folder=folder.run_files, progress=progress, retry_errors=retry_errors)
    await folder.runs.put(run)
    await folder.lineage.link(run.id, (run.change, run.config, run.release, suite.dataset))
    return Measured(run, suite, load_evaluated(folder.run_files, run.id))


def _target(live: Live, run: str) -> Target:
    """The application as a target; its traces carry the run as their episode, so that they are told from people's."""

    async def target(request: Request, /) -> Reply:
        return await live.reply(msgspec.structs.replace(request, model=live.app.name, episode=run))

    return target


def suite_of(root: Path, folder: Folder, path: str | None, section: GateSection | None) -> Suite:
    """The suite named, else the gate's. Raises ConfigError where there is neither."""
    if path is None and section is None:
        raise ConfigError("no suite is named", fix="name one: `groundwork eval suites/NAME.toml`, or add a [gate] to groundwork.toml")
    chosen = Path(path) if path is not None else root / (section.suite if section else "")
    if path is not None and not chosen.is_absolute() and not chosen.exists():
        chosen = root / chosen
    return load_suite(chosen, root=root, datasets=folder.dataset_files)


def gate_section(app: App) -> GateSection:
    """The gate of an application. Raises ConfigError where it has none."""
    section = app.settings.config.gate
    if section is None:
        raise ConfigError("groundwork.toml has no [gate]", fix='add `[gate]` with `suite = "suites/NAME.toml"`')
    return section


def baseline(folder: Folder, suite: Suite, split: str, config: str) -> Run | None:
    """The latest finished run of what serves now over the same cases, so that it is not measured twice."""
    return next(
        (
            run
            for run in list_runs(folder.run_files)
            if run.finished is not None
            and not run.change
            and run.errors == 0
            and run.config == config
            and run.suite_sha256 == suite.sha256
            and run.split == split
        ),
        None,
    )


def judge(folder: Folder, candidate: str, current: str, section: GateSection, suite: Suite, *, at: float, where: str = "") -> GateResult:
    """Hold one run against another, by their ids."""
    return gate(
        load_evaluated(folder.run_files, candidate), load_evaluated(folder.run_files, current), section, suite.metrics, at=at, where=where
    )
