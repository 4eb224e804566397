"""Where a pipeline's time and its errors come from: figures of each component from the spans of its answers.

A wrong answer is put down to the first component that lost it: was the fact retrieved, did it reach the prompt, was it stated? Steps count
as components by the first word of their span's name (`retrieval documents`, `chat gpt`, `guard input`, `execute_tool find`).
Not covered: what one component could have saved of another's failure; for that, change one and evaluate again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.measure import Estimate, Example, Result
from groundwork.core.record import Span, Trace
from groundwork.core.text import fold
from groundwork.evaluate.conversation import Conversation, conversation
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.scorers.conversation import turn_of
from groundwork.evaluate.scorers.facts import facts_of, holds

WHOLE = "invoke_agent"
NAMES = {"chat": "model", "execute_tool": "tool"}
"""Span names' first words that people call otherwise."""
RANKS = (1, 3)

Cause = Literal[
    "broke", "blocked", "not retrieved", "cut from the prompt", "declined", "not stated", "stated", "answered the unanswerable", "no trace"
]
CAUSES: dict[Cause, str] = {
    "broke": "there is no answer: something failed",
    "blocked": "a rail blocked the request or the answer",
    "not retrieved": "a fact stands in no passage that was retrieved",
    "cut from the prompt": "all facts were retrieved, and not all reached the prompt",
    "declined": "the facts were at hand, and the model declined",
    "not stated": "the facts were at hand, and the answer does not state them",
    "stated": "the answer states the facts and is wrong for another reason",
    "answered the unanswerable": "the documents do not hold the answer, and it gave one",
    "no trace": "its trace is not kept any more",
}
"""What lost an answer, in the order of the pipeline."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One component over all answers. `share` is of the whole time; tokens are per answer, None where none were counted."""

    name: str
    n: int
    median: Estimate
    p95: Estimate
    share: Estimate
    failed: Estimate
    input_tokens: Estimate | None = None
    output_tokens: Estimate | None = None


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """How many wrong answers are put down to one cause, of all wrong ones."""

    cause: Cause
    meaning: str
    share: Estimate
    cases: tuple[str, ...]


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """A run by its components."""

    run: str
    metric: str
    answers: int
    traced: int
    steps: tuple[Step, ...]
    retrieval: dict[str, Estimate]
    """Of the answerable cases whose facts are known, how many had all facts in the first passage, in the first 3, in all passages, in the
    prompt, and in the answer."""
    verdicts: dict[str, Estimate]
    """How many answers each rail acted on, by `rail:action`."""
    conversation: Conversation | None
    """Where cases have several turns."""
    wrong: int
    attributions: tuple[Attribution, ...]


class _Seen(NamedTuple):
    """One answer with its case and its trace."""

    example: Example
    result: Result
    trace: Trace | None


def components(
    run: str, results: Iterable[Result], examples: Mapping[str, Example], traces: Mapping[str, Trace], metric: Metric
) -> Components:
    """A run by its components. `metric` says which answers are wrong (its worst bound); `traces` are by their ids."""
    kept = tuple(results)
    seen = [_Seen(turn_of(examples[one.example], one.turn), one, traces.get(one.trace)) for one in kept if one.example in examples]
    traced = [one for one in seen if one.trace is not None]
    wrong = [one for one in seen if _is_wrong(one.result, metric)]
    causes: dict[Cause, list[str]] = {}
    for one in wrong:
        causes.setdefault(cause_of(one.example, one.result, one.trace), []).append(one.example.id)
    return Components(
        run=run,
        metric=metric.name,
        answers=len(seen),
        traced=len(traced),
        steps=_steps([one.trace for one in traced if one.trace is not None]),
        retrieval=_retrieval(traced),
        verdicts=_verdicts([one.trace for one in traced if one.trace is not None]),
        conversation=conversation(kept, examples, metric),
        wrong=len(wrong),
        attributions=tuple(
            Attribution(
                cause=cause, meaning=meaning, share=statistics.proportion(len(causes[cause]), len(wrong)), cases=tuple(causes[cause])
            )
            for cause, meaning in CAUSES.items()
            if cause in causes
        ),
    )


def cause_of(example: Example, result: Result, trace: Trace | None) -> Cause:
    """What lost a wrong answer: the first component after which a fact was missing."""
    if result.status == "error":
        return "broke"
    if trace is not None and trace.status == "blocked":
        return "blocked"
    if not example.expects_answer:
        return "answered the unanswerable"
    if trace is None:
        return "no trace"
    facts = [fact.accepted for fact in facts_of(example)]
    passages = _passages(trace)
    if passages and not _hold(passages, facts):
        return "not retrieved"
    if passages and trace.rendered and not _hold([_rendered(trace)], facts):
        return "cut from the prompt"
    if result.abstained or result.status == "refused":
        return "declined"
    return "stated" if _hold([result.answer], facts) else "not stated"


def _is_wrong(result: Result, metric: Metric) -> bool:
    if result.status == "error":
        return True
    bounds = metric.scorer.bounds or (0.0, 1.0)
    worst = bounds[0] if metric.scorer.better == "higher" else bounds[1]
    return any(score.metric == metric.scorer.name and score.value == worst for score in result.scores)


# -- what stands in a trace


def _passages(trace: Trace) -> list[str]:
    """The texts that were retrieved, best first, each with its title and headings."""
    hits: list[dict[str, Any]] = (trace.found or {}).get("hits", [])
    return [" ".join([hit["chunk"].get("title", ""), *hit["chunk"].get("headings", ()), hit["chunk"]["text"]]) for hit in hits]


def _rendered(trace: Trace) -> str:
    return "\n".join(str(message.get("text", "")) for message in trace.rendered or () if isinstance(message, dict))


def _hold(texts: Sequence[str], facts: Sequence[Sequence[str]]) -> bool:
    """Whether each fact stands in one of the texts."""
    folded = [fold(text) for text in texts]
    return all(any(holds(text, accepted) for text in folded for accepted in fact) for fact in facts)


def _retrieval(seen: Sequence[_Seen]) -> dict[str, Estimate]:
    """How far the facts came."""
    known = [one for one in seen if one.example.expects_answer and facts_of(one.example) and one.trace is not None and one.trace.found]
    if not known:
        return {}
    rows: dict[str, int] = {}
    for one in known:
        if one.trace is None:
            continue
        facts, passages = [fact.accepted for fact in facts_of(one.example)], _passages(one.trace)
        reached = {f"in the first {'passage' if rank == 1 else rank}": _hold(passages[:rank], facts) for rank in RANKS}
        reached["in a passage"] = _hold(passages, facts)
        if one.trace.rendered:
            reached["in the prompt"] = _hold([_rendered(one.trace)], facts)
        reached["in the answer"] = _hold([one.result.answer], facts)
        for where, is_there in reached.items():
            rows[where] = rows.get(where, 0) + is_there
    return {where: statistics.proportion(count, len(known)) for where, count in rows.items()}


def _verdicts(traces: Sequence[Trace]) -> dict[str, Estimate]:
    counts: dict[str, int] = {}
    for trace in traces:
        said = {str(verdict) for span in trace.spans for verdict in span.attributes.get("groundwork.verdicts", ())}
        for verdict in said:
            counts[verdict] = counts.get(verdict, 0) + 1
    return {verdict: statistics.proportion(count, len(traces)) for verdict, count in sorted(counts.items())}


# -- time and tokens


def _steps(traces: Sequence[Trace]) -> tuple[Step, ...]:
    """Every component, the one that takes most of the time first. A step inside another one counts with the outer one."""
    found: dict[str, list[tuple[Trace, list[Span]]]] = {}
    for trace in traces:
        whole = {span.id for span in trace.spans if span.name.startswith(WHOLE)}
        groups: dict[str, list[Span]] = {}
        for span in trace.spans:
            if span.id not in whole and (span.parent is None or span.parent in whole):
                groups.setdefault(component_of(span), []).append(span)
        for name, spans in groups.items():
            found.setdefault(name, []).append((trace, spans))
    steps = [_step(name, rows, len(traces)) for name, rows in found.items()]
    return tuple(sorted(steps, key=lambda step: -step.share.value))


def component_of(span: Span) -> str:
    first = span.name.split(" ", 1)[0]
    return NAMES.get(first, first)


def _step(name: str, rows: Sequence[tuple[Trace, Sequence[Span]]], traces: int) -> Step:
    seconds = [math.fsum(span.seconds for span in spans) for _, spans in rows]
    shares = [min(1.0, took / trace.seconds) if trace.seconds > 0 else 0.0 for took, (trace, _) in zip(seconds, rows, strict=True)]
    failed = sum(any(span.status == "error" for span in spans) for _, spans in rows)
    return Step(
        name=name,
        n=len(rows),
        median=statistics.quantile(seconds, 0.5),
        p95=statistics.quantile(seconds, 0.95),
        share=statistics.mean([*shares, *[0.0] * (traces - len(shares))]),
        failed=statistics.proportion(failed, len(rows)),
        input_tokens=_tokens(rows, "gen_ai.usage.input_tokens"),
        output_tokens=_tokens(rows, "gen_ai.usage.output_tokens"),
    )


def _tokens(rows: Sequence[tuple[Trace, Sequence[Span]]], key: str) -> Estimate | None:
    counts = [math.fsum(span.attributes[key] for span in spans if key in span.attributes) for _, spans in rows]
    return statistics.mean(counts, bounds=None) if any(key in span.attributes for _, spans in rows for span in spans) else None
