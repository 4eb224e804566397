"""The gate over stored runs: what was said before, and what its judges are worth."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.core.errors import InputError
from groundwork.core.measure import GateResult
from groundwork.datasets.examples import format_examples
from groundwork.evaluate.config import GateSection
from groundwork.evaluate.journal import Journal, save_run
from groundwork.evaluate.suite import Suite, load_suite
from groundwork.loop.measure import check_next_look, judge
from groundwork.store.folder import Folder
from tests.evaluate.builders import evaluated, example

JUDGE = """+++
description = "Does it help?"
inputs = ["question", "answer"]
floor = { kappa = 0.6 }
[scale]
1 = "no"
2 = "yes"
+++
# user
{{ question }} {{ answer }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.close()


def keep(folder: Folder, suite: Suite, metric: str, **run: object) -> str:
    """Two runs may be held against each other: this is one of them, on the disk, all items right."""
    made = evaluated([1.0] * 80, metric=metric, suite=suite.name, suite_sha256=suite.sha256, **run)
    save_run(folder.run_files, made.run)
    journal = Journal(folder.run_files / f"{made.run.id}.jsonl")
    journal.append(made.results)
    journal.close()
    return made.run.id


def suite_with(folder: Folder, metric: str) -> Suite:
    (folder.root / "cases.jsonl").write_bytes(format_examples([example(number) for number in range(80)]))
    (folder.root / "suite.toml").write_text(f'name = "small"\ncases = "cases.jsonl"\nmetrics = ["{metric}"]\n')
    return load_suite(folder.root / "suite.toml", root=folder.root)


async def asked(folder: Folder, metric: str, *, looks: int = 0, run: str = "run_b") -> GateResult:
    suite = suite_with(folder, metric)
    one, other = keep(folder, suite, metric, id=run, change="chg_1"), keep(folder, suite, metric, id="run_a")
    section = GateSection(suite="suite.toml", require=(f"{metric} not_inferior",), looks=looks)
    result = await judge(folder, one, other, section, suite, at=1.0)
    await folder.gates.add(result)
    return result


async def test_looks_are_remembered_from_one_question_to_the_next(folder: Folder) -> None:
    assert [(await asked(folder, "answer.correct", looks=2, run=run)).look for run in ("run_b", "run_b", "run_c")] == [1, 1, 2]
    section = GateSection(suite="suite.toml", looks=2)
    with pytest.raises(InputError, match="planned looks"):
        await check_next_look(folder, "chg_1", section, suite_with(folder, "answer.correct"))
    await check_next_look(folder, "chg_2", section, suite_with(folder, "answer.correct"))


async def test_a_judge_that_was_never_calibrated_passes_nothing(folder: Folder) -> None:
    (folder.root / "judges").mkdir()
    (folder.root / "judges" / "help.judge.md").write_text(JUDGE)
    result = await asked(folder, "judge:help")
    assert [ruling.decision for ruling in result.rulings] == ["pass", "fail"]
    assert result.decision == "fail"
    assert "never calibrated" in result.rulings[1].sentence
    (folder.root / "judges" / "help.judge.md").write_text(JUDGE.replace("floor = { kappa = 0.6 }\n", ""))
    assert (await asked(folder, "judge:help", run="run_c")).decision == "pass"
