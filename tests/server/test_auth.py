"""Who is let in: keys, this machine, and no web page that only pretends to be either."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.live import Live, open_live
from groundwork.core.request import Principal
from groundwork.server.asgi import Server
from groundwork.server.auth import KeyMemory, is_loopback
from tests.apps import write_play

ANSWER = [{"match": ".*", "answer": "Hello."}]
BODY = json.dumps({"model": "play", "messages": [{"role": "user", "content": "hi"}]}).encode()


async def ask(
    live: Live, *, client: str | None = "203.0.113.9", method: str = "POST", path: str = "/v1/chat/completions", **headers: str
) -> tuple[int, dict[str, Any]]:
    """One request straight into the application, from whatever address we say."""
    fields = {"host": "127.0.0.1:8321", "content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    sent: list[Any] = []
    events = [{"type": "http.request", "body": BODY, "more_body": False}]

    async def receive() -> Any:
        if not events:
            await asyncio.Event().wait()
        return events.pop()

    async def send(event: Any) -> None:
        sent.append(event)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": None if client is None else (client, 50_000),
        "server": ("127.0.0.1", 8321),
    }
    await Server(live)(scope, receive, send)
    body = b"".join(event.get("body", b"") for event in sent[1:])
    return sent[0]["status"], json.loads(body) if body.startswith(b"{") else {"text": body.decode()}


def code(answer: tuple[int, dict[str, Any]]) -> tuple[int, str | None]:
    return answer[0], answer[1].get("error", {}).get("code")


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Live]:
    async with open_live(write_play(tmp_path / "walk", ANSWER)) as live:
        yield live


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Live]:
    async with open_live(write_play(tmp_path / "run", ANSWER, app='autonomy = "run"')) as live:
        yield live


async def test_this_machine_needs_no_key(walk: Live, run: Live) -> None:
    for live in (walk, run):
        for client in ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"):
            assert code(await ask(live, client=client)) == (200, None)
        assert code(await ask(live, client="127.0.0.1", authorization="Bearer none")) == (200, None)


async def test_anybody_else_does(walk: Live, run: Live) -> None:
    for live in (walk, run):
        for client in ("203.0.113.9", "10.0.0.1", "::ffff:10.0.0.1", None):
            assert code(await ask(live, client=client)) == (401, "missing_api_key")


async def test_headers_of_proxies_make_nobody_local(run: Live) -> None:
    assert code(await ask(run, x_forwarded_for="127.0.0.1")) == (401, "missing_api_key")
    assert code(await ask(run, client="127.0.0.1", x_forwarded_for="203.0.113.9")) == (401, "missing_api_key")
    assert code(await ask(run, client="127.0.0.1", forwarded="for=203.0.113.9")) == (401, "missing_api_key")


async def test_a_wrong_key_is_wrong_everywhere(run: Live) -> None:
    for client in ("127.0.0.1", "203.0.113.9"):
        assert code(await ask(run, client=client, authorization="Bearer gw-wrong")) == (401, "invalid_api_key")
        assert code(await ask(run, client=client, authorization="Basic abc")) == (401, "invalid_api_key")


async def test_a_key_opens_until_it_is_revoked(run: Live) -> None:
    clear, _ = await run.folder.keys.create("ci", tenant="acme")
    server_says = await ask(run, authorization=f"Bearer {clear}")
    assert code(server_says) == (200, None)
    trace = await _trace(run, server_says[1]["groundwork"]["trace"])
    assert (trace.tenant, trace.user) == ("acme", "ci")
    await run.folder.keys.revoke("ci")
    assert code(await ask(run, authorization=f"Bearer {clear}")) == (401, "invalid_api_key")
    assert clear not in (run.folder.path / "state.db").read_bytes().decode("latin-1")


async def _trace(live: Live, identifier: str) -> Any:
    await live.folder.traces.flush()
    return await live.folder.trace_store.get(identifier)


async def test_walk_is_for_internal_users(walk: Live) -> None:
    guest, _ = await walk.folder.keys.create("guest")
    staff, _ = await walk.folder.keys.create("staff", internal=True)
    refused = await ask(walk, authorization=f"Bearer {guest}")
    assert code(refused) == (403, "internal_only")
    assert "internal" in refused[1]["error"]["message"]
    assert code(await ask(walk, client="127.0.0.1", authorization=f"Bearer {guest}")) == (403, "internal_only")
    assert code(await ask(walk, authorization=f"Bearer {staff}")) == (200, None)


async def test_a_web_page_elsewhere_cannot_act_through_a_browser_here(walk: Live) -> None:
    local = {"client": "127.0.0.1"}
    assert code(await ask(walk, **local, host="evil.example:8321")) == (403, "foreign_host")
    assert code(await ask(walk, **local, host="127.0.0.1.evil.example")) == (403, "foreign_host")
    assert code(await ask(walk, **local, host="0.0.0.0:8321")) == (403, "foreign_host")
    assert code(await ask(walk, **local, method="GET", path="/v1/models", host="evil.example")) == (403, "foreign_host")
    assert code(await ask(walk, **local, origin="http://evil.example")) == (403, "foreign_origin")
    assert code(await ask(walk, **local, origin="null")) == (403, "foreign_origin")
    assert code(await ask(walk, **local, origin="http://127.0.0.1:3000")) == (403, "foreign_origin")
    assert code(await ask(walk, **local, sec_fetch_site="cross-site")) == (403, "foreign_origin")
    assert code(await ask(walk, **local, content_type="text/plain")) == (415, "unsupported_media_type")
    assert code(await ask(walk, **local, origin="http://127.0.0.1:8321", sec_fetch_site="same-origin")) == (200, None)
    for host in ("localhost", "localhost:8321", "[::1]:8321", "127.0.0.2"):
        assert code(await ask(walk, **local, host=host)) == (200, None)


async def test_data_behind_the_page_is_guarded_as_the_api_is(walk: Live) -> None:
    for path in ("/source/doc_1", "/original/doc_1", "/v1/traces/tr_1", "/v1/models"):
        assert (await ask(walk, method="GET", path=path))[0] == 401
    assert (await ask(walk, method="GET", path="/"))[0] == 200
    assert await ask(walk, method="GET", path="/health") == (200, {"status": "ok"})
    assert (await ask(walk, client="127.0.0.1", method="GET", path="/health"))[1].keys() > {"status", "version", "app", "problems"}


async def test_a_look_up_is_remembered_for_less_than_a_second() -> None:
    now, asked = [0.0], []

    async def find(key: str) -> Principal | None:
        asked.append(key)
        return Principal() if key == "right" else None

    memory = KeyMemory(find, lambda: now[0])
    for moment in (0.0, 0.5, 0.99, 1.0, 1.5):
        now[0] = moment
        assert await memory.find("right") == Principal()
    assert asked == ["right", "right"]
    for number in range(3_000):
        assert await memory.find(f"wrong {number}") is None
    assert len(memory._known) == 1_024


@pytest.mark.parametrize("address", ["", "localhost", "evil", "0.0.0.0", "128.0.0.1", "::2", "127.0.0.1.nip.io"])
def test_what_is_not_loopback(address: str) -> None:
    assert not is_loopback(address)
