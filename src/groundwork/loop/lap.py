"""The steps of the loop over an application's folder: harvest, propose, gate, release, roll back. The command line and the tour call these."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from groundwork.app.application import App
from groundwork.app.compose import Resources, compose, read_prompts
from groundwork.app.config import Settings
from groundwork.app.live import read_settings, remember
from groundwork.core.errors import GroundworkError, InputError
from groundwork.core.ids import event_id
from groundwork.core.measure import Change, Dataset, GateResult, Release
from groundwork.core.record import Trace
from groundwork.datasets.dataset import write_dataset
from groundwork.loop import release as releasing
from groundwork.loop.harvest import Harvest, Which, harvest
from groundwork.loop.propose import propose_prompt, propose_setting
from groundwork.store.folder import Folder


async def harvest_folder(folder: Folder, *, name: str, which: Which, since: float, how: str) -> tuple[Dataset, Harvest]:
    """Make a dataset of the traces that feedback speaks of. Raises InputError where there is nothing to make it of."""
    opinions = await folder.feedback.since(since)
    found = [await folder.trace_store.get(identifier) for identifier in dict.fromkeys(one.trace for one in opinions)]
    traces: list[Trace] = [trace for trace in found if trace is not None]
    gathered = harvest(traces, opinions, which=which)
    if not gathered.examples:
        reasons = ", ".join(f"{count} × {reason}" for reason, count in gathered.left_out.items()) or "no feedback yet"
        raise InputError(
            f"there is nothing to harvest ({reasons})", fix="give feedback on some answers first, or widen it with --which rated"
        )
    identifier = event_id("ds")
    dataset = write_dataset(
        gathered.examples,
        folder=folder.dataset_files,
        identifier=identifier,
        name=name,
        made=time.time(),
        parents=gathered.parents,
        how=how,
    )
    await folder.manifests.put(dataset)
    return dataset, gathered


@asynccontextmanager
async def composed(root: Path, folder: Folder, *, change: str = "") -> AsyncGenerator[App]:
    """The application as it is, or would be with a change, for its names and hashes; the folder stays open."""
    settings = await read_settings(root, folder, change=change)
    resources = Resources(folder)
    try:
        app = await compose(settings, resources)
        await remember(app, folder)
        yield app
    finally:
        await resources.close()


async def propose(root: Path, folder: Folder, path: str, value: Any, *, why: str, parents: tuple[str, ...] = ()) -> Change:
    """Propose another value for a setting, or (with `prompts.NAME`) another text for a prompt; nothing serves it before it is released."""
    async with composed(root, folder) as app:
        settings: Settings = app.settings
        common: dict[str, Any] = {"why": why, "identifier": event_id("chg"), "made": time.time(), "base": app.config, "parents": parents}
        if path.startswith("prompts."):
            texts = {name: prompt.text for name, prompt in read_prompts(settings).items()}
            change = propose_prompt(path.removeprefix("prompts."), value, prompts=texts, **common)
        else:
            change = propose_setting(path, value, effective=settings.effective(), **common)
    await folder.changes.put(change)
    try:
        async with composed(root, folder, change=change.id):
            return change
    except GroundworkError:
        await folder.changes.remove(change.id)  # what would not load is no proposal
        raise


async def release_change(root: Path, folder: Folder, identifier: str, *, note: str, force: bool) -> Release:
    """Put a change into force where the gate passed it. Raises InputError (409) where it did not."""
    change = await folder.changes.get(identifier)
    evidence: GateResult | None = await folder.gates.latest(identifier)
    async with composed(root, folder, change=identifier) as app:
        return await releasing.release(
            change,
            evidence,
            releases=folder.releases,
            runs=folder.runs,
            identifier=event_id("rel"),
            at=time.time(),
            config=app.config,
            note=note,
            force=force,
        )


async def roll_back(folder: Folder, *, to: str, note: str) -> Release:
    """Move the pointer back: to the release before, to one named, or to the files as written."""
    return await releasing.rollback(folder.releases, identifier=event_id("rel"), at=time.time(), to=to, note=note)
