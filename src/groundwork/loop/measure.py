"""Measuring an application, and proposed changes of it, on a suite: the step between a proposal and the gate."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec

from groundwork.app.application import App, withhold
from groundwork.app.cache import NoCache
from groundwork.app.live import Live, open_live, read_settings
from groundwork.core.errors import ConfigError
from groundwork.core.measure import GateResult, Run
from groundwork.core.ports import Target
from groundwork.core.reply import Delta, Reply
from groundwork.core.request import Request
from groundwork.evaluate.config import GateSection, parse_requirements
from groundwork.evaluate.journal import list_runs
from groundwork.evaluate.judges.floor import floor_rulings
from groundwork.evaluate.measured import Asked, Measured, carry_out, open_instruments
from groundwork.evaluate.report import load_evaluated
from groundwork.evaluate.runner import new_run
from groundwork.evaluate.scorers.judged import judges_of
from groundwork.evaluate.suite import Suite, load_suite
from groundwork.loop.gate import check_looks, gate, look_of
from groundwork.store.folder import Folder


@asynccontextmanager
async def open_candidate(root: Path, folder: Folder, *, change: str = "", release: str = "") -> AsyncGenerator[Live]:
    """The application as it would be with a change (or as an earlier release had it), without answers from the cache."""
    settings = await read_settings(root, folder, release=release, change=change)
    async with open_live(root, settings=settings, folder=folder) as live:
        live.app = replace(live.app, cache=NoCache())
        yield live


async def measure(live: Live, suite: Suite, *, split: str, change: str = "", how: Asked | None = None) -> Measured:
    """Run an open application over a suite.

    Raises InputError where there is nothing to resume, or the run was begun on something else.
    """
    folder, app, how = live.folder, live.app, how or Asked()
    suite = how.adjusted(suite)
    live.app = withhold(app, suite.examples)  # no few-shot example may give an answer of the suite away
    run = new_run(suite, split=split, target=app.name, config=app.config, release=app.settings.release, change=change)
    async with open_instruments(suite, app.settings.root, folder) as (instruments, _):
        return await carry_out(lambda run: _target(live, run.id), suite, run, folder, how, instruments=instruments)


class _First:
    """Throws deltas away, and remembers when the first content came."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self.seconds: float | None = None

    async def send(self, delta: Delta) -> None:
        if self.seconds is None and delta.has_content:
            self.seconds = self._clock() - self._start


def _target(live: Live, run: str) -> Target:
    """The application as a target; its traces carry the run as their episode, so that they are told from people's."""

    async def target(request: Request, /) -> Reply:
        first = _First(asyncio.get_running_loop().time)
        reply = await live.reply(msgspec.structs.replace(request, model=live.app.name, episode=run), first)
        return msgspec.structs.replace(reply, first_token=first.seconds)

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


async def judge(
    folder: Folder, candidate: str, current: str, section: GateSection, suite: Suite, *, at: float, where: str = ""
) -> GateResult:
    """Hold one run against another, by their ids, with what the gate has said about the change before, and what its judges are worth."""
    one, other = load_evaluated(folder.run_files, candidate), load_evaluated(folder.run_files, current)
    before = await folder.gates.looks(one.run.change, one.run.suite, section.split) if one.run.change else []
    required = parse_requirements(section, suite.metrics, where)
    floors = floor_rulings(judges_of(requirement.metric.scorer for requirement in required), folder.judge_files)
    return gate(one, other, section, suite.metrics, at=at, where=where, before=before, floors=floors)


async def check_next_look(folder: Folder, change: str, section: GateSection, suite: Suite) -> None:
    """Raises InputError, before anything is measured, where a change has used up the looks that were planned."""
    before = await folder.gates.looks(change, suite.name, section.split)
    check_looks(section, look_of(before, "", ""))
