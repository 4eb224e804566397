from pathlib import Path

from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.evaluate.figures import estimate
from groundwork.evaluate.report import faults, load_evaluated, summarise, unscored, wrong_answers
from groundwork.evaluate.runner import evaluate, new_run
from groundwork.evaluate.scorers import metrics_of
from tests.evaluate.builders import OWN, MakeSuite, evaluated, example, reply

METRICS = metrics_of(OWN)


def test_each_figure_has_the_interval_that_fits_its_values() -> None:
    assert estimate([1.0, 0.0, 1.0], METRICS["answer.correct"]).method == "wilson"
    assert estimate([1.0, 0.5, 1.0], METRICS["facts.found"]).method == "t, augmented"
    assert estimate([0.01, 0.02], METRICS["cost"]).method == "t"
    median = estimate([0.1] * 10 + [0.9] * 10, METRICS["latency.p50"])
    assert (median.low, median.high, median.method) == (0.1, 0.9, "order statistics")


def test_a_metric_that_scored_nothing_is_left_out_and_an_error_is_not_counted() -> None:
    figures = summarise(evaluated([1.0, 0.0, None]).results, METRICS)
    assert set(figures) == {"answer.correct"}
    assert (figures["answer.correct"].value, figures["answer.correct"].n) == (0.5, 2)


async def test_a_report_lists_what_was_not_scored_what_broke_and_the_worst_answers_first(make_suite: MakeSuite, tmp_path: Path) -> None:
    async def target(request: Request) -> Reply:
        number = int(request.question.removeprefix("What is ").rstrip("?"))
        if number == 9:
            raise RuntimeError("gone")
        return reply({0: "fact 0", 1: "fact 2"}.get(number, "It is seven"), abstained=number == 2)

    cases = [example(0), example(1), example(2), example(3, answerable=False), example(9)]
    suite = make_suite(cases)
    run = await evaluate(target, suite, new_run(suite, target="t"), folder=tmp_path)
    loaded = load_evaluated(tmp_path, run.id)
    assert unscored(loaded.results, suite.metrics)["citation.correct"] == {"declined": 1, "not answerable": 1}
    assert unscored(loaded.results, suite.metrics)["cost"] == {"no price is known": 4}
    assert faults(loaded.results) == {"RuntimeError: gone": 1}
    assert [result.example for result in loaded.errors] == ["case-9"]
    wrong = wrong_answers(loaded.results, suite)
    assert [(item.example.id, item.fault) for item in wrong] == [
        ("case-1", "wrong answer"),
        ("case-3", "answered an unanswerable question"),
        ("case-2", "declined an answerable question"),
    ]
    assert wrong[0].expected == "fact 1"
    assert len(wrong_answers(loaded.results, suite, limit=1)) == 1
