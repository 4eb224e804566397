"""A real server that reranks, with everything that it can do wrong."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from groundwork.context.config import ContextSection
from groundwork.context.ranking.rerank_api import ApiReranker, scores_of
from groundwork.context.ranking.reranking import Reranking
from groundwork.context.search import Search
from groundwork.core.access import Scope
from groundwork.core.errors import UpstreamError
from groundwork.gateway.transport import Transport
from tests.context.folder import Application
from tests.gateway.upstream import Upstream, upstream

PASSAGES = ["one", "two", "three"]
JSON = {"kind": "application/json"}


def results(*pairs: tuple[Any, Any], name: str = "results") -> bytes:
    return json.dumps({"id": "x", name: [{"index": index, "relevance_score": score} for index, score in pairs]}).encode()


@pytest.fixture
async def server() -> AsyncIterator[Upstream]:
    async with upstream() as made:
        yield made


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.close()


async def test_the_common_form_is_spoken(server: Upstream, transport: Transport) -> None:
    server.play(results((2, 0.9), (0, 0.5), (1, 1)), **JSON)
    reranker = ApiReranker(transport, f"{server.url}/rerank", "rerank-v9", "s3cret")
    assert await reranker.score("which?", PASSAGES) == [0.5, 1.0, 0.9]
    (asked,) = server.asked
    assert asked.path == "/v1/rerank"
    assert asked.body == {"model": "rerank-v9", "query": "which?", "documents": PASSAGES}
    assert asked.headers["authorization"] == "Bearer s3cret"
    assert reranker.name == "rerank-v9"


async def test_without_model_and_key_none_is_sent(server: Upstream, transport: Transport) -> None:
    server.play(results((0, 0.1), (1, 0.2), (2, 0.3), name="data"), **JSON)
    assert await ApiReranker(transport, f"{server.url}/rerank").score("which?", PASSAGES) == [0.1, 0.2, 0.3]
    assert server.asked[0].body == {"query": "which?", "documents": PASSAGES}
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"results": null}',
        b'{"results": [{"index": 0}]}',
        b"[" * 100_000,
        results((0, 0.1), (1, 0.2)),
        results((0, 0.1), (1, 0.2), (1, 0.3)),
        results((0, 0.1), (1, 0.2), (3, 0.3)),
        results((0, 0.1), (1, 0.2), (-1, 0.3)),
        results((0, 0.1), (1, 0.2), (True, 0.3)),
        results((0, 0.1), (1, 0.2), (2, "0.3")),
        results((0, 0.1), (1, 0.2), (2, None)),
    ],
)
def test_an_answer_that_does_not_name_each_passage_once_is_refused(answer: bytes) -> None:
    with pytest.raises(UpstreamError) as error:
        scores_of(answer, 3)
    assert error.value.cause == "invalid"


@pytest.fixture
def shelf(application: Application) -> Application:
    for place, name in enumerate(("first", "second", "third")):
        application.write(f"docs/{name}.md", f"# {name}\n\n{'archive ' * (6 - 2 * place)} {name}")
    application.index()
    return application


@pytest.mark.parametrize(
    ("steps", "more", "outcome"),
    [
        ((results((0, 0.0), (1, 1.0), (2, 2.0)),), JSON, "reranked"),
        ((results((0, 0.0), (1, 1.0), (2, float("nan"))),), JSON, "failed"),
        ((b"no",), {"status": 500, **JSON}, "failed"),
        ((b'{"error": "key"}',), {"status": 401, **JSON}, "failed"),
        ((b'{"results": [', "cut"), JSON, "failed"),
        (("reset",), {}, "failed"),
        (("hang",), {}, "late"),
        ((results((0, 0.0)), "hang"), JSON, "late"),
    ],
)
async def test_whatever_it_does_there_is_an_order(
    shelf: Application, server: Upstream, transport: Transport, steps: tuple[Any, ...], more: dict[str, Any], outcome: str
) -> None:
    server.play(*steps, **more)
    reranking = Reranking(ApiReranker(transport, f"{server.url}/rerank"), seconds=0.6)
    plain = shelf.search()
    stage = Search(shelf.store, shelf.encoder, ContextSection(sources=("docs/**/*",)), reranking=reranking)
    before = [hit.chunk.id for hit in (await plain.find("archive", keep=3, scope=Scope(operator=True))).hits]
    trail = await stage.trail("archive", keep=3, scope=Scope(operator=True))
    assert trail.reranked is not None
    assert trail.reranked.outcome == outcome
    after = [hit.chunk.id for hit in trail.found().hits]
    assert after == (list(reversed(before)) if outcome == "reranked" else before)


async def test_leaving_reaches_the_server(server: Upstream, transport: Transport) -> None:
    server.play("hang")
    reranking = Reranking(ApiReranker(transport, f"{server.url}/rerank"), seconds=0.2)
    scores, outcome, _ = await reranking._scored("q", PASSAGES)
    assert (scores, outcome) == ([], "late")
    await server.gone.wait()


async def test_nobody_there_is_no_harm(transport: Transport) -> None:
    scores, outcome, why = await Reranking(ApiReranker(transport, "http://127.0.0.1:9/rerank"))._scored("q", PASSAGES)
    assert (scores, outcome) == ([], "failed")
    assert "cannot be reached" in why
