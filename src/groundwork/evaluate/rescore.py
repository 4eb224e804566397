"""Scoring apart from asking: the answers of a run, scored by the suite as it is now, into a run of its own.

What is expected may have changed, and the metrics; what is asked may not. Nothing is asked again, and the old run stays as it is.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.ids import event_id
from groundwork.core.measure import Example, Result, Run
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.evaluate.asking import Asker, Heard, reply_of
from groundwork.evaluate.cases import turns_of
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.journal import Journal, save_run, stream_results
from groundwork.evaluate.kept import NOTHING_KEPT
from groundwork.evaluate.pace import Pace
from groundwork.evaluate.runner import Progress, each, finish, records
from groundwork.evaluate.suite import Suite
from groundwork.evaluate.tally import Tally

Turns = tuple[Result, ...]
"""The results of one case and repeat."""


def rescored(old: Run, suite: Suite, *, started: float, identifier: str = "") -> Run:
    """The run that is to hold the new scores. Raises InputError where the suite asks something else than the run was asked."""
    same = old.questions_sha256 == suite.examples.questions_sha256 if old.questions_sha256 else old.suite_sha256 == suite.sha256
    if not same:
        raise InputError(
            f"{suite.path} asks other questions than {old.id} answered", fix="evaluate anew: the answers are to other questions"
        )
    return msgspec.structs.replace(
        old,
        id=identifier or event_id("run"),
        suite=suite.name,
        suite_sha256=suite.sha256,
        questions_sha256=suite.examples.questions_sha256,
        started=started,
        finished=None,
        scored_from=old.id,
        scorers=records(suite),
        metrics={},
        unread={},
    )


async def rescore(
    old: Run,
    suite: Suite,
    *,
    folder: Path,
    instruments: Instruments | None = None,
    progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> Run:
    """Score the answers of `old` again; return and save the new run. Answers that broke stay broken. Raises InputError as `rescored` does."""
    run = rescored(old, suite, started=clock())
    concurrency = 1 if suite.concurrency == "auto" else suite.concurrency
    pace = Pace(concurrency)
    asker = Asker(_nobody, suite.scorers, suite.timeout, pace, suite.sha256, instruments or Instruments(), NOTHING_KEPT)
    tally = Tally(suite.examples, run.repeats)
    with closing(Journal(folder / f"{run.id}.jsonl")) as journal, suite.examples.reading() as read:
        save_run(folder, run)

        async def one(turns: Turns) -> None:
            place = _place(turns[0], suite)
            scored = await _score(asker, read(place), place, turns)
            journal.append(scored)
            tally.mark(place, turns[0].repeat, broken=scored[-1].status == "error")
            if progress is not None:
                progress(Progress(tally.done + tally.errors, old.n, tally.errors))

        await each(one, _grouped(folder, old.id), pace)
    return finish(run, suite, folder, clock())


async def _score(asker: Asker, example: Example, place: int, turns: Turns) -> Turns:
    scored: list[Result] = []
    replies: list[Reply] = []
    for result in turns:
        turn = turns_of(example, replies) or example
        fresh = msgspec.structs.replace(
            result, place=place, scores=(), cluster=turn.cluster, metadata=turn.metadata, tags=turn.tags, split=turn.split
        )
        if result.status in {"ok", "refused"}:
            reply = reply_of(result)
            replies.append(reply)
            said = tuple(replies) if example.turns else ()
            scores = await asker.score(turn, Heard(reply, result.seconds, kept=result.kept), place, example, said)
            fresh = msgspec.structs.replace(fresh, scores=scores)
        scored.append(fresh)
    return tuple(scored)


def _grouped(folder: Path, identifier: str) -> Iterator[Turns]:
    """The turns of each case together: they stand together in the file."""
    for _, turns in itertools.groupby(stream_results(folder, identifier), key=lambda result: (result.example, result.repeat)):
        yield tuple(turns)


def _place(result: Result, suite: Suite) -> int:
    if suite.examples.is_at(result.example, result.place):
        return result.place
    place = suite.examples.place_of(result.example)
    if place is None:
        raise InputError(f"the suite holds no case {result.example!r}", fix="evaluate anew")
    return place


async def _nobody(_request: Request, /) -> Reply:
    raise InputError("nothing is asked while answers are scored again", fix="evaluate anew")
