from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ConfigError
from groundwork.core.ports import Model
from groundwork.core.record import Trace
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.judges.library import find_judge
from groundwork.evaluate.registry import Answered
from groundwork.evaluate.scorers import find_scorers
from groundwork.evaluate.scorers.judged import judges_of, with_judges
from tests.evaluate.builders import MakeSuite, cite, example, reply
from tests.evaluate.judges.rubrics import Saying, Says, in_turn, shown_text, text_of, verdict


def answered(
    says: Says, text: str = "an answer", *, case: dict[str, Any] | None = None, trace_of: Trace | None = None, **more: Any
) -> tuple[Answered, Saying]:
    """An answer, and the model that every judge asks."""
    judge = Saying(says)

    def model(_name: str) -> Model:
        return judge

    async def traced(_identifier: str) -> Trace | None:
        return trace_of

    return Answered(example(1, **(case or {})), reply(text, **more), 1.0, instruments=Instruments(model=model, trace=traced)), judge


def scorer(use: str, root: Path = Path(), **settings: Any) -> Any:
    (found,) = find_scorers([{"use": use, **settings}], root=root)
    return found


async def test_a_judge_is_a_metric_of_a_suite() -> None:
    asked, judge = answered(lambda _: verdict(4, "nearly all"))
    score = await scorer("judge:relevance").score(asked)
    assert (score.metric, score.value, score.status, score.detail, score.cost) == ("judge:relevance", 0.75, "ok", "nearly all", 0.001)
    assert score.evidence["verdict"] == 4
    assert score.evidence["judge"] == find_judge("relevance", Path()).id
    assert shown_text(judge.asked[0], "answer") == "an answer"


async def test_the_version_of_a_judge_is_its_id_and_settings_make_another_judge() -> None:
    plain, other = scorer("judge:relevance"), scorer("judge:relevance", model="strong", temperature=1.0, name="strict")
    assert plain.record["version"] == find_judge("relevance", Path()).id
    assert other.record["settings"] == {"model": "strong", "temperature": 1.0}
    asked, _ = answered(lambda _: verdict(5))
    score = await other.score(asked)
    assert score.metric == "strict"
    (judge,) = judges_of([other])
    assert score.evidence["judge"] == judge.id != plain.version
    assert judge.model == "strong"


def test_the_judges_own_file_stands_before_the_packaged_rubric(tmp_path: Path) -> None:
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "mine.judge.md").write_text(text_of("labels", 'better = "lower"'))
    found = scorer("judge:mine", tmp_path)
    assert (found.better, found.bounds, found.unit) == ("lower", (0.0, 1.0), "share")


@pytest.mark.parametrize(("settings", "says"), [({"modle": "x"}, "unknown key `modle`"), ({"temperature": "hot"}, "temperature")])
def test_settings_that_a_judge_does_not_take_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        scorer("judge:relevance", **settings)


def test_an_unknown_judge_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as error:
        scorer("judge:relevanz")
    assert "relevance" in error.value.fix


async def test_an_unreadable_verdict_is_unparseable_with_its_cost() -> None:
    asked, _ = answered(lambda _: "five stars")
    score = await scorer("judge:relevance").score(asked)
    assert (score.status, score.value, score.cost) == ("unparseable", None, 0.002)
    assert score.evidence["said"] == "five stars"


async def test_a_judge_that_cannot_be_reached_is_an_error_of_the_score() -> None:
    asked = Answered(example(1), reply("an answer"), 1.0)
    score = await scorer("judge:relevance").score(asked)
    assert score.status == "error"
    assert "the model `judge` is not at hand" in score.detail


async def test_groundedness_is_held_against_what_the_case_says_then_what_was_found_then_what_is_quoted() -> None:
    chunk = {"id": "ch_1", "document": "doc_1", "source": "a.md", "title": "A", "headings": [], "start": 0, "end": 5, "text": "found"}
    trace = Trace(id="tr_1", app="x", start=0.0, seconds=1.0, status="ok", found={"hits": [{"chunk": chunk, "score": 1.0}]})
    contexts: list[str] = []
    for case, kept in (({"expected": {"context": ["said", "here"]}}, trace), ({}, trace), ({}, None)):
        asked, judge = answered(lambda _: verdict(5), case=case, trace_of=kept, trace="tr_1", citations=(cite("quoted", "b.md"),))
        assert (await scorer("judge:groundedness").score(asked)).value == 1.0
        contexts.append(shown_text(judge.asked[0], "context"))
    assert contexts == ["said\n\nhere", "[1] A\nfound", "[1] b.md\nquoted"]
    asked, judge = answered(lambda _: verdict(5))
    score = await scorer("judge:groundedness").score(asked)
    assert (score.status, len(judge.asked)) == ("unscored", 0)
    assert "no context" in score.detail


@pytest.mark.parametrize("use", ["judge:correctness", "judge:preference"])
async def test_what_there_is_nothing_to_hold_against_is_unscored(use: str) -> None:
    asked, judge = answered(lambda _: verdict("A"))
    assert (await scorer(use).score(asked)).status == "unscored"
    assert judge.asked == []


async def test_a_declined_question_is_not_judged() -> None:
    asked, _ = answered(lambda _: verdict(5), "", abstained=True)
    assert (await scorer("judge:relevance").score(asked)).status == "unscored"


@pytest.mark.parametrize(
    ("replies", "value", "outcome"),
    [(("A", "B"), 1.0, "A"), (("B", "A"), 0.0, "B"), (("A", "A"), 0.5, "inconsistent"), (("tie", "tie"), 0.5, "tie")],
)
async def test_a_pair_is_held_against_the_baseline_in_both_orders(replies: tuple[str, str], value: float, outcome: str) -> None:
    asked, judge = answered(in_turn(*map(verdict, replies)), case={"expected": {"baseline": "the other"}})
    score = await scorer("judge:preference").score(asked)
    assert (score.value, score.evidence["outcome"], score.cost) == (value, outcome, 0.002)
    assert [shown_text(one, "answer_a") for one in judge.asked] == ["an answer", "the other"]


async def test_an_order_that_cannot_be_read_leaves_no_verdict() -> None:
    asked, _ = answered(in_turn(verdict("A"), "?"), case={"reference": "a reference answer"})
    score = await scorer("judge:preference").score(asked)
    assert (score.status, score.cost) == ("unparseable", 0.003)


async def test_a_spot_check_asks_for_the_drawn_cases_only() -> None:
    asked, judge = answered(lambda _: verdict(5))
    one = scorer("judge:relevance", sample=0.1)
    assert (await one.score(asked._replace(draw=0.5))).status == "unscored"
    assert judge.asked == []
    assert (await one.score(asked._replace(draw=0.05))).probability == pytest.approx(0.1)


def test_a_suite_may_have_judges_of_its_own(make_suite: MakeSuite) -> None:
    suite = make_suite([example(1)], 'metrics = ["latency", "judge:strict"]\n[judges.strict]\nrubric = "relevance"\nmodel = "strong"')
    assert [one.name for one in suite.scorers] == ["latency", "judge:strict"]
    assert [judge.model for judge in judges_of(suite.scorers)] == ["strong"]


def test_a_metrics_own_settings_go_before_those_of_the_suites_judge() -> None:
    tables = {"strict": {"rubric": "relevance", "model": "strong", "seed": 1}}
    found = with_judges(["latency", {"use": "judge:strict", "seed": 2, "sample": 0.5}], tables)
    assert found == ["latency", {"name": "judge:strict", "use": "judge:relevance", "model": "strong", "seed": 2, "sample": 0.5}]
    assert with_judges(["judge:relevance"], tables) == ["judge:relevance"]
