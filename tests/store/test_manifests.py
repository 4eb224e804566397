import pytest

from groundwork.core.errors import NotFound
from groundwork.core.measure import Dataset
from groundwork.store.database import Database
from groundwork.store.lineage import LineageTable
from groundwork.store.manifests import ManifestTable

DATASET = Dataset(id="ds_1", name="harvested", made=1.0, n=2, sha256="x", parents=("tr_1", "fb_1"), how="groundwork harvest")


async def test_a_manifest_is_kept_with_its_lineage(state: Database) -> None:
    table = ManifestTable(state)
    await table.put(DATASET)
    assert await table.get("ds_1") == DATASET
    assert await table.list() == [DATASET]
    assert await LineageTable(state).children("tr_1") == ["ds_1"]
    with pytest.raises(NotFound):
        await table.get("ds_2")
