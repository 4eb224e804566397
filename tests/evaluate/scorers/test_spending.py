import pytest

from groundwork.core.measure import Score
from groundwork.core.reply import Reply, Usage
from groundwork.evaluate.scorers import Answered, all_scorers
from tests.evaluate.builders import example, reply

BY_NAME = {one.name: one for one in all_scorers()}
TIMES = ("latency", "first_token", "tokens_per_second")


async def score(name: str, answer: Reply, *, seconds: float = 2.0, first_token: float | None = None) -> Score:
    return await BY_NAME[name].score(Answered(example(1), answer, seconds, first_token))


async def test_times_and_tokens_are_what_was_measured() -> None:
    said = reply("x", usage=Usage(input_tokens=30, output_tokens=60, cached_tokens=10))
    assert (await score("latency", said)).value == 2.0
    assert (await score("first_token", said, first_token=0.5)).value == 0.5
    assert (await score("tokens_per_second", said, first_token=0.5)).value == 40
    assert (await score("tokens_per_second", said)).value == 30
    assert (await score("tokens.input", said)).value == 30
    assert (await score("tokens.output", said)).value == 60


@pytest.mark.parametrize("name", TIMES)
async def test_an_answer_from_a_cache_is_not_a_fast_one(name: str) -> None:
    found = await score(name, reply("x", cached=True, usage=Usage(input_tokens=1, output_tokens=1)), seconds=0.001, first_token=0.0)
    assert (found.status, found.value) == ("unscored", None)


@pytest.mark.parametrize("name", ["first_token", "tokens_per_second", "tokens.input", "tokens.output", "cost"])
async def test_what_nobody_counted_is_unscored_and_never_zero(name: str) -> None:
    assert (await score(name, reply("x"))).status == "unscored"


async def test_a_refusal_may_write_no_tokens() -> None:
    assert (await score("tokens.output", reply("", usage=Usage(input_tokens=9)))).value == 0


def test_time_to_the_first_token_is_reported_by_quantiles() -> None:
    assert BY_NAME["first_token"].metrics == ("first_token.p50", "first_token.p95")
