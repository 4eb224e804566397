"""From a request to what is looked up for it: follow-ups, filters, and who asks."""

from pathlib import Path

import pytest

from groundwork.app.config import load
from groundwork.app.live import open_live
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.message import say
from groundwork.core.request import Principal, Request
from tests.app.conftest import traces
from tests.apps import index_docs, write_docs, write_play

FIRST, THEN = "How high is the lighthouse at Cape Orrin?", "and when was it lit?"
HISTORY = (say("user", FIRST), say("assistant", "It is 47 metres high [1]."))
MODEL = """
[models.writer]
targets = ["stage/one"]
[providers.stage]
kind = "scripted"
script = "play.jsonl"
[routes]
default = "reader"
"""


def application(root: Path, *, retrieve: str = "", more: str = "", lines: str = "") -> Path:
    write_docs(root, index=False)
    file = root / "groundwork.toml"
    file.write_text(file.read_text() + (f"retrieve = {{ {retrieve} }}\n" if retrieve else "") + more)
    (root / "play.jsonl").write_text(lines)
    index_docs(root)
    return root


def follow_up(**more: object) -> Request:
    return Request(messages=(*HISTORY, say("user", THEN)), model="handbook", principal=Principal(internal=True), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("retrieve", "lines", "query", "by"),
    [
        ("", "", THEN, None),
        ('rewrite = "rules"', "", f"{THEN} Cape Orrin 47", "rules"),
        ('rewrite = "writer"', '{"match": ".*", "answer": "When was the lighthouse at Cape Orrin lit?"}\n', "When was the lighthouse at Cape Orrin lit?", "writer"),
        ('rewrite = "writer"', '{"match": ".*", "error": "overload"}\n', f"{THEN} Cape Orrin 47", "rules"),
    ],
)  # fmt: skip
async def test_a_follow_up_is_looked_up_as_configured_and_answered_as_asked(
    tmp_path: Path, retrieve: str, lines: str, query: str, by: str | None
) -> None:
    root = application(tmp_path / "handbook", retrieve=retrieve, more=MODEL, lines=lines or '{"match": ".*", "answer": "x"}\n')
    async with open_live(root) as live:
        await live.reply(follow_up())
        (trace,) = await traces(live)
    assert trace.found["query"] == query
    assert trace.rendered[-1]["text"].endswith(THEN)
    spans = [span.attributes for span in trace.spans if span.name == "rewrite query"]
    assert [span["groundwork.rewrite.by"] for span in spans] == ([by] if by else [])


def test_a_way_to_rewrite_that_leads_nowhere_is_refused_at_start(tmp_path: Path) -> None:
    root = application(tmp_path / "handbook", more=MODEL)
    file = root / "groundwork.toml"
    file.write_text(file.read_text().replace('sources = ["docs"]', 'sources = ["docs"]\nretrieve = { rewrite = "writter" }'))
    with pytest.raises(ConfigError) as error:
        load(root)
    assert (error.value.where, error.value.fix) == ("groundwork.toml:10", "did you mean `writer`?")


async def test_a_filter_of_the_request_and_one_of_the_configuration_hold_together(tmp_path: Path) -> None:
    root = application(tmp_path / "handbook", retrieve="where = 'title != \"Backups\"'")
    async with open_live(root) as live:
        everything = await live.app.context.gather(follow_up())
        assert {hit.chunk.source for hit in everything.hits} == {"docs/lighthouse.md"}
        assert (await live.app.context.gather(follow_up(where='title = "Backups"'))).hits == ()
        with pytest.raises(InputError, match="unknown field"):
            await live.app.context.gather(follow_up(where="titel = 'x'"))


async def test_an_application_without_documents_filters_none(tmp_path: Path) -> None:
    root = write_play(tmp_path / "play", [{"match": ".*", "answer": "hello"}])
    async with open_live(root) as live:
        request = Request(messages=(say("user", "hi"),), model="play", principal=Principal(internal=True), where="year = 1")
        with pytest.raises(InputError) as error:
            await live.reply(request)
        assert error.value.param == "where"


PAIR = '{"match": "several", "answer": "How high is the lighthouse?\\nHow long are backups kept?"}\n{"match": "order", "answer": "{\\"order\\": [2, 1]}"}\n'


@pytest.mark.parametrize(
    ("retrieve", "where", "what"),
    [
        ('rerank = { by = "writr" }', "rerank", "unknown reranker `writr`"),
        ('rerank = { by = "reader" }', "rerank", "`reader` is the offline reader, which quotes: it is no reranker"),
        ('expand = "reader"', "expand", "`reader` is the offline reader, which quotes: it is no way to expand queries"),
        ('decompose = "rule"', "decompose", "unknown way to decompose questions `rule`"),
        ("rerank = { depth = 1 }", "rerank", "depth = 1 is not between 2 and 200"),
        ('rerank = { by = { url = "cohere" } }', "rerank", "'cohere' is no URL"),
        ('rerank = { by = { url = "https://x.test/rerank", key = "env:NOT_SET_HERE" } }', "key", "NOT_SET_HERE is not set"),
        ('budget = "3k"', "budget", "use one of tokens, k tokens, m tokens"),
        ('budget = "50 tokens"', "budget", "is less than 100 tokens"),
        ('order = "best"', "order", "unknown value"),
    ],
)
async def test_what_is_written_wrongly_is_said_with_its_line(tmp_path: Path, retrieve: str, where: str, what: str) -> None:
    root = application(tmp_path / "handbook", more=MODEL, lines=PAIR)
    file = root / "groundwork.toml"
    file.write_text(file.read_text().replace('sources = ["docs"]', f'sources = ["docs"]\nretrieve = {{ {retrieve} }}'))
    with pytest.raises(ConfigError) as error:
        async with open_live(root):
            pass
    assert what in str(error.value)
    assert "groundwork.toml:10" in str(error.value) or "groundwork.toml:9" in str(error.value)


async def test_a_question_is_decomposed_reranked_and_told_in_the_trace(tmp_path: Path) -> None:
    retrieve = 'keep = 4, decompose = "writer", rerank = { by = "embedded", budget = "60s" }, cache = "1MB"'
    root = application(tmp_path / "handbook", retrieve=retrieve, more=MODEL, lines=PAIR)
    question = Request(messages=(say("user", "several"),), model="handbook", principal=Principal(internal=True))
    async with open_live(root) as live:
        await live.reply(question)
        found = await live.app.context.gather(question)
        (trace,) = await traces(live)
    spans = {span.name: span.attributes for span in trace.spans}
    assert spans["expand query"]["groundwork.queries"] == ["How high is the lighthouse?", "How long are backups kept?"]
    assert spans["rerank"]["groundwork.rerank.outcome"] == "reranked"
    assert spans["cache retrieval"]["groundwork.cache.hit"] is False
    assert {hit.chunk.source for hit in found.hits} == {"docs/lighthouse.md", "docs/backups.md"}
    assert all(hit.rerank is not None for hit in found.hits)


async def test_a_language_model_gets_the_best_at_both_ends_and_the_offline_reader_by_rank(tmp_path: Path) -> None:
    root = application(
        tmp_path / "handbook", retrieve='budget = "120 tokens"', more=MODEL, lines='{"match": ".*", "answer": "47 metres [1]"}\n'
    )
    file = root / "groundwork.toml"
    file.write_text(file.read_text() + '[routes.named.writing]\nto = "writer"\n')
    question = {"messages": (say("user", FIRST),), "principal": Principal(internal=True)}
    async with open_live(root) as live:
        await live.reply(Request(model="handbook/writing", **question))  # type: ignore[arg-type]
        await live.reply(Request(model="handbook", **question))  # type: ignore[arg-type]
        by_reader, by_model = sorted(await traces(live), key=lambda trace: trace.route)
    assert (by_model.found["at_ends"], by_reader.found.get("at_ends", False)) == (True, False)
    left_out = [span.attributes["groundwork.context.left_out"] for span in by_model.spans if span.name == "assemble context"]
    assert left_out
    assert left_out[0]
    shown = by_model.rendered[-1]["text"]
    assert shown.index("[1]") < shown.index("[2]")


async def test_a_prompt_can_say_that_the_sources_are_doubtful(tmp_path: Path) -> None:
    root = application(tmp_path / "handbook")
    prompt = root / "prompts" / "answer.prompt.md"
    prompt.write_text(
        prompt.read_text()
        .replace('"sources"]', '"sources", "doubtful"]')
        .replace("# user\n", "# user\n{% if doubtful %}They may not hold it.\n{% endif %}")
    )
    async with open_live(root) as live:
        for text in (FIRST, "Which emperor signed the treaty on whaling rights in Lisbon?"):
            await live.reply(Request(messages=(say("user", text),), model="handbook", principal=Principal(internal=True)))
        rendered = [
            f"{trace.found.get('doubtful', False)} {'They may not hold it.' in trace.rendered[-1]['text']}" for trace in await traces(live)
        ]
    assert sorted(rendered) == ["False False", "True True"]
