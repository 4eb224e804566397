"""A network's word on rows: windows in turns, joined to rows. What dev and held are measured with, and what an export is compared with."""

from collections.abc import Sequence

import numpy as np
import torch

from groundwork.core.measure import Estimate
from groundwork.datasets.rows import PairRow, Row, SpanRow, TextRow
from groundwork.engine.reading import best_places
from groundwork.tuning.batches import Window, collate, in_turns
from groundwork.tuning.network import Network
from groundwork.tuning.outcomes import Floats, Spanned, class_figures, pair_figures, span_figures

_PIECES = 4_096
"""Word pieces that are measured in one pass."""


def figures_of(
    network: Network, rows: Sequence[Row], windows: Sequence[Window], labels: Sequence[str], precision: str
) -> dict[str, Estimate]:
    """The figures of a part."""
    if network.task == "span":
        return span_figures([row for row in rows if isinstance(row, SpanRow)], spans_of(network, len(rows), windows, precision))
    logits = logits_of(network, len(rows), windows, precision)
    if network.task == "classify":
        return class_figures([row for row in rows if isinstance(row, TextRow)], logits, labels)
    return pair_figures([row for row in rows if isinstance(row, PairRow)], logits[:, 0].tolist())


def spans_of(network: Network, rows: int, windows: Sequence[Window], precision: str) -> list[Spanned]:
    """The best span of each row."""
    best: list[Spanned | None] = [None] * rows
    with measuring(network, precision):
        for turn in in_turns(windows, _PIECES):
            logits = network.spans(collate([windows[place] for place in turn]))
            start, end, head = (value.float().numpy() for value in logits)
            for line, place in enumerate(turn):
                found = _span(windows[place], start[line], end[line], float(head[line]))
                before = best[windows[place].row]
                best[windows[place].row] = found if before is None else _better(before, found)
    return [span or Spanned(0, 0, 0.0, 0.0, 0.0, 0.0) for span in best]


def logits_of(network: Network, rows: int, windows: Sequence[Window], precision: str) -> Floats:
    """Logits by row, float32 [rows, classes] (one column for pairs); of several windows the surest."""
    found: list[Floats | None] = [None] * rows
    with measuring(network, precision):
        for turn in in_turns(windows, _PIECES):
            batch = collate([windows[place] for place in turn])
            values = network.classes(batch) if network.task == "classify" else network.scores(batch).unsqueeze(-1)
            for line, place in enumerate(turn):
                row, value = windows[place].row, values[line].float().numpy()
                before = found[row]
                found[row] = value if before is None or _lead(value) > _lead(before) else before
    return np.stack([value for value in found if value is not None])


def _lead(logits: Floats) -> float:
    """How sure a window is: of two classes the lead of the second, which is what is looked for; else the highest logit."""
    return float(logits[1] - logits[0]) if len(logits) == 2 else float(logits.max())


class measuring:  # noqa: N801 - reads as a statement
    """Evaluation mode, without gradients, in the precision of the fit; training mode afterwards."""

    def __init__(self, network: Network, precision: str) -> None:
        self._network = network
        self._none = torch.no_grad()
        self._cast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")

    def __enter__(self) -> None:
        self._network.eval()
        self._none.__enter__()
        self._cast.__enter__()

    def __exit__(self, *error: object) -> None:
        self._cast.__exit__(None, None, None)
        self._none.__exit__(None, None, None)
        self._network.train()


def _span(window: Window, start: Floats, end: Floats, head: float) -> Spanned:
    low, high = window.first, len(window.ids) - 1
    if high <= low:
        return Spanned(0, 0, float(start[0] + end[0]), 0.0, head, 0.0)
    best = best_places(start[low:high], end[low:high])[0]
    margin = best.score - float(start[0] + end[0])
    return Spanned(window.offsets[best.first][0], window.offsets[best.last][1], best.score, margin, head, best.share)


def _better(one: Spanned, other: Spanned) -> Spanned:
    """The span of the window that is surer of an answer; the row is as answerable as its surest window."""
    return max(one, other, key=lambda span: (span.answerable, span.margin))
