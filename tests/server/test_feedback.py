"""Feedback is on the disk before it is acknowledged, whatever happens next."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps import write_play
from tests.serving import Served, serving

PROGRAM = """
import asyncio, sys
from pathlib import Path
from groundwork.app.live import open_live
from groundwork.server.run import serve

async def main():
    async with open_live(Path(sys.argv[1])) as live:
        await serve(live, "127.0.0.1", 0, ready=lambda address, app: print(address, flush=True))

asyncio.run(main())
"""


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def trace_of(server: Served) -> str:
    return server.say("hi")[2]["groundwork"]["trace"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("boolean", True), ("number", 0.5), ("number", 3), ("comment", "fine"), ("choice", "a"), ("demonstration", "Better.")],
)
def test_each_kind_of_opinion(server: Served, kind: str, value: Any) -> None:
    trace = trace_of(server)
    status, _, body = server.ask("POST", "/v1/feedback", {"trace": trace, "type": kind, "value": value})
    assert status == 200
    kept = server.run(server.live.folder.feedback.get(body["id"]))
    assert (kept.trace, kept.opinion.value, type(kept.opinion.value)) == (
        trace,
        value,
        type(float(value)) if kind == "number" else type(value),
    )


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"type": "boolean", "value": True}, None),
        ({"trace": "T", "type": "boolean", "value": "yes"}, "value"),
        ({"trace": "T", "type": "boolean", "value": 1}, "value"),
        ({"trace": "T", "type": "comment", "value": True}, "value"),
        ({"trace": "T", "type": "stars", "value": 5}, "type"),
        ({"trace": "T", "type": "comment", "value": ["x"]}, "value"),
        ({"trace": "T", "type": "boolean", "value": True, "extra": 1}, None),
        ({"trace": "T", "type": "boolean", "value": True, "span": "no such"}, "span"),
    ],
)
def test_a_mistake_is_named(server: Served, sent: dict[str, Any], param: str | None) -> None:
    trace = trace_of(server)
    status, _, body = server.ask("POST", "/v1/feedback", {**sent, **({"trace": trace} if "trace" in sent else {})})
    assert (status, body["error"]["param"]) == (400, param)


def test_on_a_step_and_with_a_secret(server: Served) -> None:
    trace = trace_of(server)
    step = server.ask("GET", f"/v1/traces/{trace}")[2]["steps"][-1]["id"]
    sent = {"trace": trace, "type": "comment", "value": "it said gw-abcdefghijklmnopqrstuvwxyz0123456789", "span": step, "name": "tone"}
    _, _, body = server.ask("POST", "/v1/feedback", sent)
    kept = server.run(server.live.folder.feedback.get(body["id"]))
    assert (kept.span, kept.name) == (step, "tone")
    assert "abcdefg" not in kept.opinion.value


def test_another_tenants_trace_does_not_exist(server: Served) -> None:
    clear, _ = server.run(server.live.folder.keys.create("acme", tenant="acme", internal=True))
    trace = trace_of(server)
    headers = {"authorization": f"Bearer {clear}"}
    status, _, theirs = server.ask("POST", "/v1/feedback", {"trace": trace, "type": "boolean", "value": True}, headers)
    assert status == 404
    assert theirs["error"]["message"] == f"no trace '{trace}'"
    assert server.ask("GET", f"/v1/traces/{trace}", headers=headers)[0] == 404
    mine = server.say("hi", headers=headers)[2]["groundwork"]["trace"]
    assert server.ask("POST", "/v1/feedback", {"trace": mine, "type": "boolean", "value": True})[0] == 404
    assert server.ask("POST", "/v1/feedback", {"trace": mine, "type": "boolean", "value": True}, headers)[0] == 200


def test_acknowledged_feedback_survives_a_kill(tmp_path: Path) -> None:
    root = write_play(tmp_path / "app", [{"match": ".*", "answer": "Hello."}])
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(root)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            answer = post(f"{url}/v1/chat/completions", {"model": "play", "messages": [{"role": "user", "content": "hi"}]})
            trace = answer["groundwork"]["trace"]
            kept = [post(f"{url}/v1/feedback", {"trace": trace, "type": "number", "value": number})["id"] for number in range(20)]
        finally:
            os.kill(process.pid, signal.SIGKILL)
    with serving(root) as again:
        assert [(row.id, row.opinion.value) for row in again.run(again.live.folder.feedback.of([trace]))] == list(
            zip(kept, map(float, range(20)), strict=True)
        )
        assert again.ask("POST", "/v1/feedback", {"trace": trace, "type": "boolean", "value": False})[0] == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(where)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_on_a_full_disk_feedback_is_refused_and_answers_still_come(small_disk: Path) -> None:
    root = write_play(small_disk / "app", [{"match": ".*", "answer": "Hello."}])
    kept: list[str] = []
    with serving(root) as server:
        trace = trace_of(server)
        sent = [{"trace": trace, "type": "number", "value": number} for number in range(3)]
        kept += [server.ask("POST", "/v1/feedback", body)[2]["id"] for body in sent]
        with pytest.raises(OSError, match="No space left"):
            fill(small_disk / "ballast")
        statuses = [_long_comment(server, trace) for _ in range(30)]
        assert statuses[-1] == (503, "store_full")
        assert {status for status, _ in statuses} <= {200, 503}
        for _ in range(30):
            assert server.say(os.urandom(20_000).hex())[0] == 200
        server.run(server.live.folder.traces.flush())
        health = server.ask("GET", "/health")[2]
        assert health["status"] == "degraded"
        assert "traces are being lost" in health["problems"][0]
        (small_disk / "ballast").unlink()
        after = server.ask("POST", "/v1/feedback", {"trace": trace, "type": "boolean", "value": True})
        assert after[0] == 200
        kept.append(after[2]["id"])
    with serving(root) as again:
        feedback = again.run(again.live.folder.feedback.of([trace]))
        assert {row.id for row in feedback} >= set(kept)
        for database in (again.live.folder.state, again.live.folder.traces):
            assert again.run(database.read(lambda connection: connection.execute("PRAGMA integrity_check").fetchone()[0])) == "ok"


def _long_comment(server: Served, trace: str) -> tuple[int, str | None]:
    status, _, body = server.ask("POST", "/v1/feedback", {"trace": trace, "type": "comment", "value": "x" * 50_000})
    return status, body.get("error", {}).get("code")
