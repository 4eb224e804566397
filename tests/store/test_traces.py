"""Traces and kept answers: written without waiting, read back whole."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundwork.core.message import say
from groundwork.core.record import Span, Trace, Versions
from groundwork.core.request import Request
from groundwork.store.database import Database
from groundwork.store.traces import AnswerCache, TraceStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "traces.db", schema="traces", durable=False)
    yield made
    made.close()


def trace(number: int, **more: Any) -> Trace:
    request = Request(messages=(say("user", "earlier"), say("assistant", "yes"), say("user", f"question {number} {'x' * 900}")))
    fields: dict[str, Any] = {
        "id": f"tr_{number:032x}",
        "app": "play",
        "start": float(number),
        "seconds": 0.5,
        "status": "ok",
        "route": "default",
        "versions": Versions(config="cfg_1", release="rel_1", prompt="pr_1"),
        "request": msgspec.json.decode(msgspec.json.encode(request)),
        "reply": {"text": f"answer {number}", "cost": 0.5},
        "found": {"hits": [{"chunk": {"id": f"ch_{number % 2}"}}]},
        "spans": (Span(id="a", name="chat m", start=1.0, seconds=0.1),),
    }
    return Trace(**(fields | more))


async def test_a_trace_comes_back_whole(database: Database) -> None:
    store = TraceStore(database)
    kept = trace(1, session="s", episode="e", user="u", error="none")
    store.put(kept)
    await database.flush()
    assert await store.get(kept.id) == kept
    assert await store.get("tr_none") is None


async def test_a_list_is_newest_first_and_narrowed_by_columns(database: Database) -> None:
    store = TraceStore(database)
    for number in range(5):
        store.put(trace(number, status="blocked" if number == 3 else "ok"))
    store.put(trace(9, status="error", reply=None, error="it broke", versions=Versions(), found=None))
    await database.flush()
    rows = await store.list(limit=3)
    assert [row.start for row in rows] == [9.0, 4.0, 3.0]
    assert (rows[0].answer, rows[0].cost, rows[1].answer, rows[1].cost) == ("it broke", None, "answer 4", 0.5)
    assert rows[1].question.startswith("question 4")
    assert len(rows[1].question) <= 400
    assert [row.start for row in await store.list(status="blocked")] == [3.0]
    assert [row.start for row in await store.list(release="rel_1", since=2.0)] == [4.0, 3.0, 2.0]
    assert await store.list(config="cfg_2") == []
    assert (await store.count(), await store.count(status="ok"), await store.count(prompt="pr_1")) == (6, 4, 5)
    for call in (store.list, store.count):
        with pytest.raises(ValueError, match="no such column"):
            await call(**{"1; DROP TABLE trace": "x"})


async def test_a_chunk_finds_the_answers_built_on_it(database: Database) -> None:
    store = TraceStore(database)
    for number in range(4):
        store.put(trace(number))
    await database.flush()
    assert [row.start for row in await store.using("ch_1")] == [3.0, 1.0]


async def test_a_trace_put_twice_is_one(database: Database) -> None:
    store = TraceStore(database)
    store.put(trace(1))
    store.put(trace(1, status="error"))
    await database.flush()
    assert await store.count() == 1
    assert (await store.list())[0].status == "error"


async def test_a_trace_without_anything_is_kept(database: Database) -> None:
    store = TraceStore(database)
    store.put(Trace(id="tr_1", app="a", start=0.0, seconds=0.0, status="error"))
    await database.flush()
    assert (await store.list())[0].question == ""


async def test_putting_never_waits_nor_raises(database: Database) -> None:
    store = TraceStore(database)
    database.post(lambda _: time.sleep(0.2))
    started = time.monotonic()
    store.put(trace(1))
    store.put(trace(2, request={"messages": "not a list"}))
    assert time.monotonic() - started < 0.1
    await database.flush()
    assert await store.count() == 1
    assert database.lost == 1
    database.close()
    store.put(trace(3))
    assert database.lost == 2


async def test_a_kept_answer_lives_as_long_as_it_may(database: Database) -> None:
    cache = AnswerCache(database)
    cache.put("a", b"one", seconds=60)
    cache.put("b", b"two", seconds=0.05)
    await database.flush()
    assert await cache.get("a") == b"one"
    await asyncio.sleep(0.1)
    assert await cache.get("b") is None
    cache.put("a", b"three", seconds=60)
    await database.flush()
    assert await cache.get("a") == b"three"
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM kept_answer").fetchone()[0]) == 1
