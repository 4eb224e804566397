"""Tests of no difference between two runs over the same items, and what a test says.

A p-value is never the whole report: it stands beside the difference and its interval (paired.py, bootstrap.py).
"""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.statistics.distributions import binomial_cdf
from groundwork.core.statistics.intervals import need_items

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EXACT_PLACES = 14
"""Up to so many differences that are not 0, all sign patterns are counted; beyond, they are drawn."""
DRAWS_AT_ONCE = 2_000_000
"""Numbers held at a time while drawing: 16 MB."""


class Significance(msgspec.Struct, frozen=True, kw_only=True):
    """What a test found: two-sided p, on how many items, by which method."""

    p: float
    statistic: float
    n: int
    method: str


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test: are items gained and items lost equally likely?

    Source: Q. McNemar, Psychometrika 12 (1947), 153-157, with the exact binomial distribution.
    """
    return min(1.0, 2 * binomial_cdf(min(gained, lost), gained + lost, 0.5)) if gained + lost else 1.0


def sign_test(differences: Sequence[float]) -> Significance:
    """Are rises and falls equally likely? Exact; differences of 0 say nothing and are left out (they count in n).

    `statistic` is the number of rises. It asks about the sign only, never about the size: for means see `permutation_test`.
    Source: J. Arbuthnot (1710); W. J. Conover, Practical Nonparametric Statistics (1999), section 3.4.
    """
    need_items(len(differences))
    rises = sum(bool(difference > 0) for difference in differences)
    falls = sum(bool(difference < 0) for difference in differences)
    return Significance(p=mcnemar(rises, falls), statistic=rises, n=len(differences), method="sign test, exact")


def permutation_test(
    differences: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> Significance:
    """Is the mean of paired differences 0? Under no difference each one (each cluster, where given) could as well have the other sign.

    `statistic` is the mean difference. Exact for up to 14 items or clusters that differ, else with drawn signs and p = (1 + as extreme)
    / (1 + draws), which is never too small. Its null hypothesis is symmetry about 0, not only a mean of 0.
    Source: R. A. Fisher, The Design of Experiments (1935), section 21; B. Phipson and G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010),
    39.
    """
    import numpy as np

    n = len(differences)
    need_items(n)
    sums = np.abs([total for total in totals(differences, clusters) if total])
    observed = math.fsum(differences)
    places = len(sums)
    if places <= EXACT_PLACES:
        signs = 1.0 - 2 * ((np.arange(1 << places)[:, None] >> np.arange(places)) & 1)
        extreme, of, method = _as_extreme(np.asarray(signs @ sums, dtype=np.float64), observed), 1 << places, "paired permutation, exact"
    else:
        chooser = np.random.default_rng(seed)
        extreme, of, method = 1, 1 + draws, f"paired permutation, {draws} draws"
        at_once = max(1, DRAWS_AT_ONCE // places)
        for start in range(0, draws, at_once):
            signs = chooser.integers(0, 2, (min(at_once, draws - start), places), dtype=np.int8)
            extreme += _as_extreme(2 * (signs @ sums) - sums.sum(), observed)
    by = "" if clusters is None else f", {len(set(clusters))} clusters"
    return Significance(p=extreme / of, statistic=observed / n, n=n, method=method + by)


def totals(values: Sequence[float], clusters: Sequence[Hashable] | None) -> list[float]:
    """The sum of each cluster, in order of appearance; the values themselves without clusters."""
    if clusters is None:
        return list(values)
    if len(clusters) != len(values):
        raise InputError(f"{len(values)} values and {len(clusters)} cluster names are no pairs", fix="name the cluster of each value")
    found: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        found[cluster] = found.get(cluster, 0.0) + value
    return list(found.values())


def _as_extreme(drawn: "Floats", observed: float) -> int:
    """How many sums lie as far from 0 as the observed one; rounding must not part what is equal."""
    return int((abs(drawn) >= abs(observed) * (1 - 1e-9) - 1e-12).sum())
