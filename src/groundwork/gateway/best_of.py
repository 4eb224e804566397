"""Best of n: several answers are drawn and one of them leaves, with the cost of all. A wrapper of the port `Model`.

`logprob` takes the answer whose tokens were likeliest on average (not in sum, which favours the short one); `vote` the one given most often;
a function of yours the one it scores highest. Nothing streams before all are judged. At temperature 0 all answers are the same: it costs n
times as much for nothing. What this does not cover: rewards for steps on the way, and showing the caller the choice.
"""

import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from groundwork.core import functions
from groundwork.core.errors import ConfigError, UpstreamError
from groundwork.core.ports import Model
from groundwork.core.reply import Delta
from groundwork.core.request import Request
from groundwork.core.text import fold
from groundwork.core.whole import Bill, Whole, together, told
from groundwork.observe.recorder import span

_JUDGE_SECONDS = 30.0
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


@dataclass(frozen=True, slots=True)
class BestOf:
    """Draws up to `n` answers of a model and gives the best by `by`; `verifier` is the function where `by` names one."""

    source: Model
    n: int
    by: str
    verifier: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        return self.source.name

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        bill = Bill()
        with span(f"best of {self.n}") as attributes:
            attributes["groundwork.best_of.by"] = self.by
            best = await self._best(request, bill, attributes)
            attributes |= {"groundwork.best_of.calls": bill.calls, "groundwork.best_of.cost": bill.cost}
        for delta in told(best, bill):
            yield delta

    async def _best(self, request: Request, bill: Bill, attributes: dict[str, Any]) -> Whole:
        drawn = await (self._vote(request, bill) if self.by == "vote" else self._draw(request, bill, range(self.n)))
        wholes = [one for one in drawn if isinstance(one, Whole)]
        attributes |= {"groundwork.best_of.drawn": len(drawn), "groundwork.best_of.failed": len(drawn) - len(wholes)}
        if not wholes:
            raise next(one for one in drawn if isinstance(one, UpstreamError))
        answers = [one for one in wholes if one.is_answer]
        if 2 * len(answers) <= len(wholes):  # most call a tool, refuse or were cut off: that is what the model does here
            return next(one for one in wholes if not one.is_answer)
        scores = await self._scores(request, answers)
        attributes["groundwork.best_of.scores"] = [round(score, 4) for score in scores]
        return msgspec.structs.replace(answers[scores.index(max(scores))], logprobs=())

    async def _draw(self, request: Request, bill: Bill, places: range) -> list[Whole | UpstreamError]:
        """Answers side by side; one that fails is a failure among them, not the end of the others."""

        async def one(place: int) -> Whole | UpstreamError:
            try:
                return await bill.take(self.source, self._varied(request, place))
            except UpstreamError as error:
                return error

        return await together([one(place) for place in places])

    def _varied(self, request: Request, place: int) -> Request:
        """The request for one of the answers: a seed of its own where there is one (the same seed draws the same answer)."""
        sent = request.parameters
        seed = None if sent.seed is None else sent.seed + place
        logprobs = True if self.by == "logprob" else sent.logprobs
        return msgspec.structs.replace(request, parameters=msgspec.structs.replace(sent, seed=seed, logprobs=logprobs))

    async def _vote(self, request: Request, bill: Bill) -> list[Whole | UpstreamError]:
        """Answers in rounds of just as many as could decide the vote, so that none is cancelled and paid for unread."""
        drawn: list[Whole | UpstreamError] = []
        while (size := still_needed([one.text for one in drawn if isinstance(one, Whole) and one.is_answer], len(drawn), self.n)) > 0:
            drawn += await self._draw(request, bill, range(len(drawn), len(drawn) + size))
        return drawn

    async def _scores(self, request: Request, answers: list[Whole]) -> list[float]:
        if self.by == "vote":
            votes = Counter(ballot(answer.text) for answer in answers)
            return [float(votes[ballot(answer.text)]) for answer in answers]
        if self.verifier is None:
            return [average_logprob(answer, self.name) for answer in answers]
        return await together([self._verify(self.verifier, request.question, answer.text) for answer in answers])

    async def _verify(self, verifier: Callable[..., Any], question: str, answer: str) -> float:
        try:
            score = float(await functions.call(verifier, question, answer, seconds=_JUDGE_SECONDS))
        except Exception as error:
            what = f"the verifier {self.by} failed: {type(error).__name__}: {error}"
            raise ConfigError(what, fix="correct the function: it takes question and answer, and returns a number") from error
        if math.isnan(score):
            raise ConfigError(f"the verifier {self.by} returned nan", fix="return a number; the highest wins")
        return score


def still_needed(answers: list[str], drawn: int, n: int) -> int:
    """How many more answers could decide the vote, if all agreed with the leading one; 0 once nothing can overtake it."""
    votes = [count for _, count in Counter(ballot(answer) for answer in answers).most_common(2)] + [0, 0]
    leading, second, left = votes[0], votes[1], n - drawn
    return 0 if leading > second + left else min(left, (second + left - leading) // 2 + 1)


def ballot(answer: str) -> str:
    """An answer as it counts in a vote: case, spacing, thousands' commas and closing punctuation make no other one."""
    return _THOUSANDS.sub("", fold(answer)).strip(" .!?\"'“”‘’*`")


def average_logprob(answer: Whole, model: str) -> float:
    """Mean log-probability of an answer's tokens. Raises UpstreamError where the server sent none."""
    if not answer.logprobs:
        raise UpstreamError(f"{model} sent no log-probabilities", cause="invalid", fix='choose by vote: best_of = { n = 5, by = "vote" }')
    return math.fsum(answer.logprobs) / len(answer.logprobs)
