"""Further queries: by rules, by a model on a real server with its faults, searched and fused."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from groundwork.context.queries.expanding import PART, WORDING, Expanding, other_forms, parts_of
from groundwork.core.access import Scope
from groundwork.core.message import say
from groundwork.core.request import Request
from groundwork.gateway.config import TimeoutSection
from groundwork.gateway.providers.openai import OpenAIModel
from groundwork.gateway.transport import Transport
from groundwork.observe.recorder import Recorder, recording
from tests.context.folder import Application
from tests.gateway.upstream import DONE, Upstream, finish, text, upstream

OPERATOR = Scope(operator=True)


@pytest.fixture
async def server() -> AsyncIterator[Upstream]:
    async with upstream() as made:
        yield made


@pytest.fixture
async def model(server: Upstream) -> AsyncIterator[OpenAIModel]:
    transport = Transport()
    yield OpenAIModel("up/m", "m", server.url, None, TimeoutSection(), transport)
    await transport.close()


def request(question: str) -> Request:
    return Request(messages=(say("user", question),))


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("What is WAL mode and how do I turn it on?", ["What is WAL mode?", "how do I turn it on?"]),
        ("How large may a row be, and what is the longest column name?", ["How large may a row be?", "what is the longest column name?"]),
        ("Where are backups kept? Who may restore one?", ["Where are backups kept?", "Who may restore one?"]),
        ("How long are backups kept; and where?", []),
        ("How are backups and archives kept?", []),
        ("Salt and pepper", []),
        ("", []),
        ("and and and?", []),
        ("What? What? What?", []),
    ],
)
def test_a_question_is_taken_apart_where_it_asks_several_things(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


def test_parts_are_few_and_long_texts_are_left_alone() -> None:
    assert len(parts_of("What is the archive? " * 3 + " ".join(f"What is shelf number {place}?" for place in range(20)))) == 4
    assert parts_of("What is it? Where is the archive? " * 200) == []


@pytest.mark.parametrize(
    ("query", "texts", "forms"),
    [
        ("what is WAL?", ["It uses a write-ahead log (WAL) since 2010."], ["what is WAL (write-ahead log)?"]),
        ("list the PDFs", ["the portable document format (PDF)"], ["list the PDFs (portable document format)"]),
        ("what is WAL?", ["The sea (WAL) is wide.", "nothing here"], []),
        ("what is it?", ["a write-ahead log (WAL)"], []),
        ("", ["a write-ahead log (WAL)"], []),
    ],
)
def test_abbreviations_are_written_out_as_the_documents_explain_them(query: str, texts: list[str], forms: list[str]) -> None:
    assert other_forms(query, texts) == forms


async def test_a_model_gives_wordings_and_parts(server: Upstream, model: OpenAIModel) -> None:
    server.play(text('1. "When is the archive moved?"\n- when does it move\n\n'), text("The archive moves in May."), finish(), DONE)
    found = await Expanding(expand=model).queries("When is the move?", request("When is the move?"))
    assert found == {"When is the archive moved?": WORDING, "when does it move": WORDING, "The archive moves in May.": WORDING}
    server.scripts.clear()
    server.play(text("What is A?\nWhat is B?"), finish(), DONE)
    assert await Expanding(decompose=model).queries("A, B?", request("A, B?")) == {"What is A?": PART, "What is B?": PART}
    server.scripts.clear()
    server.play(text("A?"), finish(), DONE)
    assert await Expanding(decompose=model).queries("A?", request("A?")) == {}


@pytest.mark.parametrize(
    ("steps", "more"),
    [
        ((text("What is"), finish("length"), DONE), {}),
        ((text("x" * 500), finish(), DONE), {}),
        ((finish(), DONE), {}),
        ((text("x"), "cut"), {}),
        ((b"no",), {"status": 500}),
    ],
)
async def test_a_model_of_no_use_leaves_the_plain_query_and_the_rules(
    server: Upstream, model: OpenAIModel, steps: tuple[Any, ...], more: dict[str, Any]
) -> None:
    server.play(*steps, **more)
    question = "What is WAL mode and how do I turn it on?"
    recorder = Recorder("tr_1")
    with recording(recorder):
        found = await Expanding(expand=model, decompose=model).queries(question, request(question))
    assert found == {"What is WAL mode?": PART, "how do I turn it on?": PART}
    told = {one.name: one for one in recorder.spans}["expand query"].attributes
    assert told["groundwork.decompose.by"] == "rules"
    assert told["groundwork.expand.by"].startswith("nobody")


async def test_off_asks_nobody(server: Upstream) -> None:
    assert await Expanding().queries("What is A? What is B?", request("x")) == {}
    assert server.asked == []


async def test_what_a_part_finds_is_among_the_hits(application: Application) -> None:
    for name in ("sun", "moon"):
        application.write(f"docs/{name}.md", f"# {name}\n\nThe {name} is described here at length.")
    for place in range(8):
        application.write(f"docs/both{place}.md", f"# Both\n\nsun sun sun in the sky, number {place}.")
    application.index()
    search = application.search()
    plain = [hit.chunk.source for hit in (await search.find("sun sky", keep=4, scope=OPERATOR)).hits]
    assert "docs/moon.md" not in plain
    trail = await search.trail("sun sky", keep=4, scope=OPERATOR, also={"moon described": 1.0, " ": 1.0})
    hits = {hit.chunk.source: hit for hit in trail.found().hits}
    assert "docs/moon.md" in hits
    assert hits["docs/moon.md"].ranks["query 2"] == 1
    assert hits["docs/moon.md"].similarity is not None
    assert set(trail.lists) == {"terms", "dense", "query 2"}


async def test_permissions_and_filters_hold_for_further_queries(application: Application) -> None:
    application.write("docs/a.md", "---\nyear: 2020\n---\n# A\n\nsun")
    application.write("docs/b.md", "---\nyear: 1999\n---\n# B\n\nmoon")
    application.index()
    found = await application.search().find("sun", keep=4, scope=Scope(operator=True, where="year = 2020"), also={"moon": 1.0})
    assert {hit.chunk.source for hit in found.hits} == {"docs/a.md"}
