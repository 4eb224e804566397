"""The same documents in both indexes: lists, scores and hits are the same, on real pages and real questions."""

import contextlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.context.config import AllowSection, BoostSection, MetadataSection, PermissionsSection, RecencySection, RetrieveSection
from groundwork.context.search import EVERY
from groundwork.core.access import Scope
from groundwork.core.units import Duration
from tests.context.folder import Application
from tests.postgres import Server

SAMPLE = Path(__file__).parents[2] / "examples" / "sqlite-helpdesk"
RULES = PermissionsSection(
    rules=(
        AllowSection(match="docs/**", allow=("everyone", "user:boss")),
        AllowSection(match="docs/*[a-l]*", allow=("user:boss", "group:hr")),
    )
)
METADATA = (
    MetadataSection(match="docs/**", values={"year": 2020, "date": "2020-01-31"}),
    MetadataSection(match="docs/*w*", values={"year": 2024, "date": "2024-05-31", "tags": ("x", "y")}),
)
SECTION = {"sources": ("docs/*.html",), "permissions": RULES, "metadata": METADATA}
ODD = ["", "?", "page_size", "page_size page_size pages paged", "sqlite3_open_v2()", "write-ahead log", "the of and", "ORA-00942 the-the", "PRAGMA wal_checkpoint(FULL);", "漢字", "é É e", "x" * 300, "a_b_c_d_e_f_g " * 30, "no_such_thing_here"]  # fmt: skip


@pytest.fixture(scope="module")
def both(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Application, Application]]:
    root = tmp_path_factory.mktemp("both")
    shutil.copytree(SAMPLE / "docs", root / "docs")
    here, there = Application(root), Application(root, postgres.fresh())
    with contextlib.closing(here.store), contextlib.closing(there.store):
        reports = [one.index(**SECTION) for one in (here, there)]
        assert reports[0].generation == reports[1].generation
        assert reports[0].embedded == reports[1].embedded > 500
        yield here, there


def questions() -> list[str]:
    rows = [json.loads(line) for file in sorted((SAMPLE / "suites").glob("*.jsonl")) for line in file.read_text().splitlines()]
    return [row["question"] for row in rows]


@pytest.mark.parametrize("depth", [0, EVERY])
@pytest.mark.parametrize(
    "scope",
    [
        Scope(operator=True),
        Scope(),
        Scope(readers=("everyone", "user:local/boss")),
        Scope(operator=True, where='year = 2024 or not tags = "y"'),
        Scope(readers=("user:local/boss",), where='source ~ "docs/*w*" and date > 2021-01-01'),
    ],
)
async def test_lists_are_the_same_to_the_last_digit(both: tuple[Application, Application], scope: Scope, depth: int) -> None:
    searches = [one.search(**SECTION) for one in both]
    for query in [*random.Random(1).sample(questions(), 25 if depth else 50), *ODD]:
        here, there = [await search.trail(query, keep=6, scope=scope, depth=depth) for search in searches]
        assert there.generation == here.generation
        assert there.lists.keys() == here.lists.keys()
        if not query:
            continue
        assert there.lists == here.lists, query
        assert there.cosines == here.cosines
        assert there.found() == here.found()


@pytest.mark.parametrize(
    "retrieve",
    [
        RetrieveSection(fuse="weighted", duplicates=0.6, diversity=0.4),
        RetrieveSection(around=2_000, keep=4),
        RetrieveSection(fuse="terms-then-dense", recency=RecencySection(half_life=Duration(86_400.0 * 30, "30d"))),
        RetrieveSection(boost=(BoostSection(where="year = 2024", by=3.0),), where="year > 2000"),
    ],
)
async def test_what_is_preferred_is_the_same(both: tuple[Application, Application], retrieve: RetrieveSection) -> None:
    searches = [one.search(**SECTION, retrieve=retrieve) for one in both]
    for query in random.Random(2).sample(questions(), 15):
        here, there = [await search.trail(query, keep=6, scope=Scope(operator=True)) for search in searches]
        assert (there.found(), there.duplicates, there.parts, there.factors) == (here.found(), here.duplicates, here.parts, here.factors)
