"""Conversations by turn and by task: how good the answers are at each turn, and whether, and when, the whole comes to its end well.

Turns of one conversation stand and fall together, so that pooled figures count conversations. Source of the distinction: C. Huyen, AI
Engineering (2025), chapter 4 (turn-based and task-based evaluation).
"""

from collections.abc import Iterable, Mapping

import msgspec

from groundwork.core import statistics
from groundwork.core.measure import Estimate, Example, Result
from groundwork.evaluate.figures import has_value
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.scorers.conversation import states, turn_of

_LATEST, _NEVER = 1e6, 1e9
Key = tuple[str, int]
"""A conversation: its case, and the repeat."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of 0 and 1 over conversations. `turns` is the figure at each turn, from 1, over the conversations that came so far."""

    metric: str
    conversations: int
    turns: dict[int, Estimate]
    every_turn: Estimate
    """Over all turns, by conversation."""
    all_right: Estimate
    """Conversations that came to their end with every turn right; one that broke off did not."""
    ended: Estimate
    """Conversations that came to their end, right or wrong."""
    reached: dict[int, Estimate]
    """Conversations whose goal (the facts of the last turn) had been stated by this turn; those never reached count against all."""
    turns_to_success: Estimate | None
    """The median turn at which the goal was first stated; a limit is open where too many never got there. None where half never did."""


def conversation(results: Iterable[Result], examples: Mapping[str, Example], metric: Metric) -> Conversation | None:
    """A run's conversations; None where it holds none. `metric` scores single turns, 1 for a right one (turned round where lower is better)."""
    talks: dict[Key, list[Result]] = {}
    for result in results:
        if result.example in examples and examples[result.example].turns:
            talks.setdefault((result.example, result.repeat), []).append(result)
    if not talks:
        return None
    rows = {key: {one.turn: _value(one, metric) for one in said} for key, said in talks.items()}
    lengths = {key: len(examples[key[0]].turns) + 1 for key in talks}
    clusters = [key[0] for key in talks]
    all_right = [float(all(rows[key].get(turn) == 1 for turn in range(lengths[key]))) for key in talks]
    ended = [float(max(rows[key]) == lengths[key] - 1 and talks[key][-1].status != "error") for key in talks]
    goals = {key: _goal(examples[key[0]], said) for key, said in talks.items()}
    pooled = [(value, key[0]) for key in talks for value in rows[key].values() if value is not None]
    return Conversation(
        metric=metric.name,
        conversations=len(talks),
        turns=dict(_by_turn(rows)),
        every_turn=statistics.clustered_mean([value for value, _ in pooled], [case for _, case in pooled]) if pooled else _nothing(),
        all_right=_share(all_right, clusters),
        ended=_share(ended, clusters),
        reached=_reached(goals, lengths, clusters),
        turns_to_success=_median(goals),
    )


def _goal(example: Example, said: list[Result]) -> int | None:
    """The turn, from 1, at which the facts of the last turn were first stated; None where they never were."""
    last = turn_of(example, len(example.turns))
    return next((one.turn + 1 for one in sorted(said, key=lambda one: one.turn) if states(last, one.answer)), None)


def _value(result: Result, metric: Metric) -> float | None:
    score = next((one for one in result.scores if one.metric == metric.scorer.name and has_value(one)), None)
    if score is None or score.value is None:
        return 0.0 if result.status == "error" else None
    return score.value if metric.scorer.better == "higher" else 1 - score.value


def _by_turn(rows: Mapping[Key, Mapping[int, float | None]]) -> Iterable[tuple[int, Estimate]]:
    for turn in sorted({turn for row in rows.values() for turn in row}):
        found = [(value, key[0]) for key, row in rows.items() if (value := row.get(turn)) is not None]
        if found:
            yield turn + 1, _share([value for value, _ in found], [case for _, case in found])


def _reached(goals: Mapping[Key, int | None], lengths: Mapping[Key, int], clusters: list[str]) -> dict[int, Estimate]:
    return {
        turn: _share([float(goal is not None and goal <= turn) for goal in goals.values()], clusters)
        for turn in range(1, max(lengths.values()) + 1)
    }


def _median(goals: Mapping[Key, int | None]) -> Estimate | None:
    """The median, those that never got there taken as later than any other."""
    found = statistics.quantile([float(goal or _NEVER) for goal in goals.values()], 0.5)
    if found.value > _LATEST:
        return None
    if found.high <= _LATEST:
        return found
    most = max(goal for goal in goals.values() if goal is not None)
    return msgspec.structs.replace(found, high=float(most), method=f"order statistics, {statistics.OPEN} above")


def _share(values: list[float], clusters: list[str]) -> Estimate:
    """Repeats of one case are a cluster."""
    if len(set(clusters)) < len(clusters):
        return statistics.clustered_mean(values, clusters)
    return statistics.mean(values) if any(value not in {0.0, 1.0} for value in values) else statistics.proportion(sum(values), len(values))


def _nothing() -> Estimate:
    return Estimate(value=0.0, low=0.0, high=1.0, n=0, method=f"none, {statistics.OPEN}: no turn was scored")
