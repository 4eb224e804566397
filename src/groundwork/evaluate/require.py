"""What a run must hold by itself, as a test asks it: `answer.correct >= 0.8`. Decided on the bound of the interval, never on the figure."""

from collections.abc import Iterable

from groundwork.core.errors import ConfigError
from groundwork.core.measure import Ruling, Run
from groundwork.evaluate.bounds import items_to_reach, str_of, str_of_number, within
from groundwork.evaluate.config import Requirement, parse_requirement
from groundwork.evaluate.suite import Suite


def parse_required(texts: Iterable[str], suite: Suite) -> tuple[Requirement, ...]:
    """Requirements on one run. Raises ConfigError for what cannot be read, and for what takes a second run to decide."""
    found = tuple(parse_requirement(text, suite.metrics) for text in texts)
    for one in found:
        if one.relative or one.kind == "not_inferior":
            raise ConfigError(f"{one.text!r} needs a second run", fix="hold two runs against each other with `groundwork gate`")
    return found


def hold(run: Run, required: Iterable[Requirement]) -> tuple[Ruling, ...]:
    """A finished run's ruling on each requirement: pass only where the whole 95 % interval is on the right side, and no answer broke."""
    return tuple(_rule(run, one) for one in required)


def _rule(run: Run, required: Requirement) -> Ruling:
    figure, metric = run.metrics.get(required.metric.name), required.metric
    if figure is None:
        return Ruling(requirement=required.text, decision="undecided", sentence=f"no case was scored on `{metric.name}`")
    at_most = required.kind == "at_most"
    decision = within(figure, required.number, at_most=at_most)
    more = items_to_reach(figure, required.number, metric, at_most=at_most) if decision == "undecided" else None
    asked = f"{'at most' if at_most else 'at least'} {str_of_number(required.number, metric.scorer.unit)}"
    said = {"pass": asked, "fail": f"not {asked}", "undecided": f"{asked} is undecided"}[decision]
    hint = f"; {more} more cases would decide, if the figure stays" if more else ""
    if run.errors and decision == "pass":  # what was not seen is not counted as good
        decision, hint = "undecided", f"; but {run.errors} of {run.n} answers broke: ask again with --retry-errors"
    sentence = f"{str_of(figure, metric)}: {said}{hint}"
    return Ruling(requirement=required.text, decision=decision, sentence=sentence, estimate=figure, more_items=more)
