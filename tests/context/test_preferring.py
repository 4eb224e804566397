import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.context.config import BoostSection, ContextSection, RecencySection, RetrieveSection
from groundwork.context.ranking.fusion import Ranked
from groundwork.context.ranking.preferring import boosted, diverse, overlap, recency, shingles, without_duplicates
from groundwork.context.search import Search
from groundwork.core.access import Scope
from groundwork.core.units import Duration
from tests.context.folder import Application
from tests.postgres import address  # noqa: F401  everything here runs on both stores

TODAY = dt.date(2026, 7, 1)
YEAR = RecencySection(field="published", half_life=Duration(365 * 86_400.0), share=0.4)
TWIN = "Backups are kept for ninety days and then they are deleted for good by the night job of the archive."


def ranked(*scores: float) -> list[Ranked]:
    return [Ranked(number, score, {}) for number, score in enumerate(scores, start=1)]


@pytest.mark.parametrize(
    ("published", "factor"),
    [
        ("2026-07-01", 1.0),
        ("2025-07-01", 0.8),
        ("2024-07-01", 0.7),
        ("1900-01-01", 0.6),
        ("2099-01-01", 1.0),
        (None, 0.6),
        ("soon", 0.6),
        (7, 0.6),
    ],
)
def test_half_of_what_age_takes_is_gone_after_each_half_life(published: object, factor: float) -> None:
    values = {} if published is None else {"published": published}
    assert recency(YEAR, values, TODAY) == pytest.approx(factor, abs=1e-3)  # type: ignore[arg-type]


def test_of_several_dates_the_latest_counts() -> None:
    assert recency(YEAR, {"published": ["2020-01-01", "2026-07-01"]}, TODAY) == 1.0


def test_a_boost_never_puts_a_chunk_back() -> None:
    assert [one.number for one in boosted(ranked(0.3, 0.2, -0.1), {2: 2.0, 3: 1.5})] == [2, 1, 3]
    moved = boosted(ranked(-0.1, -0.2), {2: 4.0})
    assert [one.number for one in moved] == [2, 1]


def test_alike_is_what_shares_its_runs_of_words() -> None:
    assert overlap(shingles(TWIN), shingles(TWIN.upper() + "!")) == 1
    assert overlap(shingles(TWIN), shingles(f"{TWIN} So it is.")) > 0.8
    assert overlap(shingles(TWIN), shingles("The lighthouse is high.")) == 0
    assert overlap(shingles(""), shingles("")) == 1


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0, 1), st.integers(0, 5))
def test_diversity_loses_nobody_and_begins_with_the_best(scores: list[float], diversity: float, keep: int) -> None:
    ranking = sorted(ranked(*scores), key=lambda one: -one.score)
    found = diverse(ranking, lambda one, other: 1.0 if (one + other) % 2 else 0.0, diversity, keep)
    assert sorted(one.number for one in found) == sorted(one.number for one in ranking)
    assert not ranking or not keep or found[0].score == ranking[0].score


def test_diversity_takes_the_next_best_that_is_not_alike() -> None:
    assert [one.number for one in diverse(ranked(1.0, 0.9, 0.5), lambda one, other: 1.0 if {one, other} == {1, 2} else 0.0, 0.5, 2)] == [
        1,
        3,
        2,
    ]


def test_of_near_duplicates_the_best_stays_and_the_others_name_it() -> None:
    kept, left_out = without_duplicates(ranked(1.0, 0.9, 0.5), lambda one, other: 0.95 if {one, other} == {1, 3} else 0.0, 0.9)
    assert [one.number for one in kept] == [1, 2]
    assert left_out == {3: 1}


@pytest.fixture
def archive(application: Application) -> Application:
    for year in (2024, 2025, 2026):
        application.write(f"docs/{year}.md", f"---\ndate: {year}-06-01\nproduct: p{year}\n---\n# Archive\n\n{TWIN} ({year})")
    application.write("docs/other.md", "# Archive\n\nThe archive is cold, and backups of it lie elsewhere.")
    application.index()
    return application


async def order(archive: Application, *, keep: int = 9, **retrieve: object) -> list[str]:
    config = ContextSection(sources=("docs",), retrieve=RetrieveSection(**retrieve))  # type: ignore[arg-type]
    search = Search(archive.store, archive.encoder, config, lambda: TODAY)
    found = await search.find("backups of the archive", keep=keep, scope=Scope())
    return [hit.chunk.source.removeprefix("docs/").removesuffix(".md") for hit in found.hits]


async def test_newer_documents_come_first_where_that_is_configured(archive: Application) -> None:
    found = await order(archive, recency=RecencySection(share=0.9), fuse="terms")
    dated = [name for name in found if name != "other"]
    assert dated == ["2026", "2025", "2024"]


async def test_a_filter_names_what_is_preferred(archive: Application) -> None:
    for name in ("2024", "2026"):
        boost = (BoostSection(where=f'product = "p{name}"', by=10),)
        assert (await order(archive, boost=boost))[0] == name


async def test_duplicates_give_their_places_to_others(archive: Application) -> None:
    plain = await order(archive, keep=2, fuse="terms")
    assert "other" not in plain or len({"2024", "2025", "2026"} & set(plain)) == 1
    kept = await order(archive, keep=2, fuse="terms", duplicates=0.7)
    assert "other" in kept
    assert len(kept) == 2


@pytest.mark.parametrize("fuse", ["terms", "rrf"])
async def test_variety_is_bought_with_score(archive: Application, fuse: str) -> None:
    found = await order(archive, keep=2, fuse=fuse, diversity=0.9)
    assert "other" in found
    assert len(found) == 2


async def test_without_the_keys_the_order_is_that_of_the_fusion(archive: Application) -> None:
    found = await order(archive, keep=1)
    assert found == (await order(archive))[:1]
    boost = (BoostSection(where='product = "p2024"', by=1),)
    assert await order(archive) == await order(archive, boost=boost, duplicates=1.0)
