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
