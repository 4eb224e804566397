"""Agreement of more than two raters: Fleiss' kappa, and Krippendorff's alpha where ratings are missing, ordered or numbers.

Intervals by drawing items anew (bootstrap.py): too narrow below about 30 items.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.agreement import ordered
from groundwork.core.statistics.bootstrap import bootstrap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Disagreement = Callable[[Floats], tuple[Floats, Floats]]

Scale = Literal["nominal", "ordinal", "interval"]
DRAWS = 2_000


def fleiss_kappa(ratings: Sequence[Sequence[Hashable]], *, draws: int = DRAWS, seed: int = 0, level: float = 0.95) -> Estimate:
    """Fleiss' kappa: `ratings` holds one row an item, each with as many ratings (two or more); who gave which does not matter.

    Where only one answer was ever given, chance explains all: 0. Raises InputError where rows differ in length: see `krippendorff_alpha`.
    Source: J. L. Fleiss, Psychological Bulletin 76 (1971), 378-382.
    """
    import numpy as np

    if len({len(row) for row in ratings}) != 1 or len(ratings[0]) < 2:
        raise InputError(
            "not every item has the same number of ratings, two or more", fix="use krippendorff_alpha, which takes missing ones"
        )
    raters = len(ratings[0])

    def kappa(samples: "Floats") -> "Floats":
        seen = ((samples**2).sum(axis=2) - raters).mean(axis=1) / (raters * (raters - 1))
        expected = ((samples.mean(axis=1) / raters) ** 2).sum(axis=1)
        return np.where(expected < 1, (seen - expected) / np.where(expected < 1, 1 - expected, 1.0), 0.0)

    found = bootstrap(_counts(ratings), kappa, kind="percentile", draws=draws, seed=seed, level=level)
    return msgspec.structs.replace(found, method=f"fleiss kappa, {found.method}")


def krippendorff_alpha(
    ratings: Sequence[Sequence[Hashable | None]],
    *,
    scale: Scale = "nominal",
    draws: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Krippendorff's alpha: one row an item, None where a rating is missing; items with fewer than two ratings say nothing and are left
    out.

    `ordinal` takes numbers or names in the order of their text; `interval` numbers only. n counts the items that could be used. Where all
    ratings are equal there is nothing to disagree on: 1. Raises InputError where no item has two ratings.
    Source: K. Krippendorff, Content Analysis (2004), chapter 11.
    """
    import numpy as np

    kept = [found for row in ratings if len(found := [one for one in row if one is not None]) > 1]
    if not kept:
        raise InputError("no item has two ratings", fix="let some items be rated twice")
    rows, disagreement = _interval(kept) if scale == "interval" else _by_category(kept, ordinal=scale == "ordinal")

    def alpha(samples: "Floats") -> "Floats":
        seen, expected = disagreement(samples)
        return np.where(expected > 0, 1 - seen / np.where(expected > 0, expected, 1.0), 1.0)

    found = bootstrap(rows, alpha, kind="percentile", draws=draws, seed=seed, level=level)
    return msgspec.structs.replace(found, method=f"krippendorff alpha, {scale}, {found.method}")


def _counts(ratings: Sequence[Sequence[Hashable]]) -> "Floats":
    """How often each answer was given to each item, shape (items, answers)."""
    import numpy as np

    categories = ordered({one for row in ratings for one in row})
    places = {category: place for place, category in enumerate(categories)}
    counts = np.zeros((len(ratings), len(categories)))
    for item, row in enumerate(ratings):
        for one in row:
            counts[item, places[one]] += 1
    return counts


def _by_category(ratings: Sequence[Sequence[Hashable]], *, ordinal: bool) -> "tuple[Floats, Disagreement]":
    """Rows of each item's coincidences (answers × answers), and the observed and expected disagreement of samples of such rows."""
    import numpy as np

    counts = _counts(ratings)
    q = counts.shape[1]
    pairs = (counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(q)) / (counts.sum(axis=1) - 1)[:, None, None]

    def disagreement(samples: "Floats") -> "tuple[Floats, Floats]":
        coincidences = samples.sum(axis=1).reshape(len(samples), q, q)
        margins = coincidences.sum(axis=2)
        apart = np.broadcast_to(1 - np.eye(q), coincidences.shape)
        if ordinal:  # two ranks lie as far apart as ratings lie between them
            middle = margins.cumsum(axis=1) - margins / 2
            apart = (middle[:, :, None] - middle[:, None, :]) ** 2
        chance = margins[:, :, None] * margins[:, None, :] / np.maximum(1, margins.sum(axis=1) - 1)[:, None, None]
        return (coincidences * apart).sum(axis=(1, 2)), (chance * apart).sum(axis=(1, 2))

    return pairs.reshape(len(counts), q * q), disagreement


def _interval(ratings: Sequence[Sequence[Hashable]]) -> "tuple[Floats, Disagreement]":
    """The same for numbers, whose squared distances need only each item's count, sum and sum of squares."""
    import numpy as np

    rows: list[list[float]] = []
    for row in ratings:
        values = [float(one) for one in row if isinstance(one, int | float)]
        if len(values) < len(row):
            raise InputError("an interval scale needs numbers", fix="give numbers, or choose the scale ordinal or nominal")
        m, total, squares = len(values), sum(values), sum(value * value for value in values)
        rows.append([2 * (m * squares - total * total) / (m - 1), m, total, squares])

    def disagreement(samples: "Floats") -> "tuple[Floats, Floats]":
        seen, m, total, squares = np.moveaxis(samples.sum(axis=1), 1, 0)
        return seen, 2 * (m * squares - total**2) / (m - 1)

    return np.asarray(rows), disagreement
