"""The state folder: one server at a time, versions and gates by name."""

from pathlib import Path

import pytest

from groundwork.core.errors import NotFound, StoreBusy
from groundwork.core.measure import GateResult
from groundwork.store.database import Database
from groundwork.store.folder import Folder
from groundwork.store.gates import GateTable
from groundwork.store.lineage import LineageTable
from groundwork.store.versions import StoredPrompt, VersionTable


def test_files_are_opened_when_they_are_used(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.close()
    assert list(tmp_path.iterdir()) == []
    assert folder.state.path.exists()
    assert {path.name.split("-")[0] for path in (tmp_path / ".groundwork").iterdir()} == {"state.db"}
    folder.close()


def test_one_server_at_a_time_and_the_other_is_named(tmp_path: Path) -> None:
    one, two = Folder(tmp_path), Folder(tmp_path)
    one.lock_server("http://127.0.0.1:1")
    with pytest.raises(StoreBusy, match="127"):
        two.lock_server("http://127.0.0.1:2")
    one.close()
    two.lock_server("http://127.0.0.1:2")
    assert (one.server() or {})["address"] == "http://127.0.0.1:2"
    two.close()


async def test_versions_are_remembered_as_they_were_first_seen(state: Database) -> None:
    versions = VersionTable(state)
    await versions.remember("cfg_1", {"app.name": "a", "routes.tools": []}, [StoredPrompt("pr_1", "answer", "Say it.", {"a.json": "{}"})])
    await versions.remember("cfg_1", {"app.name": "b"}, [StoredPrompt("pr_1", "answer", "changed"), StoredPrompt("pr_2", "other", "More.")])
    assert await versions.configuration("cfg_1") == {"app.name": "a", "routes.tools": []}
    assert (await versions.prompt("pr_1")).text == "Say it."
    assert (await versions.prompt("pr_1")).files == {"a.json": "{}"}
    assert (await versions.prompt("pr_2")).name == "other"
    assert [one.id for one in await versions.prompts()] == ["pr_2", "pr_1"]
    assert [one.id for one in await versions.prompts("answer")] == ["pr_1"]
    assert await versions.prompts("nobody") == []
    assert await LineageTable(state).children("pr_1") == ["cfg_1"]
    for missing in (versions.configuration("cfg_2"), versions.prompt("pr_3")):
        with pytest.raises(NotFound):
            await missing


async def test_the_last_decision_of_a_gate_counts(state: Database) -> None:
    gates = GateTable(state)
    assert await gates.latest("chg_1") is None
    for decision in ("fail", "pass"):
        await gates.add(GateResult(decision=decision, run="run_1", current="run_0", margin=0.05, rulings=(), at=1.0, change="chg_1"))
    found = await gates.latest("chg_1")
    assert found is not None
    assert found.decision == "pass"
    assert await gates.latest("chg_2") is None
