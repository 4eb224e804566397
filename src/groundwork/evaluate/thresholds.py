"""Figures tied to what is done because of them: `at least 0.90 → automate 50 %`, earned by the interval's lower bound.

[[actions]]
metric   = "answer.correct"
at_least = 0.90
then     = "automate 50 %"

Of several rungs for one metric the highest one earned counts. Not covered: an action that waits for two metrics at once; the gate does that.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from groundwork.core.config import Section, unknown
from groundwork.core.measure import Estimate
from groundwork.evaluate.bounds import items_to_reach, str_of, str_of_number, within
from groundwork.evaluate.registry import Metric


class ActionSection(Section, frozen=True, kw_only=True):
    """What is done once a figure is good enough. Shares are from 0 to 1, latencies in seconds, costs in US dollars."""

    metric: str
    then: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"the action {self.then!r} needs either `at_least` or `at_most`")
        if not self.then.strip():
            raise ValueError("an action without `then` says nothing: write what is done")

    @property
    def limit(self) -> float:
        return self.at_least if self.at_least is not None else self.at_most or 0.0


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One action, and whether a run has earned it."""

    metric: str
    then: str
    asked: str
    state: Literal["earned", "not yet", "missed", "not measured"]
    """`missed`: the interval says that it is not reached. `not yet`: it may be."""
    sentence: str
    more_items: int | None = None
    """For `not yet`: items that would earn it four times in five, if the figure stays; None where the figure itself falls short."""


def check_actions(actions: Iterable[ActionSection], metrics: Mapping[str, Metric], where: str = "") -> None:
    """Raises ConfigError for an action on a metric that the suite does not measure."""
    for action in actions:
        if action.metric not in metrics:
            raise unknown("metric", action.metric, metrics, where)


def climb(actions: Iterable[ActionSection], figures: Mapping[str, Estimate], metrics: Mapping[str, Metric]) -> tuple[Rung, ...]:
    """Each action, in the order given, held against a run's figures."""
    return tuple(_rung(action, figures.get(action.metric), metrics.get(action.metric)) for action in actions)


def earned(rungs: Sequence[Rung]) -> dict[str, Rung]:
    """For each metric, the last of its actions that is earned: rungs are written from the lowest up."""
    return {rung.metric: rung for rung in rungs if rung.state == "earned"}


def _rung(action: ActionSection, figure: Estimate | None, metric: Metric | None) -> Rung:
    at_most = action.at_most is not None
    if figure is None or metric is None:
        asked = f"{'<=' if at_most else '>='} {action.limit:g}"
        return Rung(metric=action.metric, then=action.then, asked=asked, state="not measured", sentence=f"{action.metric} was not measured")
    asked = f"{'<=' if at_most else '>='} {str_of_number(action.limit, metric.scorer.unit)}"
    decision = within(figure, action.limit, at_most=at_most)
    more = items_to_reach(figure, action.limit, metric, at_most=at_most) if decision == "undecided" else None
    state: Literal["earned", "not yet", "missed"] = "earned" if decision == "pass" else "missed" if decision == "fail" else "not yet"
    hint = (
        f"; {more} more items would earn it, if the figure stays"
        if more
        else "; more items alone are no remedy"
        if state == "not yet"
        else ""
    )
    sentence = f"{action.metric} {str_of(figure, metric)}, asked {asked}: {state}{hint}"
    return Rung(metric=action.metric, then=action.then, asked=asked, state=state, sentence=sentence, more_items=more)
