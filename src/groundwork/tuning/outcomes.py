"""What a network said of each row, and how good that is: windows joined to rows, predictions to figures. numpy only, no torch.

The figures of a part are what `dev` chooses by and `held` reports. Rows of one group (an article, a source) resemble each other, so intervals
are taken over groups where there are enough of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.measure import Estimate
from groundwork.core.statistics import auc, bootstrap, mean
from groundwork.datasets.rows import PairRow, Row, SpanRow, TextRow
from groundwork.evaluate.scorers.text import overlap, plain_words

Floats = npt.NDArray[np.float32]
_GROUPS = 10
"""From so many groups on, intervals are taken over groups."""


class Spanned(NamedTuple):
    """The best span of one row, over all of its windows."""

    start: int
    end: int
    """Code points of the passage; equal where there is no span."""
    score: float
    """Start logit plus end logit."""
    margin: float
    """The score less the best window's score of no answer (its first token's logits)."""
    answerable: float
    """The largest logit of the head that says whether there is an answer."""
    share: float
    """Probability of the span among all spans of its window."""


def token_f1(said: str, accepted: Sequence[str]) -> float:
    """The best F1 of the words that the answer shares with an accepted text (SQuAD's metric)."""
    return max(overlap(plain_words(said), plain_words(text)) for text in accepted)


def span_figures(rows: Sequence[SpanRow], found: Sequence[Spanned]) -> dict[str, Estimate]:
    """`f1_answerable` and `exact_answerable` when made to answer, `answerability_auc` of the head, `answerability_auc_margin` of the margin."""
    answerable = [bool(row.answers) for row in rows]
    said = [(row, row.passage[span.start : span.end]) for row, span in zip(rows, found, strict=True) if row.answers]
    figures: dict[str, Estimate] = {}
    if said:
        groups = [row.group for row, _ in said]
        f1 = [token_f1(text, [answer.text for answer in row.answers]) for row, text in said]
        exact = [float(any(plain_words(text) == plain_words(answer.text) for answer in row.answers)) for row, text in said]
        figures["f1_answerable"] = over_groups(f1, groups)
        figures["exact_answerable"] = over_groups(exact, groups)
    if any(answerable) and not all(answerable):
        figures["answerability_auc"] = auc([span.answerable for span in found], answerable)
        figures["answerability_auc_margin"] = auc([span.margin for span in found], answerable)
    return figures


def class_figures(rows: Sequence[TextRow], logits: Floats, labels: Sequence[str]) -> dict[str, Estimate]:
    """`accuracy` over rows whose label is known, and `auc` where there are two classes (of the second)."""
    known = [place for place, row in enumerate(rows) if row.label in labels]
    right = [float(labels[int(logits[place].argmax())] == rows[place].label) for place in known]
    figures = {"accuracy": over_groups(right, [rows[place].group for place in known])}
    truth = [rows[place].label == labels[-1] for place in known]
    if len(labels) == 2 and any(truth) and not all(truth):
        figures["auc"] = auc([float(logits[place, 1] - logits[place, 0]) for place in known], truth)
    return figures


def pair_figures(rows: Sequence[PairRow], scores: Sequence[float]) -> dict[str, Estimate]:
    """`auc` over all pairs, and `mrr` and `first` where several pairs share their first text (`first`: the best-ranked one is right)."""
    truth = [row.label >= 0.5 for row in rows]
    figures: dict[str, Estimate] = {}
    if any(truth) and not all(truth):
        figures["auc"] = auc(scores, truth)
    queries: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        queries.setdefault(row.a, []).append(place)
    ranks: list[float] = []
    groups: list[str] = []
    for places in queries.values():
        if len(places) > 1 and any(truth[place] for place in places) and not all(truth[place] for place in places):
            ordered = sorted(places, key=lambda place: (-scores[place], truth[place]))
            ranks.append(1 / (1 + next(rank for rank, place in enumerate(ordered) if truth[place])))
            groups.append(rows[places[0]].group)
    if ranks:
        figures["mrr"] = over_groups(ranks, groups)
        figures["first"] = over_groups([float(rank == 1) for rank in ranks], groups)
    return figures


def headline(figures: dict[str, Estimate]) -> float:
    """The one number that dev chooses the weights by: the mean of what the task is asked for."""
    wanted = [figures[name].value for name in ("f1_answerable", "answerability_auc", "accuracy", "auc", "mrr") if name in figures]
    return sum(wanted) / len(wanted) if wanted else 0.0


def over_groups(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    """A mean with an interval over groups where there are enough of them, else over rows."""
    if len(set(groups)) >= _GROUPS:
        return bootstrap(values, clusters=groups, draws=2_000, kind="percentile")
    return mean(values)


def rows_of(rows: Sequence[Row], kind: type[Row]) -> list[Row]:
    """The rows, all of one kind."""
    return [row for row in rows if isinstance(row, kind)]
