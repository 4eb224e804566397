"""One case of a run: asked, turn by turn where it is a conversation, and scored.

What comes of it is a result, whatever breaks: an error (the target raised, or took too long) is a status of its own, and so is a refusal.
Neither is a wrong answer, and neither is a NaN.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from groundwork.core.errors import UpstreamError
from groundwork.core.measure import Example, Outcome, Result, Score
from groundwork.core.message import say
from groundwork.core.ports import Target
from groundwork.core.reply import Reply, Usage
from groundwork.core.request import Principal, Request
from groundwork.evaluate.cases import turns_of
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.kept import KeptAnswers
from groundwork.evaluate.pace import Pace
from groundwork.evaluate.registry import Answered, Scorer
from groundwork.evaluate.registry import say as say_error

CUT = "cut off at its length limit"
_INTERNAL = Principal(internal=True)
"""Evaluation is the operator's own."""


class Heard(NamedTuple):
    """What came of asking once; without a reply, `error` says why."""

    reply: Reply | None
    seconds: float
    error: str = ""
    kept: bool = False


class Place(NamedTuple):
    """Where a result stands in its run."""

    place: int = 0
    repeat: int = 0
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks and scores the cases of one run."""

    target: Target
    scorers: tuple[Scorer, ...]
    timeout: float
    pace: Pace
    seed: str
    """What spot checks are drawn by; the same for two runs over the same cases, so that they can be held against each other."""
    instruments: Instruments
    kept: KeptAnswers
    revisions: set[str] = field(default_factory=set[str])
    """Who answered so far, as the target names it."""

    async def ask(self, example: Example, place: int, repeat: int) -> tuple[Result, ...]:
        """The results of a case, one a turn. A conversation ends where a turn breaks, or waits for a person."""
        results: list[Result] = []
        replies: list[Reply] = []
        while (turn := turns_of(example, replies)) is not None:
            heard = await self._hear(turn, repeat)
            at = Place(place, repeat, len(replies))
            if heard.reply is None:
                results.append(result_of(turn, at, heard, "error", ()))
                break
            replies.append(heard.reply)
            status = status_of(heard.reply)
            said = tuple(replies) if example.turns else ()
            scores = await self.score(turn, heard, place, example, said) if status != "unscored" else ()
            results.append(result_of(turn, at, heard, status, scores))
            if status == "unscored":
                break
        return tuple(results)

    async def score(self, turn: Example, heard: Heard, place: int, whole: Example, said: tuple[Reply, ...]) -> tuple[Score, ...]:
        """Every scorer's opinion of an answer; `said` are the replies of its conversation so far, empty where it is none."""
        reply = heard.reply or Reply(text="", finish="stop")
        draw = drawn(self.seed, place) if any(one.share < 1 for one in self.scorers) else 0.0
        answered = Answered(turn, reply, heard.seconds, reply.first_token, self.instruments, said, whole if said else None, draw)
        return tuple([await one.score(answered) for one in self.scorers])

    async def _hear(self, turn: Example, repeat: int) -> Heard:
        """Ask once, or take the answer that is kept. Raises only where no other case could fare better: a key that is refused at once."""
        request = request_for(turn)
        kept = await self.kept.find(request, repeat)
        if kept is not None:
            return Heard(kept, 0.0, kept=True)
        start = time.perf_counter()
        limit = asyncio.timeout(self.timeout)
        until = asyncio.get_running_loop().time() + self.timeout
        try:
            async with limit:
                reply, seconds = await self.pace.ask(lambda: self.target(request), until=until)
            self._note(reply)
        except UpstreamError as error:
            if error.cause == "auth" and not self.revisions:
                raise
            blocked = Reply(text="", finish="blocked") if error.cause == "filter" else None
            return Heard(blocked, time.perf_counter() - start, say_error(error))
        except Exception as error:  # noqa: BLE001  one case is a job: what breaks in it is its result, and the other cases go on
            what = f"no answer within {self.timeout:g} s" if limit.expired() else say_error(error)
            return Heard(None, time.perf_counter() - start, what)
        self.kept.keep(request, repeat, reply)
        return Heard(reply, seconds)

    def _note(self, reply: Any) -> None:
        if not isinstance(reply, Reply):
            raise TypeError(f"the target gave {reply!r:.80}, which is no reply")
        if reply.model not in self.revisions:
            self.revisions.add(reply.model)


def request_for(example: Example) -> Request:
    """The structured request that an example (or one turn of it) stands for."""
    principal = Principal(**msgspec.structs.asdict(example.asker), internal=True) if example.asker else _INTERNAL
    messages = (*example.history, say("user", example.question))
    return Request(messages=messages, variables=example.variables, where=example.where, principal=principal)


def drawn(seed: str, place: int) -> float:
    """A number in [0, 1) by chance, and always the same for the same case: those below a spot check's share are scored."""
    digest = hashlib.blake2b(f"{seed}:{place}".encode(), digest_size=7).digest()  # 56 bits: a float holds no more than 53
    return (int.from_bytes(digest, "big") >> 3) / 2**53


def status_of(reply: Reply) -> Outcome:
    """Whether a reply answers, declines on purpose, or waits for a person."""
    if reply.finish == "awaiting_approval":
        return "unscored"
    return "refused" if reply.finish == "blocked" or (reply.refusal and not reply.text) else "ok"


def result_of(turn: Example, at: Place, heard: Heard, status: Outcome, scores: Sequence[Score]) -> Result:
    """The line of an answer."""
    reply = heard.reply or Reply(text="", finish="stop")
    usage = reply.usage
    counted = bool(usage.input_tokens or usage.output_tokens)
    return Result(
        example=turn.id,
        status=status,
        place=at.place,
        repeat=at.repeat,
        turn=at.turn,
        answer=reply.text,
        trace=reply.trace,
        seconds=heard.seconds,
        first_token=reply.first_token,
        input_tokens=usage.input_tokens if counted else None,
        output_tokens=usage.output_tokens if counted else None,
        cost=reply.cost,
        abstained=reply.abstained,
        kept=heard.kept,
        scores=tuple(scores),
        error=heard.error or ("waits for an approval" if status == "unscored" else ""),
        detail=CUT if reply.finish == "length" else "",
        reply=_rest(reply),
        cluster=turn.cluster,
        metadata=turn.metadata,
        tags=turn.tags,
        split=turn.split,
    )


def reply_of(result: Result) -> Reply:
    """The reply that a line was made of, as far as scorers look at it."""
    usage = Usage(input_tokens=result.input_tokens or 0, output_tokens=result.output_tokens or 0)
    rest = msgspec.convert({"text": "", "finish": "blocked" if result.status == "refused" else "stop"} | result.reply, Reply)
    return msgspec.structs.replace(
        rest,
        text=result.answer,
        trace=result.trace,
        cost=result.cost,
        abstained=result.abstained,
        usage=usage,
        first_token=result.first_token,
    )


def _rest(reply: Reply) -> dict[str, Any]:
    """What no other field of a result says; empty for plain text that came to its end."""
    if not (reply.citations or reply.calls or reply.refusal or reply.verdicts or reply.live or reply.finish != "stop"):
        return {}
    bare = Reply(
        text="",
        finish=reply.finish,
        calls=reply.calls,
        refusal=reply.refusal,
        citations=reply.citations,
        verdicts=reply.verdicts,
        steps=reply.steps,
        live=reply.live,
    )
    return {name: value for name, value in msgspec.to_builtins(bare).items() if name != "text"}
