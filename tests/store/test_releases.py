import asyncio
from pathlib import Path

import pytest

from groundwork.core.errors import InputError, NotFound
from groundwork.core.measure import GateResult, Release
from groundwork.store.database import Database
from groundwork.store.lineage import LineageTable
from groundwork.store.releases import ReleaseTable

GATE = GateResult(decision="pass", run="run_2", current="run_1", margin=0.05, rulings=(), at=1.0, change="chg_1")


def release(number: int, parent: str = "") -> Release:
    return Release(id=f"rel_{number}", at=float(number), changes=("chg_1",), parent=parent)


async def test_a_release_moves_the_pointer_and_stays_in_the_history(state: Database) -> None:
    table = ReleaseTable(state)
    assert await table.current() is None
    first = Release(id="rel_1", at=1.0, changes=("chg_1",), evidence=GATE)
    await table.add(first)
    assert await table.current() == first
    await table.add(release(2, "rel_1"))
    assert [made.id for made in await table.list()] == ["rel_2", "rel_1"]
    assert (await table.current()) == release(2, "rel_1")
    assert await table.get("rel_1") == first
    assert await LineageTable(state).parents("rel_1") == ["chg_1", "run_1", "run_2"]
    assert await LineageTable(state).parents("rel_2") == ["chg_1", "rel_1"]
    with pytest.raises(NotFound):
        await table.get("rel_9")


async def test_a_release_against_an_outdated_parent_is_refused_and_leaves_nothing(state: Database) -> None:
    table = ReleaseTable(state)
    await table.add(release(1))
    for stale in (release(2), release(3, "rel_0")):
        with pytest.raises(InputError, match="rel_1 serves now") as error:
            await table.add(stale)
        assert (error.value.code, error.value.status) == ("outdated_parent", 409)
    assert [made.id for made in await table.list()] == ["rel_1"]
    assert await LineageTable(state).children("rel_0") == []


async def test_of_two_processes_that_release_at_once_one_wins(state: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "state.db", schema="state", durable=True)
    try:
        tables = [ReleaseTable(state), ReleaseTable(other)] * 5
        outcomes = await asyncio.gather(*(table.add(release(number)) for number, table in enumerate(tables)), return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, InputError) for outcome in outcomes) == 9
        assert len(await tables[0].list()) == 1
    finally:
        other.close()
