"""Whether what was found seems to hold the answer: the search's own evidence, before any model has read it.

Support is, of the passage where it is largest, its cosine with the query plus the share of the query's words that it and its headings hold. A
logistic curve makes a probability of it, at even odds of the documents holding the answer; below `DOUBT` the passages are called doubtful, and a
prompt can say so to the model. Nothing is blocked by it. Curve and threshold were fitted on one half of the articles of SQuAD and one split of
the sample's suite (`python -m benchmarks.evidence`).
Not covered: passages that speak of the very thing asked and do not say it; questions in another language than the documents'.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from groundwork.core.document import Chunk
from groundwork.core.text import content_words


class Curve(NamedTuple):
    """From support to a probability: 1 / (1 + exp(-(offset + slope * support)))."""

    offset: float
    slope: float
    doubt: float
    """Probability below which passages are doubtful: on the choosing half one answerable question in twenty is."""

    def probability(self, support: float) -> float:
        value = self.offset + self.slope * support
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, value))))


BY_BOTH = Curve(-9.258, 9.146, 0.325)
"""Where cosines are known."""
BY_WORDS = Curve(-5.925, 10.65, 0.204)
"""Where the search was by terms alone: support is the share of words."""


class Evidence(NamedTuple):
    """What speaks for the passages holding the answer. `probability` is None where nothing can be said: no passages, or a query of no words."""

    support: float
    probability: float | None
    doubtful: bool


NONE = Evidence(0.0, None, doubtful=False)


def evidence(query: str, passages: Iterable[tuple[Chunk, float | None]]) -> Evidence:
    """The evidence of passages with their cosines. No passage at all is as doubtful as can be."""
    asked = set(content_words(query))
    found = [(_share(asked, chunk), cosine) for chunk, cosine in passages]
    if not asked:
        return NONE
    if not found:
        return Evidence(0.0, 0.0, doubtful=True)
    known = [share + cosine for share, cosine in found if cosine is not None]
    curve, support = (BY_BOTH, max(known)) if known else (BY_WORDS, max(share for share, _ in found))
    probability = curve.probability(support)
    return Evidence(support, probability, doubtful=probability < curve.doubt)


def _share(asked: set[str], chunk: Chunk) -> float:
    held = set(content_words(chunk.text)).union(content_words(chunk.prefix))
    return len(asked & held) / len(asked) if asked else 0.0
