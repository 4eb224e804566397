from groundwork.core.measure import GateResult
from groundwork.store.database import Database
from groundwork.store.gates import GateTable


def decided(change: str = "chg_1", **more: object) -> GateResult:
    return GateResult(decision="pass", run="run_b", current="run_a", margin=0.05, rulings=(), at=1.0, change=change, **more)  # type: ignore[arg-type]


async def test_looks_are_counted_by_change_suite_and_split(state: Database) -> None:
    gates = GateTable(state)
    first, second = decided(suite="small", split="report", look=1), decided(suite="small", split="report", look=2)
    for one in (first, decided(suite="large", split="report"), decided("chg_2", suite="small", split="report"), second):
        await gates.add(one)
    assert await gates.looks("chg_1", "small", "report") == [first, second]
    assert await gates.looks("chg_1", "small", "choose") == []
    assert await gates.latest("chg_1") == second


async def test_a_decision_of_before_suites_were_kept_is_a_look_at_any(state: Database) -> None:
    gates = GateTable(state)
    await gates.add(decided())
    assert len(await gates.looks("chg_1", "small", "report")) == 1
