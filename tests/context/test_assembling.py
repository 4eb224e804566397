"""What a prompt is given: nothing twice, within its room, the best at both ends, and citations that hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.context.assembling import Assembling, Room, merged
from groundwork.context.citing import resolve
from groundwork.core.document import Chunk, Found, Hit, Landmark
from groundwork.observe.recorder import Recorder, recording
from groundwork.prompts.counting import count_tokens, first_tokens

TEXT = "".join(f"Sentence {place} says that the archive holds {place * 7} tapes. " for place in range(40))
ASSEMBLING = Assembling(count_tokens, first_tokens)


def hit(start: int, end: int, *, document: str = "doc_1", score: float = 1.0, text: str = TEXT, **more: object) -> Hit:
    chunk = Chunk(
        id=f"ch_{document}_{start}", document=document, source=f"{document}.md", title="T", headings=(), start=start, end=end,
        text=text[start:end], line=start // 100 + 1,
    )  # fmt: skip
    return Hit(chunk=chunk, score=score, **more)  # type: ignore[arg-type]


def test_hits_that_overlap_or_touch_are_one() -> None:
    hits = [hit(200, 400, similarity=0.5), hit(900, 1000), hit(300, 500, similarity=0.7), hit(500, 600), hit(0, 90, document="doc_2")]
    found = merged(hits)
    assert [(one.chunk.document, one.chunk.start, one.chunk.end) for one in found] == [
        ("doc_1", 200, 600),
        ("doc_1", 900, 1000),
        ("doc_2", 0, 90),
    ]
    assert found[0].similarity == 0.7
    assert found[0].chunk.id == hits[0].chunk.id
    assert found[0].chunk.line == 3
    assert found[0].chunk.place(350 - 200) == Landmark(start=300, line=4)


@given(st.lists(st.tuples(st.integers(0, 1900), st.integers(1, 400), st.sampled_from(["doc_1", "doc_2"])), min_size=1, max_size=12))
def test_nothing_is_lost_nothing_is_twice_and_all_of_it_is_verbatim(spans: list[tuple[int, int, str]]) -> None:
    hits = [hit(start, min(start + length, len(TEXT)), document=document) for start, length, document in spans]
    found = merged(hits)
    for document in ("doc_1", "doc_2"):
        before = {place for one in hits if one.chunk.document == document for place in range(one.chunk.start, one.chunk.end)}
        after = [place for one in found if one.chunk.document == document for place in range(one.chunk.start, one.chunk.end)]
        assert sorted(after) == sorted(before)
    assert all(one.chunk.text == TEXT[one.chunk.start : one.chunk.end] for one in found)
    assert found[0].chunk.start <= hits[0].chunk.start < found[0].chunk.end
    assert merged(found) == found


def test_a_text_that_was_masked_is_not_joined() -> None:
    masked = hit(100, 300, text=TEXT.replace("archive", "[name]  "))
    assert len(merged([hit(0, 200), masked])) == 2


async def test_what_does_not_fit_is_left_out_by_rank_and_named() -> None:
    hits = (hit(0, 500), hit(700, 1200), hit(1300, 1350), hit(1500, 2000))
    recorder = Recorder("tr_1")
    with recording(recorder):
        found = await ASSEMBLING.assemble(Found(hits=hits), Room(tokens=170))
    assert [one.chunk.start for one in found.hits] == [0, 1300]  # the third is small enough for what the second could not use
    told = {one.name: one for one in recorder.spans}["assemble context"].attributes
    assert told["groundwork.context.left_out"] == [hits[1].chunk.id, hits[3].chunk.id]
    assert told["groundwork.context.room"] == 170
    assert sum(count_tokens(one.chunk.prefix + "\n" + one.text) for one in found.hits) <= 170


async def test_a_first_hit_that_is_larger_than_all_there_is_is_cut() -> None:
    found = await ASSEMBLING.assemble(Found(hits=(hit(100, 2000), hit(0, 90))), Room(tokens=120))
    first = found.hits[0]
    assert first.chunk.start == 100
    assert 100 < first.chunk.end < 700
    assert first.text == TEXT[100 : first.chunk.end]


async def test_without_a_budget_nothing_is_left_out() -> None:
    hits = tuple(hit(start, start + 50) for start in range(0, 2000, 60))
    assert (await ASSEMBLING.assemble(Found(hits=hits), Room())).hits == hits
    assert await ASSEMBLING.assemble(Found(), Room(tokens=100)) == Found()


@pytest.mark.parametrize(("count", "order"), [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 3, 2]), (6, [1, 3, 5, 6, 4, 2])])
def test_the_best_stand_at_both_ends_under_their_own_numbers(count: int, order: list[int]) -> None:
    hits = tuple(hit(start, start + 50) for start in range(0, count * 60, 60))
    assert [number for number, _ in Found(hits=hits, at_ends=True).shown] == order
    assert [number for number, _ in Found(hits=hits).shown] == list(range(1, count + 1))
    assert all(one is hits[number - 1] for number, one in Found(hits=hits, at_ends=True).shown)


async def test_a_citation_into_a_merged_passage_holds() -> None:
    found = await ASSEMBLING.assemble(Found(hits=(hit(200, 460), hit(400, 700))), Room(at_ends=True))
    (citation,) = resolve("Sentence 10 says that the archive holds 70 tapes [1].", found.hits)
    assert citation.quote == TEXT[citation.start : citation.end]
    assert "holds 70 tapes" in citation.quote
