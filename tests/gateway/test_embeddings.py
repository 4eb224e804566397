import asyncio
import base64
import struct
import time
from collections.abc import AsyncIterator, Iterator
from email.utils import formatdate
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from openai import AsyncOpenAI

from groundwork.core.errors import UpstreamError
from groundwork.engine.encoder import Encoder
from groundwork.gateway.providers.embeddings import Embeddings, TooLong, batches
from groundwork.gateway.transport import Transport
from tests.context.embedding_server import KEY, Service, serving

TEXTS = [
    "The lighthouse is 47 metres high.",
    "A restore takes forty minutes.",
    "Green tea wants 70 degrees.",
    "The archive is kept safe.",
    "Ünïcode — 東京",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture
def service(encoder: Encoder) -> Iterator[Service]:
    with serving(encoder) as made:
        yield made


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.close()


def client(service: Service, transport: Transport, **more: Any) -> Embeddings:
    return Embeddings(**{"base_url": service.url, "model": "m", "transport": transport, "seconds": 20.0, "attempts": 3, **more})


async def test_the_server_of_these_tests_speaks_as_openai_does(service: Service, encoder: Encoder) -> None:
    async with AsyncOpenAI(base_url=service.url, api_key=KEY) as official:
        answer = await official.embeddings.create(model="m", input=TEXTS)
    assert np.allclose([item.embedding for item in answer.data], encoder.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("sent_as", ["float", "base64"])
@pytest.mark.parametrize("batch", [1, 2, 64])
async def test_vectors_come_in_order_and_with_length_one(
    service: Service, transport: Transport, encoder: Encoder, sent_as: str, batch: int
) -> None:
    service.twist = lambda items: list(reversed(items))
    service.scale = 7.5
    vectors = await client(service, transport, batch=batch, format=sent_as).embed(TEXTS)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, encoder.encode(TEXTS), atol=1e-6), "whatever order and length the server answers with"
    assert sorted(len(call["input"]) for call in service.asked) == sorted(len(some) for _, some in batches(TEXTS, batch))


async def test_a_server_without_indexes_is_taken_by_its_order(service: Service, transport: Transport, encoder: Encoder) -> None:
    service.twist = lambda items: [{"embedding": item["embedding"]} for item in items]
    assert np.allclose(await client(service, transport).embed(TEXTS), encoder.encode(TEXTS), atol=1e-6)


async def test_dimensions_and_key_are_sent(service: Service, transport: Transport) -> None:
    vectors = await client(service, transport, dimensions=64, key=KEY).embed(TEXTS[:2])
    assert vectors.shape == (2, 64)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert service.keys == [f"Bearer {KEY}"]
    assert service.asked[0]["dimensions"] == 64


NAN = base64.b64encode(struct.pack("<3f", 1.0, float("nan"), 0.0)).decode()


@pytest.mark.parametrize(
    ("twist", "says"),
    [
        (lambda items: items[:-1], "4 vectors for 5 texts"),
        (lambda items: [*items, items[0]], "6 vectors for 5 texts"),
        (lambda items: [item | {"index": 0} for item in items], "do not name each text once"),
        (lambda items: [items[0] | {"index": None}, *items[1:]], "do not name each text once"),
        (lambda items: [items[0] | {"embedding": items[0]["embedding"][:-1]}, *items[1:]], "383 and 384 numbers"),
        (lambda items: [item | {"embedding": []} for item in items], "0 numbers"),
        (lambda items: [*items[:2], items[2] | {"embedding": [0.0] * 384}, *items[3:]], "zeros for text 3 of 5"),
        (lambda items: [item | {"embedding": NAN} for item in items], "NaN"),
        (lambda items: [item | {"embedding": "no base64!"} for item in items], "base64"),
        (lambda items: [{"vector": [1.0]} for _ in items], "no list of embeddings"),
    ],
)
async def test_what_is_not_one_vector_for_each_text_is_refused(service: Service, transport: Transport, twist: Any, says: str) -> None:
    service.twist = twist
    with pytest.raises(UpstreamError, match=says) as error:
        await client(service, transport).embed(TEXTS)
    assert error.value.cause == "invalid"
    assert len(service.asked) == 1, "asking again would not help"


async def test_another_length_than_was_asked_for_is_refused(service: Service, transport: Transport) -> None:
    service.twist = lambda items: [item | {"embedding": [1.0] * 100} for item in items]
    with pytest.raises(UpstreamError, match="100 numbers where 64 were asked for"):
        await client(service, transport, dimensions=64).embed(TEXTS)


async def test_batches_of_different_lengths_are_refused(service: Service, transport: Transport) -> None:
    service.twist = lambda items: items if len(items) == 4 else [item | {"embedding": [1.0, 2.0]} for item in items]
    with pytest.raises(UpstreamError, match="2 and 384 numbers"):
        await client(service, transport, batch=4).embed(TEXTS)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_service_that_is_busy_is_asked_again(service: Service, transport: Transport, encoder: Encoder, status: int) -> None:
    service.faults = [lambda _: web.json_response({"error": {"message": "busy"}}, status=status)] * 2
    assert np.allclose(await client(service, transport).embed(TEXTS), encoder.encode(TEXTS), atol=1e-6)
    assert len(service.asked) == 3


@pytest.mark.parametrize("said", ["1", "date"])
async def test_it_waits_as_long_as_the_service_says(service: Service, transport: Transport, said: str) -> None:
    header = formatdate(time.time() + 2, usegmt=True) if said == "date" else said
    service.faults = [lambda _: web.json_response({}, status=429, headers={"retry-after": header})]
    started = time.monotonic()
    await client(service, transport).embed(TEXTS)
    assert time.monotonic() - started >= 0.9


async def test_a_pause_beyond_reason_is_not_waited_for(service: Service, transport: Transport) -> None:
    service.faults = [lambda _: web.json_response({}, status=429, headers={"retry-after": "86400"})]
    with pytest.raises(UpstreamError) as error:
        await client(service, transport).embed(TEXTS)
    assert error.value.cause == "rate"
    assert len(service.asked) == 1


async def test_hope_ends_after_the_last_attempt(service: Service, transport: Transport) -> None:
    service.fails_after = 0
    with pytest.raises(UpstreamError, match="503") as error:
        await client(service, transport, attempts=2).embed(TEXTS)
    assert error.value.cause == "overload"
    assert len(service.asked) == 2


async def test_a_slow_service_is_given_up(service: Service, transport: Transport) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(3)
        return web.Response()

    service.faults = [slow, slow]
    with pytest.raises(UpstreamError, match=r"within 0\.2 s") as error:
        await client(service, transport, seconds=0.2, attempts=2).embed(TEXTS)
    assert error.value.cause == "timeout"
    assert len(service.asked) == 2


async def test_a_cut_answer_is_asked_for_again(service: Service, transport: Transport, encoder: Encoder) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "1000"})
        await response.prepare(request)
        await response.write(b'{"data": [')
        assert request.transport is not None
        request.transport.abort()
        return response

    service.faults = [cut]
    assert np.allclose(await client(service, transport).embed(TEXTS), encoder.encode(TEXTS), atol=1e-6)


async def test_nobody_there_is_said(transport: Transport) -> None:
    nobody = Embeddings(base_url="http://127.0.0.1:9/v1", model="m", transport=transport, attempts=2)
    with pytest.raises(UpstreamError, match="cannot be reached") as error:
        await nobody.embed(["x"])
    assert error.value.cause == "network"


@pytest.mark.parametrize("status", [401, 400])
async def test_a_key_stands_in_no_error(service: Service, transport: Transport, status: int) -> None:
    service.faults = [
        lambda request: web.json_response({"error": {"message": f"bad key {request.headers['authorization']}"}}, status=status)
    ]
    with pytest.raises(UpstreamError) as error:
        await client(service, transport, key=KEY).embed(TEXTS)
    assert KEY not in str(error.value)
    assert KEY not in error.value.what
    assert len(service.asked) == 1


async def test_a_text_that_is_too_long_is_named(service: Service, transport: Transport) -> None:
    service.most_words = 50
    with pytest.raises(TooLong, match="text 4") as error:
        await client(service, transport).embed([*TEXTS[:3], "word " * 60, TEXTS[4]])
    assert error.value.place == 3


async def test_nothing_is_asked_for_nothing(service: Service, transport: Transport) -> None:
    assert (await client(service, transport, dimensions=8).embed([])).shape == (0, 8)
    assert service.asked == []


def test_batches_cover_every_text_once_and_stay_small() -> None:
    texts = ["a" * 90_000, "b" * 90_000, "c" * 90_000, *["d"] * 10, "e" * 500_000, "f"]
    found = list(batches(texts, 4))
    assert [text for _, some in found for text in some] == texts
    assert all(texts[start : start + len(some)] == list(some) for start, some in found)
    assert all(len(some) <= 4 and (len(some) == 1 or sum(map(len, some)) <= 200_000) for _, some in found)
