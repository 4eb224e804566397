import asyncio
from pathlib import Path

import pytest

from groundwork.core.errors import InputError
from groundwork.core.measure import Example, Fact, Result, Turn
from groundwork.core.message import ToolCall
from groundwork.core.reply import Reply, Usage
from groundwork.core.request import Request
from groundwork.evaluate.asking import Heard, Place, reply_of, result_of, status_of
from groundwork.evaluate.journal import read_results
from groundwork.evaluate.rescore import rescore
from groundwork.evaluate.runner import evaluate, new_run
from tests.evaluate.builders import MakeSuite, cite, example, reply

CASES = [example(number) for number in range(6)]


async def target(request: Request) -> Reply:
    number = request.question.removeprefix("What is ").rstrip("?")
    if number == "4":
        raise ValueError("gone")
    return reply(f"It is fact {number}.", citations=(cite(f"fact {number}", f"page{number}.html"),), cost=0.01)


async def test_answers_are_scored_again_with_what_is_expected_now(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES, 'metrics = ["answer.correct"]')
    old = await evaluate(target, suite, new_run(suite, target="t"), folder=tmp_path)
    kept = (tmp_path / f"{old.id}.jsonl").read_bytes()
    changed = [
        Example(id=case.id, question=case.question, facts=(Fact(accepted=("fact 1",)),), metadata={"new": True}) for case in reversed(CASES)
    ]
    now = make_suite(changed, 'metrics = ["answer.correct", "citation.correct", "latency"]')
    new = await rescore(old, now, folder=tmp_path)
    assert (new.scored_from, new.n, new.errors) == (old.id, 6, 1)
    assert (old.metrics["answer.correct"].value, new.metrics["answer.correct"].value) == (1.0, 0.2)
    assert new.metrics["citation.correct"].n == 5
    assert new.suite_sha256 == now.sha256
    results = {result.example: result for result in read_results(tmp_path, new.id)}
    assert results["case-0"].place == 5, "a case is where the suite has it now"
    assert (results["case-0"].answer, results["case-0"].metadata) == ("It is fact 0.", {"new": True})
    assert (results["case-4"].status, results["case-4"].error) == ("error", "ValueError: gone")
    assert (tmp_path / f"{old.id}.jsonl").read_bytes() == kept


async def test_answers_to_other_questions_are_not_scored_again(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES)
    old = await evaluate(target, suite, new_run(suite, target="t"), folder=tmp_path)
    with pytest.raises(InputError, match="asks other questions"):
        await rescore(old, make_suite(CASES[:5]), folder=tmp_path)


async def test_a_scorer_that_breaks_loses_no_answer(make_suite: MakeSuite, tmp_path: Path) -> None:
    (tmp_path / "shaky.py").write_text(
        "from groundwork.evaluate.scorers import scorer\n\n@scorer('test.shaky', better='higher')\ndef shaky(answered):\n"
        "    'Breaks, until it is told not to.'\n    from pathlib import Path\n"
        f"    if not Path({str(tmp_path / 'mended')!r}).exists():\n        raise RuntimeError('not now')\n    return 1.0\n"
    )
    suite = make_suite(CASES[:3], 'metrics = ["shaky:shaky"]')
    old = await evaluate(target, suite, new_run(suite, target="t"), folder=tmp_path)
    assert (old.errors, old.metrics, old.unread) == (0, {}, {"test.shaky": {"error": 3}})
    (tmp_path / "mended").touch()
    new = await rescore(old, suite, folder=tmp_path)
    assert (new.metrics["test.shaky"].n, new.unread) == (3, {})


async def test_conversations_and_repeats_are_scored_again_turn_by_turn(make_suite: MakeSuite, tmp_path: Path) -> None:
    talk = Example(
        id="talk",
        question="What is 1?",
        facts=(Fact(accepted=("fact 1",)),),
        turns=(Turn(question="What is 2?", facts=(Fact(accepted=("fact 2",)),)),),
    )
    suite = make_suite([talk, example(3)], 'repeats = 2\nmetrics = ["answer.correct", "citation.correct"]')
    old = await evaluate(target, suite, new_run(suite, target="t"), folder=tmp_path)
    new = await rescore(old, suite, folder=tmp_path)
    before, after = read_results(tmp_path, old.id), read_results(tmp_path, new.id)
    assert sorted(before, key=key) == sorted(after, key=key)
    assert new.metrics == old.metrics


def key(result: Result) -> tuple[int, int, int]:
    return result.place, result.repeat, result.turn


@pytest.mark.parametrize(
    "given",
    [
        reply("text", cost=0.1, trace="tr_1", usage=Usage(input_tokens=3, output_tokens=4)),
        reply("", finish="blocked"),
        reply("", refusal="No."),
        reply("half", finish="length"),
        reply("cited", citations=(cite("a quote", "page.html"),), abstained=True),
        reply("", finish="tool", calls=(ToolCall(id="c1", name="look", arguments='{"at": 1}'),)),
        reply("streamed", first_token=0.25),
    ],
)
def test_a_line_holds_all_of_a_reply_that_scorers_look_at(given: Reply) -> None:
    line = result_of(example(1), Place(), Heard(given, 0.1), status_of(given), ())
    again = reply_of(line)
    for name in ("text", "finish", "refusal", "citations", "calls", "abstained", "usage", "cost", "trace", "first_token"):
        assert getattr(again, name) == getattr(given, name), name


def test_rescoring_needs_no_loop_of_its_own(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES[:2])
    old = asyncio.run(evaluate(target, suite, new_run(suite, target="t"), folder=tmp_path))
    assert asyncio.run(rescore(old, suite, folder=tmp_path)).n == 2
