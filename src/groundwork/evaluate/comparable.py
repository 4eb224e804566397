"""May two runs be held side by side, and what else than the thing compared is different in them?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Result, Run
from groundwork.evaluate.registry import Metric, all_scorers, metrics_of, recalled
from groundwork.evaluate.report import Evaluated

_IDENTITY = ("url", "model", "revision", "function", "target")
"""What names an endpoint: that these differ together is one difference."""


def metrics_of_runs(runs: Iterable[Run], known: Mapping[str, Metric] | None = None) -> dict[str, Metric]:
    """The metrics that runs have recorded, as `known` (a suite's) has them where it does: so no suite is needed to read a run.

    A run of before scorers were recorded is read with all that are registered.
    """
    found: dict[str, Metric] = {}
    for run in runs:
        recorded = metrics_of(recalled(name, record) for name, record in run.scorers.items())
        found |= recorded or metrics_of(all_scorers())
    return {name: (known or {}).get(name, metric) for name, metric in found.items()} | dict(known or {})


def check_same_cases(a: Evaluated, b: Evaluated) -> None:
    """Raises InputError where two runs were not over the same cases."""
    if a.run.suite_sha256 != b.run.suite_sha256:
        raise InputError(
            f"{a.run.id} ({a.run.suite}) and {b.run.id} ({b.run.suite}) were run over different cases",
            fix="run both over the suite as it is now",
        )
    if a.run.split != b.run.split:
        raise InputError(
            f"{a.run.id} was run over the split {a.run.split or 'all'!r} and {b.run.id} over {b.run.split or 'all'!r}",
            fix="run both over the same split",
        )


def scored_otherwise(a: Run, b: Run, metric: Metric) -> str:
    """How a metric was scored differently in two runs, so that its figures are no pair; empty where it was not."""
    name = metric.scorer.name
    if name not in a.scorers or name not in b.scorers:
        return ""
    old, new = _as_stored(a.scorers[name]), _as_stored(b.scorers[name])
    if old == new:
        return ""
    changed = [f"{key} {_said(old, key)} in {a.id}, {_said(new, key)} in {b.id}" for key in _keys(old, new) if old.get(key) != new.get(key)]
    return f"`{metric.name}` was not scored alike: {'; '.join(changed)}"


def notes_on(a: Evaluated, b: Evaluated) -> Iterator[str]:
    """Sentences that a reader must know before a difference between two runs is believed."""
    yield from _more_than_one_cause(a.run, b.run)
    if a.run.repeats != b.run.repeats:
        yield f"A asked each case {_times(a.run.repeats)} and B {_times(b.run.repeats)}: repeats are averaged, and B's and A's means vary unequally"
    yield from _unequal_statuses(status_counts(a.results), status_counts(b.results))


def status_counts(results: Sequence[Result]) -> dict[str, int]:
    """How many answers had each status; `ok` are those that were not declined."""
    counts = Counter[str]("declined" if result.status == "ok" and result.abstained else result.status for result in results)
    return {name: counts[name] for name in ("ok", "declined", "refused", "error", "unscored") if counts[name]}


def changed_settings(a: Run, b: Run) -> dict[str, tuple[Any, Any]]:
    """What two runs asked differently: dotted names of the endpoint's settings, and what the application was."""
    before, after = _flat(a.endpoint), _flat(b.endpoint)
    for name in ("target", "config", "change", "release"):
        before[name], after[name] = getattr(a, name), getattr(b, name)
    return {name: (before.get(name), after.get(name)) for name in _keys(before, after) if before.get(name) != after.get(name)}


def _more_than_one_cause(a: Run, b: Run) -> Iterator[str]:
    changed = changed_settings(a, b)
    settings = [name for name in changed if name not in {*_IDENTITY, "config", "change", "release"}]
    causes = [*(["the endpoint"] if changed.keys() & set(_IDENTITY) else []), *settings]
    if changed.keys() & {"config", "change", "release"}:
        causes.insert(0, "the configuration")
    if settings and len(causes) > 1:
        shown = "; ".join(f"{name}: {changed[name][0]} in A, {changed[name][1]} in B" for name in settings)
        yield f"A and B differ in {', '.join(causes)}: which of them makes the difference cannot be told ({shown})"


def _unequal_statuses(a: Mapping[str, int], b: Mapping[str, int]) -> Iterator[str]:
    for status in ("declined", "refused", "error"):
        one, other = a.get(status, 0), b.get(status, 0)
        if one == other:
            continue
        what = {"declined": "declined to answer", "refused": "were refused", "error": "ended in an error"}[status]
        more = "A" if one > other else "B"
        yield f"{one} answers of A {what} and {other} of B: figures over answered cases flatter {more}"


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _as_stored(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a file gives it back, since one of them may never have been in one. How many were drawn changes no score."""
    return msgspec.json.decode(msgspec.json.encode({key: value for key, value in record.items() if key != "sample"}))


def _keys(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*a, *b]))


def _said(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return (
        "none"
        if value is None
        else ", ".join(f"{name} = {one!r}" for name, one in value.items())
        if isinstance(value, dict)
        else str(value)
    )


def _times(repeats: int) -> str:
    return "once" if repeats == 1 else f"{repeats} times"
