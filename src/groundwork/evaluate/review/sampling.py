"""What is read: a sample whose probabilities are known, so that what was counted in it can be said of everything."""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from groundwork.core.errors import InputError
from groundwork.core.review import Drawn, Review

RANDOM, FAILURES = "random", "failures"
FAILED, OTHER = "failed", "other"
FAILED_SHARE = 0.7
"""Of a sample that looks at failures first; the rest is read for failures that nobody has flagged."""


class Candidate(NamedTuple):
    """Something that may be read. `facets` are what strata may be cut by."""

    item: str
    is_failed: bool
    facets: Mapping[str, str]
    trace: str = ""


def draw(population: Sequence[Candidate], n: int, *, by: str, seed: int, identifier: str, made: float, source: str) -> Review:
    """Draw n items to read: at random, failures first, or as many of each value of a facet.

    Within a stratum every item has the same chance. Strata are read in turns, but failures before all others. Raises InputError where
    there is nothing to draw, or no candidate has the facet.
    """
    if not population:
        raise InputError("there is nothing to read", fix="let the application answer some questions first, or name a run with --run")
    if n < 1:
        raise InputError(f"a sample of {n} cannot be read", fix="choose 1 or more")
    strata = _strata(population, by)
    chooser = random.Random(seed)  # noqa: S311  a sample to repeat, no secret
    share = _shares({name: len(rows) for name, rows in strata.items()}, min(n, len(population)), by)
    drawn = {name: chooser.sample(rows, share[name]) for name, rows in strata.items()}
    order = [name for name in (FAILED, OTHER) if name in drawn] if by == FAILURES else sorted(drawn)
    items = _in_order([[_drawn(one, name, len(drawn[name]), len(strata[name])) for one in drawn[name]] for name in order], by)
    return Review(
        id=identifier,
        made=made,
        source=source,
        by=by,
        seed=seed,
        strata={name: len(rows) for name, rows in strata.items()},
        items=tuple(items),
    )


def _strata(population: Sequence[Candidate], by: str) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {}
    for one in sorted(population, key=lambda one: one.item):  # so that a seed draws the same whatever the order of the file
        stratum = RANDOM if by == RANDOM else (FAILED if one.is_failed else OTHER) if by == FAILURES else one.facets.get(by, "")
        found.setdefault(stratum, []).append(one)
    if set(found) == {""}:
        known = sorted({facet for one in population for facet in one.facets})
        raise InputError(f"nothing here has a {by!r}", fix=f"draw by {', '.join([RANDOM, FAILURES, *known])}")
    return found


def _shares(sizes: Mapping[str, int], n: int, by: str) -> dict[str, int]:
    """How many of each stratum: what one cannot fill goes to the others."""
    weights = {FAILED: FAILED_SHARE, OTHER: 1 - FAILED_SHARE} if by == FAILURES else dict.fromkeys(sizes, 1.0)
    taken = dict.fromkeys(sizes, 0)
    while sum(taken.values()) < n:
        name = min((name for name in sizes if taken[name] < sizes[name]), key=lambda name: ((taken[name] + 1) / weights[name], name))
        taken[name] += 1
    return taken


def _in_order(strata: Sequence[Sequence[Drawn]], by: str) -> list[Drawn]:
    if by == FAILURES:
        return [one for rows in strata for one in rows]
    longest = max(len(rows) for rows in strata)
    return [rows[place] for place in range(longest) for rows in strata if place < len(rows)]


def _drawn(one: Candidate, stratum: str, taken: int, size: int) -> Drawn:
    return Drawn(item=one.item, stratum=stratum, probability=taken / size, trace=one.trace)
