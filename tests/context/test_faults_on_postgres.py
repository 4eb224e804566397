"""Indexing and searching while the server goes away and comes back."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.core.errors import StoreError
from tests.context.folder import Application
from tests.postgres import Server


@pytest.fixture
def application(tmp_path: Path, postgres: Server) -> Iterator[Application]:
    made = Application(tmp_path, postgres.fresh())
    for number in range(12):
        made.write(f"docs/{number}.md", f"# Number {number}\n\nThe secret of {number} is {number * 7}.\n\n## More\n\nAnd more.")
    yield made
    made.store.close()


async def test_a_restart_between_two_searches_is_not_noticed(application: Application, postgres: Server) -> None:
    application.index()
    search = application.search()
    before = await search.find("the secret of 7", keep=3)
    postgres.restart()
    assert await search.find("the secret of 7", keep=3) == before
    postgres.running.stop()
    with pytest.raises(StoreError, match="cannot be reached"):
        await search.find("the secret of 7", keep=3)
    postgres.running.start()
    assert await search.find("the secret of 7", keep=3) == before
    application.write("docs/13.md", "# New\n\nThe secret of 13.")
    assert application.index().added == 1, "the indexer finds a new connection too"


def test_a_run_whose_connection_is_cut_says_so_and_the_next_one_completes_it(application: Application, postgres: Server) -> None:
    encode, done = application.encoder.encode, []

    def strike(texts: object) -> object:
        done.append(texts)
        if len(done) == 7:
            postgres.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")  # the session that indexes
        return encode(texts)  # type: ignore[arg-type]

    application.encoder.encode = strike  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreError, match="connection to PostgreSQL broke"):
        application.index()
    assert [entry.chunks for entry in application.store.documents()] == [2] * 6
    report = application.index()
    assert (report.added, report.unchanged) == (6, 6)
    fresh = Application(application.root / "fresh")
    (application.root / "docs").rename(fresh.root / "docs")
    assert fresh.index().generation == report.generation
    fresh.store.close()


def test_two_servers_index_one_application_and_one_of_them_is_refused(application: Application, tmp_path: Path) -> None:
    other = Application(tmp_path / "another machine", application.address)
    said: list[str] = []

    def run(one: Application) -> None:
        for _ in range(5):
            try:
                one.index()
            except StoreError as error:
                said.append(error.what)

    for number in range(12):
        other.write(f"docs/{number}.md", (tmp_path / f"docs/{number}.md").read_text())
    threads = [threading.Thread(target=run, args=(one,)) for one in (application, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.store.close()
    assert set(said) <= {"another process is indexing here"}
    assert [entry.chunks for entry in application.store.documents()] == [2] * 12


def test_applications_share_a_database_and_nothing_else(application: Application, tmp_path: Path, postgres: Server) -> None:
    application.index()
    other = Application(tmp_path / "other", postgres.fresh())
    other.write("docs/a.md", "# Other\n\nSomething else.")
    other.index()
    assert len(other.store.documents()) == 1
    assert len(application.store.documents()) == 12
    assert application.address is not None
    postgres.execute(f"DROP SCHEMA {application.address.namespace} CASCADE")
    with pytest.raises(StoreError, match="not in schema"):
        application.store.documents()
    assert len(other.store.documents()) == 1
    other.store.close()
    import psycopg

    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'groundwork' AND state != 'idle'"
        ).fetchone()
    assert rows == (0,)
