"""One lap of the loop, from a bad answer to the release that mends it and back."""

from pathlib import Path

import msgspec

from groundwork.core.ids import event_id
from groundwork.core.measure import Run
from groundwork.core.message import say
from groundwork.core.record import Demonstration, Feedback, Trace
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.datasets.dataset import write_dataset
from groundwork.evaluate.compare import compare
from groundwork.evaluate.config import GateSection
from groundwork.evaluate.report import load_evaluated
from groundwork.evaluate.runner import evaluate, new_run
from groundwork.evaluate.suite import load_suite
from groundwork.loop.gate import gate
from groundwork.loop.harvest import harvest
from groundwork.loop.propose import propose_setting
from groundwork.loop.release import release, rollback
from groundwork.store.changes import ChangeTable
from groundwork.store.database import Database
from groundwork.store.lineage import LineageTable
from groundwork.store.manifests import ManifestTable
from groundwork.store.releases import ReleaseTable
from groundwork.store.runs import RunTable

COUNT = 160


def trace(number: int) -> Trace:
    request = msgspec.to_builtins(Request(messages=(say("user", f"What is {number}?"),)))
    return Trace(
        id=f"tr_{number}", app="helpdesk", start=float(number), seconds=0.1, status="ok", request=request, reply={"text": "no idea"}
    )


def target(keep: int):
    """An application that finds what it keeps enough passages for: with 6 it misses every third answer."""

    async def answer(request: Request) -> Reply:
        number = int(request.question.removeprefix("What is ").rstrip("?"))
        return Reply(text=f"It is thing {number}." if keep > 6 or number % 3 else "Something.", finish="stop")

    return answer


async def test_a_bad_answer_leads_to_a_release_and_the_release_back_to_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", schema="state", durable=True)
    runs, releases, lineage = RunTable(database), ReleaseTable(database), LineageTable(database)
    datasets, files = tmp_path / ".groundwork" / "datasets", tmp_path / ".groundwork" / "runs"

    feedback = [
        Feedback(id=f"fb_{number}", trace=f"tr_{number}", opinion=Demonstration(value=f"thing {number}"), at=1.0) for number in range(COUNT)
    ]
    gathered = harvest([trace(number) for number in range(COUNT)], feedback)
    dataset = write_dataset(
        gathered.examples, folder=datasets, identifier=event_id("ds"), name="harvested", made=1.0, parents=gathered.parents
    )
    await ManifestTable(database).put(dataset)

    (tmp_path / "suite.toml").write_text(f'cases = "{dataset.id}"\nmetrics = ["answer.correct"]')
    suite = load_suite(tmp_path / "suite.toml", root=tmp_path)
    effective = {"context.retrieve.keep": 6}
    change = propose_setting(
        "context.retrieve.keep",
        8,
        effective=effective,
        why="misses",
        identifier=event_id("chg"),
        made=2.0,
        base="cfg_6",
        parents=(dataset.id,),
    )
    await ChangeTable(database).put(change)

    async def measure(keep: int, change_id: str = "") -> Run:
        run = await evaluate(
            target(keep), suite, new_run(suite, split="report", target=f"keep {keep}", config=f"cfg_{keep}", change=change_id), folder=files
        )
        await runs.put(run)
        return run

    now, then = await measure(6), await measure(8, change.id)
    current, candidate = load_evaluated(files, now.id), load_evaluated(files, then.id)
    assert compare(current, candidate, suite.metrics).differences[0].winner == "B"
    verdict = gate(candidate, current, GateSection(suite="suite.toml"), suite.metrics, at=3.0)
    assert verdict.decision == "pass"
    made = await release(change, verdict, releases=releases, runs=runs, identifier=event_id("rel"), at=4.0, config="cfg_8")
    assert await releases.current() == made
    behind = set(await lineage.ancestors(made.id))
    assert {change.id, now.id, then.id, dataset.id, "tr_7", "fb_7", "cfg_6", "cfg_8"} <= behind
    assert made.id in await lineage.descendants("tr_7")
    back = await rollback(releases, identifier=event_id("rel"), at=5.0)
    assert back.changes == ()
    database.close()
