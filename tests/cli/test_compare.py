"""Comparison, slices and ratings as commands, over real runs of a small application."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run, set_gate

PROPOSAL = ("propose", "context.retrieve.keep", "8", "--why", "facts were found further down", "--json")


@pytest.fixture
def runs(run: Run, app: Path) -> list[str]:
    """Three runs of the same application."""
    return [run("eval", "--json").json["id"] for _ in range(3)]


def test_two_runs_are_compared_as_text_as_data_and_as_a_page(run: Run, app: Path, runs: list[str]) -> None:
    a, b, _ = runs
    done = run("compare", a, b, "--win-rate", "answer.correct", "--html", "two.html")
    assert done.code == 0, done.err
    assert "12 cases answered in both" in done.out
    assert "not distinguishable: no difference seen" in done.out
    assert "win rate on answer.correct: not distinguishable from even" in done.out
    assert "wrote two.html" in done.err
    assert "How long are backups kept?" in (app / "two.html").read_text()
    data = run("compare", a, b, "--json").json
    correct = data["differences"][0]
    assert (correct["metric"], correct["winner"], correct["test"]["method"]) == ("answer.correct", "", "McNemar, exact")
    assert 0 < correct["detectable"] < 1
    assert run("compare", a, b, "--win-rate", "answer.correct", "--json").json["win_rate"]["rate"]["ties"] == 12


def test_several_runs_are_rated(run: Run, runs: list[str]) -> None:
    done = run("compare", *runs)
    assert done.code == 0, done.err
    assert "Bradley-Terry" in done.out
    assert "rated by answer.correct" in done.err
    data = run("compare", *runs, "--metric", "facts.found", "--json").json
    assert (data["metric"], len(data["pairwise"])) == ("facts.found", 3)
    assert run("rate", *runs, "--json").json["standings"][0]["rating"]["value"] == 1000


def test_verdicts_of_pairs_are_rated(run: Run, app: Path) -> None:
    (app / "verdicts.jsonl").write_text('{"first": "new", "second": "old", "score": 1, "item": "q1"}\n' * 3)
    done = run("rate", "verdicts.jsonl")
    assert done.code == 0, done.err
    assert done.out.index("new") < done.out.index("old")
    (app / "verdicts.jsonl").write_text('{"first": "new"}\n')
    assert run("rate", "verdicts.jsonl").code == 2


def test_a_run_is_cut_into_slices(run: Run, runs: list[str]) -> None:
    done = run("slices", runs[0], "--least", "3")
    assert done.code == 0, done.err
    assert "question length = " in done.out
    assert "12 other items like these would give answer.correct" in done.out
    data = run("slices", runs[0], "--least", "3", "--json").json
    assert data["search"]["searched"] == len(data["search"]["slices"]) > 2
    both = run("slices", *runs[:2], "--least", "3")
    assert both.code == 0, both.err
    assert "not distinguishable" in both.out
    assert "no Simpson's reversal" in both.err
    assert run("slices", *runs[:2], "--json").json["reversals"] == []


def test_what_cannot_be_compared_says_so(run: Run, app: Path, runs: list[str]) -> None:
    for arguments, says in (
        (("compare", runs[0]), "two runs or more"),
        (("compare", runs[0], "run_0"), "no run"),
        (("compare", *runs, "--html", "x.html"), "are for two runs"),
        (("compare", runs[0], runs[1], "--win-rate", "answer.corect"), "no metric"),
        (("slices", *runs), "one run or two"),
        (("slices", runs[0], "--by", "topc"), "unknown facet"),
        (("rate", "nowhere.jsonl"), "cannot be read"),
        (("compare", *runs[:2], "--app", str(app / "prompts")), "groundwork.toml"),
    ):
        done = run(*arguments)
        assert done.code == 2, (arguments, done)
        assert says in done.err
    assert run("compare", runs[0], runs[1], "--html", "none/x.html").code == 1


def test_questions_are_found_again_only_while_the_cases_are_the_same(run: Run, app: Path, runs: list[str]) -> None:
    cases = app / "suites" / "small.jsonl"
    cases.write_text(cases.read_text().replace("How long", "How very long"))
    done = run("compare", runs[0], runs[1], "--html", "two.html")
    assert done.code == 0, done.err
    assert "are backups kept?" not in (app / "two.html").read_text()
    assert "kept-0" in (app / "two.html").read_text()


def test_an_evaluation_becomes_a_page_and_says_what_it_earns(run: Run, app: Path) -> None:
    suite = app / "suites" / "small.toml"
    suite.write_text(suite.read_text() + '[[actions]]\nmetric = "answer.correct"\nat_least = 0.5\nthen = "answer alone"\n')
    done = run("eval", "--html", "run.html")
    assert done.code == 0, done.err
    assert "answer alone: answer.correct 1.000 [" in done.out
    assert "asked >= 0.500: earned" in done.out
    assert "answer alone</strong>" in (app / "run.html").read_text()


def test_planned_looks_are_counted_by_the_gate(run: Run, app: Path) -> None:
    set_gate(app, "answer.correct not_inferior")
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace("[gate]", "[gate]\nlooks = 2"))
    change = run(*PROPOSAL).json["id"]
    first = run("gate", change, "--json").json
    assert (first["looks"], first["decision"]) == (2, "undecided")
    done = run("gate", change)
    assert "look 2 of 2" in done.out
    done = run("gate", change)
    assert done.code == 2
    assert "all 2 planned looks" in done.err


def test_a_second_look_without_a_plan_warns(run: Run, app: Path) -> None:
    change = run(*PROPOSAL).json["id"]
    assert "note:" not in run("gate", change).err
    assert "look 2 at this change" in run("gate", change).err
