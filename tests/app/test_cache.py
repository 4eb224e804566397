"""An answer is the same only where everything that made it is the same."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.agents.loop import Agent
from groundwork.app.application import NoContext, Route
from groundwork.app.cache import ExactCache
from groundwork.app.live import Live, open_live
from groundwork.core.document import NOTHING, Found
from groundwork.core.message import Image, Message, Text, ToolCall, ToolResult, say
from groundwork.core.reply import Reply, Verdict
from groundwork.core.request import Parameters, Principal, Request
from groundwork.core.tool import Tool
from tests.apps import PROMPT, index_docs, write_docs, write_play


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def put(self, key: str, value: bytes, *, seconds: float) -> None:
        self.kept[key] = value


class Generation(NoContext):
    def __init__(self, name: str) -> None:
        self.name = name

    async def generation(self, _route: object = None) -> str:
        return self.name


def cache(store: Memory | None = None, *, config: str = "cfg_1", generation: str = "g1", revision: str = "") -> ExactCache:
    return ExactCache(store or Memory(), 60.0, config, Generation(generation), revision)


def route(name: str = "default") -> Route:
    model: Any = None
    return Route(name, "quick", Agent(model, {}), None)


REQUEST = Request(
    messages=(say("user", "one"), say("assistant", "two"), say("user", "three")),
    model="play",
    variables={"tone": "dry", "deep": [1, {"a": None}]},
    parameters=Parameters(temperature=0.5, extra={"top_k": 3}),
    tools=(Tool(name="t", description="d", schema={"type": "object"}),),
    principal=Principal(tenant="acme", user="u", groups=("a", "b")),
)
REPLY = Reply(text="fine", finish="stop")
FOUND = Found(generation="g1")


def replaced(**fields: Any) -> Request:
    return msgspec.structs.replace(REQUEST, **fields)


def who(**fields: Any) -> Request:
    return replaced(principal=msgspec.structs.replace(REQUEST.principal, **fields))


def how(**fields: Any) -> Request:
    return replaced(parameters=msgspec.structs.replace(REQUEST.parameters, **fields))


OTHERS = {
    "last message": replaced(messages=(*REQUEST.messages[:-1], say("user", "Three"))),
    "earlier message": replaced(messages=(say("user", "One"), *REQUEST.messages[1:])),
    "fewer messages": replaced(messages=REQUEST.messages[2:]),
    "role": replaced(messages=(*REQUEST.messages[:-1], say("tool", "three"))),
    "label": replaced(messages=(*REQUEST.messages[:-1], say("user", "three", label="system"))),
    "image": replaced(messages=(*REQUEST.messages, Message(role="user", parts=(Image(url="data:x"),)))),
    "parts": replaced(messages=(*REQUEST.messages[:-1], Message(role="user", parts=(Text(text="th"), Text(text="ree"))))),
    "tool result": replaced(messages=(*REQUEST.messages, Message(role="tool", parts=(ToolResult(call="c", name="t", content="x"),)))),
    "extra of a message": replaced(messages=(*REQUEST.messages[:-1], msgspec.structs.replace(REQUEST.messages[-1], extra={"name": "x"}))),
    "variables": replaced(variables={"tone": "dry", "deep": [1, {"a": 0}]}),
    "filter": replaced(where="year = 2024"),
    "temperature": how(temperature=0.6),
    "top_p": how(top_p=0.5),
    "max_tokens": how(max_tokens=5),
    "stop": how(stop=("x",)),
    "seed": how(seed=1),
    "tool choice": how(tool_choice="none"),
    "format": how(response_format={"type": "json_object"}),
    "unknown parameter": how(extra={"top_k": 4}),
    "tool": replaced(tools=(Tool(name="t", description="other", schema={"type": "object"}),)),
    "tenant": who(tenant="other"),
    "user": who(user="other"),
    "no user": who(user=None),
    "groups": who(groups=("a",)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
async def test_anything_else_in_the_request_is_a_miss(other: Request) -> None:
    kept = cache()
    kept.keep(REQUEST, route(), FOUND, REPLY)
    assert await kept.find(other, route()) is None
    hit = await kept.find(REQUEST, route())
    assert hit is not None
    assert (hit.reply, hit.found) == (REPLY, FOUND)


async def test_anything_else_in_the_application_is_a_miss() -> None:
    store = Memory()
    cache(store).keep(REQUEST, route(), FOUND, REPLY)
    assert await cache(store).find(REQUEST, route("other")) is None
    for other in (cache(store, config="cfg_2"), cache(store, generation="g2"), cache(store, revision="m2")):
        assert await other.find(REQUEST, route()) is None
    assert await cache(store).find(REQUEST, route()) is not None


async def test_what_does_not_shape_an_answer_is_no_part_of_the_key() -> None:
    kept = cache()
    kept.keep(REQUEST, route(), FOUND, REPLY)
    for same in (
        replaced(session="s", episode="e", deadline=5.0, idempotency_key="i"),
        who(groups=("b", "a")),
        who(key="key_2"),
        replaced(variables={"deep": [1, {"a": None}], "tone": "dry"}),
    ):
        assert await kept.find(same, route()) is not None


async def test_an_answer_is_kept_under_the_generation_it_was_built_on() -> None:
    store = Memory()
    cache(store, generation="g2").keep(REQUEST, route(), FOUND, REPLY)
    assert await cache(store, generation="g2").find(REQUEST, route()) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"finish": "length"},
        {"finish": "blocked"},
        {"finish": "tool", "calls": (ToolCall(id="c", name="t", arguments="{}"),)},
        {"live": True},
        {"cached": True},
        {"verdicts": (Verdict(rail="x", action="error"),)},
        {"verdicts": (Verdict(rail="x", action="block"),)},
        {"text": "use sk-proj-Pl4ntedSecr3tPl4ntedSecr3t99"},
    ],
    ids=str,
)
async def test_only_clean_answers_are_kept(fields: dict[str, Any]) -> None:
    store = Memory()
    cache(store).keep(REQUEST, route(), FOUND, msgspec.structs.replace(REPLY, **fields))
    assert store.kept == {}


TEXTS = st.lists(st.text(max_size=6), min_size=1, max_size=3)


@given(one=TEXTS, two=TEXTS, tenants=st.tuples(st.text(max_size=3), st.text(max_size=3)))
def test_keys_are_equal_exactly_where_what_is_asked_is_equal(one: list[str], two: list[str], tenants: tuple[str, str]) -> None:
    def key(texts: list[str], tenant: str) -> str:
        messages = tuple(say("user", text) for text in texts)
        return cache().key(Request(messages=messages, principal=Principal(tenant=tenant)), route(), "g")

    assert (key(one, tenants[0]) == key(two, tenants[1])) == ((one, tenants[0]) == (two, tenants[1]))


# -- in an application


async def ask(live: Live, text: str = "hi", model: str = "play") -> Reply:
    reply = await live.reply(Request(messages=(say("user", text),), model=model, principal=Principal(internal=True)))
    await live.folder.traces.flush()
    return reply


async def test_a_second_question_is_answered_from_the_cache_for_nothing(tmp_path: Path) -> None:
    root = write_play(tmp_path / "play", [{"answer": "Hello."}], more='[cache]\nexact = "1h"')
    async with open_live(root) as live:
        first, second, other = await ask(live), await ask(live), await ask(live, "ho")
        assert (first.cached, second.cached, other.cached) == (False, True, False)
        assert (second.text, second.cost) == (first.text, 0.0)
        assert second.trace != first.trace
        trace = await live.folder.trace_store.get(second.trace)
        assert trace is not None
        assert not any(span.name.startswith("chat") for span in trace.spans)
    async with open_live(root) as live:
        assert (await ask(live)).cached, "the cache outlives the process"
    (root / "play.jsonl").write_text('{"answer": "Changed."}\n')
    async with open_live(root) as live:
        assert (await ask(live)).text == "Changed."


async def test_a_kept_answer_ends(tmp_path: Path) -> None:
    root = write_play(tmp_path / "play", [{"answer": "Hello."}], more='[cache]\nexact = "300ms"')
    async with open_live(root) as live:
        await ask(live)
        assert (await ask(live)).cached
        await asyncio.sleep(0.35)
        assert not (await ask(live)).cached


async def test_without_the_section_nothing_is_kept(tmp_path: Path) -> None:
    async with open_live(write_play(tmp_path / "play", [{"answer": "Hello."}])) as live:
        await ask(live)
        assert not (await ask(live)).cached


async def test_answers_of_tools_and_blocked_ones_are_asked_again(tmp_path: Path) -> None:
    lines = [{"after_tool": "go", "answer": "{{ result }}"}, {"match": "tool", "tool": {"name": "go"}}, {"match": ".*", "answer": ""}]
    root = write_play(tmp_path / "play", lines, more='[routes]\ntools = ["go"]\n[tools.go]\nrun = "counting:go"\n[cache]\nexact = "1h"')
    (root / "counting.py").write_text("count = 0\n\ndef go() -> int:\n    global count\n    count += 1\n    return count\n")
    async with open_live(root) as live:
        assert [(await ask(live, "tool")).text for _ in range(2)] == ["1", "2"]
        assert [(await ask(live, "empty")).cached for _ in range(2)] == [False, False]


async def test_another_document_or_another_prompt_is_another_answer(tmp_path: Path) -> None:
    root = write_docs(tmp_path / "handbook")
    with (root / "groundwork.toml").open("a") as file:
        file.write('[cache]\nexact = "1h"\n')
    question = "How long are backups kept?"
    async with open_live(root) as live:
        first = await ask(live, question, "handbook")
        second = await ask(live, question, "handbook")
        assert second.cached
        assert second.citations == first.citations
        page = root / "docs" / "backups.md"
        page.write_text(page.read_text().replace("ninety", "eighty"))
        index_docs(root)
        third = await ask(live, question, "handbook")
        assert not third.cached
        assert "eighty days" in third.text
    (root / "prompts" / "answer.prompt.md").write_text(PROMPT.replace("cite them", "cite them well"))
    async with open_live(root) as live:
        assert not (await ask(live, question, "handbook")).cached


async def test_the_present_rails_judge_a_kept_answer(tmp_path: Path) -> None:
    root = write_play(tmp_path / "play", [{"answer": "Hello."}], more='[cache]\nexact = "1h"\n[guard]\noutput = ["judge:check:block"]')
    (root / "judge.py").write_text("said = []\n\ndef check(text: str) -> bool:\n    said.append(text)\n    return len(said) > 1\n")
    async with open_live(root) as live:
        assert (await ask(live)).finish == "stop"
        again = await ask(live)
        assert (again.finish, again.cached) == ("blocked", True)
    assert NOTHING.hits == ()
