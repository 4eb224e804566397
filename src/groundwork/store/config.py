"""The section `[index]`: where the index stands.

[index]
url = "env:GROUNDWORK_INDEX_URL"        # or "postgresql://user@host/database"; left out: SQLite in .groundwork/index/
"""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundwork.core.config import Section, Written, decode_at, read_toml, reveal
from groundwork.core.errors import ConfigError
from groundwork.core.units import Duration, SecretURL, without_password

_FILE = "groundwork.toml"
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SCHEMES = {"postgresql", "postgres"}


class IndexSection(Section, frozen=True, kw_only=True):
    """Where documents, chunks and vectors are kept. Left out: in the application's folder."""

    url: SecretURL | None = None
    """A PostgreSQL database with pgvector; written out, or `env:NAME` for the variable that holds it."""
    namespace: str | None = None
    """The schema of the database that this application's tables stand in. Left out: `groundwork_` and the application's name."""
    timeout: Duration = Duration(30.0, "30s")
    """How long one statement of a search may take, and how long the server may be silent."""

    def __post_init__(self) -> None:
        if self.namespace is not None and not _NAMESPACE.fullmatch(self.namespace):
            raise ValueError(f"namespace = {self.namespace!r} is no name of a schema: use small letters, digits and _")


@dataclass(frozen=True, slots=True)
class Address:
    """Where an index stands on a server. Its text never shows the password."""

    url: str
    namespace: str
    timeout: float = 30.0
    """Seconds."""
    where: str = ""
    """`file:line` of what said so, for errors."""

    def of(self, collection: str) -> "Address":
        """Where a collection with a name stands: in a schema of its own beside this one."""
        name = f"{self.namespace}__{collection}"
        if not _NAMESPACE.fullmatch(name):
            name = f"{self.namespace[:40]}__{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        return replace(self, namespace=name)

    def __repr__(self) -> str:
        return f"Address({self})"

    def __str__(self) -> str:
        return f"{without_password(self.url)}, schema {self.namespace}"


def index_address(root: Path) -> Address | None:
    """The server that the application in a folder keeps its index on; None where it keeps it in the folder. Raises ConfigError."""
    if not (root / _FILE).is_file():
        return None
    written = read_toml(root / _FILE, name=_FILE)
    section = decode_at(written, IndexSection, ("index",))
    app: Any = written.table.get("app")
    name: Any = app.get("name") if isinstance(app, dict) else ""
    return address_of(section, str(name), written)


def address_of(section: IndexSection, app: str, written: Written) -> Address | None:
    """The address that a section names, for an application of this name. Raises ConfigError for an unset variable and a malformed URL."""
    if section.url is None:
        return None
    where = written.where(("index", "url"))
    url = section.url.text or reveal(section.url, where)
    check_url(url, where)
    return Address(url, section.namespace or namespace_of(app), section.timeout.seconds, where)


def check_url(url: str, where: str = "") -> None:
    """Refuse what is no URL of PostgreSQL. Raises ConfigError, which shows no password."""
    fix = "write it like postgresql://user@host:5432/database; characters like / and @ in a password are written %2F and %40"
    try:
        parts = urlsplit(url)
        right = parts.scheme in _SCHEMES and "://" in url
        _ = parts.port
    except ValueError:
        right = False
    if not right:
        raise ConfigError(f"`index.url` is no address of PostgreSQL: {without_password(url)!r}", where=where, fix=fix)


def namespace_of(app: str) -> str:
    """The schema for an application's name: the name itself where it can be one, else with a hash, so that no two names share one."""
    plain = re.sub(r"[^a-z0-9_]+", "_", app.lower())[:40].strip("_")
    return f"groundwork_{plain}" if plain == app else f"groundwork_{plain}_{hashlib.sha256(app.encode()).hexdigest()[:8]}"
