"""How much a figure depends on which items happened to be asked, and whether the items rank several runs alike."""

from collections.abc import Sequence

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics import SplitHalf
from groundwork.evaluate.figures import clusters_of, items_of
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.report import Evaluated

_AT_MOST = 20_000_000


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """Of a set of items, as one metric sees it."""

    metric: str
    spread: Estimate
    """What other sets of this size, drawn from the same source, would give: a bootstrap over items."""
    consistency: Estimate | None = None
    """Cronbach's alpha over the runs: near 1 where items agree about which run is better. None for one run."""
    halves: SplitHalf | None = None
    """How alike two random halves of the items rank the runs; None for fewer than three runs, or runs that do not differ."""
    sentence: str


def reliability(runs: Sequence[Evaluated], metric: Metric) -> Reliability:
    """The reliability of the items that all runs scored; its spread is that of the first run. Raises InputError where there are none."""
    scored = [items_of(one.results, metric) for one in runs]
    shared = {example: item for example, item in scored[0].items() if all(example in other for other in scored)} if scored else {}
    if not shared:
        raise InputError(f"no item was scored on `{metric.name}` in all of these runs", fix="name a metric that all were scored on")
    values = [item.value for item in shared.values()]
    draws = max(1_000, min(10_000, _AT_MOST // len(values)))
    spread = statistics.bootstrap(values, clusters=clusters_of(shared), draws=draws)
    rows = [[one[example].value for example in shared] for one in scored]
    differ = len({sum(row) for row in rows}) > 1 and len(shared) > 1
    consistency = statistics.cronbach_alpha(rows) if differ else None
    halves = statistics.split_half(rows) if differ and len(rows) > 2 else None
    return Reliability(
        metric=metric.name, spread=spread, consistency=consistency, halves=halves, sentence=_sentence(metric, spread, consistency, halves)
    )


def _sentence(metric: Metric, spread: Estimate, consistency: Estimate | None, halves: SplitHalf | None) -> str:
    said = f"{spread.n} other items like these would give {metric.name} between {spread.low:.3f} and {spread.high:.3f} ({spread.method})"
    if consistency is not None:
        said += f"; alpha over {consistency.n} runs {consistency.value:.2f} [{consistency.low:.2f}, {consistency.high:.2f}]"
    if halves is not None:
        said += f"; halves of the items rank the runs with a correlation of {halves.reliability:.2f}"
    return said
