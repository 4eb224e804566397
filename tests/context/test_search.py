import asyncio
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.context.config import ApproximateSection, RetrieveSection
from groundwork.context.dense.nearest import Exact
from groundwork.context.ranking.fusion import fuse
from groundwork.context.search import terms_of
from groundwork.core.access import Scope
from groundwork.core.errors import ConfigError, InputError
from tests.context.folder import Application
from tests.postgres import address  # noqa: F401  everything here runs on both stores

ANIMALS = {
    "docs/cat.md": "# Cats\n\nCats purr when they are pleased.",
    "docs/dog.md": "# Dogs\n\nDogs bark at the page_size of strangers.",
    "docs/cow.md": "# Cows\n\nCows give milk, and cats drink milk.",
}


@pytest.fixture
def animals(application: Application) -> Application:
    for source, text in ANIMALS.items():
        application.write(source, text)
    application.index()
    return application


async def test_both_lists_are_fused_and_the_hit_says_how(animals: Application) -> None:
    found = await animals.search().find("purring cats", keep=2)
    best = found.hits[0]
    assert best.chunk.source == "docs/cat.md"
    assert best.ranks == {"terms": 1, "dense": 1}
    assert best.score == pytest.approx(2 / 61)
    assert found.generation == animals.store.generation()
    assert found.query == "purring cats"
    assert all(hit.similarity is not None and -1.01 <= hit.similarity <= 1.01 for hit in found.hits)
    assert len(found.hits) == 2


async def test_one_list_alone_can_be_chosen(animals: Application) -> None:
    terms = await animals.search(retrieve=RetrieveSection(fuse="terms")).find("milk", keep=9)
    assert [(hit.chunk.source, hit.ranks, hit.similarity) for hit in terms.hits] == [("docs/cow.md", {"terms": 1}, None)]
    dense = await animals.search(retrieve=RetrieveSection(fuse="dense")).find("milk", keep=9)
    assert [hit.ranks for hit in dense.hits] == [{"dense": 1}, {"dense": 2}, {"dense": 3}]
    assert dense.hits[0].score == dense.hits[0].similarity


async def test_a_plural_finds_its_singular_and_an_identifier_itself(animals: Application) -> None:
    search = animals.search(retrieve=RetrieveSection(fuse="terms"))
    assert (await search.find("dog", keep=1)).hits[0].chunk.source == "docs/dog.md"
    assert (await search.find("what is page_size?", keep=1)).hits[0].chunk.source == "docs/dog.md"


async def test_an_empty_index_says_what_to_run(application: Application) -> None:
    with pytest.raises(ConfigError) as error:
        await application.search().find("anything", keep=1)
    assert "groundwork index" in error.value.fix


@pytest.mark.parametrize("query", ["", "  ", "\n\0"])
async def test_a_blank_query_finds_nothing(animals: Application, query: str) -> None:
    found = await animals.search().find(query, keep=3)
    assert found.hits == ()
    assert found.generation


async def test_a_running_search_sees_what_another_process_indexes(animals: Application) -> None:
    search = animals.search()
    before = await search.find("owls", keep=1)
    other = Application(animals.root, animals.address)
    other.write("docs/owl.md", "# Owls\n\nOwls hoot.")
    other.write("docs/cat.md", "# Cats\n\nCats sleep.")
    other.index()
    other.store.close()
    after = await search.find("owls", keep=1)
    assert after.hits[0].chunk.source == "docs/owl.md"
    assert after.generation != before.generation
    assert "sleep" in (await search.find("cats purr sleep", keep=1)).hits[0].text


async def test_content_that_comes_back_is_found_under_its_new_numbers(animals: Application) -> None:
    """The generation is the old one again, and the chunks in memory are no longer those of the index."""
    search = animals.search()
    scope = Scope(where='title = "Cats"')
    before = [await search.find("purring cats", keep=3, scope=one) for one in (Scope(), scope)]
    animals.write("docs/cat.md", "# Cats\n\nCats sleep.")
    animals.index()
    animals.write("docs/cat.md", ANIMALS["docs/cat.md"])
    animals.index()
    assert [await search.find("purring cats", keep=3, scope=one) for one in (Scope(), scope)] == before
    assert before[1].hits


async def test_many_searches_at_once_agree(animals: Application) -> None:
    search = animals.search()
    found = await asyncio.gather(*(search.find("milk", keep=3) for _ in range(40)))
    assert len({tuple(hit.chunk.id for hit in one.hits) for one in found}) == 1


async def test_a_long_query_is_cut_to_the_window(animals: Application) -> None:
    for query in ("milk " * 20_000, "m" * 100_000, "漢字" * 50_000, "?" * 100_000):
        found = await animals.search().find(query, keep=1)
        assert found.generation
    assert max(map(animals.encoder.count, animals.encoder.texts)) <= 254


async def test_where_a_query_cannot_be_embedded_its_terms_still_find(animals: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_texts: object) -> None:
        raise InputError("too long", fix="cut it")

    monkeypatch.setattr(animals.encoder, "embed", refuse)
    found = await animals.search().find("milk", keep=1)
    assert found.hits[0].ranks == {"terms": 1}


SYNTAX = ['"', '""', "'", "*", "cats*", "AND", "OR NOT", "NEAR(cats dogs)", "prefix : cats", "text:", "{prefix text}: x", "-cats", "^cats", "(", "cats)", "a + b", "\\", ";--", "%", "col:*", "\ud800", "١٢"]  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.one_of(
        st.lists(st.sampled_from(SYNTAX), max_size=5).map(" ".join), st.text(max_size=80), st.text(string.punctuation, max_size=20)
    )
)
def test_any_text_is_a_safe_query(animals: Application, query: str) -> None:
    found = asyncio.run(animals.search().find(query, keep=3))
    assert bool(found.hits) == bool(found.query.strip())


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(term=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_a_term_is_a_phrase_and_never_syntax(animals: Application, term: str) -> None:
    rows = animals.store.read_now(lambda snapshot: snapshot.search_terms([term, "milk"], most=10))
    assert any(score for _, score in rows), "whatever the first term is, the second still finds"


def test_fusion_prefers_what_both_lists_hold() -> None:
    ranked = fuse({"terms": [(1, 9.0), (2, 8.0)], "dense": [(3, 0.9), (2, 0.8)]})
    assert [entry.number for entry in ranked] == [2, 1, 3]
    assert ranked[0].ranks == {"terms": 2, "dense": 2}


def test_terms_are_distinct_bounded_and_meaningful() -> None:
    assert terms_of("What is the page_size of the page_size?") == ["page_size"]
    assert terms_of("to be or not") == ["to", "be", "or", "not"]
    assert len(terms_of(" ".join(f"w{n}" for n in range(10_000)))) == 64


async def test_deleted_vectors_leave_the_memory_too(animals: Application) -> None:
    search = animals.search(retrieve=RetrieveSection(approximate=ApproximateSection(above="off")))
    await search.find("milk", keep=1)
    (animals.root / "docs/cow.md").unlink()
    animals.another().close()
    animals.index()
    await search.find("milk", keep=1)
    assert len(animals.store.read_now(lambda snapshot: snapshot.vectors())) == 2
    if isinstance(search.dense, Exact):
        assert search.dense.matrix is not None
        assert len(search.dense.matrix.numbers) == 2 == len(search.dense.matrix.vectors)


CODES = {
    "ORA-00942": "The error ORA-00942 says that the table is missing.",
    "E1234": "A disk that reports E1234 is to be replaced.",
    "foo_bar()": "Call foo_bar() before the pool is opened.",
    "libssl.so.3": "The program needs libssl.so.3 on the path.",
    "0x80070005": "Windows says 0x80070005 where access is denied.",
    "KB-5034441.2": "The update KB-5034441.2 fails on small partitions.",
    "ERR_SSL_VERSION": "Browsers show ERR_SSL_VERSION with old servers.",
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("fuse", ["rrf", "terms", "weighted", "terms-then-dense"])
async def test_error_codes_and_names_are_found_by_themselves(application: Application, code: str, fuse: str) -> None:
    """Also among many that share their pieces, and also where a long report stands around them."""
    for place, text in enumerate(CODES.values()):
        application.write(f"docs/{place}.md", f"# Page {place}\n\n{text}")
    for number in range(40):
        application.write(
            f"docs/noise{number}.md", f"# Noise {number}\n\nThe error ORA {number} of foo or bar, so 3 E 1234{number}, err ssl."
        )
    application.index()
    search = application.search(retrieve=RetrieveSection(fuse=fuse))  # type: ignore[arg-type]
    expected = f"docs/{list(CODES).index(code)}.md"
    report = " ".join(f"word{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}" for n in range(100))
    for query in (code, f"what does {code} mean?", f"({code})", code.lower(), f"{report}. It ends with {code}"):
        assert expected in [hit.chunk.source for hit in (await search.find(query, keep=6)).hits], query


def test_codes_of_a_long_query_are_looked_up_before_its_words() -> None:
    words = [f"word{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}" for n in range(100)]
    assert terms_of(" ".join([*words, "ORA-00942"]))[0] == "ora-00942"
    assert terms_of(" ".join([*words[:50], "ORA-00942"]))[:50] == words[:50], "a query that fits keeps its order"
