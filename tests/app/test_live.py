"""The application that answers now: releases are taken up while it serves, broken ones are not."""

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from groundwork.app.live import Live, open_live, read_settings
from groundwork.core.errors import ConfigError, NotFound
from groundwork.core.measure import Change, Release
from groundwork.store.folder import Folder
from tests.apps import PROMPT, write_docs, write_play

OTHER = PROMPT.replace("cite them", "cite them well")


async def put(folder: Folder, identifier: str, change: Change, parent: str = "") -> None:
    await folder.changes.put(change)
    await folder.releases.add(Release(id=identifier, at=1.0, changes=(change.id,), parent=parent))


def prompt_change(text: str, identifier: str = "chg_1") -> Change:
    return Change(id=identifier, kind="prompt", path="prompts.answer", before=PROMPT, after=text, why="better", made=1.0)


async def system(live: Live) -> str:
    reply = await live.ask("How long are backups kept?")
    await live.folder.traces.flush()
    trace = await live.folder.trace_store.get(reply.trace)
    assert trace is not None
    assert trace.versions.release == live.app.settings.release
    return trace.rendered[0]["text"]


RELEASE = """
    import asyncio, sys
    from pathlib import Path
    from groundwork.core.measure import Change, Release
    from groundwork.store.folder import Folder

    async def main() -> None:
        folder = Folder(Path(sys.argv[1]))
        await folder.changes.put(Change(id="chg_1", kind="prompt", path="prompts.answer", before="", after=sys.argv[2], why="x", made=1.0))
        await folder.releases.add(Release(id="rel_1", at=1.0, changes=("chg_1",)))
        folder.close()

    asyncio.run(main())
"""


async def test_a_release_of_another_process_is_taken_up_and_taken_back(tmp_path: Path) -> None:
    root = write_docs(tmp_path / "handbook")
    async with open_live(root) as live:
        assert await live.refresh() is False
        before = live.app
        assert await system(live) == "Answer from the sources and cite them."
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", textwrap.dedent(RELEASE), str(root), OTHER], check=True, timeout=60)
        assert await live.refresh() is True
        assert await system(live) == "Answer from the sources and cite them well."
        assert live.app.config != before.config
        assert await live.refresh() is False
        await live.folder.releases.add(Release(id="rel_2", at=2.0, changes=(), parent="rel_1", rollback_to="written"))
        assert await live.refresh() is True
        assert await system(live) == "Answer from the sources and cite them."
        assert live.app.config == before.config


async def test_a_running_request_keeps_the_application_it_began_with(tmp_path: Path) -> None:
    root = write_play(tmp_path / "play", [{"answer": "one two three", "delay_ms": 150}])
    async with open_live(root) as live:
        running = asyncio.create_task(live.ask("hi"))
        await asyncio.sleep(0.1)
        await live.folder.releases.add(Release(id="rel_1", at=1.0, changes=()))
        assert await live.refresh()
        await running
        await live.ask("hi")
        await live.folder.traces.flush()
        assert [row.release for row in await live.folder.trace_store.list()] == ["rel_1", ""]


@pytest.mark.parametrize(
    "change",
    [
        prompt_change("{% for %}"),
        Change(id="chg_1", kind="setting", path="context.retrieve.keep", before=6, after="many", why="x", made=1.0),
        Change(id="chg_1", kind="setting", path="context.retrieve.kep", before=6, after=8, why="x", made=1.0),
    ],
    ids=["template", "type", "name"],
)
async def test_a_broken_release_leaves_the_old_one_serving_and_says_so(tmp_path: Path, change: Change) -> None:
    root = write_docs(tmp_path / "handbook")
    async with open_live(root) as live:
        before = live.app
        await put(live.folder, "rel_1", change)
        await live.refresh()
        assert live.app is before
        assert live.problem.startswith("release rel_1 does not load: ")
        assert "ninety days" in (await live.ask("How long are backups kept?")).text
        await live.folder.releases.add(Release(id="rel_2", at=2.0, changes=(), parent="rel_1", rollback_to="written"))
        await live.refresh()
        assert live.problem == ""


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(250):
        if holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come to that within 5 s")


async def test_the_watch_takes_a_release_up_and_survives_what_fails(tmp_path: Path) -> None:
    root = write_docs(tmp_path / "handbook")
    async with open_live(root) as live:
        watching = asyncio.create_task(live.watch(0.02))
        await put(live.folder, "rel_1", prompt_change("{% for %}"))
        await until(lambda: bool(live.problem))
        await put(live.folder, "rel_2", prompt_change(OTHER, "chg_2"), parent="rel_1")
        await until(lambda: live.app.settings.release == "rel_2")
        assert not watching.done()
        assert live.problem == ""
        watching.cancel()


async def test_settings_of_a_release_or_with_a_change_can_be_read(tmp_path: Path) -> None:
    root = write_docs(tmp_path / "handbook", index=False)
    folder = Folder(root)
    setting = Change(id="chg_2", kind="setting", path="context.retrieve.keep", before=6, after=8, why="x", made=1.0)
    await put(folder, "rel_1", prompt_change(OTHER))
    await folder.changes.put(setting)
    settings = await read_settings(root, folder, change="chg_2")
    assert settings.prompts == {"answer": OTHER}
    assert settings.config.context is not None
    assert settings.config.context.retrieve.keep == 8
    assert settings.origin(("context", "retrieve", "keep")) == "release rel_1 (chg_2)"
    assert settings.origin(("app", "name")) == "groundwork.toml:2"
    assert settings.origin(("server", "port")) == "default"
    for wrong in ({"change": "chg_9"}, {"release": "rel_9"}):
        with pytest.raises(NotFound):
            await read_settings(root, folder, **wrong)
    folder.close()


async def test_what_would_fail_at_a_request_is_refused_at_the_start_and_everything_is_let_go(tmp_path: Path) -> None:
    root = write_play(tmp_path / "play", [{"answer": "a"}], app='prompt = "missing"')
    with pytest.raises(ConfigError) as error:
        async with open_live(root):
            pass
    assert error.value.where == "groundwork.toml:3"
    (root / "groundwork.toml").write_text((root / "groundwork.toml").read_text().replace('prompt = "missing"', ""))
    async with open_live(root) as live:
        assert (await live.ask("hi")).text == "a"


async def test_a_function_of_documents_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    root = write_docs(tmp_path / "handbook")
    config = (root / "groundwork.toml").read_text().replace('["docs"]', '["docs", "feeds:pages"]')
    (root / "groundwork.toml").write_text(config)
    with pytest.raises(ConfigError, match="no module 'feeds'") as error:
        async with open_live(root):
            pass
    line = config.splitlines().index('sources = ["docs", "feeds:pages"]') + 1
    assert error.value.where == f"groundwork.toml:{line}"
    (root / "feeds.py").write_text("def pages():\n    return []\n")
    async with open_live(root) as live:
        assert (await live.ask("How long are backups kept?")).citations
