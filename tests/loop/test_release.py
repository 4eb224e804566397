from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InputError, NotFound
from groundwork.core.measure import Change, Decision, GateResult, Release, Run
from groundwork.loop.release import AS_WRITTEN, release, rollback
from groundwork.store.database import Database
from groundwork.store.lineage import LineageTable
from groundwork.store.releases import ReleaseTable
from groundwork.store.runs import RunTable


class Desk:
    """Releases and runs over one database, with evidence made to order."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, schema="state", durable=True)
        self.releases = ReleaseTable(self.database)
        self.runs = RunTable(self.database)
        self.count = 0

    def next(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}_{self.count:03}"

    def change(self, identifier: str) -> Change:
        return Change(id=identifier, kind="setting", path="a", before=1, after=2, why="w", made=1.0)

    async def evidence(self, change: str, decision: Decision = "pass") -> GateResult:
        current = await self.releases.current()
        run = Run(
            id=self.next("run"), suite="s", suite_sha256="x", split="report", target="t", started=1.0, release=current.id if current else ""
        )
        await self.runs.put(run)
        return GateResult(decision=decision, run="run_b", current=run.id, margin=0.05, rulings=(), at=1.0, change=change)

    async def release(self, change: str, *, evidence: GateResult | None = None, note: str = "", force: bool = False) -> Release:
        evidence = evidence or (None if force else await self.evidence(change))
        return await release(
            self.change(change),
            evidence,
            releases=self.releases,
            runs=self.runs,
            identifier=self.next("rel"),
            at=1.0,
            config=f"cfg_{change}",
            note=note,
            force=force,
        )

    async def rollback(self, to: str = "") -> Release:
        return await rollback(self.releases, identifier=self.next("rel"), at=2.0, to=to, written_config="cfg_written")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "state.db")
    yield made
    made.database.close()


async def test_changes_add_up_and_rollbacks_go_back_one_after_another(desk: Desk) -> None:
    first = await desk.release("chg_a")
    second = await desk.release("chg_b")
    assert (second.changes, second.parent) == (("chg_a", "chg_b"), first.id)
    back = await desk.rollback()
    assert (back.changes, back.rollback_to, back.config) == (("chg_a",), first.id, "cfg_chg_a")
    further = await desk.rollback()
    assert (further.changes, further.rollback_to, further.config) == ((), AS_WRITTEN, "cfg_written")
    with pytest.raises(InputError, match="as written"):
        await desk.rollback()
    forward = await desk.rollback(second.id)
    assert forward.changes == ("chg_a", "chg_b")
    assert await desk.releases.current() == forward
    assert len(await desk.releases.list()) == 5


async def test_a_release_after_a_rollback_rolls_back_to_what_served_before_it(desk: Desk) -> None:
    first = await desk.release("chg_a")
    await desk.release("chg_b")
    back = await desk.rollback()
    third = await desk.release("chg_c")
    assert (third.changes, third.parent) == (("chg_a", "chg_c"), back.id)
    again = await desk.rollback()
    assert (again.changes, again.rollback_to) == (("chg_a",), first.id)


async def test_without_a_pass_of_the_gate_nothing_is_released(desk: Desk) -> None:
    for evidence, says in (
        (await desk.evidence("chg_a", "undecided"), "undecided"),
        (await desk.evidence("chg_a", "fail"), "fail"),
        (await desk.evidence("chg_b"), "judged chg_b"),
    ):
        with pytest.raises(InputError, match=says) as error:
            await desk.release("chg_a", evidence=evidence)
        assert (error.value.code, error.value.status) == ("gate_not_passed", 409)
    with pytest.raises(InputError, match="not been through the gate"):
        await release(desk.change("chg_a"), None, releases=desk.releases, runs=desk.runs, identifier="rel_1", at=1.0)
    assert await desk.releases.current() is None


async def test_force_needs_a_note_and_leaves_a_mark(desk: Desk) -> None:
    with pytest.raises(InputError, match="needs a note"):
        await desk.release("chg_a", force=True)
    forced = await desk.release("chg_a", force=True, note="outage, see incident 7")
    assert forced.note == "forced (gate: not asked): outage, see incident 7"
    undecided = await desk.evidence("chg_b", "undecided")
    marked = await desk.release("chg_b", evidence=undecided, force=True, note="small suite")
    assert marked.note == "forced (gate: undecided): small suite"
    assert marked.evidence == undecided


async def test_evidence_against_what_no_longer_serves_is_stale(desk: Desk) -> None:
    stale = await desk.evidence("chg_b")
    await desk.release("chg_a")
    with pytest.raises(InputError, match="held it against the application as written"):
        await desk.release("chg_b", evidence=stale)


async def test_a_change_in_force_is_not_released_twice(desk: Desk) -> None:
    await desk.release("chg_a")
    with pytest.raises(InputError, match="in force already"):
        await desk.release("chg_a")


async def test_rollbacks_to_nowhere_are_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="nothing was released yet"):
        await desk.rollback()
    made = await desk.release("chg_a")
    with pytest.raises(NotFound):
        await desk.rollback("rel_999")
    with pytest.raises(InputError, match="serves now"):
        await desk.rollback(made.id)


async def test_an_answer_leads_to_the_change_and_the_runs_behind_its_release(desk: Desk) -> None:
    made = await desk.release("chg_a")
    assert set(await LineageTable(desk.database).ancestors(made.id)) == {"chg_a", "run_b", msgspec.structs.asdict(made)["evidence"].current}


@given(steps=st.lists(st.sampled_from(["release", "back", "first"]), max_size=10))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
async def test_the_pointer_always_names_the_last_entry_and_what_it_has_in_force(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk") / "state.db")
    try:
        in_force: list[tuple[str, ...]] = [()]
        for number, step in enumerate(steps):
            try:
                made = await (desk.release(f"chg_{number}") if step == "release" else desk.rollback("" if step == "back" else AS_WRITTEN))
            except InputError:
                continue
            expected = (*in_force[-1], f"chg_{number}") if step == "release" else made.changes
            assert made.changes == expected
            assert step == "release" or made.changes in in_force
            in_force.append(made.changes)
            assert await desk.releases.current() == made
    finally:
        desk.database.close()
