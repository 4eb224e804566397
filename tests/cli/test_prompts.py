"""`groundwork prompts`: list, render, diff, try, perturb."""

import json
from pathlib import Path

import pytest

from tests.apps import PROMPT
from tests.cli.conftest import Run

CHATML = Path(__file__).parents[1] / "data" / "chat_templates" / "chatml.jinja"
QUESTION = "How long are backups kept?"


@pytest.fixture
def variation(app: Path) -> Path:
    path = app / "new.prompt.md"
    path.write_text(PROMPT.replace("cite them", "cite each"))
    return path


def test_a_list_says_where_each_version_is_used(run: Run, app: Path, variation: Path) -> None:
    (before,) = json.loads(run("prompts", "list", "--json").out)
    assert (before["name"], before["current"], before["settings"], before["answers"]) == ("answer", True, ["app.prompt"], 0)
    run("ask", QUESTION)
    assert run("prompts", "try", str(variation), QUESTION).code == 0
    rows = json.loads(run("prompts", "list", "--all", "--json").out)
    assert [(row["current"], row["answers"]) for row in rows] == [(True, 2), (False, 1)]
    changed = json.loads(run("propose", "prompts.answer", "--file", str(variation), "--why", "shorter", "--json").out)
    rows = json.loads(run("prompts", "list", "--all", "--json").out)
    assert rows[1]["changes"] == [changed["id"]]
    assert "app.prompt" in run("prompts", "list").out


def test_what_is_rendered_is_shown_with_its_labels(run: Run, app: Path) -> None:
    made = json.loads(run("prompts", "render", "answer", QUESTION, "--json").out)
    system, user = made["messages"]
    assert system == {"role": "system", "parts": [{"label": "system", "text": "Answer from the sources and cite them."}]}
    assert user["parts"][-1] == {"label": "user", "text": QUESTION}
    assert {part["label"] for part in user["parts"]} == {"system", "source", "user"}
    assert made["tokens"] > 50
    assert "estimate" in made["tokens_by"]
    shown = run("prompts", "render", "answer", QUESTION)
    assert f"user │ {QUESTION}" in shown.out
    assert "tokens (the built-in encoder's tokenizer, an estimate" in shown.err
    assert run("prompts", "render", "anser", QUESTION).code == 2
    assert "did you mean `answer`?" in run("prompts", "render", "anser", QUESTION).err


def test_examples_that_were_chosen_are_shown(run: Run, app: Path) -> None:
    path = app / "prompts" / "answer.prompt.md"
    rows = "".join(f'[[examples]]\nid = "e{n}"\nquestion = "Q{n}?"\nanswer = "A{n}."\n' for n in range(3))
    path.write_text(PROMPT.replace("+++\n# system", f"select = {{ keep = 2 }}\n{rows}+++\n# system"))
    made = json.loads(run("prompts", "render", "answer", QUESTION, "--json").out)
    assert made["few_shot"] == ["e0", "e1"]
    assert [message["role"] for message in made["messages"]] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_a_prompt_sent_by_hand_is_held_against_the_models_template(run: Run, app: Path) -> None:
    text = run("prompts", "render", "answer", QUESTION, "--template", str(CHATML)).out
    assert text.startswith("<|im_start|>system\nAnswer from the sources")
    hand = app / "hand.txt"
    hand.write_text(text)
    assert run("prompts", "render", "answer", QUESTION, "--template", str(CHATML), "--against", str(hand)).code == 0
    hand.write_text(text.replace("<|im_start|>user\n", "<|im_start|>user\n\n"))
    done = run("prompts", "render", "answer", QUESTION, "--template", str(CHATML), "--against", str(hand))
    assert done.code == 3
    assert "one newline too many" in done.out
    assert "user\\n\\n[1]" in done.out
    assert run("prompts", "render", "answer", QUESTION, "--against", str(hand)).code == 2


def test_two_versions_differ_in_text_and_in_what_is_sent(run: Run, app: Path, variation: Path) -> None:
    lines = json.loads(run("prompts", "diff", "answer", str(variation), "--question", QUESTION, "--json").out)
    assert [line for line in lines["text"] if line.startswith(("-A", "+A"))] == [
        "-Answer from the sources and cite them.",
        "+Answer from the sources and cite each.",
    ]
    assert any(line == "+Answer from the sources and cite each." for line in lines["rendered"])
    assert "the same" in run("prompts", "diff", "answer", "answer").out


def test_a_version_is_found_by_the_beginning_of_its_id(run: Run, app: Path, variation: Path) -> None:
    run("prompts", "try", str(variation), QUESTION)
    old = json.loads(run("prompts", "list", "--all", "--json").out)[1]["id"]
    assert "cite each" in run("prompts", "render", old[:8], QUESTION).out
    assert run("prompts", "render", "pr_nothing", QUESTION).code == 2
    assert "several versions begin with pr_" in run("prompts", "render", "pr_", QUESTION).err


def test_answers_stand_side_by_side(run: Run, app: Path, variation: Path) -> None:
    (row,) = json.loads(run("prompts", "try", str(variation), QUESTION, "--json").out)
    assert "ninety days" in row["current"]
    assert row["same"] is True
    assert len(set(row["traces"])) == 2
    rows = json.loads(run("prompts", "try", str(variation), "--suite", "suites/small.toml", "--first", "2", "--json").out)
    assert len(rows) == 2
    assert run("prompts", "try", str(variation)).code == 2
    assert "cannot be read" in run("prompts", "try", "none.prompt.md", QUESTION).err


def test_a_suite_is_asked_under_perturbations_and_compared_case_by_case(run: Run, app: Path) -> None:
    done = run("prompts", "perturb", "--suite", "suites/small.toml", "--kind", "case", "--kind", "numerals", "--kind", "order", "--json")
    case, numerals, order = json.loads(done.out)
    assert case["changed"] > 1
    assert case["comparison"]["pairs"] == case["changed"]
    assert {row["metric"] for row in case["comparison"]["differences"]} >= {"answer.correct"}
    assert (numerals["changed"], numerals["comparison"]) == (0, None)
    assert order["reason"] == "no prompt shows two or more fixed examples"
    assert not list((app / ".groundwork" / "runs").glob("*")), "no gate may take a perturbed run for a measurement"
    assert "not measured: no question holds" in run("prompts", "perturb", "--suite", "suites/small.toml", "--kind", "numerals").err
    assert run("prompts", "perturb", "--suite", "suites/small.toml", "--kind", "tpyo").code == 2
