import msgspec
import pytest

from groundwork.core.errors import NotFound
from groundwork.core.measure import Run
from groundwork.core.statistics import proportion
from groundwork.store.database import Database
from groundwork.store.lineage import LineageTable
from groundwork.store.runs import RunTable

RUN = Run(
    id="run_1", suite="s", suite_sha256="x", split="report", target="helpdesk", started=1.0, config="cfg_1", release="rel_1", change="chg_1"
)


async def test_a_run_is_kept_and_what_became_of_it_replaces_it(state: Database) -> None:
    table = RunTable(state)
    await table.put(RUN)
    finished = msgspec.structs.replace(RUN, finished=2.0, metrics={"answer.correct": proportion(3, 4)})
    await table.put(finished)
    assert await table.get("run_1") == finished
    assert await LineageTable(state).parents("run_1") == ["cfg_1", "chg_1", "rel_1"]
    with pytest.raises(NotFound):
        await table.get("run_2")


async def test_runs_are_listed_newest_first_and_by_suite(state: Database) -> None:
    table = RunTable(state)
    for number, suite in ((1, "s"), (2, "t"), (3, "s")):
        await table.put(msgspec.structs.replace(RUN, id=f"run_{number}", suite=suite, started=float(number)))
    assert [run.id for run in await table.list()] == ["run_3", "run_2", "run_1"]
    assert [run.id for run in await table.list(suite="s")] == ["run_3", "run_1"]
    assert [run.id for run in await table.list(limit=1)] == ["run_3"]
