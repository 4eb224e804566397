"""SQL by execution: the answer's statement and the reference, run on the same SQLite database, give the same rows.

Neither can write, attach a file or read a setting: an authorizer refuses all but reading, the database is opened read-only, and steps, rows,
sizes and seconds are limited. Not covered: other databases, and statements that agree on this database by chance (try a second one).
Source of the measure: execution accuracy, Yu et al., "Spider", EMNLP 2018.
"""

import asyncio
import math
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from groundwork.core.errors import InputError
from groundwork.core.text import shorten
from groundwork.evaluate.registry import Answered, Graded, Unparseable, scorer

_FENCE = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)```", re.DOTALL)
_STATEMENT = re.compile(r"\b(?:SELECT|WITH|VALUES)\b.*", re.DOTALL | re.IGNORECASE)
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_FORBIDDEN = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_LARGEST_VALUE = 1_000_000
_STEPS = 10_000
"""Of SQLite's machine between two looks at the clock."""

Rows = list[tuple[Any, ...]]


class Limits(NamedTuple):
    """What a statement may take."""

    seconds: float
    rows: int


class Failed(NamedTuple):
    """Why a statement gave no rows."""

    reason: str


@scorer("sql", better="higher", needs="sql")
async def sql(
    answered: Answered, *, database: str = "", tolerance: float = 1e-6, seconds: float = 5.0, rows: int = 100_000
) -> Graded | Unparseable:
    """1 where the answer's SQL gives the rows that `expected.sql` gives, else 0; their order counts where the reference orders them.

    The SQLite file is `expected.database`, else the setting, from the application's folder; or `expected.setup`, statements that build one in
    memory. Column names do not count, their order does. A statement that fails, or asks for more than reading, is wrong.
    """
    expected = answered.example.expected
    statement = extract(answered.reply.text)
    if isinstance(statement, Unparseable):
        return statement
    source, setup = expected.get("database", database), expected.get("setup", "")
    if not all(isinstance(text, str) for text in (expected["sql"], source, setup)) or not (source or setup):
        raise InputError(
            "the case names no database", fix='write {"sql": "SELECT …", "database": "shop.db"}, or "setup" with its statements'
        )
    return await asyncio.to_thread(_compare, statement, expected["sql"], source, setup, tolerance, Limits(seconds, rows))


def extract(text: str) -> str | Unparseable:
    """The one statement of an answer: in its fence, or from its first SELECT, WITH or VALUES on."""
    fences = [(match[1].casefold(), match[2].strip()) for match in _FENCE.finditer(text)]
    named = [body for language, body in fences if language in {"sql", "sqlite"}] or [
        body for language, body in fences if not language and _STATEMENT.match(body)
    ]
    if len(set(named)) > 1:
        return Unparseable(f"{len(named)} pieces of SQL where one was to be given")
    if named:
        return named[0]
    found = _STATEMENT.search(text)
    if found is None or (text[: found.start()].strip() and ";" not in found.group() and "\n" not in text[: found.start()]):
        return Unparseable("no SQL statement")
    return found.group().partition(";")[0].strip() if text[: found.start()].strip() else found.group().strip()


def is_ordered(statement: str) -> bool:
    """Whether the outermost query orders its rows."""
    plain = _QUOTED.sub(" ", statement)
    while (shorter := re.sub(r"\([^()]*\)", " ", plain)) != plain:
        plain = shorter
    return re.search(r"\border\s+by\b", plain, re.IGNORECASE) is not None


def same_rows(said: Rows, wanted: Rows, *, ordered: bool, tolerance: float) -> bool:
    """Whether two results hold the same rows, as often; numbers within the relative tolerance, 3 and 3.0 alike."""
    if len(said) != len(wanted):
        return False
    if not ordered:
        said, wanted = sorted(said, key=_rank), sorted(wanted, key=_rank)
    return all(_same_row(one, other, tolerance) for one, other in zip(said, wanted, strict=True))


def _compare(statement: str, reference: str, source: str, setup: str, tolerance: float, limits: Limits) -> Graded:
    with closing(_open(source, setup)) as connection:
        wanted = run(connection, reference, limits)
        if isinstance(wanted, Failed):
            raise InputError(f"the reference SQL fails: {wanted.reason}", fix="correct `expected.sql`")
        said = run(connection, statement, limits)
    if isinstance(said, Failed):
        return Graded(0.0, said.reason, {"sql": statement})
    equal = same_rows(said, wanted, ordered=is_ordered(reference), tolerance=tolerance)
    return Graded(float(equal), "" if equal else f"{len(said)} rows, not the {len(wanted)} expected", {"sql": statement})


def _open(source: str, setup: str) -> sqlite3.Connection:
    """The database, ready to be read. Raises InputError where it is not there or not one."""
    if source and not Path(source).is_file():
        raise InputError(f"there is no database {source}", fix="name the SQLite file by its path from the application's folder")
    connection = sqlite3.connect(
        f"{Path(source).resolve().as_uri()}?mode=ro" if source else ":memory:", uri=bool(source), check_same_thread=False
    )
    try:
        if not source:
            connection.executescript(setup)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise InputError(f"the database cannot be opened: {error}", fix="check `expected.database` or `expected.setup`") from None
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = _decode
    connection.set_authorizer(_authorize)
    return connection


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def run(connection: sqlite3.Connection, statement: str, limits: Limits) -> Rows | Failed:
    """The rows of one statement, or why there are none."""
    until = time.monotonic() + limits.seconds
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        rows: Rows = connection.execute(statement).fetchmany(limits.rows + 1)
    except (sqlite3.Error, sqlite3.Warning) as error:  # a second statement is a Warning in Python 3.11
        late = time.monotonic() > until
        return Failed(f"no rows within {limits.seconds:g} s" if late else f"the SQL fails: {shorten(str(error), 200)}")
    finally:
        connection.set_progress_handler(None, 0)
    return Failed(f"more than {limits.rows} rows") if len(rows) > limits.rows else rows


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
    """SQLite asks before every action: reading and functions that only compute are allowed."""
    is_function = action == sqlite3.SQLITE_FUNCTION and (second or first or "").casefold() not in _FORBIDDEN
    return sqlite3.SQLITE_OK if action in _ALLOWED or is_function else sqlite3.SQLITE_DENY


def _rank(row: Sequence[Any]) -> list[tuple[int, Any]]:
    """An order over rows of mixed values, in which numbers that differ by a rounding stand together."""
    return [_rank_value(value) for value in row]


def _rank_value(value: Any) -> tuple[int, Any]:
    match value:
        case None:
            return 0, 0
        case int() | float():
            return 1, float(f"{value:.6g}")
        case bytes():
            return 2, value
        case _:
            return 3, str(value)


def _same_row(one: Sequence[Any], other: Sequence[Any], tolerance: float) -> bool:
    return len(one) == len(other) and all(_same(left, right, tolerance) for left, right in zip(one, other, strict=True))


def _same(left: Any, right: Any, tolerance: float) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right or math.isclose(left, right, rel_tol=tolerance, abs_tol=1e-12)
    return type(left) is type(right) and left == right
