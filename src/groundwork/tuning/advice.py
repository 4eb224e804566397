"""Prompting, retrieval or fine-tuning? From the failures that were seen: each is put down to missing information, to behaviour, or to form.

Failures for lack of information ask for retrieval (or for documents), failures of behaviour for prompting and then for fine-tuning; where there
are both, retrieval comes before fine-tuning, and a better prompt before either (Huyen, AI Engineering, chapter 7). Which component lost an
answer is told by `evaluate.components`; the modes that a reader named are put down by their names, or as the reader says.

Not covered: whether a larger model would do, and what any of it costs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate, Example, Result
from groundwork.core.record import Trace
from groundwork.evaluate.components import CAUSES, Cause, cause_of
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.review.modes import Mode
from groundwork.evaluate.scorers.facts import facts_of

Kind = Literal["information", "behaviour", "form", "other"]
KINDS: dict[Kind, str] = {
    "information": "what the answer needs did not reach the model",
    "behaviour": "it was at hand, and the model did not use it, or answered where it should decline",
    "form": "the facts are there, and the answer has not the form that is asked for",
    "other": "something broke or was blocked: no prompt and no training mends that",
}
OF_CAUSE: dict[Cause, Kind] = {
    "not retrieved": "information",
    "cut from the prompt": "information",
    "declined": "behaviour",
    "not stated": "behaviour",
    "answered the unanswerable": "behaviour",
    "stated": "form",
    "blocked": "other",
    "broke": "other",
    "no trace": "other",
}
FORM = ("json.", "regex", "following.", "citation.", "sql", "code.")
"""Metrics of form, by how their scorers' names begin."""
WORDS: dict[Kind, tuple[str, ...]] = {
    "form": ("format", "json", "schema", "long", "short", "length", "tone", "style", "citation", "cite", "verbose", "language", "markdown"),
    "information": ("retriev", "missing", "page", "document", "source", "outdated", "stale", "found", "unknown", "index", "chunk"),
    "behaviour": ("refus", "declin", "abstain", "invent", "hallucin", "ignore", "instruct", "reason", "wrong", "incomplete", "partial"),
    "other": ("error", "crash", "timeout", "blocked", "slow"),
}
"""What a failure mode's name says of its kind; the first that fits counts."""
FEW = 20
"""Failures below which the shares say little."""
ENOUGH = 0.2
"""Share of the failures that must be of behaviour or form, at the lower end of its interval, for fine-tuning to be worth its trouble."""

QUOTING = "embedded/"
"""How the names of models begin that quote and take no instructions."""

Remedy = Literal["model", "prompt", "examples", "retrieval", "documents", "fine-tuning"]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one kind, of all that were looked at. `of` breaks them down by cause, metric or mode."""

    kind: Kind
    meaning: str
    share: Estimate
    items: tuple[str, ...]
    of: dict[str, int]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to try, with the failures that it may mend."""

    remedy: Remedy
    failures: int
    why: str


class Advised(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, and what to try, in this order."""

    looked_at: int
    failures: int
    counts: tuple[Count, ...]
    steps: tuple[Step, ...]
    sentence: str


class _Failure(NamedTuple):
    item: str
    kind: Kind
    cause: str


def advise_run(
    results: Iterable[Result],
    examples: Mapping[str, Example],
    traces: Mapping[str, Trace],
    metrics: Sequence[Metric],
    *,
    prompts_tried: int = 0,
    holds: Callable[[Example], bool] | None = None,
) -> Advised:
    """Advice from a finished run. The first of `metrics` says which answers are wrong; those whose scorers look at form say which are out of form.

    `holds` says whether the documents hold a case's facts at all; without it, what was not retrieved counts as retrieval's.
    Raises InputError for no metric.
    """
    if not metrics:
        raise InputError("no metric says which answers are wrong", fix="name one with --metric")
    main, forms = metrics[0], [metric for metric in metrics if metric.scorer.name.startswith(FORM)]
    kept = [one for one in results if one.example in examples]
    failures: list[_Failure] = []
    lacking = 0
    for one in kept:
        example = examples[one.example]
        broken = [metric.name for metric in forms if _is_worst(one, metric)]
        if not (_is_worst(one, main) or one.status == "error" or broken):
            continue
        cause = cause_of(example, one, traces.get(one.trace))
        kind = OF_CAUSE[cause]
        if broken and kind not in {"information", "other"} and (kind == "form" or not _is_worst(one, main)):
            failures.append(_Failure(one.example, "form", broken[0]))
            continue
        if cause == "not retrieved" and holds is not None and facts_of(example) and not holds(example):
            lacking += 1
            failures.append(_Failure(one.example, kind, "in no document"))
            continue
        failures.append(_Failure(one.example, kind, cause))
    models = {traces[one.trace].versions.model for one in kept if one.trace in traces} - {""}
    is_quoting = bool(models) and all(name.startswith(QUOTING) for name in models)
    return _advised(len(kept), failures, prompts_tried, lacking, is_quoting=is_quoting)


def advise_modes(modes: Sequence[Mode], read: int, given: Mapping[str, Kind] | None = None, *, prompts_tried: int = 0) -> Advised:
    """Advice from failure modes that a reader named. `given` says the kind of a mode where its name does not.

    An item with modes of several kinds counts for each. Raises InputError for a kind of a mode that nobody named.
    """
    given = given or {}
    if wrong := [name for name in given if name not in {mode.name for mode in modes}]:
        raise InputError(f"no note names the mode `{wrong[0]}`", fix=f"named are {', '.join(mode.name for mode in modes) or 'none'}")
    failures = [_Failure(item, given.get(mode.name) or kind_of_mode(mode.name), mode.name) for mode in modes for item in mode.items]
    return _advised(read, failures, prompts_tried, 0)


def kind_of_mode(name: str) -> Kind:
    """The kind that a mode's name tells of; behaviour where it tells nothing."""
    for kind, words in WORDS.items():
        if any(word in name for word in words):
            return kind
    return "behaviour"


def _is_worst(result: Result, metric: Metric) -> bool:
    bounds = metric.scorer.bounds or (0.0, 1.0)
    worst = bounds[0] if metric.scorer.better == "higher" else bounds[1]
    return any(score.metric == metric.scorer.name and score.value == worst for score in result.scores)


def _advised(looked_at: int, failures: Sequence[_Failure], prompts_tried: int, lacking: int, *, is_quoting: bool = False) -> Advised:
    everything = {one.item for one in failures}
    counts = tuple(_count(kind, [one for one in failures if one.kind == kind], len(everything)) for kind in KINDS)
    by_kind: dict[Kind, Count] = {one.kind: one for one in counts}
    steps = _steps(by_kind, prompts_tried, lacking, is_quoting=is_quoting)
    return Advised(
        looked_at=looked_at,
        failures=len(everything),
        counts=tuple(one for one in counts if one.items),
        steps=steps,
        sentence=_sentence(len(everything), by_kind, steps, is_quoting=is_quoting),
    )


def _count(kind: Kind, failures: Sequence[_Failure], n: int) -> Count:
    items = tuple(dict.fromkeys(one.item for one in failures))
    of: dict[str, int] = {}
    for one in failures:
        of[one.cause] = of.get(one.cause, 0) + 1
    share = statistics.proportion(len(items), n) if n else Estimate(value=0.0, low=0.0, high=1.0, n=0, method="nothing failed")
    return Count(kind=kind, meaning=KINDS[kind], share=share, items=items, of=dict(sorted(of.items(), key=lambda one: -one[1])))


def _steps(counts: Mapping[Kind, Count], prompts_tried: int, lacking: int, *, is_quoting: bool) -> tuple[Step, ...]:
    """The book's order: prompt, examples, retrieval, fine-tuning; each only where it can mend something."""
    information = len(counts["information"].items)
    conduct = dict.fromkeys([*counts["behaviour"].items, *counts["form"].items])
    steps: list[Step] = []
    if conduct and is_quoting:
        why = "the offline reader quotes and takes no instructions: prompts count once a language model answers (groundwork model)"
        steps.append(Step(remedy="model", failures=len(conduct), why=why))
    elif conduct:
        tried = f"{prompts_tried} changes of a prompt were proposed so far" if prompts_tried else "no change of a prompt was proposed yet"
        most = max((counts["behaviour"], counts["form"]), key=lambda one: len(one.items))
        cause = next(iter(most.of))
        steps.append(Step(remedy="prompt", failures=len(conduct), why=f"say what to do about the commonest ({_meaning(cause)}); {tried}"))
        steps.append(Step(remedy="examples", failures=len(conduct), why="show two or three right answers of the kind that goes wrong"))
    if information > lacking:
        cut = counts["information"].of.get("cut from the prompt", 0)
        said = f"{cut} were found and cut off: a larger context.retrieve.keep or budget; " if cut else ""
        steps.append(
            Step(remedy="retrieval", failures=information - lacking, why=f"{said}search, chunks and reranking decide what is at hand")
        )
    if lacking:
        steps.append(
            Step(remedy="documents", failures=lacking, why="no document holds these facts: neither search nor training can find them")
        )
    if conduct:
        steps.append(Step(remedy="fine-tuning", failures=len(conduct), why=_tuning(conduct, counts, prompts_tried, is_quoting=is_quoting)))
    return tuple(steps)


def _tuning(conduct: Mapping[str, None], counts: Mapping[Kind, Count], prompts_tried: int, *, is_quoting: bool) -> str:
    n = counts["behaviour"].share.n
    share = statistics.proportion(len(conduct), n)
    said = f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}] of the failures are of behaviour or form"
    if share.low < ENOUGH:
        return f"not yet: {said}, too few or too uncertain to pay for data and upkeep"
    if not prompts_tried and not is_quoting:
        return f"only for what prompt and examples leave: {said}, and neither was tried yet"
    return f"for what is left: {said}; collect rows first (groundwork tune data --from-dataset)"


def _meaning(cause: str) -> str:
    return next((meaning for name, meaning in CAUSES.items() if name == cause), cause)


def _sentence(n: int, counts: Mapping[Kind, Count], steps: Sequence[Step], *, is_quoting: bool) -> str:
    if not n:
        return "nothing failed: there is nothing to mend"
    if not steps:
        return "all failures are faults of the pipeline (errors, blocks, missing traces): mend those first"
    information, behaviour, form = (counts[kind] for kind in ("information", "behaviour", "form"))
    conduct = len({*behaviour.items, *form.items})
    few = f"; {n} failures are few: read more before spending much" if n < FEW else ""
    if len(information.items) > conduct and information.share.low > 0.5:
        return f"mostly missing information ({information.share.value:.0%}): retrieval or documents, not training{few}"
    share = statistics.proportion(conduct, n)
    if conduct > len(information.items) and share.low > 0.5:
        first = "a language model" if is_quoting else "prompt and examples"
        return f"mostly behaviour and form ({share.value:.0%}): {first} first, fine-tuning for what is left{few}"
    return f"both: {'a language model' if is_quoting else 'the prompt'} first, then retrieval, and fine-tuning only for what is left{few}"
