"""Filters and permissions hold inside the search: nobody finds, counts or guesses what is not theirs."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.context import reading
from groundwork.context.config import AllowSection, BoostSection, MetadataSection, PermissionsSection, RetrieveSection
from groundwork.core.access import Scope, readers_of
from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.core.request import Principal
from groundwork.store.index import IndexStore
from tests.context.folder import Application
from tests.postgres import address  # noqa: F401  everything here runs on both stores

HR = "docs/hr/pay.md"
OPEN = "docs/open.md"
ZOE = "docs/zoe.md"
RULES = PermissionsSection(
    rules=(AllowSection(match="docs/**", allow=("everyone",)), AllowSection(match="docs/hr/**", allow=("group:hr", "user:boss")))
)


def scope(user: str = "", *groups: str, where: str = "", tenant: str = "local") -> Scope:
    return Scope(where=where, readers=readers_of(Principal(tenant=tenant, user=user or None, groups=groups)))


@pytest.fixture
def office(application: Application) -> Application:
    application.write(HR, "---\nband: 7\nteam: people\n---\n# Pay\n\nThe director earns a salary.")
    application.write(
        OPEN, "---\nyear: 2024\nteam: press\ntags: [news, pay]\npublished: 2024-03-01\n---\n# Open\n\nA salary is paid monthly."
    )
    application.write(ZOE, "---\nallow: [user:zoe]\n---\n# Zoe\n\nThe salary of Zoe.")
    application.index(permissions=RULES)
    return application


async def sources(application: Application, who: Scope, **section: object) -> set[str]:
    found = await application.search(**{"permissions": RULES, **section}).find("salary of the director", keep=50, scope=who)
    return {hit.chunk.source for hit in found.hits}


async def test_everybody_finds_what_is_theirs_and_nothing_else(office: Application) -> None:
    assert await sources(office, scope("bob")) == {OPEN}
    assert await sources(office, scope("anna", "hr")) == {OPEN, HR}
    assert await sources(office, scope("boss")) == {OPEN, HR}
    assert await sources(office, scope("zoe")) == {OPEN, ZOE}
    assert await sources(office, scope("boss", tenant="acme")) == {OPEN}
    assert await sources(office, Scope()) == {OPEN}, "whoever says nothing is nobody in particular"
    assert await sources(office, Scope(operator=True)) == {OPEN, HR, ZOE}


@pytest.mark.parametrize("fuse", ["rrf", "weighted", "terms", "dense", "terms-then-dense"])
async def test_permissions_hold_in_every_list(office: Application, fuse: str) -> None:
    retrieve = RetrieveSection(fuse=fuse)  # type: ignore[arg-type]
    assert await sources(office, scope("bob"), retrieve=retrieve) == {OPEN}
    assert await sources(office, scope("anna", "hr"), retrieve=retrieve) == {OPEN, HR}


async def test_what_is_forbidden_takes_nobodys_place(application: Application) -> None:
    for number in range(60):
        application.write(f"docs/hr/{number}.md", f"# Salary {number}\n\nThe salary of the director, salary, salary {number}.")
    application.write(OPEN, "# Open\n\nMuch is said here of many things, and of a salary once, far from all else that matters.")
    application.index(permissions=RULES)
    search = application.search(permissions=RULES, retrieve=RetrieveSection(terms=5, dense=5))
    found = await search.find("salary", keep=3, scope=scope("bob"))
    assert [hit.chunk.source for hit in found.hits] == [OPEN]
    assert found.hits[0].ranks == {"terms": 1, "dense": 1}


async def test_of_several_rules_each_has_to_allow(application: Application) -> None:
    application.write("docs/a.md", "---\nallow: everyone\n---\n# A\n\nThe salary.")
    rules = (AllowSection(match="docs/*.md", allow=("group:a",)), AllowSection(match="docs/a*", allow=("group:b", "user:boss")))
    application.index(permissions=PermissionsSection(rules=rules))
    section = {"permissions": PermissionsSection(rules=rules)}
    assert await sources(application, scope("x", "a"), **section) == set()
    assert await sources(application, scope("x", "b"), **section) == set()
    assert await sources(application, scope("x", "a", "b"), **section) == {"docs/a.md"}
    assert await sources(application, scope("boss", "a"), **section) == {"docs/a.md"}


async def test_nobody_sees_what_no_rule_names(application: Application) -> None:
    application.write("docs/a.md", "# A\n\nThe salary.")
    application.index(permissions=PermissionsSection())
    assert await sources(application, scope("x", "a"), permissions=PermissionsSection()) == set()
    opened = PermissionsSection(otherwise=("everyone",))
    application.index(permissions=opened)
    assert await sources(application, scope("x"), permissions=opened) == {"docs/a.md"}


async def test_without_the_section_everybody_sees_all(application: Application) -> None:
    application.write("docs/a.md", "# A\n\nThe salary.")
    application.index()
    assert await sources(application, scope("x"), permissions=None) == {"docs/a.md"}


def test_a_document_that_closes_itself_is_never_open_by_oversight(application: Application) -> None:
    application.write(ZOE, "---\nallow: [user:zoe]\n---\n# Zoe\n\nThe salary.")
    report = application.index()
    assert "permissions are not in use" in dict(report.skipped)[ZOE]
    assert application.store.documents() == []


@pytest.mark.parametrize("allow", ["zoe", "[zoe]", "7", "[user:]", "group"])
def test_an_allow_that_cannot_be_read_closes_the_document(application: Application, allow: str) -> None:
    application.write(ZOE, "---\nallow: user:zoe\n---\n# Zoe\n\nThe salary.")
    application.index(permissions=RULES)
    application.write(ZOE, f"---\nallow: {allow}\n---\n# Zoe\n\nThe salary.")
    report = application.index(permissions=RULES)
    assert "allow" in dict(report.skipped)[ZOE]
    assert application.store.documents() == []


async def test_a_change_of_rules_takes_hold_and_embeds_nothing(office: Application) -> None:
    closed = PermissionsSection(rules=(AllowSection(match="docs/**", allow=("user:boss",)),))
    with pytest.raises(StoreError, match="other permissions") as error:
        await sources(office, scope("bob"), permissions=closed)
    assert "groundwork index" in error.value.fix
    before = office.store.generation()
    report = office.index(permissions=closed)
    assert (report.changed, report.embedded) == (3, 0)
    assert office.store.generation() != before, "kept answers belong to the generation they were made from"
    assert await sources(office, scope("bob"), permissions=closed) == set()
    assert await sources(office, scope("boss"), permissions=closed) == {OPEN, HR}
    with pytest.raises(StoreError):
        await sources(office, scope("bob"))


async def test_a_run_that_breaks_off_leaves_nothing_open(office: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = PermissionsSection(otherwise=("everyone",))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(office.store, "put", stop)
    with pytest.raises(KeyboardInterrupt):
        office.index(permissions=opened)
    assert office.store.read_now(lambda snapshot: snapshot.access()) == "changing"
    for rules in (opened, RULES):
        with pytest.raises(StoreError):
            await sources(office, scope("bob"), permissions=rules)


async def test_a_file_that_cannot_be_opened_keeps_no_old_readers(office: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    load = reading.load

    def refuse(path: object, source: str) -> bytes:
        if source == OPEN:
            raise PermissionError(13, "Permission denied")
        return load(path, source)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "load", refuse)
    closed = PermissionsSection(rules=(AllowSection(match="docs/**", allow=("user:boss",)),))
    office.index(permissions=closed)
    assert await sources(office, scope("bob"), permissions=closed) == set()
    assert OPEN in await sources(office, scope("boss"), permissions=closed)


# -- filters


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("year = 2024", {OPEN}),
        ("year >= 2024.5", set()),
        ("band in [6, 7] or year = 2024", {OPEN, HR}),
        ("not year = 2024", {HR, ZOE}),
        ("year != 2024", {HR, ZOE}),
        ('tags = "pay" and tags = "news"', {OPEN}),
        ('tags not in ["pay"]', {HR, ZOE}),
        ('team = "press" or team = "people"', {OPEN, HR}),
        ('team = "Press"', set()),
        ("published > 2024-02-28", {OPEN}),
        ("published < 2024-02-28", set()),
        ('source ~ "docs/hr/**"', {HR}),
        ('source ~ "*[o]*"', set()),
        ('title = "Zoe"', {ZOE}),
        ('medium = "markdown"', {OPEN, HR, ZOE}),
    ],
)
async def test_a_filter_holds_in_both_lists(office: Application, where: str, expected: set[str]) -> None:
    assert await sources(office, Scope(where=where, operator=True)) == expected


async def test_a_filter_is_never_applied_after_the_best_were_taken(application: Application) -> None:
    for number in range(80):
        application.write(f"docs/{number:02}.md", f"---\nyear: {1950 + number}\n---\n# Salary\n\nThe salary {number}, a salary.")
    application.index()
    search = application.search(retrieve=RetrieveSection(terms=3, dense=3))
    found = await search.find("salary", keep=3, scope=Scope(where="year = 2029"))
    assert [hit.chunk.source for hit in found.hits] == ["docs/79.md"]


async def test_a_field_that_only_others_may_see_is_as_unknown_as_one_that_is_not_there(office: Application) -> None:
    assert await sources(office, scope("anna", "hr", where="band = 7")) == {HR}
    said: list[str] = []
    for field in ("band", "bond"):
        with pytest.raises(InputError) as error:
            await sources(office, scope("bob", where=f"{field} = 7"))
        said.append(f"{error.value.what} {error.value.fix}".replace(field, "FIELD"))
    assert said[0] == said[1]
    assert "people" not in said[0]


async def test_a_configured_filter_is_kept_to_and_must_fit(office: Application) -> None:
    retrieve = RetrieveSection(where="year = 2024")
    assert await sources(office, Scope(operator=True), retrieve=retrieve) == {OPEN}
    assert await sources(office, Scope(operator=True, where='team = "people"'), retrieve=retrieve) == set()
    for wrong in (RetrieveSection(where="yeer = 2024"), RetrieveSection(boost=(BoostSection(where="yeer = 1", by=2),))):
        with pytest.raises(ConfigError, match="yeer"):
            await sources(office, Scope(operator=True), retrieve=wrong)


async def test_fields_come_from_the_configuration_and_the_documents_own_win(application: Application) -> None:
    application.write("docs/a.md", "---\nproduct: own\n---\n# A\n\nThe salary.")
    application.write("docs/b.txt", "The salary.")
    metadata = (
        MetadataSection(match="docs/**", values={"product": "all", "live": True, "rank": 1.5}),
        MetadataSection(match="docs/*.txt", values={"product": "text", "tags": ("x", "y")}),
    )
    application.index(metadata=metadata)
    for where, expected in (
        ('product = "own"', {"docs/a.md"}),
        ('product = "text"', {"docs/b.txt"}),
        ("live = true and rank > 1", {"docs/a.md", "docs/b.txt"}),
        ('tags = "y"', {"docs/b.txt"}),
    ):
        assert await sources(application, Scope(where=where), permissions=None) == expected, where
    report = application.index(metadata=())
    assert (report.changed, report.embedded) == (2, 0)
    with pytest.raises(InputError, match="unknown field `live`"):
        await sources(application, Scope(where="live = true"), permissions=None)


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)  # there was no earlier version on a server
async def test_an_index_of_an_earlier_version_is_searched_and_says_what_a_filter_needs(office: Application) -> None:
    def forget(connection: object) -> None:
        for table in ("document_value", "document_reader"):
            connection.execute(f"DELETE FROM {table}")  # type: ignore[attr-defined]

    assert isinstance(office.store, IndexStore)
    office.store.database.write_now(forget)
    assert await sources(office, Scope(), permissions=None) == {OPEN, HR, ZOE}
    with pytest.raises(StoreError) as error:
        await sources(office, Scope(where="year = 2024"), permissions=None)
    assert "groundwork index" in error.value.fix


VALUES = {"a": 1, "b": "x", "c": True, "d": "2024-01-31", "e": ["x", "y"]}
LITERALS = ["a = 1", "a > 0", "a < 1", 'b = "x"', 'b = "y"', "c = true", "c = false", "d >= 2024-01-01", "d < 2024-01-01", 'e = "y"', 'e = "z"', 'b ~ "x*"']  # fmt: skip
TRUE = {"a = 1", "a > 0", 'b = "x"', "c = true", "d >= 2024-01-01", 'e = "y"', 'b ~ "x*"'}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.recursive(st.sampled_from(LITERALS), lambda inner: st.tuples(st.sampled_from(["and", "or", "not"]), inner, inner), max_leaves=6))
def test_a_filter_means_what_logic_says(application: Application, tree: object) -> None:
    """Whatever is nested into whatever: SQL and plain Python agree."""
    if not application.store.documents():
        application.write("docs/a.md", "# A\n\nThe salary.")
        application.index(metadata=(MetadataSection(match="**", values=VALUES),))

    def text(node: object) -> str:
        if isinstance(node, str):
            return node
        sign, left, right = node  # type: ignore[misc]
        return f"not ({text(left)})" if sign == "not" else f"({text(left)} {sign} {text(right)})"

    def holds(node: object) -> bool:
        if isinstance(node, str):
            return node in TRUE
        sign, left, right = node  # type: ignore[misc]
        return not holds(left) if sign == "not" else holds(left) and holds(right) if sign == "and" else holds(left) or holds(right)

    found = asyncio.run(application.search().find("salary", keep=1, scope=Scope(where=text(tree))))
    assert bool(found.hits) == holds(tree)
