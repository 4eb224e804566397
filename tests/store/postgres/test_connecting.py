"""What goes wrong on the way to a server, in words that help and never show a password."""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from groundwork.core.errors import ConfigError, GroundworkError, StoreBusy, StoreError
from groundwork.store.config import Address, index_address
from groundwork.store.index import open_index
from groundwork.store.postgres.index import PostgresIndex, open_postgres
from groundwork.store.postgres.snapshot import PostgresSnapshot
from tests.postgres import Server

SECRET = "hunter2secret"


def refused(attempt: Callable[[], object], kind: type[GroundworkError] = StoreError) -> GroundworkError:
    """The error, after a look at all that anybody might print of it."""
    with pytest.raises(kind) as caught:
        attempt()
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.fix + repr(caught.value.args)
    assert SECRET not in shown
    assert caught.value.fix
    return caught.value


def opened(url: str) -> Callable[[], object]:
    return lambda: open_postgres(Address(url, "somewhere", 5.0, "groundwork.toml:7"))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{SECRET}@host/db",
        f"postgresql:/me:{SECRET}@host",
        f"postgresql://me:{SECRET}@host:port/db",
        f"postgresql://me:{SECRET}@host/db?no_such_option=1",
        f"postgresql://host/db?password={SECRET}&no_such_option=1",
        f"postgresql://me:{SECRET}@[::1/db",
    ],
)
def test_a_malformed_address_is_refused_with_its_line(url: str) -> None:
    error = refused(opened(url), ConfigError)
    assert "groundwork.toml:7" in str(error)
    assert "postgresql://user@host" in error.fix


def test_a_server_that_is_not_there_is_said_to_be_unreachable() -> None:
    error = refused(opened(f"postgresql://me:{SECRET}@127.0.0.1:1/db"))
    assert "127.0.0.1:1 cannot be reached" in error.what
    assert "groundwork.toml:7" in error.what


def test_wrong_passwords_databases_and_users_are_told_apart(postgres: Server) -> None:
    postgres.execute("CREATE ROLE careful LOGIN PASSWORD 'right'")
    access = Path(postgres.running.pgdata) / "pg_hba.conf"
    access.write_text("local all careful scram-sha-256\n" + access.read_text())
    postgres.execute("SELECT pg_reload_conf()")
    error = refused(opened(postgres.as_user("careful", SECRET)))
    assert "refuses the password of 'careful'" in error.what
    assert "refuses the password" in refused(opened(postgres.as_user("careful"))).what
    assert 'role "nobody" does not exist' in refused(opened(postgres.as_user("nobody", SECRET))).what
    assert 'database "nowhere" does not exist' in refused(opened(postgres.url.replace("/postgres?", "/nowhere?"))).what
    psycopg.connect(postgres.as_user("careful", "right")).close()


def test_what_a_database_must_have_is_asked_for(postgres: Server) -> None:
    postgres.execute(
        "CREATE ROLE modest LOGIN", "CREATE DATABASE bare", "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    )

    def at(database: str, user: str = "postgres") -> Callable[[], object]:
        return opened(postgres.as_user(user).replace("/postgres?", f"/{database}?"))

    error = refused(at("bare", "modest"))
    assert "may not install" in error.what
    assert "CREATE EXTENSION vector" in error.fix
    assert "SQL_ASCII" in refused(at("ascii")).what
    postgres.execute("ALTER DATABASE bare SET extension_control_path = '/nowhere'")
    assert "has no pgvector" in refused(at("bare")).what
    postgres.execute("ALTER DATABASE bare RESET extension_control_path")
    with psycopg.connect(postgres.url.replace("/postgres?", "/bare?"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    error = refused(at("bare", "modest"))
    assert "may not make the schema somewhere" in error.what
    assert "CREATE SCHEMA somewhere" in error.fix


def test_an_index_of_a_newer_version_is_left_alone(postgres: Server) -> None:
    address = postgres.fresh()
    open_postgres(address).close()
    postgres.execute(f"INSERT INTO {address.namespace}.migration (number) VALUES (99)")
    error = refused(lambda: open_postgres(address))
    assert "newer groundwork (schema 99" in error.what
    assert "upgrade" in error.fix


def test_a_folder_says_where_its_index_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert index_address(tmp_path) is None
    file = tmp_path / "groundwork.toml"
    file.write_text('[app]\nname = "Kim\'s desk"\n[index]\nurl = "env:GROUNDWORK_TEST_INDEX"\n')
    with pytest.raises(ConfigError, match=r"groundwork.toml:4: .*GROUNDWORK_TEST_INDEX is not set"):
        index_address(tmp_path)
    monkeypatch.setenv("GROUNDWORK_TEST_INDEX", f"postgresql://me:{SECRET}@host/db")
    address = index_address(tmp_path)
    assert address is not None
    assert address.url.endswith("@host/db")
    assert address.namespace.startswith("groundwork_kim_s_desk_")
    assert "***" in repr(address)
    assert SECRET not in repr(address) + str(address)
    file.write_text('[app]\nname = "helpdesk"\n[index]\nurl = "postgresql://host/db"\ntimeout = "3s"\n')
    address = index_address(tmp_path)
    assert address is not None
    assert (address.namespace, address.timeout) == ("groundwork_helpdesk", 3.0)
    file.write_text('[app]\nname = "helpdesk"\n[index]\nnamespace = "no;such"\n')
    with pytest.raises(ConfigError, match="no name of a schema"):
        open_index(tmp_path)


@pytest.fixture
def index(postgres: Server) -> "PostgresIndex":
    made = open_postgres(postgres.fresh(timeout=0.5))
    yield made
    made.close()


def test_a_statement_that_takes_too_long_is_ended(index: PostgresIndex) -> None:
    with pytest.raises(StoreBusy, match=r"within 0\.5 s"):
        index.read_now(lambda snapshot: snapshot.rows("SELECT pg_sleep(30)"))
    assert index.generation() == ""


def cut(how: Callable[[int], None], *, times: int) -> tuple[list[int], Callable[[PostgresSnapshot], str]]:
    """A piece of work whose connection is struck in its midst, so many times."""
    seen: list[int] = []

    def work(snapshot: PostgresSnapshot) -> str:
        ((backend,),) = snapshot.rows("SELECT pg_backend_pid()")
        seen.append(backend)
        if len(seen) <= times:
            how(backend)
        return snapshot.state()

    return seen, work


def test_a_search_whose_connection_is_cut_is_begun_again_once(index: PostgresIndex, postgres: Server) -> None:
    def end(backend: int) -> None:
        postgres.execute(f"SELECT pg_terminate_backend({backend}, 5000)")

    seen, work = cut(end, times=1)
    assert index.read_now(work) == ":0"
    assert len(set(seen)) == 2
    seen, work = cut(end, times=2)
    with pytest.raises(StoreError, match="connection to PostgreSQL broke"):
        index.read_now(work)
    assert len(seen) == 2
    assert index.generation() == ""


def test_a_server_that_hangs_is_not_waited_for_for_ever(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.store.postgres.connecting._GRACE_SECONDS", 0.2)
    index = open_postgres(postgres.fresh(timeout=0.5))
    seen, work = cut(lambda backend: os.kill(backend, signal.SIGSTOP), times=1)
    try:
        assert index.read_now(work) == ":0", "on another connection"
    finally:
        os.kill(seen[0], signal.SIGCONT)
        index.close()
    assert len(set(seen)) == 2


def test_long_work_of_short_statements_is_let_alone(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.store.postgres.connecting._GRACE_SECONDS", 0.2)
    index = open_postgres(postgres.fresh(timeout=0.5))
    assert index.read_now(lambda snapshot: [len(snapshot.rows("SELECT pg_sleep(0.2)")) for _ in range(8)]) == [1] * 8
    index.close()


def test_without_the_driver_the_error_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "groundwork.toml").write_text('[app]\nname = "desk"\n[index]\nurl = "postgresql://host/db"\n')
    program = """
import sys
from pathlib import Path
sys.modules["psycopg"] = None
from groundwork.core.errors import ConfigError
from groundwork.store.index import open_index
try:
    open_index(Path(sys.argv[1]))
except ConfigError as error:
    print(error, "|", error.fix)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "`psycopg` is not installed, which speaks to PostgreSQL | pip install 'groundwork-ai[postgres]'\n"
