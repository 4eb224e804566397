"""The schema of the index on a server: made and brought forward by numbered scripts, each once, in one transaction. Several processes may try."""

from importlib import resources

import psycopg
from psycopg import errors, sql

from groundwork.core.errors import StoreError
from groundwork.store.config import Address
from groundwork.store.postgres.connecting import Connection, connect, explain, home

_LEAST = (0, 8)
"""The version of pgvector that searches on behind a filter."""


def migrate(address: Address) -> None:
    """Make the schema, or bring it forward. Raises StoreError where the server or its user cannot, and where a newer groundwork has been there."""
    connection = connect(address, statements=0)
    try:
        _check_encoding(connection)
        _install(connection)
        scripts = _scripts()
        version = _version(connection, address.namespace)
        if version > len(scripts):
            raise StoreError(
                f"the index in schema {address.namespace} was written by a newer groundwork (schema {version}, this one knows {len(scripts)})",
                fix="upgrade groundwork-ai",
            )
        if version < len(scripts):
            _bring(connection, address, scripts)
    except psycopg.Error as error:
        raise explain(error, address) from None
    finally:
        connection.close()


def _check_encoding(connection: Connection) -> None:
    row = connection.execute("SHOW server_encoding").fetchone()
    if row is None or row[0] != "UTF8":
        raise StoreError(
            f"the database keeps texts as {row[0] if row else '?'}, which does not hold every text",
            fix="make it with `createdb --encoding UTF8 --template template0 NAME`",
        )


def _install(connection: Connection) -> None:
    """pgvector, installed where it is not yet and this user may."""
    fix = "let a superuser run `CREATE EXTENSION vector` in this database once"
    row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    if row is None:
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        except errors.InsufficientPrivilege:
            raise StoreError("pgvector is not installed in the database, and this user may not install it", fix=fix) from None
        except (errors.FeatureNotSupported, errors.UndefinedFile):
            raise StoreError(
                "the server has no pgvector", fix="install it on the server's machine: https://github.com/pgvector/pgvector#installation"
            ) from None
        except errors.UniqueViolation:  # another process was quicker
            pass
        row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    version = str(row[0]) if row else ""
    if tuple(int(part) for part in version.split(".")[:2]) < _LEAST:
        raise StoreError(
            f"the database has pgvector {version}, and 0.8 is needed", fix="install pgvector 0.8 and run `ALTER EXTENSION vector UPDATE`"
        )


def _scripts() -> list[str]:
    folder = resources.files("groundwork.store.postgres").joinpath("migrations")
    return [entry.read_text(encoding="utf-8") for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)]


def _version(connection: Connection, namespace: str) -> int:
    """How many scripts have run in the schema."""
    found = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = 'migration'", (namespace,)
    ).fetchone()
    if found is None:
        return 0
    row = connection.execute(sql.SQL("SELECT coalesce(max(number), 0) FROM {}.migration").format(sql.Identifier(namespace))).fetchone()
    return int(row[0]) if row else 0


def _bring(connection: Connection, address: Address, scripts: list[str]) -> None:
    name = sql.Identifier(address.namespace)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (f"groundwork migration {address.namespace}",))
        try:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
        except errors.InsufficientPrivilege:
            raise StoreError(
                f"this user may not make the schema {address.namespace}",
                fix=f"let the database's owner run `CREATE SCHEMA {address.namespace} AUTHORIZATION USER`",
            ) from None
        connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {}.migration (number integer PRIMARY KEY, ran timestamptz NOT NULL DEFAULT now())").format(
                name
            )
        )
        connection.execute(sql.SQL("SET LOCAL search_path = {}, {}").format(name, sql.Identifier(home(connection))))
        for number, script in enumerate(scripts, start=1):
            if number > _version(connection, address.namespace):
                connection.execute(script.encode())  # ours, and without bound values: several statements in one text
                connection.execute("INSERT INTO migration (number) VALUES (%s)", (number,))
