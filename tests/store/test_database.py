"""One file, one writer: what is acknowledged is there, whatever happens."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.core.errors import Overloaded, StoreBusy, StoreError, StoreFull
from groundwork.store import database as module
from groundwork.store.database import Database, connect, explain, migrate


def add(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT INTO lineage (child, parent) VALUES (?, 'p')", (name,))


def names(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        found = {row[0] for row in connection.execute("SELECT child FROM lineage")}
    connection.close()
    return found


def python(code: str, *arguments: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


async def test_a_write_is_there_when_it_returns_and_gives_back_its_value(state: Database) -> None:
    assert await state.write(lambda connection: add(connection, "a") or 7) == 7
    assert names(state.path) == {"a"}
    assert await state.read(lambda connection: connection.execute("SELECT count(*) FROM lineage").fetchone()[0]) == 1


WRITER = """
    import asyncio, sys
    from pathlib import Path
    from groundwork.store.database import Database

    async def main() -> None:
        database = Database(Path(sys.argv[1]), schema="state", durable=True)
        async def one(name):
            await database.write(lambda c: c.execute("INSERT INTO lineage (child, parent) VALUES (?, 'p')", (name,)) and None)
            print(name, flush=True)
        number = 0
        while True:
            await asyncio.gather(*(one(f"n{number + i}") for i in range(4)))
            number += 4

    asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 40, 150])
def test_every_acknowledged_write_survives_a_kill(tmp_path: Path, after: int) -> None:
    path = tmp_path / "state.db"
    writer = python(WRITER, path)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(after)]
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate(timeout=20)
    acknowledged += [line for line in rest.split("\n")[:-1] if line]
    assert set(acknowledged) <= names(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_a_job_that_fails_takes_nobody_with_it(state: Database) -> None:
    def bad(connection: sqlite3.Connection) -> None:
        add(connection, "half")
        raise ValueError("mine")

    def twice(connection: sqlite3.Connection) -> None:
        add(connection, "third")
        add(connection, "third")

    blocker = threading.Event()
    first = asyncio.create_task(state.write(lambda _: blocker.wait(5)))
    await asyncio.sleep(0.05)
    jobs = [state.write(lambda c: add(c, "one")), state.write(bad), state.write(lambda c: add(c, "two")), state.write(twice)]
    gathered = asyncio.gather(*jobs, return_exceptions=True)
    await asyncio.sleep(0.05)
    blocker.set()
    one, failed, two, third = await gathered
    assert await first
    assert (one, two) == (None, None)
    assert isinstance(failed, ValueError)
    assert isinstance(third, StoreError)
    assert "UNIQUE" in third.what
    assert names(state.path) == {"one", "two"}


async def test_a_job_nobody_waits_for_is_counted_where_it_fails(state: Database) -> None:
    state.post(lambda c: add(c, "a"))
    state.post(lambda c: c.execute("INSERT INTO nowhere VALUES (1)"))
    state.post(lambda c: add(c, "b"))
    await state.flush()
    assert state.lost == 1
    assert names(state.path) == {"a", "b"}


async def test_a_caller_that_leaves_does_not_stop_the_writer(state: Database) -> None:
    task = asyncio.create_task(state.write(lambda c: time.sleep(0.1) or add(c, "left")))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await state.write(lambda c: add(c, "next"))
    assert {"next"} <= names(state.path)


COUNTER = """
    import sys
    from pathlib import Path
    from groundwork.store.database import Database

    database = Database(Path(sys.argv[1]), schema="state", durable=True)
    for number in range(60):
        database.write_now(lambda c: c.execute("INSERT INTO lineage (child, parent) VALUES (?, 'p')", (f"{sys.argv[2]}-{number}",)) and None)
    database.close()
"""


def test_processes_write_side_by_side_and_make_the_file_together(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.db"
    writers = [python(COUNTER, path, f"w{number}") for number in range(3)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    assert names(path) == {f"w{writer}-{number}" for writer in range(3) for number in range(60)}


def test_migrations_run_once_when_many_try_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    failures: list[BaseException] = []

    def attempt() -> None:
        try:
            migrate(path, "state")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []


def test_a_file_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Database(path, schema="state", durable=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer groundwork") as error:
        Database(path, schema="state", durable=True)
    assert "upgrade" in error.value.fix
    assert path.read_bytes() == before


def test_a_migration_that_breaks_leaves_the_version_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.db"
    real = module._statements

    def broken(script: str) -> Iterator[str]:
        yield next(real(script))
        yield "CREATE NONSENSE"

    monkeypatch.setattr(module, "_statements", broken)
    with pytest.raises(StoreError):
        Database(path, schema="state", durable=True)
    monkeypatch.undo()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    Database(path, schema="state", durable=True).close()


async def test_a_full_queue_is_said_or_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_QUEUE", 3)
    database = Database(tmp_path / "state.db", schema="state", durable=True)
    blocker = threading.Event()
    blocked = asyncio.create_task(database.write(lambda _: blocker.wait(5)))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(database.write(lambda c, i=i: add(c, f"w{i}"))) for i in range(3)]
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded, match="write queue"):
        await database.write(lambda c: add(c, "late"))
    database.post(lambda c: add(c, "later"))
    assert database.lost == 1
    blocker.set()
    await asyncio.gather(blocked, *waiting)
    database.close()
    assert names(database.path) == {"w0", "w1", "w2"}


async def test_closing_writes_what_is_queued_and_refuses_what_comes_after(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", schema="state", durable=True)
    for number in range(50):
        database.post(lambda c, number=number: add(c, f"n{number}"))
    database.close()
    database.close()
    assert len(names(database.path)) == 50
    with pytest.raises(StoreError, match="is closed"):
        await database.write(lambda c: add(c, "x"))
    database.post(lambda c: add(c, "x"))
    assert database.lost == 1


async def test_closing_does_not_hang_on_a_full_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_QUEUE", 2)
    database = Database(tmp_path / "state.db", schema="state", durable=True)
    database.post(lambda _: time.sleep(0.3))
    await asyncio.sleep(0.15)
    for number in range(2):
        database.post(lambda c, number=number: add(c, f"n{number}"))
    closing = asyncio.create_task(asyncio.to_thread(database.close))
    async with asyncio.timeout(5):
        await closing
    assert len(names(database.path)) == 2


async def test_readers_cannot_write_and_do_not_wait_for_the_writer(state: Database) -> None:
    with pytest.raises(StoreError, match="readonly"):
        await state.read(lambda c: add(c, "x"))
    blocker = threading.Event()
    writing = asyncio.create_task(state.write(lambda c: add(c, "slow") or blocker.wait(5)))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(1):
        assert await state.read(lambda c: c.execute("SELECT count(*) FROM lineage").fetchone()[0]) == 0
    blocker.set()
    await writing


async def test_a_file_locked_by_another_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.1)
    database = Database(tmp_path / "state.db", schema="state", durable=True)
    other = connect(database.path, durable=True)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="another process"):
        await database.write(lambda c: add(c, "x"))
    other.execute("ROLLBACK")
    other.close()
    await database.write(lambda c: add(c, "y"))
    database.close()
    assert names(database.path) == {"y"}


def test_what_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"these are notes of mine, not a database" * 100)
    with pytest.raises(StoreError, match="damaged") as error:
        Database(path, schema="state", durable=True)
    assert "backup" in error.value.fix
    assert path.read_bytes().startswith(b"these are notes")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        Database(tmp_path / "file" / "state.db", schema="state", durable=True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database or disk is full", StoreFull),
        ("database is locked", StoreBusy),
        ("file is not a database", StoreError),
        ("no such table: x", StoreError),
    ],
)
def test_errors_say_what_they_mean(text: str, kind: type[StoreError]) -> None:
    error = explain(sqlite3.OperationalError(text), Path("state.db"))
    assert type(error) is kind
    assert error.fix
    assert error.status == 503


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = (
        os.geteuid() == 0
        and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(place)], check=False, capture_output=True).returncode
        == 0
    )
    if not mounted:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_full_disk_loses_only_what_was_not_acknowledged(small_disk: Path) -> None:
    await _fill(
        Database(small_disk / "state.db", schema="state", durable=True),
        StoreFull,
        (small_disk / "ballast").unlink,
        small_disk / "ballast",
    )


async def test_a_write_too_large_for_the_disk_fails_with_those_that_shared_its_transaction(small_disk: Path) -> None:
    database = Database(small_disk / "state.db", schema="state", durable=True)
    await database.write(lambda c: add(c, "before"))

    def large(connection: sqlite3.Connection) -> None:
        for number in range(4_000):
            add(connection, f"n{number:05d}" + "x" * 2_000)

    for _ in range(2):
        with pytest.raises(StoreFull, match="no space left"):
            await database.write(large)
    await database.write(lambda c: add(c, "after"))
    database.close()
    assert names(database.path) == {"before", "after"}


async def _fill(database: Database, kind: type[StoreError], free, ballast: Path | None = None) -> None:
    if ballast is not None:
        ballast.write_bytes(b"x" * 200_000)
    kept: list[str] = []

    async def write_until_full() -> None:
        for number in range(2_000):
            name = f"n{number:05d}" + "x" * 2_000
            await database.write(lambda c, name=name: add(c, name))
            kept.append(name)

    with pytest.raises(kind):
        await write_until_full()
    database.post(lambda c: add(c, "y" * 300_000))
    await database.flush()
    assert database.lost == 1
    assert kept
    free()
    await database.write(lambda c: add(c, "after"))
    database.close()
    assert names(database.path) == {*kept, "after"}
    with sqlite3.connect(database.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


LIMITED = """
    import asyncio, resource, signal, sqlite3, sys
    from pathlib import Path
    from groundwork.core.errors import StoreError
    from groundwork.store.database import Database

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    async def main() -> None:
        database = Database(Path(sys.argv[1]), schema="state", durable=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        number = 0
        try:
            while number < 5_000:
                name = f"n{number}" + "x" * 2_000
                await database.write(lambda c: c.execute("INSERT INTO lineage (child, parent) VALUES (?, 'p')", (name,)) and None)
                number += 1
        except StoreError as error:
            print(number, type(error).__name__, error.fix)
        database.close()

    asyncio.run(main())
"""


def test_a_file_that_may_not_grow_is_an_error_and_stays_whole(tmp_path: Path) -> None:
    writer = python(LIMITED, tmp_path / "state.db")
    said, errors = writer.communicate(timeout=60)
    assert writer.returncode == 0, errors
    count = int(said.split()[0])
    assert 0 < count < 5_000
    assert said.split()[1] in {"StoreError", "StoreFull"}
    assert len(names(tmp_path / "state.db")) == count
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
