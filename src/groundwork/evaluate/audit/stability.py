"""Would the same thing score the same again, can this many cases decide, and do all of them tell anything?"""

import math
from collections.abc import Iterator, Mapping, Sequence

from groundwork.core import statistics
from groundwork.evaluate.audit.finding import LEVEL, Finding, LeftOut, shown, some

ASSUMED = 0.1
"""The share of cases that change sides under a change, where no two runs show it."""
RUNS = 3
"""So many different systems must have failed on a case before its label is doubted."""
HARDLY = 0.2
"""A gate that passes an equal change less often than this decides nothing."""

Values = Mapping[str, Sequence[float]]
"""A metric's values of each case, one for each time the same thing was asked."""


def reruns(metric: str, values: Values, margin: float) -> Finding | LeftOut:
    """How far the figure moves when nothing has changed, beside the margin that the gate decides by."""
    again = {case: rows for case, rows in values.items() if len(rows) > 1}
    if not again:
        return LeftOut(probe="stability.reruns", why=f"{metric}: no case was answered twice by the same configuration")
    variances = [_variance(rows) for rows in again.values()]
    moved = sum(variance > 0 for variance in variances)
    share = statistics.proportion(moved, len(again), level=LEVEL)
    deviation = math.sqrt(math.fsum(variances) / len(variances) / len(values))
    swing = statistics.normal_quantile(0.975) * math.sqrt(2) * deviation
    sentence = (
        f"asked again, {moved} of {len(again)} answers change their {metric} {shown(share)}; two runs of the same thing over {len(values)} cases "
        f"differ by up to {swing:.3f} (the gate's margin is {margin:g})"
    )
    severity = "alarm" if swing > 2 * margin else "look" if swing > margin else "ok"
    fix = "ask each case several times (`repeats`), or lower the temperature, before you compare runs" if severity != "ok" else ""
    return Finding(probe="stability.reruns", severity=severity, metric=metric, sentence=sentence, fix=fix, estimate=share)


def _variance(values: Sequence[float]) -> float:
    centre = math.fsum(values) / len(values)
    return math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)


def power(metric: str, n: int, margin: float, discordance: float | None) -> Finding:
    """Whether the gate can pass a change that is no worse, with so many cases. `discordance`: the share that changed sides between two runs."""
    share = ASSUMED if discordance is None else discordance
    chance = statistics.power_to_pass(n, share, margin)
    needed = statistics.items_to_pass(share, margin)
    seen = "assumed" if discordance is None else "seen between two runs"
    sentence = (
        f"with {n} cases and a margin of {margin:g} the gate passes an equal change {chance:.0%} of the time "
        f"({share:.0%} of the cases change sides: {seen}); 80 % takes {needed}"
    )
    severity = "ok" if chance >= statistics.POWER else "alarm" if chance < HARDLY else "look"
    fix = f"add {needed - n} cases to the split that decides, or widen the margin" if severity != "ok" else ""
    return Finding(probe="stability.power", severity=severity, metric=metric, sentence=sentence, fix=fix)


def extremes(metric: str, values: Values, best: float, worst: float) -> Iterator[Finding | LeftOut]:
    """Cases that every system gets right tell nothing; those that none does may have a wrong label. `values`: one a system."""
    systems = max((len(rows) for rows in values.values()), default=0)
    if systems < RUNS:
        why = f"{metric}: it takes runs of {RUNS} different configurations, and there are {systems}"
        yield LeftOut(probe="stability.extremes", why=why)
        return
    rows = {case: one for case, one in values.items() if len(one) >= RUNS}
    nobody = [case for case, one in rows.items() if all(value == worst for value in one)]
    everybody = [case for case, one in rows.items() if all(value == best for value in one)]
    share = statistics.proportion(len(nobody), len(rows), level=LEVEL)
    yield Finding(
        probe="stability.nobody",
        severity="look" if nobody else "ok",
        metric=metric,
        sentence=f"{len(nobody)} of {len(rows)} cases are got right by none of {systems} configurations: {shown(share)}",
        fix=f"check their labels first: {some(nobody)}" if nobody else "",
        estimate=share,
        cases=tuple(nobody),
    )
    easy = statistics.proportion(len(everybody), len(rows), level=LEVEL)
    yield Finding(
        probe="stability.everybody",
        severity="look" if easy.low > 0.5 else "ok",
        metric=metric,
        sentence=f"{len(everybody)} of {len(rows)} cases are got right by all of {systems} configurations and tell none apart: {shown(easy)}",
        fix="add harder cases: the others decide alone" if easy.low > 0.5 else "",
        estimate=easy,
    )
