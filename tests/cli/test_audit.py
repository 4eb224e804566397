"""`groundwork audit` and `groundwork components` over a small indexed application."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_a_sound_suite_says_what_is_in_order_and_exits_with_0_but_for_its_size(run: Run, app: Path) -> None:
    """Twelve cases, four questions three times: too few for a gate, and doubled."""
    (app / "suites" / "small.jsonl").write_text(
        "".join(
            json.dumps(case) + "\n"
            for place, case in enumerate(map(json.loads, (app / "suites" / "small.jsonl").read_text().splitlines()))
            if place < 4
        )
    )
    run("eval")
    done = run("audit", "--all", "--json")
    assert done.code == 3
    alarms = [one["probe"] for one in done.json["findings"] if one["severity"] == "alarm"]
    assert alarms == ["stability.power"]
    assert done.json["planted"]["answer.correct"]["right"] == 1.0
    assert done.json["planted"]["answer.correct"]["empty"] == 0.0
    text = run("audit", "--all")
    assert "planted answers" in text.out
    assert "not probed: labels.people" in text.err


def test_an_alarm_exits_with_3_and_says_what_to_do(run: Run, app: Path) -> None:
    done = run("audit")
    assert done.code == 3
    assert "ask the same twice" in done.out
    assert "fix:" in done.out
    cases = [json.loads(line) for line in (app / "suites" / "small.jsonl").read_text().splitlines()]
    cases[0]["split"] = "choose"
    (app / "suites" / "small.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    (app / "prompts" / "answer.prompt.md").write_text(
        (app / "prompts" / "answer.prompt.md").read_text().replace("# user", f"Example: {cases[1]['question']} It is 47 metres.\n# user")
    )
    found = {one["probe"] for one in run("audit", "--json").json["findings"] if one["severity"] == "alarm"}
    assert {"leakage.splits", "leakage.outside"} <= found


def test_people_and_other_texts_are_taken_from_files(run: Run, app: Path) -> None:
    identifier = run("eval", "--json").json["id"]
    cases = [json.loads(line)["id"] for line in (app / "suites" / "small.jsonl").read_text().splitlines()]
    (app / "people.jsonl").write_text(
        "".join(json.dumps({"id": case, "label": "bad" if place % 2 else "good"}) + "\n" for place, case in enumerate(cases))
    )
    (app / "train.txt").write_text("Q: How high is the lighthouse at Cape Orrin? A: 47 metres. " * 3)
    done = run("audit", "--run", identifier, "--labels", "people.jsonl", "--against", "train.txt", "--json")
    findings = {one["probe"]: one for one in done.json["findings"] if one["severity"] != "ok"}
    assert "kappa" in findings["labels.people"]["sentence"]
    assert "train.txt" in findings["leakage.outside"]["sentence"]
    assert findings["leakage.outside"]["severity"] == "look"
    (app / "people.jsonl").write_text('{"id": "a", "label": "perhaps"}\n')
    wrong = run("audit", "--labels", "people.jsonl")
    assert (wrong.code, "people.jsonl:1" in wrong.err) == (2, True)
    assert run("audit", "--labels", "nowhere.jsonl").code == 2
    assert run("audit", "--ask", "-1").code == 2


def test_asking_again_measures_what_changes_by_itself(run: Run, app: Path) -> None:
    run("eval")
    done = run("audit", "--ask", "3", "--json")
    (again,) = [one for one in done.json["findings"] if one["probe"] == "stability.reruns"]
    assert (again["severity"], again["estimate"]["n"]) == ("ok", 3)
    assert len(run("list", "runs", "--json").json) == 1, "what an audit asks is no run"


def test_components_show_where_time_and_answers_go(run: Run, app: Path) -> None:
    cases = [json.loads(line) for line in (app / "suites" / "small.jsonl").read_text().splitlines()]
    cases += [
        {"id": "lost", "split": "report", "question": "How long are backups kept?", "facts": [{"accepted": ["seventeen moons"]}]},
        {"id": "none", "split": "report", "question": "How high is the lighthouse at Cape Orrin?"},
    ]
    (app / "suites" / "small.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    identifier = run("eval", "--json").json["id"]
    found = run("components", identifier, "--json").json
    assert (found["answers"], found["traced"], found["wrong"]) == (14, 14, 2)
    assert {step["name"] for step in found["steps"]} >= {"model", "retrieval", "guard"}
    assert {one["cause"]: one["cases"] for one in found["attributions"]} == {
        "not retrieved": ["lost"],
        "answered the unanswerable": ["none"],
    }
    text = run("components", identifier, "--metric", "facts.found")
    assert "how far the facts came" in text.out
    assert run("components", identifier, "--metric", "fact.found").code == 2
    assert run("components", "run_none").code == 2


@pytest.mark.parametrize("name", ["missing", "changed"])
def test_a_run_whose_suite_is_gone_is_said(run: Run, app: Path, name: str) -> None:
    identifier = run("eval", "--json").json["id"]
    (app / "suites" / "small.jsonl").write_text('{"id": "a", "question": "What else?"}\n')
    done = run("components", identifier) if name == "missing" else run("components", identifier, "--suite", "suites/small.toml")
    assert (done.code, "fix:" in done.err) == (2, True)
