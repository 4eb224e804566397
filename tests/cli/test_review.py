"""Reading by hand: from a sample to a scorer, in a pipe and in a terminal."""

import asyncio
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from groundwork.cli.reading import visible
from groundwork.core.record import Feedback, Thumb
from groundwork.store.folder import Folder
from tests.cli.conftest import Run

QUESTIONS = (
    "How long are backups kept?",
    "How high is the lighthouse at Cape Orrin?",
    "When was the lighthouse built?",
    "Who may restore a backup?",
)


@pytest.fixture
def traces(run: Run, app: Path) -> list[str]:
    return [run("ask", question, "--json").json["trace"] for question in QUESTIONS]


def feed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def items(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("review", "export").out.splitlines()]


def test_a_reading_stops_and_goes_on_where_it_stopped(run: Run, app: Path, traces: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, ":context", ":nonsense", "cites too much #too-long", "", ":quit")
    done = run("review", "start", "--n", "3", "--reader", "ann")
    assert done.code == 0
    assert "1 of 3" in done.out
    assert "3 of 3" in done.out
    assert ":nonsense is no command" in done.err
    assert "kept: 2 notes; left to read: 1" in done.err
    assert [(row["read"], row.get("modes"), row.get("reader")) for row in items(run)] == [
        (True, ["too-long"], "ann"),
        (True, [], "ann"),
        (False, None, None),
    ]
    feed(monkeypatch, "says nothing", "never read")
    on = run("review", "read")
    assert "3 of 3" in on.out
    assert "left to read: 0" in on.err
    feed(monkeypatch)
    assert "kept: 0 notes; left to read: 0" in run("review", "read").err
    assert [row["probability"] for row in items(run)] == [0.75] * 3


def test_one_may_go_back_and_skip(run: Run, app: Path, traces: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, "one", ":back", "one again", ":skip", "three", "four")
    run("review", "start", "--n", "4")
    assert [(row["read"], row.get("note")) for row in items(run)] == [(True, "one again"), (False, None), (True, "three"), (True, "four")]


def test_failures_come_first_and_evaluations_are_not_traffic(run: Run, app: Path, traces: list[str]) -> None:
    run("eval")
    folder = Folder(app)
    folder.state.write_now(lambda _: None)
    asyncio.run(folder.feedback.add(Feedback(id="fb_1", trace=traces[2], opinion=Thumb(value=False), at=1.0)))
    folder.close()
    done = run("review", "start", "--by", "failures", "--n", "2", "--no-read", "--json")
    assert done.json["strata"] == {"failed": 1, "other": 3}
    assert done.json["items"][0]["item"] == traces[2]


def test_notes_become_groups_modes_scorers_and_slices(run: Run, app: Path) -> None:
    evaluated = run("eval", "--json").json["id"]
    run("review", "start", "--run", evaluated, "--n", "12", "--no-read")
    rows = items(run)
    wanted = [row["item"] for row in rows if row["item"].startswith(("kept", "who"))]
    notes = [
        {"item": row["item"], "note": "it speaks of backups, which nobody asked about" if row["item"] in wanted else ""} for row in rows
    ]
    (app / "notes.jsonl").write_text("".join(json.dumps(one) + "\n" for one in notes))
    assert "taken: 12 notes" in run("review", "read", "--notes", "notes.jsonl").err
    (group,) = run("review", "group", "--json").json
    assert sorted(group["items"]) == sorted(wanted)
    assert "perhaps" in run("review", "group").out
    assert run("review", "name", "2", "backup").code == 2
    assert "off-topic: 6 notes" in run("review", "name", "1", "Off Topic").err
    assert run("review", "name", rows[0]["item"], "other").code == 0
    assert "off-topic: 1 note" in run("review", "name", "other", "off-topic").err
    other = next(row["item"] for row in rows if row["item"] not in {*wanted, rows[0]["item"]})
    assert "rude, slow: 1 note" in run("review", "name", other, "rude", "slow").err
    assert {row["item"]: row.get("modes") for row in items(run)}[other] == ["rude", "slow"]
    run("review", "name", rows[0]["item"], "off-topic")
    assert "no note waits" in run("review", "group").err
    counted = run("review", "modes", "--json").json
    assert counted["modes"][0]["name"] == "off-topic"
    assert counted["failures"]["n"] == 12
    text = run("review", "modes")
    assert "share of all answers" in text.out
    made = run("review", "make", "off-topic", "--json")
    assert made.code == 0
    assert made.json["agreement"]["recall"]["value"] >= 0.5
    done = run("eval", "suites/off-topic.toml", "--json")
    assert done.code == 0
    assert {"answer.correct", "mode.off-topic"} <= done.json["metrics"].keys()
    assert run("review", "make", "off-topic").code == 2
    again = run("review", "make", "off-topic", "--overwrite")
    assert "held out" in again.out
    judge = run("review", "make", "off-topic", "--judge", "judge", "--overwrite")
    assert "groundwork judge calibrate off-topic" in judge.err
    assert run("review", "make", "unknown").code == 2
    (review,) = run("review", "list", "--json").json
    shown = run("show", review["id"], "--json").json
    assert (shown["kind"], shown["made_from"]) == ("review", {evaluated: "run"})
    assert "dataset" in shown["used_by"].values()
    assert "off-topic" in run("show", review["id"]).out


def test_modes_of_traces_become_cases_that_wait_for_a_label(run: Run, app: Path, traces: list[str]) -> None:
    run("review", "start", "--no-read")
    (app / "notes.jsonl").write_text(
        "".join(json.dumps({"item": one, "note": "", "modes": ["slow"] if one == traces[0] else []}) + "\n" for one in traces)
    )
    run("review", "read", "--notes", "notes.jsonl")
    dataset = run("review", "make", "slow", "--json").json["dataset"]
    (line,) = (app / ".groundwork" / "datasets" / dataset / "examples.jsonl").read_text().splitlines()
    example = json.loads(line)
    assert (example["question"], example["tags"]) == (QUESTIONS[0], ["unlabelled", "mode:slow"])
    assert example["lineage"]["trace"] == traces[0]
    assert '"answer.correct"' not in (app / "suites" / "slow.toml").read_text()


def test_what_is_no_note_or_review_is_refused(run: Run, app: Path, traces: list[str]) -> None:
    assert run("review", "read").code == 2
    assert run("review", "start", "--since", "soon").code == 2
    assert run("review", "start", "--by", "colour").code == 2
    run("review", "start", "--no-read")
    for number, line in enumerate(
        ('{"item": "tr_none", "note": "x"}', '{"note": "x"}', "x", f'{{"item": "{traces[0]}", "modes": ["1!"]}}')
    ):
        (app / f"notes{number}.jsonl").write_text(f"{line}\n")
        done = run("review", "read", "--notes", f"notes{number}.jsonl")
        assert (done.code, "fix:" in done.err) == (2, True), line
    assert run("review", "name", "1", "slow").code == 2
    assert [row["read"] for row in items(run)] == [False] * 4


def test_it_reads_in_a_terminal_and_ctrl_d_ends_it(app: Path, traces: list[str]) -> None:
    """A real terminal, driven as a person would: the prompt comes, a line is typed, the next item is shown."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "groundwork", "review", "start", "--n", "2"]
    with subprocess.Popen(command, cwd=app, stdin=child, stdout=child, stderr=child, close_fds=True) as process:
        os.close(child)
        seen = _until(parent, "note> ")
        assert "1 of 2" in seen
        os.write(parent, "zu lang – è vero #too-long\n".encode())
        assert "2 of 2" in _until(parent, "note> ")
        os.write(parent, b"\x04")
        assert process.wait(timeout=60) == 0
    os.close(parent)
    folder = Folder(app)
    (review,) = asyncio.run(folder.reviews.list())
    (note,) = asyncio.run(folder.reviews.notes(review.id))
    folder.close()
    assert (note.text, note.modes) == ("zu lang – è vero #too-long", ("too-long",))


def _until(terminal: int, wanted: str) -> str:
    data = b""
    while wanted.encode() not in data:
        data += os.read(terminal, 4_096)
    return data.decode(errors="replace")


def test_what_a_model_wrote_cannot_move_the_cursor() -> None:
    assert visible("a\x1b[2Jb\r\tc\n") == "a\\x1b[2Jb\\x0d\tc\n"
