"""Several attempts at each item: the chance that one of k succeeds (pass@k), and that all k do (pass^k).

The items are the sample: intervals are over items, never over attempts.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.intervals import mean, need_items


def pass_at(k: int, attempts: Sequence[tuple[int, int]], *, level: float = 0.95) -> Estimate:
    """pass@k: the chance that at least one of k attempts succeeds, over items of (attempts made, attempts that succeeded).

    The unbiased estimator, not the share of items solved by the first k. Raises InputError where an item had fewer than k attempts.
    Source: M. Chen et al., Evaluating Large Language Models Trained on Code, arXiv 2107.03374 (2021), section 2.1.
    """
    return _over(k, attempts, f"pass@{k}", level, lambda n, c: 1 - math.comb(n - c, k) / math.comb(n, k))


def pass_all(k: int, attempts: Sequence[tuple[int, int]], *, level: float = 0.95) -> Estimate:
    """pass^k: the chance that all of k attempts succeed: what a user who comes back k times sees. Arguments as in `pass_at`.

    Source: S. Yao, N. Shinn, P. Razavi and K. Narasimhan, τ-bench, arXiv 2406.12045 (2024), section 3.
    """
    return _over(k, attempts, f"pass^{k}", level, lambda n, c: math.comb(c, k) / math.comb(n, k))


def _over(k: int, attempts: Sequence[tuple[int, int]], name: str, level: float, chance: Callable[[int, int], float]) -> Estimate:
    need_items(len(attempts))
    if k < 1:
        raise InputError(f"{name} of {k} attempts", fix="give a k of 1 or more")
    for made, succeeded in attempts:
        if not 0 <= succeeded <= made or made < k:
            raise InputError(f"an item with {succeeded} successes in {made} attempts has no {name}", fix=f"make {k} attempts at each item")
    found = mean([chance(made, succeeded) for made, succeeded in attempts], level=level)
    return msgspec.structs.replace(found, method=f"{name}, {found.method}")
