"""What is asked, over a real wire and real functions: whatever it does has a status, and the sentence that belongs to it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ConfigError, UpstreamError
from groundwork.core.measure import Result
from groundwork.core.message import say
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.evaluate.asking import request_for
from groundwork.evaluate.endpoint import TargetSection
from groundwork.evaluate.measured import Asked, Measured, measure_function, measure_target
from groundwork.evaluate.suite import Suite
from groundwork.evaluate.targets import as_reply, function_target, named_target, takes_of
from groundwork.store.folder import Folder
from tests.apps import PLAY
from tests.evaluate.builders import MakeSuite, example
from tests.evaluate.completions import Answer, completion, serving

CASES = [example(number) for number in range(6)]


def number_in(body: dict[str, Any]) -> int:
    return int(body["messages"][-1]["content"].removeprefix("What is ").rstrip("?"))


async def measured(section: TargetSection, suite: Suite, root: Path, **more: Any) -> tuple[Measured, dict[str, Result]]:
    folder = Folder(root)
    try:
        found = await measure_target(section, suite, root, folder, **more)
        return found, {result.example: result for result in found.results()}
    finally:
        folder.close()


# -- URLs


async def test_a_url_is_asked_with_what_the_suite_says(make_suite: MakeSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "sk-secret")
    async with serving(lambda body: completion(f"It is fact {number_in(body)}.")) as server:
        suite = make_suite(
            CASES,
            f'[target]\nurl = "{server.url}"\nmodel = "quiz-7b"\nkey = "env:THE_KEY"\nsystem = "Be brief."\ntemperature = 0.5\n'
            'max_tokens = 50\nstop = ["END"]\nextra = { top_k = 3 }\nheaders = { api-key = "env:THE_KEY" }',
        )
        assert suite.target is not None
        found, results = await measured(suite.target, suite, tmp_path)
    run = found.run
    assert (run.n, run.errors, run.metrics["answer.correct"].value) == (6, 0, 1.0)
    assert run.endpoint == {
        "url": server.url,
        "model": "quiz-7b",
        "system": "Be brief.",
        "parameters": {"temperature": 0.5, "max_tokens": 50, "stop": ["END"], "extra": {"top_k": 3}},
        "revision": "m-2026",
    }
    body = next(body for body in server.bodies if number_in(body) == 3)
    assert body == {
        "model": "quiz-7b",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 3?"}],
        "temperature": 0.5,
        "max_tokens": 50,
        "stop": ["END"],
        "top_k": 3,
    }
    assert {(headers["authorization"], headers["api-key"]) for headers in server.headers} == {("Bearer sk-secret", "sk-secret")}
    result = results["case-3"]
    assert (result.input_tokens, result.output_tokens, result.first_token) == (7, 2, None)
    assert "sk-secret" not in "".join(path.read_text() for path in (tmp_path / ".groundwork" / "runs").iterdir())


async def test_each_way_to_fail_or_decline_is_a_status_of_its_own(make_suite: MakeSuite, tmp_path: Path) -> None:
    answers: list[Answer] = [
        completion("It is fact 0."),
        completion(None, refusal="I would rather not."),
        completion("It is fa", finish="length"),
        (400, {}, {"error": {"code": "content_filter", "message": "not this"}}),
        (200, {}, "<html>a proxy</html>"),
        (200, {}, {"choices": []}),
        (200, {}, {"error": {"message": "out of memory"}}),
        (404, {}, {"error": {"message": "no such model"}}),
        completion("", finish="content_filter"),
    ]
    async with serving(lambda body: answers[number_in(body)]) as server:
        suite = make_suite([example(number) for number in range(len(answers))], "attempts = 1")
        found, results = await measured(TargetSection(url=server.url), suite, tmp_path)
    seen = {name: (result.status, result.detail or result.error) for name, result in results.items()}
    assert seen["case-0"] == ("ok", "")
    assert seen["case-1"] == ("refused", "")
    assert seen["case-2"] == ("ok", "cut off at its length limit")
    assert seen["case-3"][0] == "refused"
    assert "not this" in seen["case-3"][1]
    for name, says in (
        ("case-4", "no chat completion: <html>"),
        ("case-5", "no chat completion"),
        ("case-6", "out of memory"),
        ("case-7", "404"),
    ):
        assert (seen[name][0], says in seen[name][1]) == ("error", True), seen[name]
    assert seen["case-8"] == ("refused", "")
    assert found.run.statuses == {"error": 4, "ok": 2, "refused": 3}
    assert found.run.metrics["answer.correct"].n == 5


async def test_a_server_that_is_busy_is_asked_again_and_one_that_hangs_is_not_waited_for(make_suite: MakeSuite, tmp_path: Path) -> None:
    seen: dict[int, int] = {}

    def answer(body: dict[str, Any]) -> Answer:
        number = number_in(body)
        seen[number] = seen.get(number, 0) + 1
        if seen[number] == 1:
            return (429, {"retry-after": "0"}, {"error": {"message": "slow down"}})
        return completion(f"fact {number}") if number else (503, {"retry-after": "0"}, {"error": {"message": "later"}})

    async with serving(answer) as server:
        suite = make_suite(CASES[:3], "attempts = 3")
        found, results = await measured(TargetSection(url=server.url), suite, tmp_path)
    assert seen == {0: 3, 1: 2, 2: 2}
    assert found.run.errors == 1
    assert "503" in results["case-0"].error

    async def nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    deaf = await asyncio.start_server(nobody, "127.0.0.1", 0)
    async with deaf:
        port = deaf.sockets[0].getsockname()[1]
        suite = make_suite(CASES[:2], 'timeout = "60ms"')
        _, results = await measured(TargetSection(url=f"http://127.0.0.1:{port}/v1"), suite, tmp_path)
    assert {result.error for result in results.values()} == {"no answer within 0.06 s"}


async def test_auto_finds_what_the_server_takes(make_suite: MakeSuite, tmp_path: Path) -> None:
    in_the_air = most = refused = 0

    async def busy(body: dict[str, Any]) -> Answer:
        nonlocal in_the_air, most, refused
        in_the_air += 1
        most = max(most, in_the_air)
        try:
            await asyncio.sleep(0.01)
            if in_the_air > 12:
                refused += 1
                return (429, {"retry-after": "0"}, {"error": {"message": "too many"}})
            return completion(f"fact {number_in(body)}")
        finally:
            in_the_air -= 1

    async with serving(busy) as server:
        suite = make_suite([example(number) for number in range(300)], 'concurrency = "auto"\nattempts = 10')
        found, _ = await measured(TargetSection(url=server.url), suite, tmp_path)
    assert (found.run.n, found.run.errors) == (300, 0)
    assert most > 8, "it asks for more than it began with"
    assert refused < 150, "and gives way where that is refused"


async def test_a_key_that_is_refused_at_once_stops_the_run(make_suite: MakeSuite, tmp_path: Path) -> None:
    async with serving(lambda _: (401, {}, {"error": {"message": "wrong key sk-live-123"}})) as server:
        suite = make_suite([example(number) for number in range(200)], "concurrency = 2")
        with pytest.raises(UpstreamError, match="401") as error:
            await measured(TargetSection(url=server.url), suite, tmp_path)
    assert "sk-live" not in str(error.value)
    assert len(server.bodies) <= 2


async def test_a_stream_tells_when_the_first_content_came(make_suite: MakeSuite, tmp_path: Path) -> None:
    from tests.gateway.upstream import DONE, finish, text, upstream, usage

    async with upstream() as server:
        server.play(text("It is "), 0.03, text("fact 0."), finish(), usage(), DONE)
        suite = make_suite(CASES[:1])
        _, results = await measured(TargetSection(url=server.url, stream=True), suite, tmp_path)
    result = results["case-0"]
    assert (result.status, result.answer) == ("ok", "It is fact 0.")
    assert result.first_token is not None
    assert 0 < result.first_token < result.seconds


async def test_another_endpoint_or_sampling_is_another_run(make_suite: MakeSuite, tmp_path: Path) -> None:
    suite = make_suite(CASES[:1])
    async with serving(lambda _: (503, {}, {})) as server:
        section = TargetSection(url=server.url, model="a", temperature=0.0)
        first, _ = await measured(section, suite, tmp_path)
        other = TargetSection(url=server.url, model="a", temperature=1.0)
        with pytest.raises(Exception, match="its endpoint had parameters") as error:
            await measured(other, suite, tmp_path, how=Asked(resume=first.run.id))
    assert "temperature" in str(error.value)


# -- kept answers


async def test_kept_answers_are_found_by_everything_that_made_them(make_suite: MakeSuite, tmp_path: Path) -> None:
    revision = "m-1"

    async with serving(lambda body: completion(f"fact {number_in(body)}", model=revision)) as server:
        suite = make_suite(CASES[:3], "repeats = 2")
        certain = TargetSection(url=server.url, model="a", temperature=0.0)

        async def asked(section: TargetSection, **more: Any) -> tuple[int, int]:
            before = len(server.bodies)
            found, _ = await measured(section, suite, tmp_path, **more)
            return len(server.bodies) - before, sum(result.kept for result in found.results())

        assert await asked(certain) == (6, 0), "the second repeat is not the first one again"
        assert await asked(certain) == (0, 6)
        assert await asked(certain, keep=False) == (6, 0)
        assert await asked(TargetSection(url=server.url, model="a", temperature=0.0, system="Be brief.")) == (6, 0)
        assert await asked(TargetSection(url=server.url, model="b", temperature=0.0)) == (6, 0)
        by_chance = TargetSection(url=server.url, model="a")
        assert await asked(by_chance) == (6, 0)
        assert await asked(by_chance) == (6, 0), "sampled by chance, the same request may get another answer"
        revision = "m-2"
        assert await asked(certain, keep=False) == (6, 0)
        again = make_suite([*CASES[:3], example(7)])
        found, _ = await measured(certain, again, tmp_path)
        assert sum(result.kept for result in found.results()) < 4, "what an older revision said is not taken for the newer one's"


async def test_kept_answers_take_no_part_in_latency(make_suite: MakeSuite, tmp_path: Path) -> None:
    async with serving(lambda body: completion(f"fact {number_in(body)}")) as server:
        suite = make_suite(CASES)
        section = TargetSection(url=server.url, temperature=0.0)
        await measured(section, suite, tmp_path)
        found, _ = await measured(section, suite, tmp_path)
    assert found.run.metrics["answer.correct"].n == 6
    assert "latency.p50" not in found.run.metrics


# -- models


async def test_a_model_is_found_in_the_suite_and_in_the_folders_configuration(make_suite: MakeSuite, tmp_path: Path) -> None:
    (tmp_path / "play.jsonl").write_text('{"match": "2", "answer": "It is fact 2."}\n{"answer": "I know nothing."}\n')
    (tmp_path / "groundwork.toml").write_text(PLAY.format(app="", more=""))
    suite = make_suite(CASES[:3])
    found, results = await measured(TargetSection(model="quick"), suite, tmp_path)
    assert results["case-2"].answer == "It is fact 2."
    assert found.run.endpoint["model"] == "quick"
    (tmp_path / "other.jsonl").write_text('{"answer": "It is fact 0, fact 1, fact 2."}\n')
    own = make_suite(
        CASES[:3],
        '[providers.stage]\nkind = "scripted"\nscript = "other.jsonl"\n[models.quick]\ntargets = ["stage/x"]\n[target]\nmodel = "quick"',
    )
    assert own.target is not None
    found, _ = await measured(own.target, own, tmp_path)
    assert found.run.metrics["answer.correct"].value == 1.0
    found, _ = await measured(TargetSection(model="stage/y"), own, tmp_path)
    assert found.run.n == 3
    with pytest.raises(ConfigError, match="unknown model `quik`") as error:
        await measured(TargetSection(model="quik"), suite, tmp_path)
    assert "`quick`" in error.value.fix


# -- functions


def plain(question: str) -> str:
    return question


async def conversing(question: str, history: list[dict[str, str]]) -> str:
    return f"{len(history)}: {question}"


async def whole(request: Request) -> Reply:
    return Reply(text=request.question, finish="stop")


def table(question: str) -> dict[str, Any]:
    return {"text": question, "cost": 0.5, "abstained": True, "usage": {"input_tokens": 3, "output_tokens": 1}}


class Bot:
    async def __call__(self, question: str) -> str:
        return question


@pytest.mark.parametrize(
    ("function", "text"), [(plain, "And?"), (conversing, "2: And?"), (whole, "And?"), (table, "And?"), (Bot(), "And?")]
)
async def test_a_function_is_asked_as_its_signature_says(function: Any, text: str) -> None:
    request = request_for(example(1, history=(say("user", "Hi"), say("assistant", "Hello"))))
    request = Request(messages=(*request.messages[:-1], say("user", "And?")))
    reply = await function_target(function, "theirs", 5.0)(request)
    assert reply.text == text
    if function is table:
        assert (reply.cost, reply.abstained, reply.usage.input_tokens) == (0.5, True, 3)


def test_a_function_that_cannot_be_asked_is_refused_before_the_first_case() -> None:
    def none() -> str:
        return ""

    def three(a: str, b: str, c: str) -> str:
        return a + b + c

    for function in (none, three):
        with pytest.raises(ConfigError, match="arguments"):
            takes_of(function)


@pytest.mark.parametrize("value", [None, 4, ["text"], {"txt": 3, "finish": 7}])
def test_nonsense_from_a_function_is_said(value: Any) -> None:
    with pytest.raises(TypeError, match="no reply"):
        as_reply(value, "theirs")


async def test_what_a_function_does_wrong_is_an_error_of_its_case(make_suite: MakeSuite, tmp_path: Path) -> None:
    async def moody(question: str) -> Any:
        match int(question.removeprefix("What is ").rstrip("?")):
            case 0:
                return "It is fact 0."
            case 1:
                raise ValueError("out of paper")
            case 2:
                raise SystemExit(3)
            case 3:
                return None
            case _:
                return await asyncio.sleep(9)

    suite = make_suite(CASES[:5], 'timeout = "80ms"')
    folder = Folder(tmp_path)
    found = await measure_function(moody, suite, folder)
    folder.close()
    errors = {result.example: result.error for result in found.results()}
    assert errors["case-0"] == ""
    assert errors["case-1"] == "ValueError: out of paper"
    assert "sys.exit(3)" in errors["case-2"]
    assert "gave None, which is no reply" in errors["case-3"]
    assert errors["case-4"] == "no answer within 0.08 s"
    assert found.run.errors == 4


# -- by name


def test_a_target_is_named_on_the_command_line() -> None:
    assert named_target("") is None
    own = TargetSection(url="http://a/v1", model="m", temperature=0.2)
    assert named_target("", section=own) == own
    assert named_target("http://b/v1", section=own) == TargetSection(url="http://b/v1", model="m", temperature=0.2)
    assert named_target("https://b/v1", "n") == TargetSection(url="https://b/v1", model="n")
    assert named_target("bot:answer").function == "bot:answer"  # pyright: ignore[reportOptionalMemberAccess]
    assert named_target("", "quick") == TargetSection(model="quick")
    assert named_target("openai/gpt", section=own) == TargetSection(model="openai/gpt", temperature=0.2)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('[target]\nurl = "127.0.0.1:8000"', "is no URL"),
        ('[target]\nurl = "http://me:sk-123@a/v1"', "holds a password"),
        ('[target]\nurl = "http://a/v1"\nfunction = "a:b"', "two targets"),
        ("[target]\ntemperature = 1.0", "names neither"),
        ('[target]\nfunction = "answer"', "names no function"),
        ('[target]\nmodel = "m"\nkey = "sk-123"', "never written"),
        ('concurrency = "fast"', "concurrency"),
        ("repeats = 0", "choose 1 to"),
        ("attempts = 0", "choose 1 to 20"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(make_suite: MakeSuite, lines: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        make_suite(CASES, lines)
    assert "sk-123" not in str(error.value)


def test_the_record_of_an_endpoint_is_json() -> None:
    section = TargetSection(url="http://a/v1", model="m", stop=("x",), seed=3, revision="r-1")
    assert json.loads(json.dumps(section.endpoint)) == section.endpoint
    assert section.is_repeatable
    assert not TargetSection(url="http://a/v1").is_repeatable
