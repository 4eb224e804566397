"""The helpdesk's one tool: look into the ticket database, read only. The database itself is made by `data/make_tickets.py`."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

DATABASE = Path(__file__).resolve().parent.parent / "data" / "tickets.db"
MOST_TICKETS = 20


def find_tickets(
    status: Literal["open", "closed", "any"] = "any",
    component: str | None = None,
    version: str | None = None,
    limit: int = 10,
) -> dict[str, Any]:
    """Find helpdesk tickets, newest first, and count all that match.

    Args:
        status: Which tickets to look at: "open", "closed" or "any".
        component: Only tickets about this part of SQLite, such as "wal", "fts5", "json" or "shell".
        version: Only tickets about this SQLite release, such as "3.39.4".
        limit: How many tickets to list, from 1 to 20; the count always covers all that match.

    Returns:
        `count`, how many tickets match, and `tickets`, up to `limit` of them, each with its id, title, product_version, status,
        opened (a date) and component.

    Raises:
        ValueError: An argument is none of the values that it may have; the message names them.
    """
    if status not in {"open", "closed", "any"}:
        raise ValueError(f'status is {status!r}: expected "open", "closed" or "any"')
    if version is not None and not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"version is {version!r}: expected three numbers, such as 3.40.1")
    if not 1 <= limit <= MOST_TICKETS:
        raise ValueError(f"limit is {limit}: expected a number from 1 to {MOST_TICKETS}")
    wanted = {"status": None if status == "any" else status, "component": component, "version": version, "limit": limit}
    with closing(sqlite3.connect(f"{DATABASE.as_uri()}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        if component is not None:
            _check_component(database, component)
        (count,) = database.execute(f"SELECT count(*) {_MATCHING}", wanted).fetchone()
        rows = database.execute(f"SELECT * {_MATCHING} ORDER BY opened DESC, id DESC LIMIT :limit", wanted)
        return {"count": count, "tickets": [dict(row) for row in rows]}


_MATCHING = """
    FROM tickets
    WHERE (:status IS NULL OR status = :status)
      AND (:component IS NULL OR component = :component)
      AND (:version IS NULL OR product_version = :version)
"""


def _check_component(database: sqlite3.Connection, component: str) -> None:
    known = [row["component"] for row in database.execute("SELECT DISTINCT component FROM tickets ORDER BY component")]
    if component not in known:
        raise ValueError(f"component is {component!r}: expected one of {', '.join(known)}")
