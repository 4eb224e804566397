"""The clock is the loop's own, moved on by what is slept: nothing waits in earnest."""

import asyncio
from collections.abc import Callable

import pytest

from groundwork.core.errors import Cause, UpstreamError
from groundwork.evaluate.pace import MOST, START, Pace

LATER = float("inf")


class Sleeps:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def failing(times: int, cause: Cause = "rate", retry_after: float | None = None) -> Callable[[], "asyncio.Future[str]"]:
    left = times

    async def work() -> str:
        nonlocal left
        left -= 1
        if left >= 0:
            raise UpstreamError("no", cause=cause, fix="later", retry_after=retry_after)
        return "answer"

    return work  # pyright: ignore[reportReturnType]


async def test_what_can_help_is_sent_again_and_waits_longer_each_time() -> None:
    sleeps = Sleeps()
    found, _ = await Pace(1, attempts=4, sleep=sleeps, chance=lambda: 1.0).ask(failing(3), until=LATER)
    assert found == "answer"
    assert sleeps.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("cause", ["auth", "invalid", "context", "filter"])
async def test_what_cannot_help_is_not_sent_again(cause: Cause) -> None:
    sleeps = Sleeps()
    with pytest.raises(UpstreamError):
        await Pace(1, attempts=4, sleep=sleeps).ask(failing(1, cause), until=LATER)
    assert sleeps.slept == []


async def test_attempts_are_bounded_and_so_is_the_time() -> None:
    sleeps = Sleeps()
    with pytest.raises(UpstreamError):
        await Pace(1, attempts=3, sleep=sleeps).ask(failing(3), until=LATER)
    assert len(sleeps.slept) == 2
    now = asyncio.get_running_loop().time()
    with pytest.raises(UpstreamError):
        await Pace(1, attempts=3, sleep=sleeps).ask(failing(1, retry_after=60.0), until=now + 30)
    assert len(sleeps.slept) == 2, "the server wants a minute, and there is half of one"


async def test_the_server_says_when_to_come_back() -> None:
    sleeps = Sleeps()
    await Pace(1, attempts=2, sleep=sleeps, chance=lambda: 0.0).ask(failing(1, retry_after=7.0), until=LATER)
    assert sleeps.slept == [7.25]


async def test_only_the_attempt_that_answered_is_timed() -> None:
    async def slept(_: float) -> None:
        await asyncio.sleep(0.05)

    _, seconds = await Pace(1, attempts=2, sleep=slept).ask(failing(1), until=LATER)
    assert seconds < 0.04


async def answers(pace: Pace, seconds: float, count: int) -> None:
    for _ in range(count):
        pace._note_answer(seconds)


async def test_auto_doubles_while_it_goes_well_and_never_passes_its_bound() -> None:
    pace = Pace(None)
    assert pace.limit == START
    await answers(pace, 0.1, START)
    assert pace.limit == 2 * START
    await answers(pace, 0.1, 10 * MOST)
    assert pace.limit == MOST


async def test_auto_gives_way_where_answers_get_slower() -> None:
    pace = Pace(None)
    await answers(pace, 0.1, START + 2 * START + 4 * START)
    before = pace.limit
    await answers(pace, 0.5, before)
    after = pace.limit
    assert after < before
    await answers(pace, 0.1, after)
    assert pace.limit == after + 1, "after the first sign it rises by one"


async def test_auto_halves_once_for_what_was_refused_together() -> None:
    pace = Pace(None, sleep=Sleeps())
    await answers(pace, 0.1, START + 2 * START)
    before = pace.limit
    for _ in range(5):
        with pytest.raises(UpstreamError):
            await pace.ask(failing(1, retry_after=5.0), until=LATER)
    assert pace.limit == before // 2


async def test_no_more_than_the_limit_are_in_the_air_and_all_come_through() -> None:
    pace = Pace(None)
    running, most, done = 0, 0, 0

    async def one() -> None:
        nonlocal running, most, done
        await pace.enter()
        running += 1
        most = max(most, running - pace.limit)
        await asyncio.sleep(0)
        running -= 1
        done += 1
        pace.leave()

    await asyncio.gather(*(one() for _ in range(50)))
    assert (done, most) == (50, 0)


async def test_who_is_cancelled_in_the_line_holds_nobody_up() -> None:
    pace = Pace(None)
    for _ in range(START):
        await pace.enter()
    waiting = [asyncio.create_task(pace.enter()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    pace.leave()
    await asyncio.wait_for(waiting[1], 1)
