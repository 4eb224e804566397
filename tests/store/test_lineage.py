from groundwork.store.database import Database
from groundwork.store.lineage import LineageTable


async def test_lineage_is_walked_both_ways(state: Database) -> None:
    table = LineageTable(state)
    await table.link("ds_1", ["tr_1", "fb_1", ""])
    await table.link("ds_1", ["tr_1"])
    await table.link("chg_1", ["ds_1", "chg_1"])
    await table.link("rel_1", ["chg_1"])
    assert await table.parents("ds_1") == ["fb_1", "tr_1"]
    assert await table.parents("chg_1") == ["ds_1"]
    assert await table.children("tr_1") == ["ds_1"]
    assert await table.ancestors("rel_1") == ["chg_1", "ds_1", "fb_1", "tr_1"]
    assert await table.descendants("tr_1") == ["chg_1", "ds_1", "rel_1"]
    assert await table.parents("nothing") == []


async def test_a_circle_ends(state: Database) -> None:
    table = LineageTable(state)
    await table.link("a_1", ["b_1"])
    await table.link("b_1", ["a_1"])
    assert await table.ancestors("a_1") == ["a_1", "b_1"]
