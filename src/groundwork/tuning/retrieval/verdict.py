"""Which candidate is better than what is in force, if any: paired over the same questions, corrected for how many were tried."""

import json
import math
import statistics as spreads
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.tuning.retrieval.candidates import Candidate
from groundwork.tuning.retrieval.sought import Sought
from groundwork.tuning.retrieval.trial import Measured

FEWEST = 10
"""Questions below which nothing is compared: not even a candidate that wins on all of them could be told from chance after correction."""
ALPHA = 0.05


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate against what is in force. `difference` is of the shares handed over; positive: the candidate is better."""

    name: str
    settings: dict[str, object]
    held: Estimate
    first: Estimate
    """Mean of 1 over the place of the first hit that holds something needed."""
    difference: Estimate
    p: float
    """Of the paired permutation test, after Holm's correction over all candidates."""
    better: bool
    detectable: float | None
    """The smallest true difference that these questions show four times in five, before correction; None where every question fares alike."""
    chunks: int
    left_out: tuple[str, ...] = ()


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared, and what came out. `winner` is the name of a candidate, or empty."""

    questions: int
    clusters: int
    asked: str
    left_out: dict[str, int]
    budget: int
    """Characters handed over for a question, by every candidate alike."""
    current: Tried
    tried: tuple[Tried, ...]
    winner: str
    sentence: str
    notes: tuple[str, ...] = ()
    change: str = ""
    """The id of the change that was proposed, where one was."""
    toml: str = ""
    """What to write into groundwork.toml, where the winner asks for another index."""


class _Pair(NamedTuple):
    candidate: Candidate
    measured: Measured


def verdict(
    cases: Sequence[Sought],
    candidates: Sequence[Candidate],
    measured: Sequence[Measured],
    *,
    asked: str,
    left_out: dict[str, int],
    budget: int,
    notes: Sequence[str] = (),
    only_chunks: bool = False,
) -> Tuned:
    """Compare all candidates with the first, which is in force.

    Better is a candidate whose test holds after Holm's correction and whose 95 % interval lies above 0. A fusion is named only where it also
    beats the best single retriever that is better. `only_chunks` names no other winner: the questions do not tell retrievers apart fairly.
    Raises InputError for too few questions.
    """
    need_enough(cases)
    clusters = [case.cluster for case in cases]
    base = measured[0]
    ps = [_p(base, one, clusters) for one in measured[1:]]
    tried = [
        _tried(candidate, base, one, clusters, p)
        for candidate, one, p in zip(candidates[1:], measured[1:], statistics.holm(ps), strict=True)
    ]
    pairs = [_Pair(candidate, one) for candidate, one in zip(candidates[1:], measured[1:], strict=True)]
    able = [pair for pair, one in zip(pairs, tried, strict=True) if one.better and (pair.candidate.kind == "chunk" or not only_chunks)]
    winner = _best(able, clusters)
    current = _tried(candidates[0], base, base, clusters, 1.0)
    named = next((one for one in tried if winner and one.name == winner.candidate.name), None)
    return Tuned(
        questions=len(cases),
        clusters=len(set(clusters)),
        asked=asked,
        left_out=left_out,
        budget=budget,
        current=current,
        tried=tuple(tried),
        winner=named.name if named else "",
        sentence=_sentence(named, current, tried, len(cases)),
        notes=tuple(notes),
        toml=_toml(winner.candidate) if winner and winner.candidate.kind == "chunk" else "",
    )


def need_enough(cases: Sequence[Sought]) -> None:
    """Raises InputError where there are too few questions to compare anything."""
    if len(cases) < FEWEST:
        raise InputError(
            f"{len(cases)} questions whose answer stands in the documents are too few to compare settings: {FEWEST} are the least, 100 are better",
            fix="add cases with facts to a suite, or let rules make questions: --from documents",
        )


def _tried(candidate: Candidate, base: Measured, one: Measured, clusters: Sequence[str], p: float) -> Tried:
    difference = _difference(base, one, clusters)
    spread = spreads.pstdev(new - old for old, new in zip(base.held, one.held, strict=True))
    return Tried(
        name=candidate.name,
        settings=dict(candidate.settings),
        held=_mean(one.held, clusters),
        first=_mean(one.first, clusters),
        difference=difference,
        p=p,
        better=p < ALPHA and difference.low > 0,
        detectable=statistics.detectable_difference(len(clusters), deviation=spread).difference if spread else None,
        chunks=one.chunks,
        left_out=one.left_out,
    )


def _mean(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    return statistics.mean(values) if _apart(clusters) else statistics.clustered_mean(values, clusters)


def _difference(base: Measured, one: Measured, clusters: Sequence[str]) -> Estimate:
    if _apart(clusters):
        return statistics.paired_difference(base.held, one.held)
    return statistics.clustered_difference(base.held, one.held, clusters)


def _p(base: Measured, one: Measured, clusters: Sequence[str]) -> float:
    differences = [new - old for old, new in zip(base.held, one.held, strict=True)]
    return statistics.permutation_test(differences, clusters=None if _apart(clusters) else clusters).p


def _apart(clusters: Sequence[str]) -> bool:
    """Whether every question stands for itself."""
    return len(set(clusters)) == len(clusters)


def _best(able: Sequence[_Pair], clusters: Sequence[str]) -> _Pair | None:
    """The best of those that are better; a fusion gives way to the best single retriever among them that it does not beat."""

    def score(pair: _Pair) -> tuple[float, float]:
        return math.fsum(pair.measured.held), math.fsum(pair.measured.first)

    if not able:
        return None
    best = max(able, key=score)
    single = max((pair for pair in able if not pair.candidate.is_fusion), key=score, default=None)
    if single and best.candidate.is_fusion and _difference(single.measured, best.measured, clusters).low <= 0:
        return single
    return best


def _sentence(winner: Tried | None, current: Tried, tried: Sequence[Tried], questions: int) -> str:
    if winner:
        gain = winner.difference
        return (
            f"{winner.name} hands over {winner.held.value:.1%} of what is needed, {current.held.value:.1%} now:"
            f" {gain.value:+.1%} [{gain.low:+.1%}, {gain.high:+.1%}] on {questions} questions, p = {winner.p:.3f} after Holm's correction"
            f" over {len(tried)} candidates"
        )
    known = [one.detectable for one in tried if one.detectable is not None]
    shown = f"; a true difference of {min(known):.1%} to {max(known):.1%} would show four times in five" if known else ""
    return f"nothing beats what you have ({current.held.value:.1%} of what is needed is handed over, {questions} questions, {len(tried)} candidates{shown})"


def _toml(candidate: Candidate) -> str:
    """The table as it is to be written."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in candidate.chunk.made_with.items()]
    return "\n".join(["[context.chunk]", *lines])
