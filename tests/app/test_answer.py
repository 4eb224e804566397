"""One request from end to end, and what is kept of it."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundwork.app.live import Live, open_live
from groundwork.app.outlets import Queued
from groundwork.core.errors import ConfigError, GroundworkError, InputError, UpstreamError
from groundwork.core.message import say
from groundwork.core.reply import Delta
from groundwork.core.request import Parameters, Principal, Request
from tests.app.conftest import everything_in, traces
from tests.apps import write_play

SECRET = "sk-proj-Pl4ntedSecr3tPl4ntedSecr3t99"


def ask(text: str, model: str = "play", **more: Any) -> Request:
    return Request(messages=(say("user", text),), model=model, principal=Principal(internal=True), **more)


class Listening:
    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    async def send(self, delta: Delta) -> None:
        self.deltas.append(delta)


async def test_an_answer_over_documents_is_cited_and_its_trace_says_everything(handbook_source: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(handbook_source, tmp_path / "handbook"))
    out = Listening()
    async with open_live(root) as live:
        request = ask("How long are backups kept?", "handbook", variables={"tone": "dry"}, session="s1", episode="e1")
        reply = await live.reply(request, out)
        (trace,) = await traces(live)
        citation = reply.citations[0]
        document = live.folder.index.document(citation.document)
    assert document.text[citation.start : citation.end] == citation.quote
    assert "ninety days" in citation.quote
    assert "".join(delta.text for delta in out.deltas) == reply.text
    assert out.deltas[-1].finish == "stop"
    assert out.deltas[-1].citations == reply.citations
    assert out.deltas[-1].trace == reply.trace == trace.id
    assert (trace.status, trace.route, trace.session, trace.episode) == ("ok", "default", "s1", "e1")
    assert msgspec.convert(trace.request, Request) == request
    assert [message["role"] for message in trace.rendered] == ["system", "user"]
    assert "Backups are kept for ninety days" in trace.rendered[1]["text"]
    assert trace.rendered[1]["text"].endswith("How long are backups kept?")
    assert trace.reply["text"] == reply.text
    versions = trace.versions
    assert versions.config.startswith("cfg_")
    assert versions.prompt.startswith("pr_")
    assert versions.index == trace.found["generation"] != ""
    assert versions.model == reply.model == "embedded/quoting-reader"
    assert versions.prices
    assert versions.guard
    spans = {span.name: span for span in trace.spans}
    assert set(spans) == {"invoke_agent handbook", "guard input", "retrieval documents", "chat embedded/quoting-reader", "guard output"}
    whole = spans["invoke_agent handbook"]
    assert all(span.parent == whole.id for span in trace.spans if span is not whole)
    assert all(span.seconds <= whole.seconds for span in trace.spans)
    assert spans["retrieval documents"].attributes["groundwork.retrieval.hits"] == len(trace.found["hits"])


async def test_the_configuration_and_prompt_of_a_trace_can_be_looked_up(handbook_source: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(handbook_source, tmp_path / "handbook"))
    async with open_live(root) as live:
        await live.ask("How long are backups kept?")
        (trace,) = await traces(live)
        assert (await live.folder.versions.configuration(trace.versions.config))["app.name"] == "handbook"
        assert "Answer from the sources" in (await live.folder.versions.prompt(trace.versions.prompt)).text


LINES = [
    {"match": "repeat", "answer": f"It is {SECRET}, you said."},
    {"match": "fail", "error": "overload"},
    {"match": "cut", "answer": "one two three four", "cut_after": 2},
    {"match": "slow", "answer": "one two three four", "delay_ms": 400},
    {"match": "empty", "answer": ""},
    {"after_tool": "lookup", "answer": "{{ result }} it is."},
    {"match": "tool", "tool": {"name": "lookup", "arguments": {"key": SECRET}}},
    {"match": ".*", "answer": "Hello there."},
]
TOOLS = f'''
def lookup(key: str) -> str:
    """Looks it up."""
    return "the key {SECRET} and " + key

def broken(text: str) -> str | None:
    return "no" if "forbidden" in text else None
'''
MORE = """
[models.other]
targets = ["stage/two"]
[routes]
default = "quick"
[routes.named.tools]
to = "quick"
tools = ["lookup"]
[routes.named.short]
to = "other"
[tools.lookup]
run = "shop:lookup"
"""


def play(root: Path, more: str = "") -> Path:
    write_play(root, LINES, more=MORE + more)
    (root / "shop.py").write_text(TOOLS)
    return root


@pytest.mark.parametrize(
    "guard",
    [
        'input = ["secrets:redact"]',
        'input = ["secrets:block"]',
        'input = []\noutput = ["secrets:redact"]',
        "input = []",
        'input = ["size:block"]\nmax_input = "10B"',
    ],
)
async def test_a_secret_is_masked_before_anything_is_written(tmp_path: Path, guard: str) -> None:
    root = play(tmp_path / "play", f'[cache]\nexact = "1h"\n[guard]\n{guard}')
    async with open_live(root) as live:
        for text, model in (
            ("repeat", "play"),
            ("fail", "play"),
            ("cut", "play"),
            ("tool", "play/tools"),
            ("hello", "play"),
            ("x", f"play/{SECRET}"),
        ):
            for _ in range(2):
                request = ask(
                    f"{text}: my key is {SECRET}",
                    model,
                    variables={"key": SECRET, "deep": [{"more": SECRET}]},
                    session=SECRET,
                    episode=SECRET,
                )
                request = msgspec.structs.replace(request, parameters=Parameters(extra={"note": SECRET}))
                with suppress(GroundworkError):
                    await live.reply(request)
        assert len(await traces(live)) >= 11
        root.joinpath("play.jsonl").unlink()
        root.joinpath("shop.py").unlink()
    pieces = list(everything_in(root / ".groundwork"))
    assert any(b"invoke_agent play" in piece for piece in pieces), "the search itself sees nothing"
    for piece in pieces:
        assert SECRET.encode() not in piece
        assert b"Pl4ntedSecr3tPl4nted" not in piece


async def test_a_secret_in_an_error_is_masked(tmp_path: Path) -> None:
    root = play(tmp_path / "play")
    (root / "answer.py").write_text(f"async def answer(request, app, out):\n    raise RuntimeError('the key {SECRET} is wrong')\n")
    async with open_live(root) as live:
        with pytest.raises(RuntimeError):
            await live.reply(ask("hi"))
        (trace,) = await traces(live)
    assert trace.status == "error"
    assert "RuntimeError: the key [secret" in trace.error
    assert not any(SECRET.encode() in piece for piece in everything_in(root / ".groundwork"))


async def test_failures_leave_a_trace_with_the_reason(tmp_path: Path) -> None:
    async with open_live(play(tmp_path / "play")) as live:
        for text, cause in (("fail", "overload"), ("cut", "cut")):
            with pytest.raises(UpstreamError) as error:
                await live.reply(ask(text))
            assert error.value.cause == cause
            trace = (await traces(live))[0]
            assert (trace.status, trace.reply) == ("error", None)
            assert trace.error.startswith(f"upstream_{cause}: ")
            assert [span.status for span in trace.spans if span.name.startswith("chat")] == ["error"]


async def test_a_blocked_answer_is_an_outcome(tmp_path: Path) -> None:
    async with open_live(play(tmp_path / "play")) as live:
        reply = await live.reply(ask("empty"))
        assert reply.finish == "blocked"
        (trace,) = await traces(live)
    assert (trace.status, trace.reply["finish"]) == ("blocked", "blocked")
    assert trace.reply["verdicts"][0]["rail"] == "empty"


async def test_routes_by_name(tmp_path: Path) -> None:
    async with open_live(play(tmp_path / "play")) as live:
        assert (await live.reply(ask("hi"))).model == "stage/one"
        assert (await live.reply(ask("hi", "play/short"))).model == "stage/two"
        reply = await live.reply(ask("tool", "play/tools"))
        assert (reply.steps, reply.live) == (2, True)
        assert [trace.route for trace in reversed(await traces(live))] == ["default", "short", "tools"]
        with pytest.raises(InputError) as error:
            await live.reply(ask("hi", "play/shrot"))
        assert (error.value.status, error.value.code, error.value.param) == (404, "model_not_found", "model")
        assert "`short`" in error.value.fix


async def test_leaving_cancels_the_model_and_leaves_a_cancelled_trace(tmp_path: Path) -> None:
    async with open_live(play(tmp_path / "play")) as live:
        out = Queued()
        task = asyncio.create_task(live.reply(ask("slow"), out))
        async for delta in out.deltas():
            if delta.text:
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (trace,) = await traces(live)
        assert trace.status == "cancelled"
        assert {span.status for span in trace.spans if span.name.startswith(("chat", "invoke"))} == {"cancelled"}


async def test_a_slow_reader_slows_the_answer(tmp_path: Path) -> None:
    async with open_live(write_play(tmp_path / "play", [{"answer": "word " * 50}])) as live:
        out = Queued(4)
        task = asyncio.create_task(live.reply(ask("hi"), out))
        await asyncio.sleep(0.2)
        assert not task.done()
        assert out._queue.qsize() == 4
        task.add_done_callback(lambda _: asyncio.ensure_future(out.end()))
        seen = [delta async for delta in out.deltas()]
        assert "".join(delta.text for delta in seen) == (await task).text


async def test_an_ejected_answer_answers(tmp_path: Path) -> None:
    from importlib import resources

    root = play(tmp_path / "play")
    shipped = resources.files("groundwork.app").joinpath("answer.py").read_text()
    async with open_live(root) as live:
        before = live.app.config
    (root / "answer.py").write_text(
        shipped.replace(
            "        return reply\n", '        import msgspec\n        return msgspec.structs.replace(reply, text=reply.text + " (mine)")\n'
        )
    )
    async with open_live(root) as live:
        assert (await live.reply(ask("hi"))).text == "Hello there. (mine)"
        assert live.app.config != before, "another answer.py is another configuration"


async def test_an_ejected_answer_has_to_stand_in_its_file(tmp_path: Path) -> None:
    root = play(tmp_path / "play")
    for text, says in (("from groundwork.app.answer import answer\n", "does not define"), ("def anser(): ...\n", "unknown function")):
        other = Path(shutil.copytree(root, tmp_path / says.replace(" ", "")))
        (other / "answer.py").write_text(text)
        with pytest.raises(ConfigError, match=says):
            async with open_live(other):
                pass


async def test_two_applications_with_tools_of_one_name_are_open_together(tmp_path: Path) -> None:
    roots = []
    for name in ("one", "two"):
        root = write_play(
            tmp_path / name,
            [{"after_tool": "go", "answer": "{{ result }}"}, {"tool": {"name": "go"}}],
            more='[routes]\ntools = ["go"]\n[tools.go]\nrun = "shop.main:go"',
        )
        (root / "shop").mkdir()
        (root / "shop" / "__init__.py").write_text("")
        (root / "shop" / "here.py").write_text(f"NAME = {name!r}\n")
        (root / "shop" / "main.py").write_text("from shop.here import NAME\n\ndef go() -> str:\n    return NAME\n")
        roots.append(root)
    async with open_live(roots[0]) as one, open_live(roots[1]) as two:
        answers = [(await live.reply(ask("hi"))).text for live in (one, two, one)]
    assert answers == ["one", "two", "one"]


async def test_a_rail_of_ones_own_decides_and_its_file_is_part_of_the_configuration(tmp_path: Path) -> None:
    root = play(tmp_path / "play", '[guard]\ninput = ["shop:broken:block"]')
    async with open_live(root) as live:
        before = live.app.config
        assert (await live.reply(ask("hi"))).finish == "stop"
        reply = await live.reply(ask("forbidden"))
        assert (reply.finish, reply.verdicts[0].rail) == ("blocked", "shop:broken")
    (root / "shop.py").write_text(TOOLS + "\n# another\n")
    async with open_live(root) as live:
        assert live.app.config != before


async def test_hello_is_answered_by_many_at_once(tmp_path: Path) -> None:
    live: Live
    async with open_live(play(tmp_path / "play")) as live:
        replies = await asyncio.gather(*(live.reply(ask(f"hi {number}")) for number in range(40)))
        assert {reply.text for reply in replies} == {"Hello there."}
        assert len({reply.trace for reply in replies}) == 40
        assert len(await traces(live)) == 40
