"""An application with collections: indexed, asked, cached, cited and opened."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from groundwork.app.config import load
from groundwork.app.live import Live, open_live
from groundwork.app.seeing import visible_document
from groundwork.cli.index import index_documents
from groundwork.core.errors import ConfigError, NotFound
from groundwork.core.message import say
from groundwork.core.request import Principal, Request
from groundwork.store.folder import Folder
from tests.apps import DOCS, PAGES, PROMPT

TOML = """\
[app]
name = "handbook"
prompt = "answer"

[models.reader]
targets = ["embedded"]

[cache]
exact = "1h"

[context]
sources = ["docs"]

[context.permissions]
otherwise = ["everyone"]

[context.collections.staff]
sources     = ["staff"]
permissions = { otherwise = ["group:hr"] }

[routes.named.public]
to          = "reader"
collections = ["index"]
"""
STAFF = "# Canteen\n\nThe canteen opens at half past eleven on weekdays.\n"


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    (tmp_path / "groundwork.toml").write_text(TOML)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/answer.prompt.md").write_text(PROMPT)
    for name, text in {**{f"docs/{name}": text for name, text in PAGES.items()}, "staff/canteen.md": STAFF}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    folder = Folder(tmp_path)
    reports = await index_documents(load(tmp_path), folder)
    assert {name: report.added for name, report in reports.items()} == {"": 2, "staff": 1}
    folder.close()
    async with open_live(tmp_path) as made:
        yield made


def asked(text: str, *, groups: tuple[str, ...] = (), model: str = "handbook") -> Request:
    return Request(messages=(say("user", text),), model=model, principal=Principal(user="anna", groups=groups, internal=True))


async def test_an_answer_cites_any_collection_and_its_citation_opens_for_who_may_see_it(live: Live) -> None:
    question = "When does the canteen open on weekdays?"
    hr = Principal(user="anna", groups=("hr",), internal=True)
    reply = await live.reply(asked(question, groups=("hr",)))
    assert "half past eleven" in reply.text
    citation = reply.citations[0]
    document = await visible_document(citation.document, hr, live.app, live.folder)
    assert document.text[citation.start : citation.end] == citation.quote
    with pytest.raises(NotFound):
        await visible_document(citation.document, Principal(user="bob"), live.app, live.folder)
    other = await live.reply(asked(question))
    assert "eleven" not in other.text
    height = await live.reply(asked("How high is the lighthouse?"))
    assert "47 metres" in height.text


async def test_a_kept_answer_goes_with_a_change_in_any_collection(live: Live) -> None:
    question = "How high is the lighthouse?"
    assert not (await live.reply(asked(question))).cached
    await live.folder.traces.flush()
    assert (await live.reply(asked(question))).cached
    (live.app.settings.root / "staff/new.md").write_text("Parking is free.")
    await index_documents(live.app.settings, live.folder)
    assert not (await live.reply(asked(question))).cached


async def test_a_route_searches_the_collections_that_it_names(live: Live) -> None:
    question = "When does the canteen open on weekdays?"
    reply = await live.reply(asked(question, groups=("hr",), model="handbook/public"))
    assert "eleven" not in reply.text
    first = await live.reply(asked("How high is the lighthouse?", model="handbook/public"))
    assert "47 metres" in first.text
    await live.folder.traces.flush()
    assert (await live.reply(asked("How high is the lighthouse?", model="handbook/public"))).cached, "its own generation names it"


def test_a_route_to_no_collection_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "groundwork.toml").write_text(TOML.replace('collections = ["index"]', 'collections = ["stuff"]'))
    with pytest.raises(ConfigError, match="unknown collection `stuff`") as error:
        load(tmp_path)
    assert "staff" in error.value.fix
    (tmp_path / "groundwork.toml").write_text(f'{DOCS}\n[routes.named.x]\nto = "reader"\ncollections = ["index"]\n')
    assert load(tmp_path).config.routes.named["x"].collections == ("index",)
