"""How often looking again, clusters, slices and mixes mislead: error rates of the gate over several looks, and of searches through slices.

    python -m benchmarks.looks [--quick]

Everything is decided by groundwork's own functions on simulated runs: `gate` with planned looks, on clusters and on repeats; `search` for the
worst slice; `reversals` and `slice_differences` of two runs. Beside them what people do instead: a gate that looks again without a plan, one
that takes every answer for an item, every slice judged by an interval of its own.

A change that is seen at several looks counts as passed where it passes at any of them, an earlier fail notwithstanding; as failed where it
fails at one and passes at none. `added`: each look sees the items of the one before and new ones. `anew`: it sees as many, all asked again,
with nothing in common. `icc` is the intraclass correlation of the differences, in percent. Rates that promise 5 % say so where they exceed it.
`--data` is taken for the sake of uniformity and not used.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate import CHANGES, MARGIN
from benchmarks.report import begin, report
from groundwork.core import statistics
from groundwork.core.measure import Decision, Estimate, GateResult, Result, Run, Score
from groundwork.evaluate.config import GateSection
from groundwork.evaluate.facets import Facets
from groundwork.evaluate.figures import Item
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.reversals import reversals, slice_differences
from groundwork.evaluate.scorers import find_scorers, metrics_of
from groundwork.evaluate.slices import search
from groundwork.loop.gate import gate

NOMINAL = 0.05
DEALS = 999
"""How often a search deals values anew: half as often as by default, which changes no promise."""
METRICS = metrics_of(find_scorers(("answer.correct",), root=Path()))
CORRECT = METRICS["answer.correct"]
GROUNDWORK = "groundwork"

Moves = NDArray[np.int64]
"""What changed: 1 gained, -1 lost, 0 neither; a row an item, a column a repeat."""
Truths = dict[str, bool]
"""For one draw, which of the things that are counted came to pass."""
Trial = Callable[[np.random.Generator], Mapping[str, Truths]]
"""Draws data and says, for groundwork and each rival, what came to pass."""


Rates = dict[str, Estimate]
"""Shares of the draws, by figure."""
PROMISED = ("passes_worse_by_margin", "fails_worse_by_margin", "passes_three_points_beyond", "fails_equal", "any_named", "any_winner")
"""How the figures end that are to be 5 % at most."""


# -- runs, as the gate takes them


@cache
def result(example: int, repeat: int, cluster: int, value: int) -> Result:
    """An answer, right (1) or wrong (0); cluster -1 is none."""
    name = "" if cluster < 0 else f"page {cluster}"
    return Result(
        example=f"case-{example}",
        place=example,
        repeat=repeat,
        status="ok",
        cluster=name,
        scores=(Score(metric=CORRECT.name, value=value),),
    )


def evaluated(identifier: str, values: Moves, clusters: Sequence[int] | None) -> Evaluated:
    """A finished run with these values, shaped as Moves."""
    header = Run(
        id=identifier, suite="simulated", suite_sha256="same", split="", target="simulated", change="chg_1", started=0.0, finished=1.0
    )
    rows: list[list[int]] = values.tolist()
    return Evaluated(
        header,
        tuple(
            result(example, repeat, -1 if clusters is None else clusters[example], value)
            for example, row in enumerate(rows)
            for repeat, value in enumerate(row)
        ),
    )


def ask(moves: Moves, *, clusters: Sequence[int] | None = None, looks: int = 0, before: Sequence[GateResult] = ()) -> GateResult:
    """What the gate says of a run against the one before, at the look after those in `before`."""
    old = np.where(moves > 0, 0, 1)
    candidate, current = (evaluated(f"{name}_{len(before)}", one, clusters) for name, one in (("new", old + moves), ("old", old)))
    section = GateSection(suite="simulated", margin=MARGIN, split="", looks=looks)
    return gate(candidate, current, section, METRICS, at=0.0, before=before)


def outcome(decisions: Sequence[Decision]) -> Truths:
    """Of all looks at one change."""
    passes = "pass" in decisions
    return {"passes": passes, "fails": not passes and "fail" in decisions, "undecided": set(decisions) == {"undecided"}}


def draw_moves(r: np.random.Generator, shape: tuple[int, int], discordance: float, difference: float) -> Moves:
    return r.choice([1, -1, 0], shape, p=[(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance])


# -- looking again


def looked_at(looks: int, discordance: float, difference: float, *, anew: bool, step: int = 80) -> Trial:
    """A change looked at `looks` times, with `step` more items at each, by a gate that planned the looks and by one that did not."""

    def decide(seen: Sequence[Moves], planned: int) -> Truths:
        said: list[GateResult] = []
        for moves in seen:
            said.append(ask(moves, looks=planned, before=said))
            if said[-1].decision == "pass":
                break
        return outcome([one.decision for one in said])

    def trial(r: np.random.Generator) -> Mapping[str, Truths]:
        every = draw_moves(r, (step * looks, 1), discordance, difference)
        sizes = range(step, step * looks + 1, step)
        seen = [draw_moves(r, (n, 1), discordance, difference) if anew else every[:n] for n in sizes]
        return {GROUNDWORK: decide(seen, looks), "looks without a plan": decide(seen, 0)}

    return trial


def looking_again() -> Iterator[tuple[str, str, Trial]]:
    """Trials by the beginning and the end of their figures' names."""
    for looks in (3, 5):
        for way in ("added", "anew"):
            for change, difference in CHANGES.items():
                yield f"looks_{looks}.{way}_d20", change, looked_at(looks, 0.2, difference, anew=way == "anew")
        yield f"looks_{looks}.anew_d10", "worse_by_margin", looked_at(looks, 0.1, -MARGIN, anew=True)


# -- clusters and repeats

SIZES = {"100x4": (4,) * 100, "40x10": (10,) * 40, "unequal": (1, 2, 4, 5, 8) * 20}


def correlated(r: np.random.Generator, names: NDArray[np.int64], shared: Moves, own: Moves, correlation: float) -> Moves:
    """Draws of which any two with one name correlate so much: each is its name's draw with the chance of the root."""
    return np.where(r.random(own.shape) < np.sqrt(correlation), shared[names], own)


def clustered_change(sizes: Sequence[int], correlation: float, difference: float, discordance: float = 0.2) -> Trial:
    """Items in clusters, asked once; beside it a gate that does not know the clusters."""
    names = np.repeat(np.arange(len(sizes)), sizes)

    def trial(r: np.random.Generator) -> Mapping[str, Truths]:
        shared, own = (draw_moves(r, (n, 1), discordance, difference) for n in (len(sizes), len(names)))
        moves = correlated(r, names, shared, own, correlation)
        by_cluster, by_item = ask(moves, clusters=names.tolist()), ask(moves)
        return {GROUNDWORK: outcome([by_cluster.decision]), "every answer an item": outcome([by_item.decision])}

    return trial


def repeated_change(items: int, repeats: int, correlation: float, difference: float, discordance: float = 0.2) -> Trial:
    """Items asked several times in both runs; beside it a gate that takes each repeat for an item."""

    def trial(r: np.random.Generator) -> Mapping[str, Truths]:
        shared, own = (draw_moves(r, (items, n), discordance, difference) for n in (1, repeats))
        moves = correlated(r, np.arange(items), shared, own, correlation)
        by_item, by_answer = ask(moves), ask(moves.reshape(-1, 1))
        return {GROUNDWORK: outcome([by_item.decision]), "every answer an item": outcome([by_answer.decision])}

    return trial


def standing_together() -> Iterator[tuple[str, str, Trial]]:
    """Clusters of several correlations, and repeats."""
    for change, difference in CHANGES.items():
        for correlation in (0.0, 0.1, 0.3, 1.0) if change == "worse_by_margin" else (0.3,):
            for name, sizes in SIZES.items():
                yield f"clusters.{name}_icc{round(100 * correlation)}", change, clustered_change(sizes, correlation, difference)
        for correlation in (0.3, 0.8) if change == "worse_by_margin" else (0.8,):
            yield f"repeats.150x3_icc{round(100 * correlation)}", change, repeated_change(150, 3, correlation, difference)


# -- slices


def scores(r: np.random.Generator, names: NDArray[np.int64], right: NDArray[np.float64], correlation: float) -> list[float]:
    """0/1 items, each right with its chance; the luck of two items of one cluster correlates."""
    luck = np.where(r.random(len(names)) < np.sqrt(correlation), r.random(int(names.max()) + 1)[names], r.random(len(names)))
    return (luck < right).astype(float).tolist()


def cut(labels: Mapping[str, NDArray[np.int64]]) -> Facets:
    """Facets from a number for each item."""
    return {facet: {f"case-{place}": (str(number),) for place, number in enumerate(each)} for facet, each in labels.items()}


class Ground(NamedTuple):
    """What a search goes through. `sizes` are those of clusters; `by_cluster`: a cluster stands in one slice of each facet as a whole."""

    facets: tuple[int, ...] = (4, 3, 2)
    right: float = 0.8
    sizes: tuple[int, ...] = (1,) * 200
    correlation: float = 0.0
    by_cluster: bool = False


GROUNDS = {
    "200_items": Ground(),
    "200_items_rarely_wrong": Ground(right=0.95),
    "200_items_6_facets": Ground((4,) * 6),
    "40x5_icc30": Ground(sizes=(5,) * 40, correlation=0.3),
    "40x5_icc30_by_cluster": Ground(sizes=(5,) * 40, correlation=0.3, by_cluster=True),
    "40x5_icc100_by_cluster": Ground(sizes=(5,) * 40, correlation=1.0, by_cluster=True),
    "unequal_icc30_by_cluster": Ground(sizes=(30, 20, *(10,) * 6, *(4,) * 15, *(1,) * 30), correlation=0.3, by_cluster=True),
}


def searched(ground: Ground, planted: int = 0, worse: float = 0.0) -> Trial:
    """A search in a run. The first `planted` items, alone in slice 9 of facet 0, are worse; with none planted, any slice named is an alarm."""
    sizes = np.array(ground.sizes)
    names = np.repeat(np.arange(len(sizes)), sizes)
    n, place = len(names), np.arange(len(names))

    def trial(r: np.random.Generator) -> Mapping[str, Truths]:
        drawn = [r.integers(0, values, len(sizes) if ground.by_cluster else n) for values in ground.facets]
        labels = {f"facet {number}": one[names] if ground.by_cluster else one for number, one in enumerate(drawn)}
        labels["facet 0"] = np.where(place < planted, 9, labels["facet 0"])
        values = scores(r, names, np.where(place < planted, ground.right - worse, ground.right), ground.correlation)
        pages = [f"page {name}" if len(sizes) < n else "" for name in names.tolist()]
        items = {f"case-{number}": Item(value, page) for number, (value, page) in enumerate(zip(values, pages, strict=True))}
        found = search(items, CORRECT, cut(labels), draws=DEALS, seed=int(r.integers(1 << 30)))
        named = [one.name for one in found.slices if one.is_worse]
        alone = [one.name for one in found.slices if one.figure.high < one.rest]
        return {GROUNDWORK: _named(named, planted), "each slice by its own interval": _named(alone, planted)}

    return trial


def _named(names: Sequence[str], planted: int) -> Truths:
    return {"found": "facet 0 = 9" in names, "found_first": names[:1] == ["facet 0 = 9"]} if planted else {"any_named": bool(names)}


def slices() -> Iterator[tuple[str, str, Trial]]:
    """Searches where no slice is bad, and where 30 of 200 items are right 25 points less often."""
    for name, ground in GROUNDS.items():
        yield f"slices.{name}", "", searched(ground)
    for name in ("200_items", "200_items_6_facets", "40x5_icc30_by_cluster"):
        yield f"slices.{name}_planted", "", searched(GROUNDS[name], 30, 0.25)


# -- two runs


class Two(NamedTuple):
    """Two runs over 200 items, half of them hard. `gain` is what B is better by everywhere."""

    gain: float = 0.0
    scored: float = 1.0
    """The share of the items that a run scores."""
    scored_hard_b: float = 1.0
    """The share of the hard ones that B scores."""


PAIRS = {
    "same_items_equal": Two(),
    "same_mix_equal": Two(0.0, 0.8, 0.8),
    "same_mix_better_by_5": Two(0.05, 0.8, 0.8),
    "other_mix_equal": Two(0.0, 1.0, 0.4),
    "other_mix_better_by_5": Two(0.05, 1.0, 0.4),
    "other_mix_better_by_15": Two(0.15, 1.0, 0.4),
    "reversed_by_5": Two(-0.05, 1.0, 0.2),
    "reversed_by_10": Two(-0.10, 1.0, 0.2),
}


def two_runs(two: Two) -> Trial:
    """Reversals between two runs; where B is no better, also slices for which a winner is named."""
    hard = np.arange(200) >= 100

    def trial(r: np.random.Generator) -> Mapping[str, Truths]:
        right = np.where(hard, 0.3, 0.8)
        kept = [r.random(200) < np.where(hard, share, two.scored) for share in (two.scored, two.scored_hard_b)]
        values = [r.random(200) < chances for chances in (right, right + two.gain)]
        a, b = (
            {f"case-{place}": Item(float(one[place])) for place in np.flatnonzero(scored).tolist()}
            for one, scored in zip(values, kept, strict=True)
        )
        facets = cut({"level": hard.astype(int), "topic": r.integers(0, 4, 200), "source": r.integers(0, 2, 200)})
        shown = any(one.is_shown for one in reversals(a, b, CORRECT, facets))
        truths = {"finds_reversal" if two.gain < 0 else "false_reversal": shown}
        if two.gain:
            return {GROUNDWORK: truths}
        differences = slice_differences(a, b, CORRECT, facets)
        alone = any(one.difference.low > 0 or one.difference.high < 0 for one in differences)
        named = any(one.winner for one in differences)
        return {GROUNDWORK: truths | {"any_winner": named}, "each slice by its own interval": {"any_winner": alone}}

    return trial


def pairs() -> Iterator[tuple[str, str, Trial]]:
    """Pairs of runs with and without a reversal."""
    for name, two in PAIRS.items():
        yield f"pairs.{name}", "", two_runs(two)


# -- all of it


def rates_of(trials: Iterator[tuple[str, str, Trial]], draws: int) -> dict[str, Rates]:
    """For groundwork and each rival, its rates. Every trial has a stream of its own."""
    found: dict[str, Rates] = {GROUNDWORK: {}}
    for start, end, trial in trials:
        chooser = np.random.default_rng([ord(letter) for letter in start + end])
        counts: Counter[tuple[str, str]] = Counter()
        for _ in range(draws):
            counts.update({(method, what): happened for method, truths in trial(chooser).items() for what, happened in truths.items()})
        for (method, what), happened in counts.items():
            name = f"{start}.{what}{end and f'_{end}'}"
            found.setdefault(method, {})[name] = statistics.proportion(happened, draws)
    return found


def show(own: Rates, rivals: Mapping[str, Rates]) -> None:
    """For people: the rates that are to be 5 % at most, the worst first, with what was done instead on the same draws."""
    print("errs, where 5 % is promised; the worst first, beside what is done instead")
    for name, rate in sorted(own.items(), key=lambda item: -item[1].value):
        beside = [f"  {rival}: {100 * rates[name].value:.1f} %" for rival, rates in rivals.items() if name in rates]
        mark = "  above 5 %" if rate.low > NOMINAL else ""
        print(f"{name:<58}{100 * rate.value:5.1f} % [{100 * rate.low:.1f}, {100 * rate.high:.1f}]{''.join(beside)}{mark}")


def main() -> None:
    """Simulate, show, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 draws of each gate and 10 of each search")
    parser.add_argument("--data", type=Path, help="not used: all data is simulated")
    arguments = parser.parse_args()
    started = begin()
    of_gates, of_searches = (20, 10) if arguments.quick else (1_000, 400)
    everything: dict[str, Rates] = {}
    for trials, draws in ((looking_again, of_gates), (standing_together, of_gates), (slices, of_searches), (pairs, of_searches)):
        for method, rates in rates_of(trials(), draws).items():
            everything[method] = everything.get(method, {}) | rates
    own = everything.pop(GROUNDWORK)
    promised = {name: rate for name, rate in own.items() if name.endswith(PROMISED)}
    show(promised, everything)
    summary = {
        "promised": len(promised),
        "above_nominal": sum(rate.low > NOMINAL for rate in promised.values()),
        "worst_promised": max(rate.value for rate in promised.values()),
    }
    report(
        benchmark="looks",
        figures={name: rate.value for name, rate in own.items()} | summary,
        intervals={name: [round(rate.low, 4), round(rate.high, 4)] for name, rate in own.items()},
        n=of_gates,
        rivals={method: {name: rate.value for name, rate in rates.items()} for method, rates in everything.items()},
        data=f"simulated; {of_searches} draws of each search and pair of runs",
        versions=("numpy",),
        started=started,
    )


if __name__ == "__main__":
    main()
