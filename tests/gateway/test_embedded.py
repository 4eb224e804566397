"""The offline quoting reader as a model: it quotes, lists or abstains, and says what it is."""

import pytest

from groundwork.core.document import Chunk, Hit
from groundwork.core.message import Message, Source, Text
from groundwork.core.reply import Delta
from groundwork.core.request import Request
from groundwork.engine.batching import Batcher
from groundwork.engine.quoting import Quoter
from groundwork.gateway.providers.embedded import COMMAND, NAME, EmbeddedModel
from tests.gateway.conftest import collect, said

TEXT = "A full backup runs every Sunday at two in the morning.\nBackups are kept for ninety days, then they are deleted."


def request(question: str, *texts: str) -> Request:
    sources = tuple(
        Source(
            number=number,
            hit=Hit(
                score=1.0,
                similarity=0.6,
                chunk=Chunk(
                    id=f"ch_{number}",
                    document="doc_1",
                    source="b.md",
                    title="Backups",
                    headings=(),
                    start=100,
                    end=100 + len(one),
                    text=one,
                ),
            ),
        )
        for number, one in enumerate(texts, start=1)
    )
    ordered = Text(text="Answer the question: ", label="system")
    return Request(messages=(Message(role="user", parts=(*sources, ordered, Text(text=question))),))


@pytest.fixture
async def reader():
    batcher = Batcher()
    yield EmbeddedModel(Quoter(batcher))
    await batcher.close()


async def read(model: EmbeddedModel, asked: Request) -> tuple[str, Delta]:
    deltas = await collect(model, asked)
    assert deltas[0].model == NAME
    assert COMMAND in said(deltas)
    return said(deltas), deltas[-1]


async def test_a_quote_is_verbatim_and_cited(reader: EmbeddedModel) -> None:
    text, last = await read(reader, request("How long are backups kept?", "The lamp is red and it blinks.", TEXT))
    citation = last.citations[0]
    assert citation.quote == "Backups are kept for ninety days, then they are deleted."
    assert (citation.number, citation.chunk) == (2, "ch_2")
    assert TEXT[citation.start - 100 : citation.end - 100] == citation.quote
    assert f"“{citation.quote}” [2]" in text
    assert (last.finish, last.abstained) == ("stop", False)


async def test_no_sources_and_nonsense_are_abstentions(reader: EmbeddedModel) -> None:
    text, last = await read(reader, request("How long are backups kept?"))
    assert "no documents to quote" in text
    assert (last.abstained, last.citations) == (True, ())
    text, last = await read(reader, request("flurble grommit zzyx wibble", TEXT))
    assert "do not seem to hold the answer" in text
    assert last.abstained


@pytest.mark.parametrize(
    ("question", "why"),
    [("Why are backups kept for ninety days?", "explain"), ("Wie lange werden die Backups aufbewahrt und wo ist das?", "English only")],
)
async def test_passages_where_a_quote_cannot_serve(reader: EmbeddedModel, question: str, why: str) -> None:
    text, last = await read(reader, request(question, TEXT))
    assert "does not put them together" in text
    assert why in text
    assert last.citations[0].quote == TEXT
    assert not last.abstained


async def test_an_order_in_the_prompt_is_not_taken_for_the_question(reader: EmbeddedModel) -> None:
    _, last = await read(reader, request("", TEXT))
    assert last.abstained
