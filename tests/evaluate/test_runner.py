import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from groundwork.core.errors import ConfigError, InputError, StoreBusy, StoreFull
from groundwork.core.measure import Example, Fact, Run, Turn
from groundwork.core.message import say
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.evaluate.asking import request_for
from groundwork.evaluate.journal import Journal, read_results, read_run, save_run
from groundwork.evaluate.runner import Progress, check_resumable, evaluate, find_unfinished, new_run
from tests.evaluate.builders import MakeSuite, example, reply

CASES = [example(number) for number in range(12)]


async def right(request: Request) -> Reply:
    number = request.question.removeprefix("What is ").rstrip("?")
    return reply(f"It is fact {number}.", trace=f"tr_{number}", cost=0.01)


def lines_of(folder: Path, run: Run) -> list[str]:
    return [json.loads(line)["example"] for line in (folder / f"{run.id}.jsonl").read_text().splitlines()]


async def test_a_run_answers_every_case_of_its_split_once(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite([*CASES, example(99, split="choose")])
    seen: list[Progress] = []
    run = await evaluate(right, suite, new_run(suite, split="report", target="right"), folder=tmp_path / "runs", progress=seen.append)
    assert sorted(lines_of(tmp_path / "runs", run)) == sorted(case.id for case in CASES)
    assert (run.n, run.errors) == (12, 0)
    assert run.finished is not None
    assert run.metrics["answer.correct"].value == 1
    assert run.metrics["answer.correct"].low < 0.8
    assert run.metrics["latency.p50"].n == 12
    assert run.metrics["cost"].value == pytest.approx(0.01)
    assert seen[0] == Progress(0, 12, 0)
    assert seen[-1] == Progress(12, 12, 0)
    assert read_run(tmp_path / "runs", run.id) == run
    assert read_results(tmp_path / "runs", run.id)[0].trace.startswith("tr_")


async def test_no_more_than_the_suites_concurrency_run_at_once(make_suite: MakeSuite, tmp_path: Path) -> None:
    running, most = 0, 0

    async def counted(request: Request) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1
        return await right(request)

    suite = make_suite(CASES, "concurrency = 3")
    await evaluate(counted, suite, new_run(suite, target="x"), folder=tmp_path)
    assert most == 3


async def test_what_breaks_is_an_error_and_never_a_wrong_answer(make_suite: MakeSuite, tmp_path: Path) -> None:
    async def moody(request: Request) -> Reply:
        if " 3?" in request.question:
            raise ValueError("out of paper")
        if " 4?" in request.question:
            await asyncio.sleep(5)
        if " 5?" in request.question:
            return reply("", finish="awaiting_approval")
        if " 6?" in request.question:
            return reply("", finish="blocked")
        return await right(request)

    suite = make_suite(CASES[:8], 'timeout = "50ms"')
    run = await evaluate(moody, suite, new_run(suite, target="moody"), folder=tmp_path)
    results = {result.example: result for result in read_results(tmp_path, run.id)}
    assert (run.n, run.errors) == (8, 2)
    assert results["case-3"].status == "error"
    assert results["case-3"].error == "ValueError: out of paper"
    assert results["case-4"].error == "no answer within 0.05 s"
    assert results["case-3"].scores == ()
    assert results["case-5"].status == "unscored"
    assert results["case-6"].status == "refused"
    assert run.metrics["answer.correct"].n == 6 - 1
    assert run.metrics["answer.correct"].value == 4 / 5


async def test_errors_are_asked_again_only_when_told_to(make_suite: MakeSuite, tmp_path: Path) -> None:
    broken = True

    async def mended(request: Request) -> Reply:
        if broken and " 3?" in request.question:
            raise ValueError("not yet")
        return await right(request)

    suite = make_suite(CASES)
    run = await evaluate(mended, suite, new_run(suite, target="x"), folder=tmp_path)
    broken = False
    assert (await evaluate(mended, suite, run, folder=tmp_path)).errors == 1
    again = await evaluate(mended, suite, run, folder=tmp_path, retry_errors=True)
    assert (again.errors, again.n, again.metrics["answer.correct"].n) == (0, 12, 12)
    assert len(lines_of(tmp_path, run)) == 13


async def test_a_failing_scorer_is_an_error_that_keeps_the_answer(make_suite: MakeSuite, tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(
        'from groundwork.evaluate.scorers import scorer\n\n@scorer("test.bad", better="higher")\ndef bad(answered):\n    """Bad."""\n    return 1 / 0\n'
    )
    suite = make_suite(CASES[:1], 'metrics = ["theirs:bad"]')
    run = await evaluate(right, suite, new_run(suite, target="x"), folder=tmp_path)
    (result,) = read_results(tmp_path, run.id)
    assert (result.status, result.error) == ("ok", "")
    (score,) = result.scores
    assert (score.status, score.value, score.detail) == ("error", None, "ZeroDivisionError: division by zero")
    assert result.answer == "It is fact 0."


async def test_a_cancelled_run_is_found_and_completed(make_suite: MakeSuite, tmp_path: Path) -> None:
    asked: list[str] = []
    under_way = asyncio.Event()

    async def slow(request: Request) -> Reply:
        asked.append(request.question)
        if len(asked) == 6:
            under_way.set()
        await asyncio.sleep(0.01)
        return await right(request)

    suite = make_suite(CASES, "concurrency = 2")
    wanted = new_run(suite, target="slow", config="cfg_1")
    work = asyncio.create_task(evaluate(slow, suite, wanted, folder=tmp_path))
    await under_way.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    done = len(lines_of(tmp_path, wanted))
    assert 0 < done < 12
    found = find_unfinished(tmp_path, new_run(suite, target="slow", config="cfg_1"))
    assert found == wanted
    assert find_unfinished(tmp_path, new_run(suite, target="slow", config="cfg_2")) is None
    asked.clear()
    await evaluate(slow, suite, found, folder=tmp_path)
    assert len(asked) == 12 - done
    assert sorted(lines_of(tmp_path, wanted)) == sorted(case.id for case in CASES)
    assert find_unfinished(tmp_path, wanted) is None


async def test_another_suite_configuration_or_set_of_metrics_is_not_resumed(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES)
    run = await evaluate(right, suite, new_run(suite, target="x", config="cfg_1"), folder=tmp_path)
    with pytest.raises(InputError, match="its configuration is cfg_1, not cfg_2"):
        check_resumable(run, new_run(suite, target="x", config="cfg_2"))
    with pytest.raises(InputError, match="its configuration is cfg_1, not cfg_2"):
        await evaluate(right, suite, msgspec.structs.replace(run, config="cfg_2"), folder=tmp_path)
    fewer = make_suite(CASES, 'metrics = ["cost"]')
    with pytest.raises(InputError, match="other metrics"):
        await evaluate(right, fewer, run, folder=tmp_path)
    other = make_suite([*CASES, example(99)])
    with pytest.raises(InputError, match="other cases"):
        await evaluate(right, other, run, folder=tmp_path)
    assert read_run(tmp_path, run.id) == run


async def test_one_process_at_a_time_writes_a_run(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES)
    run = new_run(suite, target="x")
    journal = Journal(tmp_path / f"{run.id}.jsonl")
    with pytest.raises(StoreBusy):
        await evaluate(right, suite, run, folder=tmp_path)
    journal.close()
    await evaluate(right, suite, run, folder=tmp_path)


async def test_a_full_disk_stops_the_run_and_leaves_it_resumable(
    make_suite: MakeSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = make_suite(CASES, "concurrency = 1")
    run = new_run(suite, target="x")
    real, calls = os.write, 0

    def full(handle: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 5:
            real(handle, bytes(data)[:20])
            raise OSError(28, "No space left on device")
        return real(handle, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreFull, match="no space left"):
        await evaluate(right, suite, run, folder=tmp_path)
    monkeypatch.undo()
    assert len(lines_of(tmp_path, run)) == 4
    assert (await evaluate(right, suite, run, folder=tmp_path)).n == 12


def test_a_request_carries_the_structured_input() -> None:
    case = example(1, history=(say("user", "Hi"), say("assistant", "Hello")), variables={"plan": "pro"})
    request = request_for(case)
    assert request.question == "What is 1?"
    assert request.history == case.history
    assert request.variables == {"plan": "pro"}
    assert request.principal.internal


SLOW = """
import asyncio, sys
from pathlib import Path
from groundwork.core.reply import Reply
from groundwork.evaluate.journal import read_run
from groundwork.evaluate.runner import evaluate
from groundwork.evaluate.suite import load_suite

folder, run = Path(sys.argv[1]), sys.argv[2]
suite = load_suite(folder / "suite.toml", root=folder)

async def slow(request):
    await asyncio.sleep(0.004)
    with open(folder / "asked", "a") as file:
        file.write(request.question + "\\n")
    return Reply(text="fact", finish="stop")

asyncio.run(evaluate(slow, suite, read_run(folder / "runs", run), folder=folder / "runs"))
"""


def test_a_killed_run_loses_nothing_and_repeats_nothing(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite([example(number) for number in range(300)])
    run = new_run(suite, target="slow")
    save_run(tmp_path / "runs", run)
    path = tmp_path / "runs" / f"{run.id}.jsonl"
    kills = 0
    while read_run(tmp_path / "runs", run.id).finished is None:
        process = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path), run.id])
        before = path.stat().st_size if path.exists() else 0
        while process.poll() is None and kills < 3:
            time.sleep(0.002)
            if path.exists() and path.stat().st_size > before + 4_000:
                kept = path.read_bytes()
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert path.read_bytes().startswith(kept)
                if kills == 1:  # as if the kill had come in the middle of a line
                    with path.open("ab") as file:
                        file.write(b'{"example":"case-1","sta')
                kills += 1
        process.wait()
    assert kills == 3
    lines = [json.loads(line)["example"] for line in path.read_text().splitlines()]
    assert sorted(lines) == sorted(case.id for case in suite.examples)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) <= 300 + kills * suite.concurrency  # only what was in the air at a kill is asked twice


async def test_each_repeat_is_a_line_of_its_own_and_every_case_comes_before_any_comes_again(make_suite: MakeSuite, tmp_path: Path) -> None:
    asked: list[str] = []

    async def target(request: Request) -> Reply:
        asked.append(request.question)
        return await right(request)

    suite = make_suite(CASES[:3], "repeats = 3\nconcurrency = 1")
    run = await evaluate(target, suite, new_run(suite, target="x"), folder=tmp_path)
    assert asked == [case.question for case in CASES[:3]] * 3
    results = read_results(tmp_path, run.id)
    assert [(result.example, result.place, result.repeat) for result in results[3:5]] == [("case-0", 0, 1), ("case-1", 1, 1)]
    assert (run.repeats, run.n, run.metrics["answer.correct"].n) == (3, 9, 3), "nine answers are about three cases"


async def test_a_broken_repeat_is_asked_again_alone(make_suite: MakeSuite, tmp_path: Path) -> None:
    count = 0

    async def moody(request: Request) -> Reply:
        nonlocal count
        count += 1
        if count == 5:
            raise ValueError("once")
        return await right(request)

    suite = make_suite(CASES[:3], "repeats = 2\nconcurrency = 1")
    run = await evaluate(moody, suite, new_run(suite, target="x"), folder=tmp_path)
    assert [(result.example, result.repeat) for result in read_results(tmp_path, run.id) if result.status == "error"] == [("case-1", 1)]
    run = await evaluate(moody, suite, run, folder=tmp_path, retry_errors=True)
    assert (run.n, run.errors, count) == (6, 0, 7)


TALK = Example(
    id="talk",
    question="What is 1?",
    facts=(Fact(accepted=("fact 1",)),),
    turns=(
        Turn(question="What is 2?", facts=(Fact(accepted=("fact 2",)),)),
        Turn(question="What is 3?", facts=(Fact(accepted=("fact 9",)),)),
    ),
)


async def test_a_conversation_is_asked_turn_by_turn_with_real_replies(make_suite: MakeSuite, tmp_path: Path) -> None:
    said: list[list[str]] = []

    async def target(request: Request) -> Reply:
        said.append([message.text for message in request.messages])
        return await right(request)

    suite = make_suite([TALK, example(5)], "concurrency = 1")
    run = await evaluate(target, suite, new_run(suite, target="x"), folder=tmp_path)
    assert said[2] == ["What is 1?", "It is fact 1.", "What is 2?", "It is fact 2.", "What is 3?"]
    results = [result for result in read_results(tmp_path, run.id) if result.example == "talk"]
    assert [(result.turn, result.scores[0].value) for result in results] == [(0, 1.0), (1, 1.0), (2, 0.0)]
    assert (run.n, run.metrics["answer.correct"].n) == (4, 2)


async def test_a_conversation_ends_where_a_turn_breaks_and_is_asked_again_from_its_start(make_suite: MakeSuite, tmp_path: Path) -> None:
    broken = True

    async def target(request: Request) -> Reply:
        if broken and request.question == "What is 2?":
            raise ValueError("lost the thread")
        return await right(request)

    suite = make_suite([TALK])
    run = await evaluate(target, suite, new_run(suite, target="x"), folder=tmp_path)
    assert [(result.turn, result.status) for result in read_results(tmp_path, run.id)] == [(0, "ok"), (1, "error")]
    broken = False
    await evaluate(target, suite, run, folder=tmp_path, retry_errors=True)
    assert [(result.turn, result.status) for result in read_results(tmp_path, run.id)] == [(0, "ok"), (1, "ok"), (2, "ok")]
    assert len(lines_of(tmp_path, run)) == 5


async def test_a_conversation_that_a_power_cut_tore_is_asked_again_whole(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite([TALK, example(5)], "concurrency = 1")
    run = await evaluate(right, suite, new_run(suite, target="x"), folder=tmp_path)
    path = tmp_path / f"{run.id}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[3] + lines[0] + lines[1])
    run = await evaluate(right, suite, run, folder=tmp_path)
    assert [(result.example, result.turn) for result in read_results(tmp_path, run.id)] == [
        ("case-5", 0),
        ("talk", 0),
        ("talk", 1),
        ("talk", 2),
    ]


async def test_a_spot_check_scores_a_share_and_keeps_the_probability(make_suite: MakeSuite, tmp_path: Path) -> None:
    cases = [example(number) for number in range(400)]
    suite = make_suite(cases, 'metrics = ["answer.correct", { use = "facts.found", sample = 0.25 }]\nconcurrency = 50')
    run = await evaluate(right, suite, new_run(suite, target="x"), folder=tmp_path)
    results = read_results(tmp_path, run.id)
    drawn = {result.example for result in results if result.scores[1].status == "ok"}
    assert 60 < len(drawn) < 140
    assert {result.scores[1].probability for result in results if result.example in drawn} == {0.25}
    assert {result.scores[1].detail for result in results if result.example not in drawn} == {"not drawn"}
    assert run.metrics["facts.found"].n == len(drawn)
    again = await evaluate(right, suite, new_run(suite, target="y"), folder=tmp_path)
    assert {result.example for result in read_results(tmp_path, again.id) if result.scores[1].status == "ok"} == drawn, (
        "two runs over the same cases draw the same ones, so that they can be paired"
    )
    more = make_suite(cases, 'metrics = ["answer.correct", { use = "facts.found", sample = 0.5 }]\nconcurrency = 50')
    other = await evaluate(right, more, new_run(more, target="x"), folder=tmp_path)
    assert drawn < {result.example for result in read_results(tmp_path, other.id) if result.scores[1].status == "ok"}
    for wrong in ("0", "1.5", '"half"', "-0.1"):
        with pytest.raises(ConfigError, match="the sample of"):
            make_suite(cases, f'metrics = [{{ use = "facts.found", sample = {wrong} }}]')


async def test_a_run_from_before_places_were_noted_is_completed(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES)
    run = await evaluate(right, suite, new_run(suite, target="x"), folder=tmp_path)
    path = tmp_path / f"{run.id}.jsonl"
    old = []
    for line in path.read_text().splitlines()[:7]:
        row = json.loads(line)
        row.pop("place", None)
        old.append(json.dumps(row))
    path.write_text("\n".join(old) + "\n")
    save_run(tmp_path, msgspec.structs.replace(run, scorers={}, questions_sha256=""))
    done = await evaluate(right, suite, new_run(suite, target="x", identifier=run.id), folder=tmp_path)
    assert sorted(lines_of(tmp_path, run)) == sorted(case.id for case in CASES)
    assert done.metrics["answer.correct"].n == 12


async def test_a_line_of_another_suite_is_noticed(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES)
    run = new_run(suite, target="x")
    (tmp_path / f"{run.id}.jsonl").write_text('{"example":"stranger","status":"ok"}\n')
    with pytest.raises(InputError, match="does not hold: stranger"):
        await evaluate(right, suite, run, folder=tmp_path)


async def test_who_answered_is_kept_as_the_target_names_it(make_suite: MakeSuite, tmp_path: Path) -> None:
    async def changing(request: Request) -> Reply:
        answered = await right(request)
        return msgspec.structs.replace(answered, model="m-1" if request.question == "What is 0?" else "m-2")

    suite = make_suite(CASES[:4])
    run = await evaluate(changing, suite, new_run(suite, target="x"), folder=tmp_path)
    assert run.endpoint == {"revision": ["m-1", "m-2"]}
    assert read_run(tmp_path, run.id).endpoint == run.endpoint
    again = await evaluate(changing, suite, new_run(suite, target="x", identifier=run.id), folder=tmp_path)
    assert again.endpoint == run.endpoint
