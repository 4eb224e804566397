"""Several answers, one of which leaves: by votes, by likelihood, by a function; and all of them are paid for."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError, UpstreamError
from groundwork.core.message import say
from groundwork.core.reply import CallPiece, Delta, Usage
from groundwork.core.request import Parameters, Request
from groundwork.core.whole import gather
from groundwork.gateway.best_of import BestOf, ballot, still_needed
from groundwork.observe.recorder import Recorder, recording
from tests.gateway.conftest import MakeModel
from tests.gateway.upstream import Upstream

REQUEST = Request(messages=(say("user", "How many?"),))
CALL = Delta(calls=(CallPiece(index=0, name="f"),), finish="tool")


@dataclass
class Draws:
    """Gives its answers in turn; each costs a dollar. An error is raised, a delta sent as it is."""

    answers: tuple[Any, ...]
    cost: float | None = 1.0
    logprobs: tuple[tuple[float, ...], ...] = ()
    name: str = "draws"
    asked: list[Request] = field(default_factory=list)
    running: int = 0
    most: int = 0

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        place = len(self.asked)
        self.asked.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
            answer = self.answers[place % len(self.answers)]
            if isinstance(answer, Exception):
                raise answer
            yield answer if isinstance(answer, Delta) else Delta(text=answer, logprobs=self.logprobs[place] if self.logprobs else ())
            finish = answer.finish if isinstance(answer, Delta) else "stop"
            yield Delta(finish=finish, usage=Usage(output_tokens=1), cost=self.cost, priced=self.cost is not None)
        finally:
            self.running -= 1


async def best(model: Draws, n: int, by: str, **more: Any) -> tuple[Any, dict[str, Any]]:
    recorder = Recorder("tr_1")
    with recording(recorder):
        whole = await gather(BestOf(model, n, by, **more).stream(REQUEST))
    return whole, recorder.spans[-1].attributes


async def test_the_vote_goes_to_what_is_said_most_often_and_everything_is_paid_for() -> None:
    model = Draws(("41", "42", "42.", "forty", "**42**"))
    whole, attributes = await best(model, 5, "vote")
    assert (whole.text, whole.finish, whole.cost, whole.usage.output_tokens) == ("42", "stop", 5.0, 5)
    assert attributes["groundwork.best_of.calls"] == attributes["groundwork.best_of.drawn"] == 5
    assert attributes["groundwork.best_of.scores"] == [1, 3, 3, 1, 3]


async def test_a_decided_vote_draws_no_more_and_cancels_nothing() -> None:
    model = Draws(("42",))
    whole, attributes = await best(model, 5, "vote")
    assert (whole.text, len(model.asked), model.most, attributes["groundwork.best_of.cost"]) == ("42", 3, 3, 3.0)


@given(st.integers(2, 9).flatmap(lambda n: st.lists(st.sampled_from("abc"), min_size=n, max_size=n)))
def test_stopping_early_never_changes_the_winner(ballots: list[str]) -> None:
    n, drawn = len(ballots), 0
    while (size := still_needed(ballots[:drawn], drawn, n)) > 0:
        drawn += size
        assert drawn <= n

    def winner(votes: list[str]) -> str:
        return max(votes, key=lambda vote: (votes.count(vote), -votes.index(vote)))

    assert winner(ballots[:drawn]) == winner(ballots)


def test_what_makes_no_other_answer() -> None:
    assert len({ballot(text) for text in ("1,000", "1000.", " 1000 ", "**1000**", "“1000”!")}) == 1
    assert ballot("1,2") != ballot("12")
    assert ballot("1.5") != ballot("15")


async def test_likelihood_is_averaged_so_that_length_does_not_count() -> None:
    model = Draws(("short", "a long and likely one"), logprobs=((-0.5,), (-0.2,) * 5))
    whole, _ = await best(model, 2, "logprob")
    assert whole.text == "a long and likely one", "in sum the short one would have won"
    assert all(request.parameters.logprobs for request in model.asked)


async def test_a_server_without_log_probabilities_is_named() -> None:
    with pytest.raises(UpstreamError, match="draws sent no log-probabilities") as error:
        await best(Draws(("a", "b")), 2, "logprob")
    assert 'by = "vote"' in error.value.fix


async def test_log_probabilities_cross_the_wire(model: MakeModel, server: Upstream) -> None:
    def event(word: str, logprob: float) -> bytes:
        choice = {
            "index": 0,
            "delta": {"content": word},
            "logprobs": {"content": [{"token": word, "logprob": logprob}]},
            "finish_reason": "stop",
        }
        return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\ndata: [DONE]\n\n"

    server.play(event("unsure", -3.0))
    server.play(event("sure", -0.1))
    whole, _ = await best(model(), 2, "logprob")  # type: ignore[arg-type]
    assert whole.text == "sure"
    assert [asked.body["logprobs"] for asked in server.asked] == [True, True]


async def test_a_function_of_yours_decides_sync_or_async() -> None:
    async def shortest(question: str, answer: str) -> float:
        assert question == "How many?"
        return -len(answer)

    assert (await best(Draws(("many words", "few", "some words")), 3, "m:shortest", verifier=shortest))[0].text == "few"
    assert (await best(Draws(("a", "ccc", "bb")), 3, "m:longest", verifier=lambda _, answer: len(answer)))[0].text == "ccc"


@pytest.mark.parametrize(
    ("verifier", "says"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda *_: "good", "ValueError"),
        (lambda *_: float("nan"), "nan"),
        (lambda _: 1, "TypeError"),
    ],
)
async def test_a_function_that_fails_is_named(verifier: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=f"the verifier m:f .*{says}"):
        await best(Draws(("a",)), 2, "m:f", verifier=verifier)


async def test_one_that_fails_leaves_the_others_and_all_that_fail_are_a_failure() -> None:
    broken = UpstreamError("no", cause="overload", fix="wait")
    whole, attributes = await best(Draws((broken, "42", "42")), 3, "vote")
    assert (whole.text, attributes["groundwork.best_of.failed"]) == ("42", 1)
    with pytest.raises(UpstreamError, match="no"):
        await best(Draws((broken,)), 3, "vote")


async def test_where_most_call_a_tool_a_call_leaves() -> None:
    assert (await best(Draws((CALL, "42", CALL)), 3, "vote"))[0].finish == "tool"
    assert (await best(Draws(("42", "42", CALL)), 3, "vote"))[0].text == "42"
    assert (await best(Draws((Delta(text="cut", finish="length"),)), 3, "vote"))[0].finish == "length"


async def test_an_unknown_price_stays_unknown() -> None:
    assert (await best(Draws(("a",), cost=None), 2, "vote"))[0].cost is None


async def test_each_draw_has_a_seed_of_its_own_where_there_is_one() -> None:
    model = Draws(("a", "b", "c"))
    await gather(BestOf(model, 3, "vote").stream(Request(messages=REQUEST.messages, parameters=Parameters(seed=5))))
    assert sorted(request.parameters.seed or 0 for request in model.asked) == [5, 6, 7]
    unseeded = Draws(("a",))
    await best(unseeded, 2, "vote")
    assert {request.parameters.seed for request in unseeded.asked} == {None}
