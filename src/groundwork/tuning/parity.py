"""Is what is served what was trained? The exported model's outputs beside the trained network's, and a refusal where they differ too much.

int8 moves every logit a little. What counts is that decisions and order stay: a model that decides otherwise on three rows of a hundred is not
the model that was measured.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from groundwork.core.errors import InputError
from groundwork.core.statistics import spearman
from groundwork.engine.reading import SpanFound
from groundwork.tuning.outcomes import Spanned

Numbers = npt.NDArray[np.floating]


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """How far the exported model's outputs lie from the trained one's, over `n` rows."""

    n: int
    largest: float
    """The largest difference of a logit."""
    mean: float
    """The mean difference of a logit."""
    rank: float
    """Spearman's correlation of the two models' logits."""
    equal: float
    """Share of rows on which both decide alike."""

    def figures(self) -> dict[str, float]:
        """For the record of a fit."""
        return {name: round(float(getattr(self, name)), 5) for name in self.__struct_fields__}


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What an export must keep. The differences' own bounds are wide: what they do to order and decisions is bounded itself."""

    largest: float = float("inf")
    mean: float = 0.5
    rank: float = 0.97
    equal: float = 0.95


SPANS = Bounds(equal=0.9)
"""For readers: a span that begins or ends a word elsewhere counts as another one, and costs little."""


def compare(trained: Numbers, exported: Numbers, *, threshold: float = 0.0) -> Parity:
    """Logits [n] decide by `threshold`, logits [n, labels] by the largest. Raises InputError where shapes differ or there is no row."""
    _same(trained.shape, exported.shape)
    one, other = trained.astype(np.float64), exported.astype(np.float64)
    alike = (one > threshold) == (other > threshold) if one.ndim == 1 else one.argmax(axis=1) == other.argmax(axis=1)
    return _parity(one, other, alike)


def compare_spans(trained: Sequence[Spanned], exported: Sequence[Sequence[SpanFound]]) -> Parity:
    """The answerability logits of each row, and whether both found the very same span (require it by `SPANS`).

    `exported`: what `SpanReader.read` gave for each row. A row whose passage has no words counts as equal where neither finds a span.
    """
    _same((len(trained),), (len(exported),))
    alike = [
        (span.start, span.end) == (found[0].start, found[0].end) if found else span.start == span.end
        for span, found in zip(trained, exported, strict=True)
    ]
    read = [(span.answerable, found[0].answerable) for span, found in zip(trained, exported, strict=True) if found]
    one, other = (np.array([row[side] for row in read], dtype=np.float64) for side in (0, 1))
    return _parity(one, other, np.array(alike))


def require(found: Parity, bounds: Bounds | None = None) -> None:
    """Raises InputError where the export is not the model that was trained."""
    limits = bounds or Bounds()
    passed = {
        "a mean difference": (found.mean <= limits.mean, found.mean, limits.mean),
        "a largest difference": (found.largest <= limits.largest, found.largest, limits.largest),
        "a rank correlation": (found.rank >= limits.rank, found.rank, limits.rank),
        "a share of equal decisions": (found.equal >= limits.equal, found.equal, limits.equal),
    }
    for what, (fine, value, limit) in passed.items():
        if not fine:
            raise InputError(
                f"the exported model is not the trained one: {what} of {value:.4f}, bound {limit:.4f}, over {found.n} rows",
                fix="export it as fp32 to see whether int8 is the cause; then fit with a smaller learning rate, which keeps weights small",
            )


def _same(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    if one != other or not one or not one[0]:
        raise InputError(f"outputs of shapes {one} and {other} cannot be compared", fix="give both models the same rows, one at least")


def _parity(one: Numbers, other: Numbers, alike: npt.NDArray[np.bool_]) -> Parity:
    away = np.abs(one - other)
    flat, beside = one.ravel().tolist(), other.ravel().tolist()
    constant = len(set(flat)) < 2 or len(set(beside)) < 2 or len(flat) < 4
    return Parity(
        n=len(alike),
        largest=float(away.max(initial=0.0)),
        mean=float(away.mean()) if away.size else 0.0,
        rank=float(flat == beside or bool(np.allclose(flat, beside))) if constant else spearman(flat, beside).value,
        equal=float(alike.mean()),
    )
