"""The async door: turns, fairness, bounds, cancelling, failing, closing. A scripted encoder stands in where its thread must be held."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from groundwork.core.errors import InputError, Overloaded, StoreError
from groundwork.engine.batching import TURN, Batcher
from groundwork.engine.encoder import Encoder, Vectors
from groundwork.engine.thread import ModelThread


class Scripted(Encoder):
    """Computes a vector from a text's number; records each turn; waits at a gate that the test opens."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()

    def tokens(self, texts: Sequence[str], *, before: int = 0) -> list[list[int]]:
        for place, text in enumerate(texts):
            if text == "long":
                raise InputError(f"text {before + place + 1} is long", fix="cut")
        return [[int(text)] for text in texts]

    def encode_tokens(self, rows: Sequence[Sequence[int]]) -> Vectors:
        self.turns.append([row[0] for row in rows])
        self.threads.add(threading.current_thread().name)
        self.began.set()
        assert self.gate.wait(10)
        return np.array([[row[0]] * 384 for row in rows], dtype=np.float32).reshape(-1, 384)

    @property
    def computed(self) -> list[int]:
        return [number for turn in self.turns for number in turn]


def numbers(vectors: Vectors) -> list[int]:
    return [int(row[0]) for row in vectors]


async def held(encoder: Scripted, batcher: Batcher) -> asyncio.Task[Vectors]:
    """A first caller whose turn the thread is in the middle of."""
    encoder.gate.clear()
    encoder.began.clear()
    first = asyncio.create_task(batcher.embed(["0"]))
    assert await asyncio.to_thread(encoder.began.wait, 10)
    return first


@pytest.fixture
def encoder() -> Scripted:
    return Scripted()


@pytest.fixture
async def batcher(encoder: Scripted) -> AsyncIterator[Batcher]:
    batcher = Batcher(load=lambda: encoder, waiting=64, thread=ModelThread())  # its own: nobody else keeps it alive
    yield batcher
    encoder.gate.set()
    await batcher.close()


async def test_real_vectors_come_back_in_order() -> None:
    batcher = Batcher()
    texts = [f"sentence number {number} " * (1 + number % 5) for number in range(20)]
    vectors, other, nothing = await asyncio.gather(batcher.embed(texts), batcher.embed(["alone"]), batcher.embed([]))
    await batcher.close()
    assert np.abs(vectors - Encoder().encode(texts)).max() < 2e-3
    assert other.shape == (1, batcher.dimensions)
    assert nothing.shape == (0, 384)


async def test_the_manifest_is_known_before_anything_loads() -> None:
    def load() -> Encoder:
        raise AssertionError("loaded too early")

    batcher = Batcher(load=load)
    assert batcher.fingerprint.startswith("all-minilm-l6-v2-int8:")
    assert (batcher.dimensions, batcher.window) == (384, 256)
    await batcher.close()


async def test_callers_of_one_moment_share_a_turn(encoder: Scripted, batcher: Batcher) -> None:
    answers = await asyncio.gather(*(batcher.embed([str(number)]) for number in range(TURN)))
    assert [numbers(answer) for answer in answers] == [[number] for number in range(TURN)]
    assert encoder.turns == [list(range(TURN))]
    assert len(encoder.threads) == 1
    assert threading.current_thread().name not in encoder.threads


async def test_callers_who_come_while_it_computes_share_the_next_turn(encoder: Scripted, batcher: Batcher) -> None:
    first = await held(encoder, batcher)
    later = [asyncio.create_task(batcher.embed([str(number)])) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    encoder.gate.set()
    await asyncio.gather(first, *later)
    assert encoder.turns == [[0], [1, 2, 3]]


async def test_a_question_does_not_wait_for_a_folder(encoder: Scripted, batcher: Batcher) -> None:
    first = await held(encoder, batcher)
    folder = asyncio.create_task(batcher.embed([str(number) for number in range(100, 100 + 3 * TURN)]))
    await asyncio.sleep(0)
    question = asyncio.create_task(batcher.embed(["7"]))
    await asyncio.sleep(0)
    encoder.gate.set()
    assert numbers(await question) == [7]
    assert numbers(await folder) == list(range(100, 100 + 3 * TURN))
    await first
    assert next(place for place, turn in enumerate(encoder.turns) if 7 in turn) == 2  # after one turn of the folder, before its others


async def test_a_cancelled_caller_s_texts_are_not_computed(encoder: Scripted, batcher: Batcher) -> None:
    first = await held(encoder, batcher)
    gone = asyncio.create_task(batcher.embed(["1", "2"]))
    stays = asyncio.create_task(batcher.embed(["3"]))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    encoder.gate.set()
    assert numbers(await stays) == [3]
    await first
    assert sorted(encoder.computed) == [0, 3]


async def test_a_caller_cancelled_midway_leaves_the_rest_uncomputed(encoder: Scripted, batcher: Batcher) -> None:
    encoder.gate.clear()
    long = asyncio.create_task(batcher.embed([str(number) for number in range(5 * TURN)]))
    assert await asyncio.to_thread(encoder.began.wait, 10)
    long.cancel()
    await asyncio.wait([long])
    encoder.gate.set()
    assert numbers(await batcher.embed(["99"])) == [99]
    assert encoder.computed == [*range(TURN), 99]


async def test_the_queue_is_bounded_and_empties(encoder: Scripted, batcher: Batcher) -> None:
    first = await held(encoder, batcher)
    waiting = asyncio.create_task(batcher.embed([str(number) for number in range(63)]))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="64 texts"):
        await batcher.embed(["5"])
    waiting.cancel()
    await asyncio.wait([waiting])
    room = asyncio.create_task(batcher.embed(["5"]))  # a cancelled caller's places are free at once
    await asyncio.sleep(0)
    encoder.gate.set()
    assert numbers(await room) == [5]
    await first
    with pytest.raises(InputError, match="65 texts"):
        await batcher.embed(["1"] * 65)
    assert len(await batcher.embed(["1"] * 64)) == 64


async def test_a_text_too_long_fails_its_own_caller_only(encoder: Scripted, batcher: Batcher) -> None:
    texts = [str(number) for number in range(TURN + 1)] + ["long"]
    bad, good = await asyncio.gather(batcher.embed(texts), batcher.embed(["4"]), return_exceptions=True)
    assert isinstance(bad, InputError)
    assert str(bad) == f"text {TURN + 2} is long"
    assert not isinstance(good, BaseException)
    assert numbers(good) == [4]


async def test_a_failure_to_load_reaches_every_caller_and_the_next_call_tries_again(encoder: Scripted) -> None:
    outcomes: list[Encoder | StoreError] = [StoreError("damaged", fix="reinstall"), encoder]

    def load() -> Encoder:
        outcome = outcomes.pop(0)
        if isinstance(outcome, StoreError):
            raise outcome
        return outcome

    batcher = Batcher(load=load)
    failed = await asyncio.gather(*(batcher.embed([str(number)]) for number in range(3)), return_exceptions=True)
    assert [type(error) for error in failed] == [StoreError] * 3
    assert numbers(await batcher.embed(["8"])) == [8]
    await batcher.close()


async def test_warm_loads_once() -> None:
    loads: list[str] = []

    def load() -> Encoder:
        loads.append(threading.current_thread().name)
        return Scripted()

    batcher = Batcher(load=load)
    await batcher.warm()
    await batcher.warm()
    await batcher.embed(["1"])
    await batcher.close()
    assert len(loads) == 1
    assert loads[0].startswith("groundwork-encoder")


async def test_closing_fails_those_who_wait_and_joins_the_thread(encoder: Scripted, batcher: Batcher) -> None:
    first = await held(encoder, batcher)
    waiting = asyncio.create_task(batcher.embed(["1"]))
    await asyncio.sleep(0)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    encoder.gate.set()
    await closing
    assert numbers(await first) == [0]
    with pytest.raises(Overloaded, match="closed"):
        await waiting
    with pytest.raises(Overloaded, match="closed"):
        await batcher.embed(["2"])
    assert encoder.computed == [0]
    assert not [thread for thread in threading.enumerate() if thread.name in encoder.threads]


def test_a_new_event_loop_starts_afresh() -> None:
    encoder = Scripted()
    batcher = Batcher(load=lambda: encoder)

    async def leave_early() -> None:
        encoder.gate.clear()
        task = asyncio.create_task(batcher.embed(["1"]))
        assert await asyncio.to_thread(encoder.began.wait, 10)
        task.cancel()

    async def ask() -> list[int]:
        answer = numbers(await asyncio.wait_for(batcher.embed(["2"]), 10))
        await batcher.close()
        return answer

    asyncio.run(leave_early())
    encoder.gate.set()
    assert asyncio.run(ask()) == [2]
