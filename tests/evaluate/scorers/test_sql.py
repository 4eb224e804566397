import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from groundwork.evaluate.registry import Unparseable
from groundwork.evaluate.scorers.sql import extract, is_ordered, same_rows
from tests.evaluate.scorers.asking import ask

SETUP = """CREATE TABLE sale (id INTEGER PRIMARY KEY, item TEXT, price REAL);
INSERT INTO sale (item, price) VALUES ('tea', 2.5), ('coffee', 3.0), ('tea', 2.5), ('cake', NULL);"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SETUP)
    return path


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("SELECT item FROM sale", "SELECT item FROM sale ORDER BY id", 1),
        ("SELECT item FROM sale ORDER BY id DESC", "SELECT item FROM sale ORDER BY id", 0),
        ("SELECT item FROM sale ORDER BY price", "SELECT item FROM sale", 1),
        ("SELECT DISTINCT item FROM sale", "SELECT item FROM sale", 0),
        ("SELECT sum(price) FROM sale", "SELECT 8", 1),
        ("SELECT 0.1 + 0.2", "SELECT 0.3", 1),
        ("SELECT NULL", "SELECT price FROM sale WHERE item = 'cake'", 1),
        ("SELECT 0", "SELECT NULL", 0),
        ("SELECT item, price FROM sale", "SELECT price, item FROM sale", 0),
        ("```sql\nSELECT count(*) FROM sale;\n```", "SELECT 4", 1),
        ("The query is:\nSELECT count(*) FROM sale;\nIt counts.", "SELECT 4", 1),
        ("WITH t AS (SELECT 4 AS n) SELECT n FROM t", "SELECT 4", 1),
    ],
)
async def test_statements_are_compared_by_their_rows(answer: str, reference: str, value: float) -> None:
    assert (await ask("sql", answer, sql=reference, setup=SETUP)).value == value


@pytest.mark.parametrize(
    "statement",
    [
        "WITH t AS (SELECT 1) DELETE FROM sale",
        "SELECT 1; DROP TABLE sale",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM nowhere",
        "SELECT zeroblob(1000000000)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    ],
)
async def test_a_statement_that_fails_writes_or_never_ends_is_wrong_and_leaves_the_database_as_it_was(shop: Path, statement: str) -> None:
    before = shop.read_bytes()
    found = await ask("sql", statement, sql="SELECT 1", database=str(shop), settings={"seconds": 0.5, "rows": 1000})
    assert found.value == 0, found
    assert found.detail
    assert shop.read_bytes() == before


@pytest.mark.parametrize("statement", ["ATTACH DATABASE 'x.db' AS x", "DELETE FROM sale", "PRAGMA user_version", "I do not know.", ""])
async def test_an_answer_that_is_no_query_is_unparseable(statement: str) -> None:
    assert (await ask("sql", statement, sql="SELECT 1", setup=SETUP)).status == "unparseable"


@pytest.mark.parametrize(
    "expected",
    [
        {"sql": "SELECT 1"},
        {"sql": "SELECT nothing FROM nowhere", "setup": SETUP},
        {"sql": "DROP TABLE sale", "setup": SETUP},
        {"sql": "SELECT 1", "database": "no/such.db"},
        {"sql": "SELECT 1", "setup": "CREATE TABLE"},
        {"sql": 5, "setup": SETUP},
    ],
)
async def test_a_case_that_cannot_be_run_is_at_fault(expected: dict[str, Any]) -> None:
    found = await ask("sql", "SELECT 1", **expected)
    assert (found.status, found.value) == ("error", None)


async def test_a_file_that_is_no_database_is_the_cases_fault(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello " * 1000)
    assert (await ask("sql", "SELECT 1", sql="SELECT 1", settings={"database": str(tmp_path / "text.db")})).status == "error"


def test_only_the_outermost_order_counts() -> None:
    assert is_ordered("SELECT a FROM t\norder  by a")
    assert not is_ordered("SELECT a FROM (SELECT a FROM t ORDER BY a) WHERE b = 'order by' -- order by")


def test_rows_are_a_multiset_with_roundings_aside() -> None:
    assert same_rows([(1, "a"), (2.0000001, None)], [(2, None), (1.0, "a")], ordered=False, tolerance=1e-6)
    assert not same_rows([(1,), (1,), (2,)], [(1,), (2,), (2,)], ordered=False, tolerance=1e-6)
    assert not same_rows([("1",)], [(1,)], ordered=False, tolerance=1e-6)


def test_two_queries_are_one_too_many() -> None:
    assert isinstance(extract("```sql\nSELECT 1\n```\nor\n```sql\nSELECT 2\n```"), Unparseable)
