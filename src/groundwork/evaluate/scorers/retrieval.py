"""What was found before the answer was written, held against what should have been: from the answer's trace, or else from its citations.

A case grades sources in `expected.relevant`, `{"wal.html": 2, "limits.html": 1}` or a plain list; a source is named by its path or the end of
it, a document by `doc_…`, a chunk by `ch_…`. Several chunks of one source count once, at the first one's place. The evidence names the list.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from groundwork.core.document import Found, Hit
from groundwork.core.errors import InputError
from groundwork.core.text import fold
from groundwork.evaluate import ranking
from groundwork.evaluate.registry import Answered, Graded, Unscored, scorer
from groundwork.evaluate.scorers.facts import facts_of, holds

_NOTHING_KEPT = Unscored("neither a trace nor citations say what was found")


class Passage(NamedTuple):
    """Something that was found, best first: its text, and the names it goes by."""

    text: str
    names: tuple[str, str, str]
    """Source, document and chunk."""


class Ranked(NamedTuple):
    """What was found as keys of the grades; `basis` says where that was read."""

    keys: list[str]
    grades: dict[str, float]
    basis: str


@scorer("retrieval.recall", better="higher", needs="relevant")
async def retrieval_recall(answered: Answered, *, at: int = 10) -> Graded | Unscored:
    """Share of the relevant sources among the first `at` found."""
    found = await _ranked(answered)
    return found if isinstance(found, Unscored) else _graded(found, ranking.recall(found.keys, found.grades, at=_places(at)))


@scorer("retrieval.precision", better="higher", needs="relevant")
async def retrieval_precision(answered: Answered, *, at: int = 0) -> Graded | Unscored:
    """Share of the sources found (of the first `at`, where named) that is relevant."""
    found = await _ranked(answered)
    return found if isinstance(found, Unscored) else _graded(found, ranking.precision(found.keys, found.grades, at=_places(at)))


@scorer("retrieval.hit", better="higher", needs="relevant")
async def retrieval_hit(answered: Answered, *, at: int = 10) -> Graded | Unscored:
    """1 where a relevant source is among the first `at` found, else 0."""
    found = await _ranked(answered)
    return found if isinstance(found, Unscored) else _graded(found, ranking.hit(found.keys, found.grades, at=_places(at)))


@scorer("retrieval.mrr", better="higher", needs="relevant")
async def retrieval_mrr(answered: Answered, *, at: int = 10) -> Graded | Unscored:
    """1 over the place of the first relevant source among the first `at`, else 0; the figure is the mean reciprocal rank."""
    found = await _ranked(answered)
    return found if isinstance(found, Unscored) else _graded(found, ranking.reciprocal_rank(found.keys, found.grades, at=_places(at)))


@scorer("retrieval.map", better="higher", needs="relevant")
async def retrieval_map(answered: Answered, *, at: int = 0) -> Graded | Unscored:
    """Average precision of the list; the figure is the mean average precision."""
    found = await _ranked(answered)
    return found if isinstance(found, Unscored) else _graded(found, ranking.average_precision(found.keys, found.grades, at=_places(at)))


@scorer("retrieval.ndcg", better="higher", needs="relevant")
async def retrieval_ndcg(answered: Answered, *, at: int = 10, gain: ranking.Gain = "exponential") -> Graded | Unscored:
    """Normalised discounted cumulative gain of the first `at`, with gains 2^grade - 1 or, "linear", the grade."""
    found = await _ranked(answered)
    return found if isinstance(found, Unscored) else _graded(found, ranking.ndcg(found.keys, found.grades, at=_places(at), gain=gain))


@scorer("context.precision", better="higher")
async def context_precision(answered: Answered) -> Graded | Unscored:
    """Whether the useful passages stand first: the mean precision at their places. Useful is what is relevant, or states a fact of the case.

    No judge is asked, as Ragas's metric of this name does: a passage that supports the answer in other words does not count.
    """
    found = await _passages(answered)
    if isinstance(found, Unscored):
        return found
    passages, basis = found
    expected, facts = answered.example.expected, facts_of(answered.example)
    if "relevant" in expected:
        grades = grades_of(expected["relevant"])
        useful = [grades.get(_key(passage, grades), 0.0) > 0 for passage in passages]
    elif facts:
        folded = [fold(passage.text) for passage in passages]
        useful = [any(holds(text, accepted) for fact in facts for accepted in fact.accepted) for text in folded]
    else:
        return Unscored("the case has neither `expected.relevant` nor facts")
    return Graded(ranking.weighted_precision(useful), evidence={"useful": useful, "basis": basis})


@scorer("context.recall", better="higher")
async def context_recall(answered: Answered) -> Graded | Unscored:
    """Share of the case's facts that stand in what was found: the most that an answer from these passages can state."""
    facts = facts_of(answered.example)
    if not facts:
        return Unscored("the case has no facts to look for")
    found = await _passages(answered)
    if isinstance(found, Unscored):
        return found
    passages, basis = found
    folded = [fold(passage.text) for passage in passages]
    missing = [fact.accepted[0] for fact in facts if not any(holds(text, accepted) for text in folded for accepted in fact.accepted)]
    return Graded(1 - len(missing) / len(facts), evidence={"missing": missing, "basis": basis})


def grades_of(written: Any) -> dict[str, float]:
    """The grades of a case: a table of grades by name, or a list of names, each graded 1. Raises InputError for another shape."""
    table = written if isinstance(written, dict) else dict.fromkeys(written, 1.0) if isinstance(written, list | tuple) else None
    if not table or not all(isinstance(name, str) and name and _is_grade(grade) for name, grade in table.items()):
        raise InputError(f"`expected.relevant` is {written!r}", fix='write {"wal.html": 2, "limits.html": 1}, or a list of names')
    return {name: float(grade) for name, grade in table.items()}


def _is_grade(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 64


async def _ranked(answered: Answered) -> Ranked | Unscored:
    grades = grades_of(answered.example.expected["relevant"])
    found = await _passages(answered)
    if isinstance(found, Unscored):
        return found
    passages, basis = found
    return Ranked([_key(passage, grades) for passage in passages], grades, basis)


async def _passages(answered: Answered) -> tuple[list[Passage], str] | Unscored:
    """What was found, best first: the hits of the stored trace, else the cited passages in their order."""
    trace = await answered.instruments.trace(answered.reply.trace)
    if trace is not None and trace.found is not None:
        hits: tuple[Hit, ...] = msgspec.convert(trace.found, Found).hits
        chunks = [one.chunk for one in hits]
        return [Passage(one.text, (one.source, one.document, one.id)) for one in chunks], "trace"
    cited = answered.reply.citations
    if not cited:
        return _NOTHING_KEPT
    return [Passage(one.quote, (one.source, one.document, one.chunk)) for one in cited], "citations"


def _key(passage: Passage, grades: Mapping[str, float]) -> str:
    """The name under which a passage is graded; its source where it is not."""
    source, document, chunk = passage.names
    for name in (chunk, document, source):
        if name in grades:
            return name
    return next((name for name in grades if source.endswith(f"/{name}")), source)


def _places(at: int) -> int:
    if at < 0:
        raise InputError(f"`at` is {at}", fix="name how many places to look at; 0 takes all")
    return at


def _graded(found: Ranked, value: float) -> Graded:
    return Graded(value, evidence={"found": list(dict.fromkeys(found.keys)), "basis": found.basis})
