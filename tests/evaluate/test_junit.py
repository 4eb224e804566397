import xml.etree.ElementTree as ET
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.measure import Result, Score
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.evaluate.journal import stream_results
from groundwork.evaluate.junit import junit
from groundwork.evaluate.runner import evaluate, new_run
from groundwork.evaluate.suite import make_suite as made
from tests.evaluate.builders import MakeSuite, example, reply

CASES = [example(number) for number in range(5)]


async def target(request: Request) -> Reply:
    number = int(request.question.removeprefix("What is ").rstrip("?"))
    if number == 1:
        raise ValueError("gone <away> & lost")
    if number == 2:
        return reply("", finish="awaiting_approval")
    return reply(f"It is fact {number if number != 3 else 'none'} ]]> \x00\x1b <b>.")


async def test_a_run_is_told_as_a_build_server_reads_it(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES, 'metrics = ["answer.correct", "latency"]')
    run = await evaluate(target, suite, new_run(suite, target="t"), folder=tmp_path)
    root = ET.fromstring("".join(junit(run, suite, stream_results(tmp_path, run.id))))
    (told,) = root
    assert (told.get("tests"), told.get("errors"), told.get("name")) == ("5", "1", "small")
    properties = {one.get("name"): one.get("value") for one in told.iter("property")}
    assert str(properties["answer.correct"]).startswith("0.666667 [")
    cases = {one.get("name"): one for one in told.iter("testcase")}
    assert [child.tag for child in cases["case-0"]] == []
    assert cases["case-1"][0].get("message") == "ValueError: gone <away> & lost"
    assert cases["case-2"][0].tag == "skipped"
    failure = cases["case-3"][0]
    assert (failure.tag, failure.get("message")) == ("failure", "answer.correct = 0")
    assert failure.text == "It is fact none ]]> \ufffd\ufffd <b>."


@given(st.text(), st.text())
def test_whatever_is_answered_the_file_stays_xml(answer: str, error: str) -> None:
    suite = made(CASES[:1], metrics=["answer.correct", "abstention.wrong"])
    run = new_run(suite, target="t")
    results = [
        Result(example="case-0", status="ok", answer=answer, scores=(Score(metric="answer.correct", value=0.0),)),
        Result(example=answer or "x", status="error", error=error, repeat=1),
        Result(example="worse", status="ok", answer=answer, scores=(Score(metric="abstention.wrong", value=1.0),)),
        Result(example="fine", status="ok", answer=answer, scores=(Score(metric="abstention.wrong", value=0.0),)),
    ]
    root = ET.fromstring("".join(junit(run, suite, results)).encode("utf-8", "replace"))
    assert [len(one) for one in root.iter("testcase")] == [1, 1, 1, 0]
