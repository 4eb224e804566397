"""`groundwork eval` by itself: no application, only a suite and something to ask."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from groundwork.cli.terminal import Rate
from tests.cli.conftest import Run

BOT = """
import asyncio, os

def right(question):
    return "fact " + number(question)

def half(question):
    return right(question) if int(number(question)) % 2 else "no idea"

def moody(question):
    if number(question) == "3":
        raise ValueError("out of paper")
    return right(question)

async def slow(question):
    with open("asked", "a") as file:
        file.write(question + "\\n")
    await asyncio.sleep(0.02)
    return right(question)

def number(question):
    return question.removeprefix("What is ").rstrip("?")
"""


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "quiz.toml").write_text('cases = "quiz.jsonl"\nmetrics = ["answer.correct", "latency"]\n')
    cases = [{"id": f"c{number}", "question": f"What is {number}?", "facts": [{"accepted": [f"fact {number}"]}]} for number in range(40)]
    (tmp_path / "quiz.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_function_is_evaluated_without_an_application(run: Run, alone: Path) -> None:
    done = run("eval", "quiz.toml", "--target", "bot:right", "--json")
    assert done.code == 0, done.err
    first = done.json
    assert (first["n"], first["target"], first["endpoint"]) == (40, "bot:right", {"function": "bot:right"})
    second = run("eval", "quiz.toml", "--target", "bot:half", "--json").json
    compared = run("compare", first["id"], second["id"])
    assert compared.code == 0, compared.err
    assert "A is better by" in compared.out
    assert [row["id"] for row in run("list", "runs", "--json").json] == [second["id"], first["id"]]
    assert run("show", first["id"]).code == 0
    text = run("eval", "quiz.toml", "--target", "bot:right").out
    assert "bot:right" in text
    assert not (alone / "groundwork.toml").exists()


def test_without_a_target_there_must_be_an_application(run: Run, alone: Path) -> None:
    done = run("eval", "quiz.toml")
    assert (done.code, "there is no groundwork.toml" in done.err) == (2, True)
    assert not (alone / ".groundwork").exists()
    done = run("eval", "--target", "bot:right")
    assert (done.code, "no suite is named" in done.err) == (2, True)
    (alone / "quiz.toml").write_text('cases = "quiz.jsonl"\nmetrics = ["answer.correct"]\n[target]\nfunction = "bot:right"\n')
    assert run("eval", "quiz.toml", "--json").json["target"] == "bot:right"
    for wrong in (["--target", "bot:wrong"], ["--target", "nobody"], ["--target", "http://a/v1", "--key", "sk-1"], ["--concurrency", "0"]):
        done = run("eval", "quiz.toml", *wrong)
        assert done.code == 2, wrong
        assert "sk-1" not in done.err


def test_what_is_required_decides_the_exit_code(run: Run, alone: Path) -> None:
    asked = ("eval", "quiz.toml", "--require", "answer.correct >= 0.8")
    done = run(*asked, "--target", "bot:right")
    assert (done.code, "pass  answer.correct >= 0.8: 1.000 [0.912, 1.000] (n = 40)" in done.out) == (0, True), done.out
    done = run(*asked, "--target", "bot:half", "--json")
    assert (done.code, "fail  answer.correct >= 0.8" in done.err) == (3, True)
    assert done.json["n"] == 40
    assert run("eval", "quiz.toml", "--target", "bot:right", "--require", "answer.corect >= 0.8").code == 2
    assert len(list((alone / ".groundwork" / "runs").glob("*.json"))) == 2, (
        "a requirement that cannot be read is said before anything is asked"
    )


def test_errors_are_asked_again_and_answers_scored_again(run: Run, alone: Path) -> None:
    done = run("eval", "quiz.toml", "--target", "bot:moody", "--junit", "out.xml", "--json")
    assert (done.code, done.json["errors"]) == (3, 1)
    broken = next(one for one in ET.parse(alone / "out.xml").iter("testcase") if one.get("name") == "c3")
    assert broken[0].get("message") == "ValueError: out of paper"
    (alone / "bot.py").write_text(BOT.replace('number(question) == "3"', "False"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "groundwork",
            "eval",
            "quiz.toml",
            "--target",
            "bot:moody",
            "--resume",
            done.json["id"],
            "--retry-errors",
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    finished = json.loads(done.stdout)
    assert (finished["n"], finished.get("errors", 0)) == (40, 0)
    (alone / "quiz.toml").write_text('cases = "quiz.jsonl"\nmetrics = ["facts.found"]\n')
    again = run("eval", "quiz.toml", "--rescore", finished["id"], "--json")
    assert again.code == 0, again.err
    assert (again.json["scored_from"], again.json["metrics"]["facts.found"]["n"]) == (finished["id"], 40)
    assert finished["id"] in run("show", again.json["id"], "--json").json["made_from"]


def test_repeats_and_concurrency_are_taken_from_the_command_line(run: Run, alone: Path) -> None:
    found = run("eval", "quiz.toml", "--target", "bot:right", "--repeats", "3", "--concurrency", "auto", "--json").json
    assert (found["repeats"], found["n"], found["metrics"]["answer.correct"]["n"]) == (3, 120, 40)


def test_whenever_it_is_killed_the_rest_is_done_once(run: Run, alone: Path) -> None:
    command = [sys.executable, "-m", "groundwork", "eval", "quiz.toml", "--target", "bot:slow", "--repeats", "2", "--json"]
    journals = alone / ".groundwork" / "runs"
    resumed: list[str] = []
    for lines in (5, 25, 55):
        running = subprocess.Popen([*command, *resumed], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
        until = time.monotonic() + 60
        while time.monotonic() < until and sum(path.read_bytes().count(b"\n") for path in journals.glob("*.jsonl")) < lines:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.wait()
        resumed = ["--resume"]
    (journal,) = journals.glob("*.jsonl")
    before = journal.read_bytes()
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n"] == 80
    rows = [json.loads(line) for line in journal.read_bytes().splitlines()]
    assert journal.read_bytes().startswith(before[: before.rindex(b"\n") + 1]), "what was answered was asked again"
    assert sorted((row.get("place", 0), row.get("repeat", 0)) for row in rows) == [
        (place, repeat) for place in range(40) for repeat in range(2)
    ]
    assert len((alone / "asked").read_text().splitlines()) <= 80 + 3 * 4, "only what was in the air at a kill is asked twice"


def test_the_rate_leaves_out_what_an_earlier_start_did() -> None:
    now = 0.0
    rate = Rate(lambda: now)
    rate.note(900)
    assert (rate.shown, rate.left(100)) == ("", "")
    now = 10.0
    rate.note(950)
    assert (rate.shown, rate.left(18_000)) == ("5.0/s", "1:00:00 left")
