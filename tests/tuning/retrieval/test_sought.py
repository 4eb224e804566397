import msgspec
import pytest

from groundwork.context.chunking import split
from groundwork.context.reading import parse
from groundwork.core.document import Chunk, Document
from groundwork.core.measure import Example, Fact
from groundwork.core.message import say
from groundwork.core.record import Demonstration, Feedback, Opinion, Thumb, Trace
from groundwork.core.request import Request
from groundwork.datasets.examples import UNLABELLED
from groundwork.tuning.retrieval import sought
from groundwork.tuning.retrieval.sought import Need, of_approved, of_documents, of_examples
from tests.context.fake_encoder import FakeEncoder

TEXT = "# Cape Orrin\n\nThe lighthouse at Cape Orrin is 47 metres high. It was built in 1868 and lit with whale oil.\n"


def document(text: str = TEXT, source: str = "docs/cape.md") -> Document:
    return parse(text.encode(), source)


def chunk(text: str, *, source: str = "docs/cape.md", start: int = 0) -> Chunk:
    return Chunk(id="c", document="d", source=source, title="", headings=(), start=start, end=start + len(text), text=text)


def test_a_need_is_held_by_a_chunk_that_states_it_whole_and_in_its_source() -> None:
    need = Need(("47 metres",), "cape.md")
    assert need.is_in(chunk("It is 47  Metres high."))
    assert not need.is_in(chunk("It is 147 metres high."))
    assert not need.is_in(chunk("It is 47 metres high.", source="docs/landscape.md"))
    place = Need((), "docs/cape.md", (10, 20))
    assert place.is_in(chunk("x" * 15, start=6))
    assert not place.is_in(chunk("x" * 15, start=11))
    assert not place.is_in(chunk("x" * 13, start=6))


def test_cases_that_tell_no_two_searches_apart_are_left_out_and_counted() -> None:
    good = Example(id="high", question="How high?", facts=(Fact(accepted=("47 metres",), source="cape.md"),))
    examples = [
        good,
        Example(id="built", question="When?", reference="1868"),
        Example(id="wrong-page", question="How high?", facts=(Fact(accepted=("47 metres",), source="other.md"),)),
        Example(id="not-there", question="How wide?", facts=(Fact(accepted=("12 metres",)),)),
        Example(id="declined", question="Who won?", answerable=False),
        Example(id="waits", question="Who?", tags=(UNLABELLED,)),
        Example(id="long", question="Why?", reference="word " * 30),
        Example(id="follows", question="And its colour?", facts=good.facts, history=(say("user", "How high?"),)),
    ]
    found = of_examples(examples, [document()])
    assert [case.id for case in found.cases] == ["high", "built"]
    assert found.left_out == {sought.NOT_THERE: 2, sought.DECLINED: 1, sought.WAITS: 1, sought.NO_FACTS: 1, sought.FOLLOWS: 1}


def trace(identifier: str, question: str, quote: str, *, history: bool = False) -> Trace:
    messages = (say("user", "Hello"), say("assistant", "Hi")) if history else ()
    request = msgspec.to_builtins(Request(messages=(*messages, say("user", question))))
    reply = {"citations": [{"source": "docs/cape.md", "quote": quote}]}
    return Trace(id=identifier, app="a", start=0.0, seconds=0.1, status="ok", request=request, reply=reply)


def opinion(of: str, value: Opinion, *, at: float = 1.0, tenant: str = "local") -> Feedback:
    return Feedback(id=f"fb_{of}_{at}", trace=of, opinion=value, at=at, tenant=tenant)


def test_approved_answers_ask_for_what_they_cite() -> None:
    traces = [
        trace("tr_1", "How high is it?", "is 47 metres high"),
        trace("tr_2", "When was it built?", "built in 1868"),
        trace("tr_3", "Gone?", "no longer there"),
        trace("tr_4", "And then?", "built in 1868", history=True),
        trace("tr_5", "Whose?", "built in 1868"),
    ]
    up, down = Thumb(value=True), Thumb(value=False)
    opinions = [
        opinion("tr_1", up),
        opinion("tr_2", up),
        opinion("tr_2", down, at=2.0),  # changed their mind
        opinion("tr_2", Demonstration(value="1868"), at=3.0),
        opinion("tr_3", up),
        opinion("tr_4", up),
        opinion("tr_5", up, tenant="another"),
    ]
    found = of_approved(traces, opinions, [document()])
    (case,) = found.cases
    (need,) = case.needs
    assert case.question == "How high is it?"
    assert need.span is not None
    assert document().text[slice(*need.span)] == "is 47 metres high"
    assert found.left_out == {sought.NOT_APPROVED: 2, sought.NO_CITATION: 1, sought.FOLLOWS: 1}


async def whole(_question: str, passage: str) -> list[tuple[int, int]]:
    return [(0, len(passage))]


async def nowhere(_question: str, _passage: str) -> list[tuple[int, int]]:
    return []


PAGES = [
    document(f"# Town {name}\n\nThe town was founded in {year}. The old bridge was opened in {year + 40}.\n", f"docs/{name}.md")
    for name, year in (("Alder", 1801), ("Birch", 1822), ("Cedar", 1843), ("Drift", 1864))
]


async def test_made_questions_need_the_place_their_answer_stands_at() -> None:
    found = await of_documents(PAGES, whole, most=40, seed=0)
    assert found.cases
    texts = {page.source: page.text for page in PAGES}
    for case in found.cases:
        (need,) = case.needs
        assert need.source == case.cluster
        assert need.span is not None
        answer = texts[case.cluster][slice(*need.span)]
        assert answer.isdigit() or answer in texts[case.cluster]
        assert answer not in case.question
        chunks = split(next(page for page in PAGES if page.source == need.source), FakeEncoder(), tokens=200, overlap=0)
        assert any(need.is_in(one) for one in chunks)
    assert (await of_documents(PAGES, whole, most=40, seed=0)).cases == found.cases


@pytest.mark.parametrize("most", [1, 2])
async def test_no_more_questions_are_made_than_asked(most: int) -> None:
    assert len((await of_documents(PAGES, whole, most=most, seed=0)).cases) <= most


async def test_a_question_whose_answer_is_not_found_back_is_left_out() -> None:
    found = await of_documents(PAGES, nowhere, most=40, seed=0)
    assert found.cases == ()
    assert found.left_out["the answer was not found back in its passage"] > 0
