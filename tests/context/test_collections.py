"""Several collections, each with an index, an encoder and permissions of its own, searched as one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.context.collections import Collections, merged
from groundwork.context.config import (
    AllowSection,
    BoostSection,
    ChunkSection,
    CollectionSection,
    ContextSection,
    MetadataSection,
    PermissionsSection,
    RetrieveSection,
)
from groundwork.context.encoder_config import EncoderSection
from groundwork.context.indexing import Indexer
from groundwork.context.search import Search
from groundwork.core.access import Scope
from groundwork.core.config import decode, parse_toml
from groundwork.core.document import Chunk, Found, Hit
from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.store.config import Address
from groundwork.store.folder import Folder
from tests.context.fake_encoder import FakeEncoder

EVERYONE = ("everyone",)
ANNA = ("everyone", "user:local/anna")


class Library:
    """Documents below `docs`, and a collection `law` below `law` with other vectors and smaller chunks."""

    def __init__(self, root: Path, **more: object) -> None:
        self.folder = Folder(root)
        self.root = root
        self.section = ContextSection(
            **{
                "sources": ("docs",),
                "collections": {"law": CollectionSection(sources=("law",), chunk=ChunkSection(tokens=64, overlap=0))},
                **more,
            }  # type: ignore[arg-type]
        )
        self.encoders = {"": FakeEncoder("plain"), "law": FakeEncoder("legal")}

    def write(self, source: str, text: str) -> None:
        (self.root / source).parent.mkdir(parents=True, exist_ok=True)
        (self.root / source).write_text(text)

    def index(self, *names: str) -> None:
        for name, part in self.section.parts.items():
            if not names or name in names:
                Indexer(part, self.root, self.folder.collection(name), self.encoders[name]).run()

    @property
    def collections(self) -> Collections:
        return Collections(
            {name: Search(self.folder.collection(name), self.encoders[name], part) for name, part in self.section.parts.items()}
        )

    async def sources(self, query: str, *, keep: int = 10, **scope: object) -> list[str]:
        found = await self.collections.find(query, keep=keep, scope=Scope(**scope))  # type: ignore[arg-type]
        return [hit.chunk.source for hit in found.hits]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    made.write("docs/tea.md", "Green tea wants seventy degrees.")
    made.write("docs/soup.md", "Soup needs salt and time.")
    made.write("law/tea.md", "The tea act of 1773 taxed tea.")
    made.index()
    yield made
    made.folder.close()


async def test_each_has_its_own_file_and_one_question_searches_all(library: Library) -> None:
    assert sorted(path.name for path in (library.root / ".groundwork/index").glob("*.db")) == ["index.db", "law.db"]
    found = await library.collections.find("tea", keep=3)
    assert {hit.chunk.source for hit in found.hits[:2]} == {"docs/tea.md", "law/tea.md"}
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert found.hits[0].ranks["collection index"] == found.hits[1].ranks["collection law"] == 1
    made_with = {name: store.made_with()["fingerprint"] for name, store in library.folder.collections().items()}
    assert made_with == {"": "plain", "law": "legal"}, "vectors never mix"


async def test_one_of_them_can_be_searched_alone(library: Library) -> None:
    alone = library.collections.only(["law"])
    assert isinstance(alone, Search)
    assert {hit.chunk.source for hit in (await alone.find("tea soup", keep=9)).hits} == {"law/tea.md"}


async def test_the_generation_of_the_whole_changes_with_any_of_them(library: Library) -> None:
    first = await library.collections.generation()
    assert (await library.collections.find("tea", keep=1)).generation == first
    library.write("law/tea.md", "The tea act of 1773 taxed all tea.")
    library.index("law")
    second = await library.collections.generation()
    assert second != first
    assert (await library.collections.find("tea", keep=1)).generation == second
    library.write("law/tea.md", "The tea act of 1773 taxed tea.")
    library.index("law")
    assert await library.collections.generation() == first, "the same content is the same generation"


async def test_one_that_is_empty_is_no_hindrance_and_all_empty_ones_are_said(tmp_path: Path) -> None:
    library = Library(tmp_path)
    with pytest.raises(ConfigError, match="nothing is indexed yet"):
        await library.collections.find("tea", keep=1)
    assert await library.collections.generation() == ""
    library.write("law/tea.md", "The tea act.")
    library.index("law")
    assert await library.sources("tea") == ["law/tea.md"]
    library.folder.close()


async def test_what_one_cannot_answer_is_never_left_out_silently(library: Library) -> None:
    library.encoders["law"] = FakeEncoder("another")
    with pytest.raises(StoreError, match="another encoder"):
        await library.collections.find("tea", keep=1)


async def test_permissions_hold_inside_each(tmp_path: Path) -> None:
    open_to_all = PermissionsSection(otherwise=("everyone",))
    only_anna = PermissionsSection(rules=(AllowSection(match="law/**", allow=("user:anna",)),))
    library = Library(
        tmp_path,
        permissions=open_to_all,
        collections={"law": CollectionSection(sources=("law",), permissions=only_anna), "more": CollectionSection(sources=("more",))},
    )
    library.encoders["more"] = FakeEncoder("more")
    for source in ("docs/a.md", "law/b.md", "more/c.md"):
        library.write(source, f"tea of {source}")
    library.index()
    assert sorted(await library.sources("tea", readers=EVERYONE)) == ["docs/a.md", "more/c.md"]
    assert sorted(await library.sources("tea", readers=ANNA)) == ["docs/a.md", "law/b.md", "more/c.md"]
    library.folder.close()


async def test_a_filter_may_name_what_only_one_of_them_has(tmp_path: Path) -> None:
    library = Library(
        tmp_path,
        metadata=(),
        retrieve=RetrieveSection(boost=(BoostSection(where='court = "supreme"', by=2.0),)),
        collections={
            "law": CollectionSection(
                sources=("law",), metadata=(MetadataSection(match="law/**", values={"court": "supreme", "year": 1973}),)
            )
        },
    )
    library.write("docs/tea.md", "tea in general")
    library.write("law/tea.md", "tea in law")
    library.index()
    assert await library.sources("tea", where='court = "supreme"', operator=True) == ["law/tea.md"]
    assert await library.sources("tea", where='not court = "supreme"', operator=True) == ["docs/tea.md"]
    assert sorted(await library.sources("tea", operator=True)) == ["docs/tea.md", "law/tea.md"]
    with pytest.raises(InputError, match="unknown field `curt`"):
        await library.sources("tea", where='curt = "supreme"', operator=True)
    with pytest.raises(InputError, match="year"):
        await library.sources("tea", where='year = "long ago"', operator=True)
    library.folder.close()


def test_a_field_that_only_hidden_documents_have_stays_unknown(tmp_path: Path) -> None:
    import asyncio

    hidden = MetadataSection(match="law/**", values={"verdict": "guilty"})
    library = Library(
        tmp_path,
        permissions=PermissionsSection(otherwise=("everyone",)),
        collections={
            "law": CollectionSection(sources=("law",), metadata=(hidden,), permissions=PermissionsSection(otherwise=("user:anna",)))
        },
    )
    library.write("docs/a.md", "tea")
    library.write("law/b.md", "tea")
    library.index()
    assert asyncio.run(library.sources("tea", where='verdict = "guilty"', readers=ANNA)) == ["law/b.md"]
    with pytest.raises(InputError, match="unknown field"):
        asyncio.run(library.sources("tea", where='verdict = "guilty"', readers=EVERYONE))
    library.folder.close()


def hit(name: str) -> Hit:
    chunk = Chunk(id=f"ch_{name}", document="doc", source=name, title="", headings=(), start=0, end=1, text="x")
    return Hit(chunk=chunk, score=9.0, ranks={"terms": 4})


def test_a_chunk_of_two_collections_comes_once_and_first() -> None:
    found = merged({"a": Found(hits=(hit("x"), hit("both"))), "b": Found(hits=(hit("y"), hit("both")))})
    assert [one.chunk.source for one in found] == ["both", "x", "y"]
    assert found[0].ranks == {"terms": 4, "collection a": 2, "collection b": 2}


def test_a_collection_takes_over_what_it_does_not_say() -> None:
    text = """
sources = []
encoder = { url = "http://h/v1", model = "m", window = 2000 }
chunk = { tokens = 600 }
[permissions]
otherwise = ["everyone"]
[collections.faq]
sources = ["faq"]
[collections.law]
sources = ["law"]
encoder = "embedded"
chunk = { tokens = 100 }
"""
    section = decode(parse_toml(text, "groundwork.toml"), ContextSection)
    assert list(section.parts) == ["faq", "law"], "what has no documents of its own is no collection"
    faq, law = section.parts.values()
    assert isinstance(faq.encoder, EncoderSection)
    assert (faq.sources, faq.chunk.tokens, faq.permissions) == (("faq",), 600, section.permissions)
    assert (law.encoder, law.chunk.tokens, law.permissions) == ("embedded", 100, section.permissions)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('[collections.index]\nsources = ["a"]', "no name"),
        ('[collections."../x"]\nsources = ["a"]', "no name"),
        ('[collections.Law]\nsources = ["a"]', "no name"),
        ("[collections.law]", "sources"),
        ('[collections.law]\nsources = ["../a"]', "collections.law: source"),
        ('[collections.law]\nsources = ["a"]\nchunk = { tokens = 400 }', "collections.law: chunk.tokens"),
        ('[collections.law]\nsources = ["a"]\nretrieve = { keep = 3 }', "unknown key"),
    ],
)
def test_a_collection_that_is_none_is_refused(line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        decode(parse_toml(f'sources = ["docs"]\n{line}', "groundwork.toml"), ContextSection)


def test_on_a_server_each_collection_has_a_schema_of_its_own() -> None:
    address = Address("postgresql://h/d", "groundwork_handbook")
    assert address.of("law").namespace == "groundwork_handbook__law"
    names = {address.of(name).namespace for name in ("law-eu", "law_eu", "l" * 64)}
    assert len(names) == 3
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) for name in names)
