"""A run as JUnit XML, the form that build servers read: a test case for each answer.

A case fails where a share that it was scored on is at its worst (0 where more is better, 1 where less is), is an error where it broke or its
score did, and is skipped where it waits for a person. The figures stand as properties, with their intervals.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from groundwork.core.measure import Result, Run, Score
from groundwork.evaluate.registry import Scorer
from groundwork.evaluate.suite import Suite

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def junit(run: Run, suite: Suite, results: Iterable[Result]) -> Iterator[str]:
    """The lines of the file, written as the results are read: `results` is gone through once, and counted before in `run`."""
    scorers = {one.name: one for one in suite.scorers}
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    yield f"  <testsuite name={_attribute(run.suite)} tests={_attribute(run.n)} errors={_attribute(run.errors)} id={_attribute(run.id)}>\n"
    yield "    <properties>\n"
    for name, figure in run.metrics.items():
        text = f"{figure.value:.6g} [{figure.low:.6g}, {figure.high:.6g}] n={figure.n}"
        yield f"      <property name={_attribute(name)} value={_attribute(text)}/>\n"
    yield "    </properties>\n"
    for result in results:
        yield from _case(run, result, scorers)
    yield "  </testsuite>\n</testsuites>\n"


def failing(scores: Iterable[Score], scorers: Mapping[str, Scorer]) -> list[Score]:
    """The shares of an answer that are as bad as they can be."""
    return [score for score in scores if score.status == "ok" and (one := scorers.get(score.metric)) is not None and _is_worst(score, one)]


def _is_worst(score: Score, scorer: Scorer) -> bool:
    return scorer.unit == "share" and score.value == (0.0 if scorer.better == "higher" else 1.0)


def _case(run: Run, result: Result, scorers: Mapping[str, Scorer]) -> Iterator[str]:
    name = result.example
    name += f" (repeat {result.repeat + 1})" if run.repeats > 1 else ""
    name += f" (turn {result.turn + 1})" if result.turn else ""
    head = f"    <testcase classname={_attribute(run.suite)} name={_attribute(name)} time={_attribute(f'{result.seconds:.3f}')}"
    inside = [*_outcome(result, scorers)]
    if not inside:
        yield f"{head}/>\n"
        return
    yield f"{head}>\n"
    yield from (f"      {line}\n" for line in inside)
    yield "    </testcase>\n"


def _outcome(result: Result, scorers: Mapping[str, Scorer]) -> Iterator[str]:
    if result.status == "error":
        yield f"<error message={_attribute(result.error)}/>"
        return
    if result.status == "unscored":
        yield f"<skipped message={_attribute(result.error)}/>"
        return
    broken = [score for score in result.scores if score.status == "error"]
    for score in broken:
        yield f"<error message={_attribute(f'{score.metric}: {score.detail}')}/>"
    wrong = failing(result.scores, scorers)
    if wrong and not broken:
        message = ", ".join(f"{score.metric} = {score.value:g}" for score in wrong)
        yield f"<failure message={_attribute(message)}>{escape(_clean(result.answer))}</failure>"


def _attribute(value: object) -> str:
    return quoteattr(_clean(str(value)))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
