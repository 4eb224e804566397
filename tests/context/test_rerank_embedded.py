"""The shipped reader as a reranker: what it says, that it says it again, and that nothing is computed for whoever has left."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from groundwork.context.ranking.rerank_embedded import EmbeddedReranker
from groundwork.context.ranking.reranking import Reranking
from groundwork.core.errors import InputError
from groundwork.engine.reader import Reader

QUESTION = "How high is the lighthouse at Cape Orrin?"
PASSAGES = [
    "The last keeper left in 1983, when the lamp became automatic.",
    "The lighthouse at Cape Orrin is 47 metres high. It was built in 1868.",
    "A full backup runs every Sunday at two in the morning.",
    "Cape Orrin is a village of fishermen.",
]


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.close()


async def test_the_passage_that_answers_is_first(reader: Reader) -> None:
    scores = await EmbeddedReranker(reader).score(QUESTION, PASSAGES)
    assert max(range(4), key=lambda place: scores[place]) == 1
    assert await EmbeddedReranker(reader).score(QUESTION, PASSAGES) == scores


async def test_scores_do_not_depend_on_what_is_read_beside(reader: Reader) -> None:
    reranker = EmbeddedReranker(reader)
    together = await reranker.score(QUESTION, [*PASSAGES, PASSAGES[1] * 40])
    alone = [(await reranker.score(QUESTION, [passage]))[0] for passage in PASSAGES]
    assert together[:4] == pytest.approx(alone, abs=1e-4)


async def test_odd_passages_have_a_score(reader: Reader) -> None:
    scores, outcome, _ = await Reranking(EmbeddedReranker(reader), seconds=60)._scored(
        QUESTION, ["", " \n", "\0", "ж" * 3_000, PASSAGES[1]]
    )
    assert outcome == "reranked"
    assert scores.index(max(scores)) == 4
    assert scores[0] == -100.0


async def test_a_query_too_long_to_be_read_beside_a_passage_is_refused(reader: Reader) -> None:
    with pytest.raises(InputError):
        await EmbeddedReranker(reader).score("why " * 2_000, PASSAGES)
    _, outcome, _ = await Reranking(EmbeddedReranker(reader), seconds=60)._scored("why " * 2_000, PASSAGES)
    assert outcome == "failed"


async def test_whoever_leaves_frees_the_thread(reader: Reader) -> None:
    await reader.warm()
    long = asyncio.create_task(EmbeddedReranker(reader).score(QUESTION, [PASSAGES[1] * 200] * 20))
    await asyncio.sleep(0.2)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    async with asyncio.timeout(20):  # the whole would take a minute and more
        assert len(await EmbeddedReranker(reader).score(QUESTION, PASSAGES)) == 4
