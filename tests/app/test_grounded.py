"""The rail `grounded` in an application whose model says what its sources do not."""

import json
from pathlib import Path

import pytest

from groundwork.app.live import open_live
from groundwork.core.message import say
from groundwork.core.request import Principal, Request
from tests.apps import index_docs, write_docs

WRITER = """
[models.writer]
targets = ["stage/one"]
[providers.stage]
kind = "scripted"
script = "play.jsonl"
[routes]
default = "writer"
[guard]
output = ["grounded:ACTION"]
timeout = "30s"
"""
TRUE, FALSE = "The lighthouse stands 47 metres tall [1].", "The lighthouse stands 74 metres tall [1]."


@pytest.mark.parametrize(
    ("answer", "action", "said", "verdicts"),
    [
        (TRUE, "block", TRUE, []),
        (FALSE, "flag", FALSE, [("grounded", "flag", 1)]),
        (FALSE, "block", "No answer that passes this application's rules could be given.", [("grounded", "block", 1)]),
    ],
)
async def test_an_answer_is_held_against_what_was_found(
    tmp_path: Path, answer: str, action: str, said: str, verdicts: list[tuple[str, str, int]]
) -> None:
    root = tmp_path / "handbook"
    write_docs(root, index=False)
    file = root / "groundwork.toml"
    file.write_text(file.read_text() + WRITER.replace("ACTION", action))
    (root / "play.jsonl").write_text(json.dumps({"match": ".*", "answer": answer}) + "\n")
    index_docs(root)
    asked = say("user", "How high is the lighthouse at Cape Orrin?")
    async with open_live(root) as live:
        reply = await live.reply(Request(messages=(asked,), model="handbook", principal=Principal(internal=True)))
    assert reply.text == said
    assert [(verdict.rail, verdict.action, verdict.count) for verdict in reply.verdicts] == verdicts
