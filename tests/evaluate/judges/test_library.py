from pathlib import Path

import pytest

from groundwork.core.errors import ConfigError
from groundwork.evaluate.judges.ask import rendered
from groundwork.evaluate.judges.library import PACKAGED, all_judges, find_judge, packaged, packaged_text
from groundwork.evaluate.judges.verdict import choices, worth
from tests.evaluate.judges.rubrics import text_of

PROMISED = {"groundedness", "relevance", "coherence", "faithfulness", "harmfulness", "correctness", "preference"}


def test_the_rubrics_that_are_promised_are_packaged() -> None:
    assert set(packaged()) >= PROMISED


@pytest.mark.parametrize("name", packaged())
def test_a_packaged_rubric_can_be_asked_as_it_is(name: str, tmp_path: Path) -> None:
    judge = find_judge(name, tmp_path)
    assert judge.origin == PACKAGED
    assert judge.examples or judge.criteria, "a rubric shows a judged example, or asks questions plain enough to need none"
    assert judge.prompt.model.temperature == 0.0
    assert all(judge.points.values()), "every point of a packaged scale says what it stands for"
    assert len(judge.points) in {0, 5}
    request = rendered(judge, dict.fromkeys(judge.inputs, "a text"), "WORD")
    assert request.messages[0].role == "system"
    assert all(f"<{one} WORD>" in request.messages[-1].text for one in judge.inputs)
    values = {worth(judge, choice) for choice in choices(judge)}
    assert not values or (min(values), max(values)) == (0.0, 1.0)


def test_a_judge_of_the_application_stands_before_a_packaged_one(tmp_path: Path) -> None:
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "relevance.judge.md").write_text(text_of("labels"))
    (tmp_path / "judges" / "mine.judge.md").write_text(text_of("pairwise"))
    assert find_judge("relevance", tmp_path).origin == "judges/relevance.judge.md"
    assert find_judge("relevance", tmp_path).id != find_judge("relevance", tmp_path / "elsewhere").id
    assert {judge.name for judge in all_judges(tmp_path)} == {*packaged(), "mine"}


def test_an_unknown_judge_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        find_judge("groundednes", tmp_path, "suite.toml:3")
    assert error.value.where == "suite.toml:3"
    assert "`groundedness`" in error.value.fix


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "mine.judge.md").write_bytes(b"+++\n\xff\n+++\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        find_judge("mine", tmp_path)


def test_a_copy_of_a_packaged_rubric_is_the_same_judge(tmp_path: Path) -> None:
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "relevance.judge.md").write_text(packaged_text("relevance"))
    assert find_judge("relevance", tmp_path).id == find_judge("relevance", tmp_path / "elsewhere").id
