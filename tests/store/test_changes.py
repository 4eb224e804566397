import pytest

from groundwork.core.errors import NotFound, StoreError
from groundwork.core.measure import Change
from groundwork.store.changes import ChangeTable
from groundwork.store.database import Database
from groundwork.store.lineage import LineageTable

CHANGE = Change(id="chg_1", kind="setting", path="a.b", before=1, after=2, why="w", made=1.0, parents=("ds_1",), base="cfg_1")


async def test_a_change_is_kept_once_with_its_lineage(state: Database) -> None:
    table = ChangeTable(state)
    await table.put(CHANGE)
    assert await table.get("chg_1") == CHANGE
    assert await table.list() == [CHANGE]
    assert await LineageTable(state).parents("chg_1") == ["cfg_1", "ds_1"]
    with pytest.raises(StoreError):
        await table.put(CHANGE)
    with pytest.raises(NotFound):
        await table.get("chg_2")
