"""Harvest, propose, evaluate, gate, release, roll back: as commands."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundwork.core.record import Demonstration, Feedback
from groundwork.store.folder import Folder
from tests.apps import PROMPT
from tests.cli.conftest import Run, set_gate

PROPOSAL = ("propose", "context.retrieve.keep", "8", "--why", "facts were found further down", "--json")


def test_one_lap_by_commands(run: Run, app: Path) -> None:
    change = run(*PROPOSAL).json
    assert (change["path"], change["before"], change["after"]) == ("context.retrieve.keep", 6, 8)
    done = run("release", change["id"])
    assert done.code == 2
    assert "has not been through the gate" in done.err
    done = run("gate", change["id"], "--json")
    assert done.code == 0, done.err
    verdict = done.json
    assert (verdict["decision"], verdict["change"]) == ("pass", change["id"])
    released = run("release", change["id"], "--note", "as agreed", "--json").json
    assert released["changes"] == [change["id"]]
    values = {row["path"]: row for row in run("check", "--json").json["values"]}
    assert values["context.retrieve.keep"] == {
        "path": "context.retrieve.keep",
        "value": 8,
        "from": f"release {released['id']} ({change['id']})",
    }
    reply = run("ask", "How long are backups kept?", "--json").json
    assert [row["id"] for row in run("traces", "--release", released["id"], "--json").json] == [reply["trace"]]

    shown = {one: run("show", one, "--json").json for one in (released["id"], change["id"], verdict["run"], verdict["current"])}
    assert {change["id"], verdict["run"], verdict["current"]} <= set(shown[released["id"]]["made_from"])
    assert reply["trace"] in shown[released["id"]]["used_by"]
    assert released["id"] in shown[change["id"]]["used_by"]
    assert {change["id"]} <= set(shown[verdict["run"]]["made_from"])
    assert "serves now" in run("show", released["id"]).out
    assert "gate: pass" in run("show", change["id"]).out

    back = run("rollback", "--note", "too slow", "--json").json
    assert (back["changes"], back["rollback_to"]) == ([], "written")
    assert {row["path"]: row["value"] for row in run("check", "--json").json["values"]}["context.retrieve.keep"] == 6
    assert run("rollback").code == 2
    assert [row["serves"] for row in run("list", "releases", "--json").json] == ["now", ""]
    assert run("rollback", "--to", released["id"]).code == 0
    assert "8" in run("list", "changes").out


def test_the_gate_exits_with_3_unless_it_passes(run: Run, app: Path) -> None:
    set_gate(app, "answer.correct not_inferior")
    change = run(*PROPOSAL).json["id"]
    done = run("gate", change)
    assert done.code == 3
    assert "gate: undecided" in done.out
    assert "more items" in done.out
    done = run("release", change)
    assert done.code == 2
    assert "the gate says undecided" in done.err
    assert run("release", change, "--force").code == 2
    forced = run("release", change, "--force", "--note", "agreed", "--json").json
    assert forced["note"] == "forced (gate: undecided): agreed"
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace("answer.correct not_inferior", "latency.p50 <= 1ms"))
    runs = [row["id"] for row in run("list", "runs", "--json").json]
    done = run("gate", "--run", runs[0], "--against", runs[1], "--json")
    assert (done.code, done.json["decision"]) == (3, "fail")
    assert run("gate").code == 2
    assert run("gate", "--run", runs[0]).code == 2
    assert run("gate", change, "--run", runs[0]).code == 2


def test_a_proposal_that_would_not_load_is_none(run: Run, app: Path) -> None:
    (app / "new.md").write_text("+++\ninputs = []\n+++\n# user\n{% for %}")
    wrong = [
        ("context.retrieve.kep", "8"),
        ("context.retrieve.keep", "many"),
        ("context.retrieve.keep", "6"),
        ("context.retrieve.keep", "0"),
        ("app.name", "other"),
        ("prompts.anser", "--file", "new.md"),
        ("prompts.answer", "--file", "new.md"),
        ("prompts.answer", "--file", "nowhere.md"),
        ("context.retrieve.keep",),
    ]
    for arguments in wrong:
        done = run("propose", *arguments, "--why", "x")
        assert done.code == 2, arguments
        assert "fix:" in done.err
    assert run("propose", "context.retrieve.keep", "8").code == 2
    assert run("list", "changes", "--json").json == []


def test_another_prompt_is_proposed_by_its_file(run: Run, app: Path) -> None:
    (app / "new.md").write_text(PROMPT.replace("cite them", "cite them well"))
    change = run("propose", "prompts.answer", "--file", "new.md", "--why", "clearer", "--json").json
    assert (change["kind"], change["before"]) == ("prompt", PROMPT)
    assert "prompts.answer (text)" in run("list", "changes").out
    done = run("replay", "--change", change["id"], run("ask", "How long are backups kept?", "--json").json["trace"])
    assert "1 of 1 answers are the same" in done.out


def test_an_evaluation_reports_figures_with_their_intervals(run: Run, app: Path) -> None:
    done = run("eval", "--json")
    assert done.code == 0
    figure = done.json["metrics"]["answer.correct"]
    assert (done.json["n"], figure["n"], figure["value"]) == (12, 12, 1.0)
    assert figure["low"] < 1.0
    text = run("eval", "suites/small.toml", "--split", "report").out
    assert "95 % interval" in text
    assert "answer.correct" in text
    one, two = (row["id"] for row in run("list", "runs", "--json").json)
    assert run("compare", one, two, "--json").json["pairs"] == 12
    assert "12 cases answered in both" in run("compare", one, two).out
    assert run("compare", one, "run_00").code == 2
    for wrong in (["suites/nothing.toml"], ["--resume"], ["--split", "reprot"], ["--change", "chg_00"]):
        assert run("eval", *wrong).code == 2, wrong


def test_cases_that_break_are_exit_3(run: Run, app: Path) -> None:
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace('default = "reader"', 'default = "stage"'))
    (app / "play.jsonl").write_text('{"match": "lighthouse", "error": "overload"}\n{"answer": "Ninety days."}\n')
    done = run("eval", "--json")
    assert done.code == 3
    assert done.json["errors"] == 6
    done = run("eval")
    assert (done.code, "6 cases ended in an error" in done.err, "6 × " in done.err) == (3, True, True)
    (app / "play.jsonl").write_text('{"answer": "Ninety days, 47 metres, 1868."}\n')
    done = run("eval", "--resume", "--retry-errors")
    assert done.code == 2, "another script is another configuration: its run cannot be completed"


def test_an_evaluation_that_was_killed_is_completed(run: Run, app: Path) -> None:
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace('default = "reader"', 'default = "stage"'))
    (app / "play.jsonl").write_text('{"answer": "Ninety days it is, they say", "delay_ms": 40}\n')
    running = subprocess.Popen(
        [sys.executable, "-m", "groundwork", "eval"], cwd=app, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    )
    lines = 0
    started = time.monotonic()
    while lines < 3 and time.monotonic() - started < 30:
        time.sleep(0.03)
        lines = sum(path.read_bytes().count(b"\n") for path in (app / ".groundwork" / "runs").glob("*.jsonl"))
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    assert 3 <= lines < 12
    (journal,) = (app / ".groundwork" / "runs").glob("*.jsonl")
    before = journal.read_bytes()
    with journal.open("ab") as file:
        file.write(b'{"example": "torn')
    done = run("eval", "--resume", "--json")
    assert done.code == 0, done.err
    assert (done.json["id"], done.json["n"]) == (journal.stem, 12)
    assert journal.read_bytes().startswith(before), "what was answered was asked again"
    assert [json.loads(line)["example"] for line in journal.read_bytes().splitlines()].count("kept-0") == 1


def test_feedback_becomes_a_dataset(run: Run, app: Path) -> None:
    done = run("harvest")
    assert done.code == 2
    assert "no feedback yet" in done.err
    trace = run("ask", "How long are backups kept?", "--json").json["trace"]
    folder = Folder(app)
    opinion = Feedback(id="fb_1", trace=trace, opinion=Demonstration(value="Ninety days."), at=time.time())
    import asyncio

    asyncio.run(folder.feedback.add(opinion))
    folder.close()
    made = run("harvest", "--name", "week-47", "--json").json
    assert (made["n"], made["name"]) == (1, "week-47")
    assert set(made["parents"]) == {trace, "fb_1"}
    shown = run("show", made["id"], "--json").json
    assert set(shown["made_from"]) == {trace, "fb_1"}
    rows = [json.loads(line) for path in (app / ".groundwork" / "datasets").rglob("*.jsonl") for line in path.read_text().splitlines()]
    example = run("show", rows[0]["id"], "--json").json
    assert (example["kind"], trace in example["made_from"], made["id"] in example["used_by"]) == ("example", True, True)
    assert made["id"] in run("show", trace, "--json").json["used_by"]
    (app / "suites" / "week.toml").write_text(f'cases = "{made["id"]}"\n')
    assert run("eval", "suites/week.toml", "--split", "", "--json").json["n"] == 1
    assert run("harvest", "--since", "7").code == 2
    assert run("harvest", "--which", "good").code == 2


@pytest.mark.parametrize(
    "arguments", [("gate", "chg_00"), ("release", "chg_00"), ("rollback",), ("rollback", "--to", "rel_00"), ("eval", "--resume", "run_00")]
)
def test_what_is_not_there_is_said(run: Run, app: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "fix:" in done.err
