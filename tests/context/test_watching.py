import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from groundwork.context.config import ContextSection
from groundwork.context.indexing import Indexer, Stopped
from groundwork.context.watching import State, state_of, watch
from tests.context.folder import Application


def test_the_state_moves_with_whatever_moves(tmp_path: Path) -> None:
    application = Application(tmp_path)
    path = application.write("docs/a.md", "one")
    states = [state_of(tmp_path, ["docs"], also=("groundwork.toml",))]

    def moved() -> bool:
        states.append(state_of(tmp_path, ["docs"], also=("groundwork.toml",)))
        return states[-1] != states[-2]

    assert not moved()
    path.write_text("longer")
    assert moved()
    os.utime(path, ns=(1, 1))
    assert moved()
    application.write("docs/b.md", "two")
    assert moved()
    application.write("groundwork.toml", "x")
    assert moved()
    path.unlink()
    assert moved()
    application.write("elsewhere.md", "not a source")
    assert not moved()
    application.store.close()


async def test_every_change_is_worked_on_once_it_stands_still() -> None:
    """States come one at a look: work is done at the start, and after each change that has settled."""
    script = [1, 1, 2, 3, 4, 4, 4, 4, 5, 5]
    looked: list[int] = []
    worked: list[int] = []

    def look() -> State:
        place = min(len(looked), len(script) - 1)
        looked.append(script[place])
        return {"a": (script[place], 0)}

    async def work() -> None:
        worked.append(looked[-1])

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await watch(look, work, every=0.001, still=0.001)
    assert worked == [1, 4, 5]


async def test_what_changes_while_it_works_is_seen_afterwards() -> None:
    state = {"a": (1, 0)}
    worked: list[int] = []

    async def work() -> None:
        worked.append(state["a"][0])
        if state["a"][0] < 3:
            state["a"] = (state["a"][0] + 1, 0)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await watch(lambda: dict(state), work, every=0.001, still=0.001)
    assert worked == [1, 2, 3]


def test_a_run_that_is_stopped_keeps_what_it_finished_and_the_next_completes(application: Application) -> None:
    for number in range(6):
        application.write(f"docs/{number}.md", f"# Page {number}\n\nText {number}.")

    def stop(done: int, _total: int, _source: str) -> None:
        if done == 3:
            raise Stopped

    config = ContextSection(sources=("docs/**/*",))
    with pytest.raises(Stopped):
        Indexer(config, application.root, application.store, application.encoder).run(stop)
    assert len(application.store.documents()) == 3
    before = len(application.encoder.texts)
    report = application.index()
    assert (report.added, report.unchanged) == (3, 3)
    assert len(application.encoder.texts) - before == 3
