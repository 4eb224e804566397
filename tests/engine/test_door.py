"""The async door of trained models: one thread, turns between batches, bounds, cancelling, failing, closing."""

import asyncio
import threading
from collections.abc import Generator

import pytest

from groundwork.core.errors import InputError, Overloaded, StoreError
from groundwork.engine.batching import Batcher
from groundwork.engine.door import Door, drained
from groundwork.engine.reading import SpanReader
from groundwork.engine.thread import ModelThread
from tests.engine import tiny


class Counter:
    """Counts to a number, one batch at a time; waits at a gate that the test opens."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()

    def counting(self, name: str, to: int) -> Generator[None, None, int]:
        for number in range(to):
            self.began.set()
            assert self.gate.wait(10)
            self.threads.add(threading.current_thread().name)
            self.done.append(f"{name}{number}")
            yield
        return to

    def failing(self) -> Generator[None, None, int]:
        yield
        raise InputError("no", fix="other words")


async def held(door: Door[Counter], counter: Counter, name: str = "x", to: int = 3) -> asyncio.Task[int]:
    counter.gate.clear()
    counter.began.clear()
    task = asyncio.create_task(door.ask(lambda model: model.counting(name, to)))
    assert await asyncio.to_thread(counter.began.wait, 10)
    return task


async def test_a_reader_behind_the_door_says_what_it_says_alone() -> None:
    reader = SpanReader(tiny.FOLDER / "tiny-reader", encoder=tiny.ENCODER)
    door = Door(lambda: SpanReader(tiny.FOLDER / "tiny-reader", encoder=tiny.ENCODER))
    passages = ["ada wrote it. " * 40, "the letter was signed by ada"]
    answers = await asyncio.gather(*(door.ask(lambda model: model.reading("who wrote it?", passages)) for _ in range(5)))
    await door.close()
    assert all(answer == reader.read("who wrote it?", passages) for answer in answers)


async def test_two_callers_take_turns() -> None:
    counter = Counter()
    door = Door(lambda: counter, thread=ModelThread())
    assert await asyncio.gather(*(door.ask(lambda model, name=name: model.counting(name, 3)) for name in "ab")) == [3, 3]
    await door.close()
    assert counter.done == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert threading.current_thread().name not in counter.threads


async def test_models_share_one_thread() -> None:
    thread = ModelThread()
    counters = [Counter(), Counter()]
    doors = [Door(lambda counter=counter: counter, thread=thread) for counter in counters]
    await asyncio.gather(*(door.ask(lambda model: model.counting("x", 2)) for door in doors))
    await doors[0].close()
    await doors[1].ask(lambda model: model.counting("y", 1))  # the other one's end is not this one's
    assert counters[0].threads == counters[1].threads
    assert len(counters[0].threads) == 1
    await doors[1].close()
    assert not [each for each in threading.enumerate() if each.name in counters[0].threads and thread._pool is not None]


async def test_a_cancelled_caller_s_batches_are_not_computed() -> None:
    counter = Counter()
    door = Door(lambda: counter, thread=ModelThread())
    task = await held(door, counter)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    counter.gate.set()
    assert await door.ask(lambda model: model.counting("y", 1)) == 1
    await door.close()
    assert counter.done == ["x0", "y0"]


async def test_what_the_work_raises_reaches_its_caller_only() -> None:
    counter = Counter()
    door = Door(lambda: counter, thread=ModelThread())
    bad, good = await asyncio.gather(
        door.ask(lambda model: model.failing()), door.ask(lambda model: model.counting("x", 2)), return_exceptions=True
    )
    await door.close()
    assert isinstance(bad, InputError)
    assert good == 2


async def test_a_failure_to_load_is_passed_on_and_tried_again() -> None:
    outcomes: list[Counter | StoreError] = [StoreError("damaged", fix="again"), Counter()]

    def load() -> Counter:
        outcome = outcomes.pop(0)
        if isinstance(outcome, StoreError):
            raise outcome
        return outcome

    door = Door(load, thread=ModelThread())
    with pytest.raises(StoreError):
        await door.warm()
    await door.warm()
    assert await door.ask(lambda model: model.counting("x", 1)) == 1
    await door.close()


async def test_the_queue_is_bounded() -> None:
    counter = Counter()
    door = Door(lambda: counter, waiting=2, thread=ModelThread())
    first = await held(door, counter)
    second = asyncio.create_task(door.ask(lambda model: model.counting("y", 1)))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="2 calls are waiting"):
        await door.ask(lambda model: model.counting("z", 1))
    counter.gate.set()
    assert await asyncio.gather(first, second) == [3, 1]
    assert await door.ask(lambda model: model.counting("z", 1)) == 1
    await door.close()


async def test_closing_ends_those_who_wait_after_the_batch_they_are_in() -> None:
    counter = Counter()
    door = Door(lambda: counter, thread=ModelThread())
    first = await held(door, counter)
    closing = asyncio.create_task(door.close())
    await asyncio.sleep(0)
    counter.gate.set()
    await closing
    with pytest.raises(Overloaded, match="closed"):
        await first
    with pytest.raises(Overloaded, match="closed"):
        await door.ask(lambda model: model.counting("y", 1))
    with pytest.raises(Overloaded, match="closed"):
        await door.warm()
    assert counter.done == ["x0"]


async def test_the_encoder_s_texts_go_between_a_reader_s_batches() -> None:
    thread, counter = ModelThread(), Counter()
    door = Door(lambda: counter, thread=thread)
    batcher = Batcher(thread=thread)
    await batcher.warm()
    long = await held(door, counter, to=50)
    question = asyncio.create_task(batcher.embed(["who wrote it?"]))
    await asyncio.sleep(0)
    counter.gate.set()
    await question
    assert len(counter.done) < 50
    await long
    await batcher.close()
    await door.close()


def test_drained_work_is_done_in_this_thread() -> None:
    counter = Counter()
    assert drained(counter.counting("x", 3)) == 3
    assert counter.threads == {threading.current_thread().name}
