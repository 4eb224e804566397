import msgspec
import pytest

from groundwork.core.document import Chunk, Found, Hit
from groundwork.core.measure import Example, Fact
from groundwork.core.record import Trace
from groundwork.evaluate.instruments import Instruments
from tests.evaluate.builders import cite, reply
from tests.evaluate.scorers.asking import ask

TEXTS = {"docs/limits.html": "at most 281 terabytes", "docs/wal.html": "the WAL holds 1000 pages", "docs/faq.html": "questions"}
NAMES = ("retrieval.recall", "retrieval.precision", "retrieval.hit", "retrieval.mrr", "retrieval.map", "retrieval.ndcg")


def found(*sources: str) -> Found:
    chunks = [
        Chunk(id=f"ch_{at}", document=f"doc_{source}", source=source, title="", headings=(), start=0, end=1, text=TEXTS[source])
        for at, source in enumerate(sources)
    ]
    return Found(hits=tuple(Hit(chunk=chunk, score=1.0) for chunk in chunks))


def traced(*sources: str) -> Instruments:
    """Instruments that know one trace, in which these sources were found."""

    async def trace(identifier: str) -> Trace | None:
        stored = msgspec.to_builtins(found(*sources))
        return Trace(id=identifier, app="a", start=0.0, seconds=0.1, status="ok", found=stored) if identifier == "tr_1" else None

    return Instruments(trace=trace)


async def test_what_the_trace_found_is_held_against_the_grades() -> None:
    tools = traced("docs/faq.html", "docs/wal.html", "docs/wal.html")
    values = {
        name: (await ask(name, reply("x", trace="tr_1"), instruments=tools, relevant={"wal.html": 2, "docs/limits.html": 1})).value
        for name in NAMES
    }
    assert values == {
        "retrieval.recall": 0.5,
        "retrieval.precision": 0.5,
        "retrieval.hit": 1,
        "retrieval.mrr": 0.5,
        "retrieval.map": 0.25,
        "retrieval.ndcg": pytest.approx((3 / 1.58496) / (3 + 1 / 1.58496), abs=1e-4),
    }


async def test_a_chunk_and_a_document_have_names_too() -> None:
    tools = traced("docs/faq.html", "docs/wal.html")
    assert (await ask("retrieval.mrr", reply("x", trace="tr_1"), instruments=tools, relevant=["ch_1"])).value == 0.5
    assert (await ask("retrieval.mrr", reply("x", trace="tr_1"), instruments=tools, relevant=["doc_docs/faq.html"])).value == 1


async def test_without_a_trace_the_citations_stand_for_what_was_found() -> None:
    score = await ask("retrieval.recall", reply("x", citations=(cite("q", "docs/wal.html"),)), relevant=["wal.html", "limits.html"])
    assert score.value == 0.5
    assert score.evidence == {"found": ["wal.html"], "basis": "citations"}


@pytest.mark.parametrize("name", [*NAMES, "context.precision", "context.recall"])
async def test_nothing_kept_and_nothing_expected_are_unscored(name: str) -> None:
    assert (await ask(name, "x", relevant=["wal.html"])).status == "unscored"
    assert (await ask(name, reply("x", citations=(cite("q", "docs/wal.html"),)))).status == "unscored"


async def test_nothing_found_is_zero() -> None:
    for name in NAMES:
        assert (await ask(name, reply("x", trace="tr_1"), instruments=traced(), relevant=["wal.html"])).value == 0


@pytest.mark.parametrize("wrong", [5, {}, [], {"a": "b"}, {"a": True}, [1], {"a": 1000}, {"a": 0}])
async def test_grades_of_another_shape_are_the_cases_fault(wrong: object) -> None:
    score = await ask("retrieval.ndcg", reply("x", citations=(cite("q", "a"),)), relevant=wrong)
    assert score.status == "error"


async def test_a_place_below_zero_is_refused() -> None:
    score = await ask("retrieval.recall", reply("x", citations=(cite("q", "a"),)), relevant=["a"], settings={"at": -1})
    assert score.status == "error"


async def test_context_is_useful_where_it_states_a_fact() -> None:
    case = Example(
        id="c",
        question="?",
        facts=(Fact(accepted=("281 terabytes",)), Fact(accepted=("1000 pages", "1,000 pages")), Fact(accepted=("x y",))),
    )
    tools = traced("docs/faq.html", "docs/wal.html", "docs/limits.html")
    recall = await ask("context.recall", reply("", trace="tr_1"), case=case, instruments=tools)
    assert recall.value == pytest.approx(2 / 3)
    assert recall.evidence["missing"] == ["x y"]
    precision = await ask("context.precision", reply("", trace="tr_1"), case=case, instruments=tools)
    assert precision.value == pytest.approx((1 / 2 + 2 / 3) / 2)


async def test_context_is_useful_where_it_is_graded_so() -> None:
    tools = traced("docs/wal.html", "docs/faq.html")
    assert (await ask("context.precision", reply("", trace="tr_1"), instruments=tools, relevant={"wal.html": 1})).value == 1
