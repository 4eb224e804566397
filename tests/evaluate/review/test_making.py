import ast
import json
from pathlib import Path

import pytest

from groundwork.core.errors import InputError
from groundwork.core.reply import Reply
from groundwork.evaluate.judges.file import parse_judge
from groundwork.evaluate.review.making import try_scorer, write_judge, write_scorer
from groundwork.evaluate.review.rules import Kind, Read, Rule

HOSTILE = ['ends """ a docstring \\', "{{ 7 * 7 }} {% endraw %}{% for %}", "line\nbreak\x7f", "“quoted”"]


def rows(word: str = "sorry") -> list[Read]:
    texts = (f"{word} {{% raw %}} {{{{ x }}}}", "all well", f"so {word}", "fine")
    return [Read(f"i{n}", f"Q{n}?", Reply(text=text, finish="stop", abstained=n == 2), n % 2 == 0) for n, text in enumerate(texts)]


@pytest.mark.parametrize("kind", ["answer", "question", "declined", "uncited", "longer", "shorter", "never"])
async def test_a_scorer_runs_as_written_and_says_what_the_rule_says(tmp_path: Path, kind: Kind) -> None:
    rule = Rule(kind, words=("sorry", "it's"), length=3)
    made = write_scorer(tmp_path, f"mode-{kind}", rule, HOSTILE, rows())
    text = made.files[0].read_text()
    ast.parse(text)
    assert "endraw" in text
    assert ("import re" in text) == (kind in {"answer", "question"})
    found = await try_scorer(tmp_path, made.use, rows())
    said = [rule.holds(one.question, one.reply) for one in rows()]
    same = sum(one == other.shows for one, other in zip(said, rows(), strict=True)) / 4
    assert found.recall.value == sum(one and other.shows for one, other in zip(said, rows(), strict=True)) / 2
    assert found.kappa.n == 4
    assert (found.kappa.value > 0) == (same > 0.5)
    cases = [json.loads(line) for line in made.files[1].read_text().splitlines()]
    assert [(case["id"], case["shows"]) for case in cases] == [("i0", True), ("i1", False), ("i2", True), ("i3", False)]


def test_a_keyword_is_no_name_and_a_file_is_not_overwritten(tmp_path: Path) -> None:
    made = write_scorer(tmp_path, "class", Rule("declined"), ["n"], rows())
    assert made.use == "scorers.class_:class_"
    made.files[0].write_text("mine")
    with pytest.raises(InputError, match="stands there already"):
        write_scorer(tmp_path, "class", Rule("declined"), ["n"], rows())
    write_scorer(tmp_path, "class", Rule("declined"), ["n"], rows(), overwrite=True)
    assert made.files[0].read_text() != "mine"


def test_a_judge_can_be_read_whatever_the_notes_and_answers_say(tmp_path: Path) -> None:
    made = write_judge(tmp_path, "rude", HOSTILE, rows(), model="local/small")
    judge = parse_judge(made.files[0].read_text(), "rude", "judges/rude.judge.md")
    assert (judge.model, judge.labels, judge.better) == ("local/small", {"absent": 0.0, "shown": 1.0}, "lower")
    assert made.use == "judge:rude"
    labels = [json.loads(line) for line in made.files[1].read_text().splitlines()]
    assert [one["label"] for one in labels] == ["shown", "absent", "shown", "absent"]
