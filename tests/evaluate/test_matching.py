import asyncio
import re

import pytest

from groundwork.core.errors import InputError
from groundwork.evaluate.matching import Matcher


async def test_patterns_match_as_re_does() -> None:
    matcher = Matcher()
    assert await matcher.matches("b+", "abbbc")
    assert not await matcher.matches("b+", "abbbc", whole=True)
    assert await matcher.matches("é\n.", "É\nx", flags=int(re.IGNORECASE))


async def test_a_match_that_backtracks_is_ended_and_the_next_one_is_not_harmed() -> None:
    matcher = Matcher()
    with pytest.raises(InputError, match=r"within 0\.2 s"):
        await matcher.matches("(a|aa)+$", "a" * 60 + "b", seconds=0.2)
    assert await matcher.matches("a", "a")


async def test_the_event_loop_goes_on_while_a_pattern_is_matched() -> None:
    matcher = Matcher()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    counting = asyncio.create_task(count())
    with pytest.raises(InputError):
        await matcher.matches("(a+)+$", "a" * 60 + "b", seconds=0.3)
    counting.cancel()
    assert turns > 5


async def test_many_at_once_each_get_their_own_answer() -> None:
    matcher = Matcher()
    found = await asyncio.gather(*(matcher.matches(str(number % 3), str(number)) for number in range(12)))
    assert found == [str(number % 3) in str(number) for number in range(12)]


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "[z-a]"])
async def test_what_is_no_pattern_is_refused_before_anything_runs(pattern: str) -> None:
    with pytest.raises(InputError, match="no regular expression"):
        await Matcher().matches(pattern, "x")
