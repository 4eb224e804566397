"""What `find --explain` and `--why-not` say is what the search did."""

from typing import Any

import pytest

from groundwork.context.absence import Absence, why_not
from groundwork.context.config import AllowSection, BoostSection, ContextSection, PermissionsSection, RetrieveSection
from groundwork.context.explaining import Explanation, explain
from groundwork.core.access import Scope, readers_of
from groundwork.core.errors import NotFound
from groundwork.core.request import Principal
from tests.context.folder import Application
from tests.postgres import address  # noqa: F401  everything here runs on both stores

RULES = PermissionsSection(rules=(AllowSection(match="docs/hr/**", allow=("group:hr",)),), otherwise=("everyone",))
OPERATOR = Scope(operator=True)
BOB = readers_of(Principal(user="bob"))
TWIN = "The archive keeps every backup for ninety days and then deletes it for good in the night."


@pytest.fixture
def archive(application: Application) -> Application:
    application.write("docs/best.md", f"# Archive\n\n{TWIN}")
    application.write("docs/twin.md", f"# Archive\n\n{TWIN} Indeed.")
    application.write("docs/hr/pay.md", "# Pay\n\nThe archive of every salary.")
    application.write("docs/old.md", "---\nyear: 1999\n---\n# Old\n\nAn archive of old tapes, and much more on tapes that are old.")
    application.write("docs/far.md", "# Far\n\nNothing to do with it at all.")
    application.write("docs/empty.md", "---\ntitle: nothing\n---\n")
    application.index(permissions=RULES)
    application.write("docs/new.md", "# New\n\nNobody has indexed the archive of this.")
    return application


def section(**retrieve: Any) -> ContextSection:
    return ContextSection(sources=("docs/**/*",), permissions=RULES, retrieve=RetrieveSection(**retrieve))


async def explained(archive: Application, scope: Scope, *, keep: int = 2, **retrieve: Any) -> Explanation:
    search = archive.search(permissions=RULES, retrieve=RetrieveSection(**retrieve))
    found = await search.find("archive backup", keep=keep, scope=scope)
    told = await explain(search, archive.store, "archive backup", keep=keep, scope=scope)
    hits = [one for one in told.candidates if one.place]
    assert [(one.chunk, one.place) for one in hits] == [(hit.chunk.id, place) for place, hit in enumerate(found.hits, start=1)]
    for one, hit in zip(hits, found.hits, strict=True):
        assert {name: place.rank for name, place in one.lists.items()} == hit.ranks
        assert (one.boosted or one.fused).score == hit.score
    return told


async def test_every_stage_has_its_ranks_and_scores(archive: Application) -> None:
    told = await explained(archive, Scope(operator=True), boost=(BoostSection(where="year = 1999", by=5),), duplicates=0.6)
    rows = {one.source: one for one in told.candidates}
    assert rows["docs/old.md"].factor == 5
    assert rows["docs/old.md"].place == 1
    assert rows["docs/old.md"].boosted is not None
    assert rows["docs/old.md"].fused.rank > rows["docs/old.md"].boosted.rank == 1
    assert rows["docs/best.md"].duplicate_of == ""
    assert rows["docs/twin.md"].duplicate_of.startswith("docs/best.md (ch_")
    assert rows["docs/twin.md"].place is None
    assert rows["docs/far.md"].lists.keys() == {"dense"}
    assert told.sizes == {"terms": 4, "dense": 5}
    assert (told.fuse, told.keep, told.asked) == ("rrf", 2, "archive backup")


async def test_what_was_never_looked_at_is_counted(archive: Application) -> None:
    told = await explained(archive, Scope(where="not year = 1999", readers=BOB))
    looked = told.looked
    assert (looked.documents, looked.forbidden, looked.filtered, looked.searched, looked.chunks) == (5, 1, 1, 3, 3)
    assert {one.source for one in told.candidates} == {"docs/best.md", "docs/twin.md", "docs/far.md"}


async def lost(archive: Application, named: str, scope: Scope = OPERATOR, query: str = "archive backup", **retrieve: Any) -> Absence:
    search = archive.search(permissions=RULES, retrieve=RetrieveSection(**retrieve))
    return await why_not(search, archive.store, section(**retrieve), archive.root, named, query, keep=2, scope=scope)


@pytest.mark.parametrize(
    ("named", "more", "stage", "says"),
    [
        ("docs/best.md", {}, "found", "number 1 of 2 hits"),
        ("docs/new.md", {}, "not_indexed", "has not seen it"),
        ("docs/empty.md", {}, "skipped", "holds no text"),
        ("docs/hr/pay.md", {"scope": Scope(readers=BOB)}, "forbidden", "it is for group:local/hr, and this search is for everyone"),
        ("docs/old.md", {"scope": Scope(where="year > 2000", operator=True)}, "filtered", "it has year = 1999"),
        ("docs/far.md", {"scope": Scope(where="year != 1999 and year > 1", operator=True)}, "filtered", "it has no `year`"),
        ("docs/far.md", {"fuse": "terms"}, "lists", "no word of the query is in it"),
        ("docs/far.md", {"fuse": "dense", "dense": 1}, "lists", "by meaning, and the list takes 1"),
        ("docs/old.md", {"terms": 1, "dense": 1}, "lists", "by terms, and the list takes 1"),
        ("docs/old.md", {}, "fusion", "lost in fusion at rank"),
        ("docs/twin.md", {"duplicates": 0.6}, "duplicate", "nearly the same as docs/best.md (ch_"),
        ("docs/best.md", {"query": " "}, "lists", "the query is empty"),
    ],
)
async def test_a_missing_document_was_lost_at_one_stage(
    archive: Application, named: str, more: dict[str, Any], stage: str, says: str
) -> None:
    found = await lost(archive, named, **more)
    assert (found.source, found.stage) == (named, stage)
    assert says in found.reason


async def test_a_document_may_be_named_by_its_end_or_its_id(archive: Application) -> None:
    assert (await lost(archive, "pay.md")).source == "docs/hr/pay.md"
    assert (await lost(archive, "./docs/old.md")).source == "docs/old.md"
    entry = next(entry for entry in archive.store.documents() if entry.source == "docs/old.md")
    assert (await lost(archive, entry.id)).source == "docs/old.md"
    with pytest.raises(NotFound) as error:
        await lost(archive, "docs/odl.md")
    assert error.value.fix == "did you mean `docs/old.md`?"


async def test_what_variety_pushed_out_is_said(archive: Application) -> None:
    found = await lost(archive, "docs/twin.md", fuse="terms", diversity=1.0)
    assert found.stage == "fusion"
    assert "less alike took its place" in found.reason
