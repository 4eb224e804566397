"""A run, or two runs side by side, as one HTML file: it asks for nothing, and works from a disk or an attachment.

What a model said is hostile: text stands escaped in the markup, items stand as data that a script turns into text nodes, and the page's own
policy allows no script, style or address but the ones it brought.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import msgspec

from groundwork.core.measure import Estimate, Example, Result, Run, Score
from groundwork.evaluate.anomalies import Anomaly, anomalies
from groundwork.evaluate.bounds import str_of, str_of_number
from groundwork.evaluate.comparable import status_counts
from groundwork.evaluate.compare import Comparison, Difference
from groundwork.evaluate.facets import facets_of
from groundwork.evaluate.figures import if_wrong, items_of
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.report import Evaluated, unscored
from groundwork.evaluate.reversals import SliceDifference, reversals, slice_differences
from groundwork.evaluate.scorers.facts import facts_of
from groundwork.evaluate.slices import Search, search
from groundwork.evaluate.thresholds import Rung

_TEMPLATES = Path(__file__).parent / "templates"
_LEAST = 5
_MOST_SLICES = 60
"""Rows of the heat map; a facet with more values is better read with `groundwork slices`."""


class Said(NamedTuple):
    """A sentence of the page, and how it is coloured: `good`, `bad`, `warn` or `plain`."""

    kind: str
    text: str


class _Bar(NamedTuple):
    """An interval on its axis, in hundredths of the width."""

    low: float
    value: float
    high: float
    zero: float | None
    start: str
    end: str
    said: str


class _Row(NamedTuple):
    name: str
    cells: list[str]
    bar: _Bar | None
    said: str


def run_page(evaluated: Evaluated, metrics: Mapping[str, Metric], *, cases: Iterable[Example] = (), rungs: Sequence[Rung] = ()) -> str:
    """The page of one run. `cases`, where they are at hand, add questions and what was expected."""
    run, known = evaluated.run, {example.id: example for example in cases}
    facets = facets_of(evaluated.results, {name: example.question for name, example in known.items()})
    searches = [
        search(items, metric, facets, least=_LEAST, pairs=False)
        for metric in _shares(metrics)
        if (items := items_of(evaluated.results, metric))
    ]
    odd = anomalies(evaluated.results, metrics)
    counts = status_counts(evaluated.results)
    values = {
        "title": f"{run.suite}: {run.target}",
        "facts": [*_facts(run), ("split", run.split or "all cases"), ("run", run.id)],
        "sentences": [*_run_sentences(evaluated, metrics, searches, odd)],
        "figures": _figures(run, metrics),
        "rungs": rungs,
        "statuses": {"head": ["status", "answers"], "rows": [[name, str(count)] for name, count in counts.items()]},
        "heat": _heat_of_run(searches),
        "anomalies": odd,
    }
    return _render(values, _data([evaluated], ["run"], metrics, known))


def comparison_page(
    a: Evaluated, b: Evaluated, comparison: Comparison, metrics: Mapping[str, Metric], *, cases: Iterable[Example] = ()
) -> str:
    """The page of two runs, paired item by item."""
    known = {example.id: example for example in cases}
    facets = facets_of((*a.results, *b.results), {name: example.question for name, example in known.items()}, answers=False)
    shares = _shares(metrics)
    pairs = {metric.name: (items_of(a.results, metric), items_of(b.results, metric)) for metric in shares}
    found = [(metric, slice_differences(*pairs[metric.name], metric, facets, least=_LEAST)) for metric in shares]
    turned = [one.sentence for metric in shares for one in reversals(*pairs[metric.name], metric, facets)]
    values = {
        "title": f"{a.run.suite}: A and B",
        "facts": [("A", a.run.id), *_facts(a.run), ("B", b.run.id), *_facts(b.run), ("paired items", comparison.pairs)],
        "sentences": [*_comparison_sentences(comparison, turned)],
        "figures": _differences(comparison),
        "rungs": (),
        "statuses": {
            "head": ["status", "A", "B"],
            "rows": [[name, str(one), str(other)] for name, (one, other) in comparison.statuses.items()],
        },
        "heat": _heat_of_pairs(found),
        "anomalies": (),
    }
    return _render(values, _data([a, b], ["A", "B"], metrics, known))


# -- what stands in it


def _facts(run: Run) -> list[tuple[str, str]]:
    what = run.change or run.release or run.config
    found = [("target", run.target), ("answers", str(run.n)), *([("configuration", what)] if what else [])]
    return found + [(name, str(value)) for name, value in run.endpoint.items() if isinstance(value, str | int | float)]


def _shares(metrics: Mapping[str, Metric]) -> list[Metric]:
    return [metric for metric in metrics.values() if metric.scorer.unit == "share"]


def _run_sentences(
    evaluated: Evaluated, metrics: Mapping[str, Metric], searches: Sequence[Search], odd: Sequence[Anomaly]
) -> Iterable[Said]:
    run = evaluated.run
    for name, figure in run.metrics.items():
        metric = metrics.get(name)
        if metric is not None and metric.percent is None:
            yield Said("plain", f"{name}: {str_of(figure, metric)}")
    if run.errors:
        yield Said("bad", f"{run.errors} answers ended in an error: they are neither right nor wrong")
    for name, counts in run.unread.items():
        said = ", ".join(f"{count} {status}" for status, count in counts.items())
        yield Said("warn", f"{name}: {said}: in no figure")
    for one in searches:
        if one.worst is not None:
            yield Said("warn", one.worst.sentence)
    if odd:
        yield Said("warn", f"{len(odd)} things look odd: see below")
    for name, reasons in unscored(evaluated.results, metrics).items():
        yield Said("plain", f"{name} not scored: {', '.join(f'{count} × {reason}' for reason, count in list(reasons.items())[:5])}")


def _comparison_sentences(comparison: Comparison, turned: Sequence[str]) -> Iterable[Said]:
    for one in comparison.differences:
        yield Said("good" if one.winner == "B" else "bad" if one.winner == "A" else "plain", f"{one.metric}: {one.sentence}")
    for sentence in (*turned, *comparison.left_out, *comparison.notes):
        yield Said("warn", sentence)
    for name, only in (("A", comparison.only_a), ("B", comparison.only_b)):
        if only:
            yield Said("warn", f"{len(only)} items have an answer in {name} only")


def _figures(run: Run, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    rows: list[_Row] = []
    for name, figure in run.metrics.items():
        metric = metrics.get(name) or metrics.get(name.rpartition(".")[0])
        if metric is None:
            continue
        unit, bounds = metric.scorer.unit, metric.scorer.bounds
        unread = sum(run.unread.get(metric.scorer.name, {}).values())
        wrong = if_wrong(figure, unread, metric, repeats=run.repeats)
        said = f"{str_of_number(wrong, unit)} were the {unread} unread answers wrong" if wrong is not None else ""
        cells = [str_of_number(figure.value, unit), f"{_span(figure, metric)}", str(figure.n), str(unread), figure.method]
        rows.append(_Row(name, cells, _bar(figure, metric, bounds), said))
    head = ["metric", "value", "95 % interval", "n", "unread", "method", "", ""]
    return {"head": head, "rows": rows, "hint": "Each bar is the interval; the stroke across it is the value."}


def _differences(comparison: Comparison) -> dict[str, Any]:
    rows: list[_Row] = []
    widest = max((abs(end) for one in comparison.differences if one.unit == "share" for end in _ends(one)), default=1.0) or 1.0
    for one in comparison.differences:
        reach = widest if one.unit == "share" else max(*(abs(end) for end in _ends(one)), 1e-12)
        shown = [str_of_number(figure.value, one.unit) for figure in (one.before, one.after)]
        least = "" if one.detectable is None else str_of_number(one.detectable, one.unit)
        cells = [*shown, str(one.difference.n), f"{one.test.p:.2g}", f"{one.adjusted:.2g}", one.test.method, least]
        rows.append(
            _Row(one.metric, cells, _bar_of(one.difference, -reach, reach, one.unit == "share") if any(_ends(one)) else None, one.sentence)
        )
    head = ["metric", "A", "B", "pairs", "p", "p (Holm)", "test", "detectable", "B less A", "verdict"]
    hint = "A winner is named where p holds after Holm's correction over all metrics and the interval leaves out 0. `detectable` is the smallest true difference these items show four times in five."
    return {"head": head, "rows": rows, "hint": hint}


def _ends(one: Difference) -> tuple[float, float]:
    return one.difference.low, one.difference.high


def _span(figure: Estimate, metric: Metric) -> str:
    return f"[{str_of_number(figure.low, metric.scorer.unit, bare=True)}, {str_of_number(figure.high, metric.scorer.unit, bare=True)}]"


def _bar(figure: Estimate, metric: Metric, bounds: tuple[float, float] | None) -> _Bar:
    start, end = bounds or (0.0, max(figure.high, 1e-12) * 1.1)
    return _bar_of(figure, start, end, metric.scorer.unit == "share", zero=False)


def _bar_of(figure: Estimate, start: float, end: float, is_share: bool, *, zero: bool = True) -> _Bar:
    def at(number: float) -> float:
        return round(min(100.0, max(0.0, 100 * (number - start) / (end - start))), 2)

    said = f"{figure.value:.4g}, from {figure.low:.4g} to {figure.high:.4g}"
    ends = [f"{100 * one:+.0f} points" if is_share and zero else f"{one:.3g}" for one in (start, end)]
    return _Bar(at(figure.low), at(figure.value), at(figure.high), at(0.0) if zero else None, ends[0], ends[1], said)


# -- heat maps


def _heat_of_run(searches: Sequence[Search]) -> dict[str, Any]:
    """Slices of single facets, coloured by how far they lie from the rest."""
    names = list(dict.fromkeys(one.name for found in searches for one in found.slices))[:_MOST_SLICES]
    by = {(found.metric, one.name): one for found in searches for one in found.slices}
    rows: list[dict[str, Any]] = []
    for name in sorted(names):
        cells: list[dict[str, Any]] = []
        for found in searches:
            one = by.get((found.metric, name))
            cells.append(
                _cell("", "", 0.0)
                if one is None
                else _cell(f"{one.figure.value:.2f}", _slice_said(one.figure), -one.worse_by, marked=one.is_worse)
            )
        rows.append({"name": name, "n": max(by[found.metric, name].n for found in searches if (found.metric, name) in by), "cells": cells})
    hint = f"The figure of each slice of {_LEAST} items or more. Colour: how far it lies below or above all other items. “!”: worse than the worst of all slices is by chance (5 %)."
    return {"metrics": [found.metric for found in searches], "rows": rows, "hint": hint}


def _heat_of_pairs(found: Sequence[tuple[Metric, Sequence[SliceDifference]]]) -> dict[str, Any]:
    by = {(metric.name, one.name): one for metric, several in found for one in several}
    rows: list[dict[str, Any]] = []
    for name in sorted({name for _, name in by})[:_MOST_SLICES]:
        cells: list[dict[str, Any]] = []
        for metric, _ in found:
            one = by.get((metric.name, name))
            if one is None:
                cells.append(_cell("", "", 0.0))
                continue
            value = one.difference.value
            better = value if metric.scorer.better == "higher" else -value
            cells.append(_cell(f"{100 * value:+.0f}", _slice_said(one.difference), better, marked=bool(one.winner)))
        rows.append({"name": name, "n": max(one.n for (_, of), one in by.items() if of == name), "cells": cells})
    hint = "B less A in points, on the items of each slice that both scored. “!”: beyond chance after Holm's correction over all slices of the metric."
    return {"metrics": [metric.name for metric, _ in found], "rows": rows, "hint": hint}


def _cell(shown: str, said: str, better: float, *, marked: bool = False) -> dict[str, Any]:
    """A cell, coloured in four steps of five points."""
    step = min(4, int(abs(better) * 20 + 0.5))
    return {
        "shown": shown,
        "said": said,
        "kind": f"{'better' if better > 0 else 'worse'}-{step}" if step and shown else "",
        "marked": marked,
    }


def _slice_said(figure: Estimate) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}], n = {figure.n}"


# -- items


def _data(sides: Sequence[Evaluated], names: Sequence[str], metrics: Mapping[str, Metric], known: Mapping[str, Example]) -> str:
    """Every item with its answers and scores, as JSON that cannot end the element it stands in."""
    scorers = list(dict.fromkeys(metric.scorer.name for metric in metrics.values()))
    better = {metric.scorer.name: metric.scorer.better for metric in metrics.values()}
    found = [{(one.example, one.repeat, one.turn): one for one in side.results} for side in sides]
    seen = {score.metric for side in sides for one in side.results for score in one.scores}
    shown = [name for name in scorers if name in seen]
    keys = list(dict.fromkeys(key for side in found for key in side))
    items = [
        {
            "id": example,
            "repeat": repeat,
            "turn": turn,
            "question": known[example].question if example in known else "",
            "expected": _expected(known[example]) if example in known else "",
            "sides": [_side(side[example, repeat, turn], shown) if (example, repeat, turn) in side else None for side in found],
        }
        for example, repeat, turn in keys
    ]
    whole = {
        "sides": list(names),
        "metrics": [{"name": name, "better": better[name]} for name in shown],
        "has_questions": bool(known),
        "items": items,
    }
    text = json.dumps(msgspec.to_builtins(whole), ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _side(result: Result, scorers: Sequence[str]) -> dict[str, Any]:
    scores = {score.metric: score for score in result.scores}
    return {
        "status": "declined" if result.status == "ok" and result.abstained else result.status,
        "answer": result.answer,
        "error": result.error,
        "trace": result.trace,
        "scores": [_score(scores[name]) if name in scores else None for name in scorers],
    }


def _score(score: Score) -> list[Any]:
    return [score.value, score.status, score.detail, score.evidence or None]


def _expected(example: Example) -> str:
    stated = "; ".join(fact.accepted[0] for fact in facts_of(example))
    return stated or example.reference or ("" if example.expects_answer else "to be declined")


# -- the file


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("report.html")


def _render(values: Mapping[str, Any], data: str) -> str:
    style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    hashes = {"style_hash": _hash(style), "script_hash": _hash(script)}
    return _template().render(**values, **hashes, style=style, script=script, data=data, footer="Made by groundwork.")


def _hash(text: str) -> str:
    """As a content security policy names an inline element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
