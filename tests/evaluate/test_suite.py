from pathlib import Path

import pytest

from groundwork.core.errors import ConfigError
from groundwork.core.measure import Example
from groundwork.datasets.dataset import write_dataset
from groundwork.evaluate.suite import load_suite
from tests.evaluate.builders import OWN, MakeSuite, example

HELPDESK = Path(__file__).parents[2] / "examples" / "sqlite-helpdesk"


def test_a_suite_names_its_cases_and_measures_everything_by_default(make_suite: MakeSuite) -> None:
    suite = make_suite([example(1), example(2, split="choose")])
    assert suite.name == "small"
    assert suite.scorers == OWN
    assert set(suite.metrics) >= {"answer.correct", "latency.p50", "latency.p95", "cost"}
    assert [case.id for case in suite.split("choose")] == ["case-2"]
    assert len(suite.split("")) == 2


def test_a_metric_names_its_scorer(make_suite: MakeSuite) -> None:
    suite = make_suite([example(1)], 'metrics = ["latency.p95", "answer.correct", "latency"]')
    assert [scorer.name for scorer in suite.scorers] == ["latency", "answer.correct"]


def test_the_hash_is_over_what_the_cases_say_not_how_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    path.write_text('cases = "cases.jsonl"')
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"id": "a", "question": "Why?", "tags": []}\n')
    first = load_suite(path, root=tmp_path).sha256
    cases.write_text('\n{"question":"Why?","id":"a"}\n\n')
    assert load_suite(path, root=tmp_path).sha256 == first
    cases.write_text('{"id": "a", "question": "Why not?"}')
    assert load_suite(path, root=tmp_path).sha256 != first


@pytest.mark.parametrize(
    ("line", "says", "fix"),
    [
        ('{"id": "b", "questoin": "x"}', "unknown key `questoin`", "`question`"),
        ('{"id": "b", "question": "x", "facts": [{"acepted": ["y"]}]}', "unknown key `acepted`", "`accepted`"),
        ('{"id": "b", "question": "x", "lineage": {"trase": "y"}}', "unknown key `trase`", "`trace`"),
        ('{"id": "a", "question": "x"}', "stands in line 1 already", "of its own"),
        ('{"id": "b", "question": "  "}', "is empty", "write the question"),
        ('{"id": "", "question": "x"}', "the id is empty", "short name"),
        ('{"id": "b", "question": "x", "facts": [{"accepted": [""]}]}', "accepts an empty text", "at least one"),
        ('{"id": "b", "question": "x", "reference": "y", "answerable": false}', "not answerable, yet", "remove"),
        ('{"id": "b"}', "missing required field `question`", "correct the line"),
        ('{"id": "b", "question": ', "not a JSON object", "complete JSON object"),
        ('["b"]', "Expected `object`", "correct the line"),
    ],
)
def test_a_bad_line_is_refused_with_its_place(tmp_path: Path, line: str, says: str, fix: str) -> None:
    (tmp_path / "suite.toml").write_text('cases = "cases.jsonl"')
    (tmp_path / "cases.jsonl").write_text('{"id": "a", "question": "Why?"}\n' + line)
    with pytest.raises(ConfigError) as error:
        load_suite(tmp_path / "suite.toml", root=tmp_path)
    assert error.value.where == "cases.jsonl:2"
    assert says in str(error.value)
    assert fix in error.value.fix


@pytest.mark.parametrize(
    ("toml", "cases", "where", "says"),
    [
        ('cases = "cases.jsonl"', "\n\n", "cases.jsonl", "no case"),
        ('\ncases = "other.jsonl"', "", "suite.toml:2", "cannot be read"),
        ('cases = "cases.jsonl"\nmetrics = ["answer.corect"]', "", "suite.toml:2", "unknown metric `answer.corect`"),
        ('cases = "cases.jsonl"\nconcurency = 3', "", "suite.toml:2", "unknown key `concurency`"),
        ('cases = "cases.jsonl"\nconcurrency = 0', "", "suite.toml", "choose 1 to 1000"),
        ('cases = "ds_00"', "", "suite.toml:1", "no dataset"),
    ],
)
def test_a_bad_suite_is_refused_with_its_place(tmp_path: Path, toml: str, cases: str, where: str, says: str) -> None:
    (tmp_path / "suite.toml").write_text(toml)
    (tmp_path / "cases.jsonl").write_text(cases)
    with pytest.raises(ConfigError) as error:
        load_suite(tmp_path / "suite.toml", root=tmp_path)
    assert error.value.where == where
    assert says in str(error.value)


def test_an_unknown_split_is_refused(make_suite: MakeSuite) -> None:
    with pytest.raises(ConfigError, match="unknown split `reprot`") as error:
        make_suite([example(1)]).split("reprot")
    assert "`report`" in error.value.fix


def test_cases_may_be_a_dataset(tmp_path: Path) -> None:
    rows = [Example(id="a", question="Why?"), Example(id="b", question="How?")]
    folder = tmp_path / ".groundwork" / "datasets"
    dataset = write_dataset(rows, folder=folder, identifier="ds_1", name="harvested", made=1.0)
    (tmp_path / "suite.toml").write_text('cases = "ds_1"')
    suite = load_suite(tmp_path / "suite.toml", root=tmp_path)
    assert (suite.dataset, suite.sha256, suite.name) == ("ds_1", dataset.sha256, "suite")
    (tmp_path / "suite.toml").write_text('cases = ".groundwork/datasets/ds_1"')
    assert load_suite(tmp_path / "suite.toml", root=tmp_path).examples == suite.examples


def test_a_scorer_of_yours_is_found_by_its_path(tmp_path: Path, make_suite: MakeSuite) -> None:
    (tmp_path / "mine.py").write_text(
        'from groundwork.evaluate.scorers import scorer\n\n@scorer("mine.short", better="higher")\n'
        "def short(answered):\n    '''1 for short answers.'''\n    return float(len(answered.reply.text) < 80)\n\ndef plain(answered):\n    return 1.0\n"
    )
    suite = make_suite([example(1)], 'metrics = ["answer.correct", "mine:short"]')
    assert set(suite.metrics) == {"answer.correct", "mine.short"}
    with pytest.raises(ConfigError, match="is no scorer"):
        make_suite([example(1)], 'metrics = ["mine:plain"]')


def test_the_helpdesk_suite_loads() -> None:
    suite = load_suite(HELPDESK / "suites" / "helpdesk.toml", root=HELPDESK)
    assert len(suite.split("report")) >= 60
