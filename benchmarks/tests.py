"""How often every test and interval errs, beside the 5 % it promises.

    python -m benchmarks.tests [--quick] [--draws N]

Each figure is the share of simulated data sets in which a 95 % interval missed the truth, or a test at 5 % rejected what was true; for the gate
the shares that pass; `width.` figures: how wide a clustered interval is, as a multiple of the t interval of the same clusters. All data is
simulated, in the sizes people have; `--data` is taken for the sake of uniformity and not used. An open side of an interval counts as holding.
Beside them, as rivals, what people do instead: intervals that ignore clusters, plain tests at every look.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.gate import simulate
from benchmarks.report import begin, report
from groundwork.core import statistics as s
from groundwork.core.measure import Estimate

NOMINAL = 0.05
Trial = Callable[[np.random.Generator], bool]
"""Draws data and says whether the method erred."""


def misses(estimate: Estimate, truth: float) -> bool:
    """Whether an interval leaves the truth out; an open side leaves nothing out."""
    below = estimate.low > truth + 1e-12 and not s.is_open(estimate, "below")
    return below or (estimate.high < truth - 1e-12 and not s.is_open(estimate, "above"))


def pairs(r: np.random.Generator, n: int, discordance: float, difference: float) -> tuple[list[float], list[float]]:
    """0/1 scores of two runs."""
    moves = r.choice([1, -1, 0], n, p=[(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance])
    before = np.where(moves == 1, 0, np.where(moves == -1, 1, r.random(n) < 0.7)).astype(float)
    return before.tolist(), (before + moves).tolist()


def in_clusters(r: np.random.Generator, sizes: Sequence[int], correlation: float = 0.3, mean: float = 0.6) -> tuple[list[float], list[int]]:
    """0/1 items whose chance differs between clusters (beta-binomial)."""
    scale = 1 / correlation - 1
    chances = r.beta(mean * scale, (1 - mean) * scale, len(sizes)) if scale else r.random(len(sizes)) < mean
    names = np.repeat(np.arange(len(sizes)), sizes)
    return (r.random(len(names)) < chances[names]).astype(float).tolist(), names.tolist()


def scores_in_clusters(r: np.random.Generator, sizes: Sequence[int], failing: float) -> tuple[list[float], list[int]]:
    """Scores near 0.9, and 0 with the chance `failing`; an item is its cluster's score with a chance of a half, so that they correlate 0.25."""
    names = np.repeat(np.arange(len(sizes)), sizes)
    shared, own = (np.where(r.random(n) < failing, 0.0, r.beta(18, 2, n)) for n in (len(sizes), len(names)))
    return np.where(r.random(len(names)) < 0.5, shared[names], own).tolist(), names.tolist()


def gains_in_clusters(r: np.random.Generator, sizes: Sequence[int]) -> tuple[list[float], list[float], list[int]]:
    """A change that gains one item of ten and loses one of twenty, the chance to gain differing between clusters (correlation 0.3)."""
    gained, names = in_clusters(r, sizes, mean=0.1)
    lost = [float(one == 0 and r.random() < 1 / 18) for one in gained]
    return lost, gained, names


UNEQUAL = (30, 20, 10, 10, 5, 5, 5, 3, 3, 3, 2, 2, 1, 1)
SIZES = {"5x8": (8,) * 5, "8x5": (5,) * 8, "12x6": (6,) * 12, "40x5": (5,) * 40, "100x2": (2,) * 100, "unequal": UNEQUAL}


def shares_and_means() -> dict[str, Trial]:
    """Intervals of one sample of independent items."""
    found: dict[str, Trial] = {}
    for n, p in ((20, 0.1), (20, 0.5), (200, 0.95)):
        found[f"wilson.n{n}_p{round(100 * p)}"] = lambda r, n=n, p=p: misses(s.proportion(int(r.binomial(n, p)), n), p)
    for n in (5, 20, 80):
        found[f"mean_bounded.n{n}"] = lambda r, n=n: misses(s.mean(r.choice([0.0, 0.5, 1.0], n, p=[0.05, 0.15, 0.8]).tolist()), 0.875)
    found["mean_unbounded.normal_n10"] = lambda r: misses(s.mean(r.normal(size=10).tolist(), bounds=None), 0.0)
    found["mean_unbounded.skewed_n30"] = lambda r: misses(s.mean(r.lognormal(size=30).tolist(), bounds=None), math.exp(0.5))
    found["quantile.p50_n40"] = lambda r: misses(s.quantile(r.lognormal(size=40).tolist(), 0.5), 1.0)
    found["quantile.p95_n200"] = lambda r: misses(s.quantile(r.random(200).tolist(), 0.95), 0.95)
    found["contrast.n50"] = lambda r: misses(
        s.contrast(s.proportion(int(r.binomial(50, 0.8)), 50), s.proportion(int(r.binomial(50, 0.7)), 50)), 0.1
    )
    found["pass_at_3.n60"] = lambda r: misses(s.pass_at(3, [(6, int(k)) for k in r.binomial(6, r.beta(1, 1, 60))]), 0.75)
    return found


def paired() -> dict[str, Trial]:
    """Intervals and tests of two runs over the same items."""
    found: dict[str, Trial] = {}
    for n, d in ((20, 0.2), (80, 0.1), (200, 0.2)):
        found[f"tango.n{n}_d{round(100 * d)}"] = lambda r, n=n, d=d: misses(s.paired_difference(*pairs(r, n, d, 0.05)), 0.05)

    def moved(r: np.random.Generator, n: int) -> list[float]:
        before, after = pairs(r, n, 0.2, 0.0)
        return [new - old for old, new in zip(before, after, strict=True)]

    def exact(r: np.random.Generator) -> bool:
        moves = moved(r, 80)
        return s.mcnemar(moves.count(1), moves.count(-1)) <= NOMINAL

    def by_cluster(r: np.random.Generator) -> bool:
        values = np.repeat(r.normal(size=12), 6) + r.normal(size=72)
        return s.permutation_test(values.tolist(), clusters=np.repeat(np.arange(12), 6).tolist()).p <= NOMINAL

    found |= {"mcnemar.n80": exact, "permutation.clusters_12x6": by_cluster}
    found["sign_test.n60"] = lambda r: s.sign_test(r.normal(size=60).tolist()).p < NOMINAL
    found["permutation.exact_n10"] = lambda r: s.permutation_test(r.normal(size=10).tolist()).p <= NOMINAL
    found["permutation.drawn_n60"] = lambda r: s.permutation_test(moved(r, 60), draws=999).p <= NOMINAL
    found["holm.any_of_5"] = lambda r: min(s.holm([s.sign_test(r.normal(size=40).tolist()).p for _ in range(5)])) < NOMINAL
    found["simultaneous.any_of_5"] = lambda r: any(
        misses(one, 0.7) for one in s.simultaneous([lambda level: s.proportion(int(r.binomial(60, 0.7)), 60, level=level)] * 5)
    )
    return found


def clustered() -> dict[str, Trial]:
    """Items in clusters, correlation 0.3 where not said otherwise."""
    found: dict[str, Trial] = {}
    for name, sizes in SIZES.items():
        found[f"clustered_mean.{name}"] = lambda r, sizes=sizes: misses(s.clustered_mean(*in_clusters(r, sizes)), 0.6)
        found[f"clustered_mean.{name}_rare"] = lambda r, sizes=sizes: misses(s.clustered_mean(*in_clusters(r, sizes, mean=0.05)), 0.05)
        found[f"clustered_mean.{name}_scores"] = lambda r, sizes=sizes: misses(s.clustered_mean(*scores_in_clusters(r, sizes, 0.1)), 0.81)
        found[f"clustered_difference.{name}"] = lambda r, sizes=sizes: misses(s.clustered_difference(*gains_in_clusters(r, sizes)), 0.05)
    found["clustered_mean.12x6_alike"] = lambda r: misses(s.clustered_mean(*in_clusters(r, (6,) * 12, 1.0)), 0.6)
    found["clustered_mean.unbounded_5x8"] = lambda r: misses(
        s.clustered_mean((np.repeat(r.normal(size=5), 8) + r.normal(size=40)).tolist(), np.repeat(np.arange(5), 8).tolist(), bounds=None),
        0.0,
    )

    def difference(r: np.random.Generator) -> bool:
        (one, names), (other, _) = in_clusters(r, (6,) * 15), in_clusters(r, (6,) * 15)
        return misses(s.clustered_difference(one, other, names), 0.0)

    def correlation(r: np.random.Generator) -> bool:
        values = np.repeat(r.normal(size=20), 5) * math.sqrt(0.3) + r.normal(size=100) * math.sqrt(0.7)
        return misses(s.clustering(values.tolist(), np.repeat(np.arange(20), 5).tolist()).intraclass, 0.3)

    def drawn(r: np.random.Generator) -> bool:
        values, names = in_clusters(r, (5,) * 40)
        return misses(s.bootstrap(values, clusters=names, draws=600, seed=int(r.integers(1 << 30))), 0.6)

    return found | {"clustered_difference.15x6": difference, "intraclass.20x5": correlation, "bootstrap.clusters_40x5": drawn}


def widths(draws: int) -> dict[str, float]:
    """How wide the clustered intervals of bounded values are, as a multiple of the t interval of the same clusters that knows no bounds."""
    found: dict[str, float] = {}
    for name, sizes in SIZES.items():
        chooser = np.random.default_rng(len(sizes))
        means = [in_clusters(chooser, sizes) for _ in range(draws)]
        moves = [gains_in_clusters(chooser, sizes) for _ in range(draws)]
        found[f"width.clustered_mean.{name}"] = _beside_t([(s.clustered_mean(*one), s.clustered_mean(*one, bounds=None)) for one in means])
        pairs_of = [(s.clustered_difference(*one), s.clustered_difference(*one, bounds=None)) for one in moves]
        found[f"width.clustered_difference.{name}"] = _beside_t(pairs_of)
    return found


def _beside_t(found: Sequence[tuple[Estimate, Estimate]]) -> float:
    bounded, free = (math.fsum(pair[place].high - pair[place].low for pair in found) for place in (0, 1))
    return bounded / free


def resampled() -> dict[str, Trial]:
    """The bootstrap, of means and medians."""
    found: dict[str, Trial] = {}
    for kind in ("bca", "percentile"):
        for n in (30, 100):
            found[f"bootstrap.{kind}_skewed_n{n}"] = lambda r, n=n, kind=kind: misses(
                s.bootstrap(r.exponential(size=n).tolist(), kind=kind, draws=2_000, seed=int(r.integers(1 << 30))), 1.0
            )
    found["bootstrap.percentile_median_n60"] = lambda r: misses(
        s.bootstrap(r.exponential(size=60), lambda x: np.median(x, axis=1), kind="percentile", draws=1_000, seed=int(r.integers(1 << 30))),
        math.log(2),
    )
    return found


def raters(r: np.random.Generator, n: int, several: int, rare: float) -> list[list[int]]:
    """Each rating repeats the truth (rarely 1) three times in four, else says 1 with its base rate: any two agree with a kappa of 0.5625."""
    truth = r.random(n) < rare
    return np.where(r.random((several, n)) < 0.75, truth, r.random((several, n)) < rare).astype(int).T.tolist()


def agreements() -> dict[str, Trial]:
    """Raters, whose true kappa is 0.5625."""

    def two(method: Callable[..., Estimate], n: int, rare: float, truth: float) -> Trial:
        return lambda r: misses(method(*zip(*raters(r, n, 2, rare), strict=True)), truth)

    same = 1 - 2 * 0.2 * 0.8 * (1 - 0.5625)
    chance = 2 * 0.2 * 0.8
    found = {f"kappa.n{n}_rate{round(100 * rare)}": two(s.cohen_kappa, n, rare, 0.5625) for n, rare in ((30, 0.4), (100, 0.4), (100, 0.1))}
    found["ac1.n100_rate20"] = two(s.gwet_ac1, 100, 0.2, (same - chance) / (1 - chance))
    found["fleiss.n60"] = lambda r: misses(s.fleiss_kappa(raters(r, 60, 3, 0.4), draws=1_000, seed=int(r.integers(1 << 30))), 0.5625)
    found["krippendorff.n60"] = lambda r: misses(
        s.krippendorff_alpha(raters(r, 60, 3, 0.4), draws=1_000, seed=int(r.integers(1 << 30))), 0.5625
    )
    return found


def associations() -> dict[str, Trial]:
    """Correlations of normal values (0.6), separation of two groups, and slopes."""

    def both(r: np.random.Generator, n: int) -> tuple[list[float], list[float]]:
        one = r.normal(size=n)
        return one.tolist(), (0.6 * one + 0.8 * r.normal(size=n)).tolist()

    def area(n: int, apart: float) -> Trial:
        truth = s.normal_cdf(apart / math.sqrt(2))
        return lambda r: misses(s.auc([*r.normal(apart, 1, n), *r.normal(0, 1, n)], [1] * n + [0] * n), truth)

    def slope(r: np.random.Generator) -> bool:
        x = r.random(40)
        return misses(s.line(x.tolist(), (2 * x + x * r.normal(size=40)).tolist()).slope, 2.0)

    def odds(r: np.random.Generator) -> bool:
        x = r.normal(size=150)
        return misses(s.logistic(x[:, None].tolist(), (r.random(150) < 1 / (1 + np.exp(-x))).astype(float).tolist()).coefficients[1], 1.0)

    return {
        "pearson.n40": lambda r: misses(s.pearson(*both(r, 40)), 0.6),
        "spearman.n40": lambda r: misses(s.spearman(*both(r, 40)), 6 / math.pi * math.asin(0.3)),
        "kendall.n40": lambda r: misses(s.kendall(*both(r, 40)), 2 / math.pi * math.asin(0.6)),
        "auc.n10+10": area(10, 1.5),
        "auc.n50+50": area(50, 1.0),
        "auc.n50+50_high": area(50, 2.5),
        "line.uneven_n40": slope,
        "logistic.n150": odds,
    }


STRENGTHS = {"a": 0.75, "b": 0.25, "c": -0.25, "d": -0.75}


def preferences() -> dict[str, Trial]:
    """Win rates and ratings."""

    def games(r: np.random.Generator, n: int) -> s.Ratings:
        names = list(STRENGTHS)
        drawn = [r.choice(4, 2, replace=False) for _ in range(n)]
        met = [(names[i], names[j]) for i, j in drawn]
        return s.bradley_terry([(x, y, float(r.random() < 1 / (1 + math.exp(STRENGTHS[y] - STRENGTHS[x])))) for x, y in met])

    def controlled(r: np.random.Generator) -> bool:
        longer = r.normal(200, 300, 300)
        chances = 1 / (1 + np.exp(-(0.3 + 1.0 * np.tanh(longer / 300))))
        wins = (r.random(300) < chances).astype(float).tolist()
        return misses(s.length_controlled_win_rate(wins, (1_000 + longer).tolist(), [1_000.0] * 300), 1 / (1 + math.exp(-0.3)))

    return {
        "win_rate.ties_n100": lambda r: misses(s.win_rate(r.choice([0.0, 0.5, 1.0], 100, p=[0.3, 0.2, 0.5]).tolist()).rate, 0.6),
        "length_controlled.n300": controlled,
        "bradley_terry.60_games": lambda r: misses(games(r, 60).strengths["a"], 0.75),
        "bradley_terry.300_games": lambda r: misses(games(r, 300).strengths["a"], 0.75),
        "bradley_terry.chance_300": lambda r: misses(games(r, 300).chance("a", "d"), 1 / (1 + math.exp(-1.5))),
    }


def from_samples() -> dict[str, Trial]:
    """The truth about all items, from a judge and some labels, or from a sample of unequal chances."""

    def powered(r: np.random.Generator) -> bool:
        truth = r.random(660) < 0.3
        judged = np.clip(0.2 + 0.5 * truth + r.normal(0, 0.2, 660), 0, 1)
        return misses(s.prediction_powered_mean(truth[:60].astype(float).tolist(), judged[:60].tolist(), judged[60:].tolist()), 0.3)

    def corrected(r: np.random.Generator) -> bool:
        found, cleared = int(r.binomial(60, 0.85)), int(r.binomial(120, 0.9))
        flagged = int(r.binomial(800, 0.2 * 0.85 + 0.8 * 0.1))
        return misses(s.corrected_prevalence(flagged, 800, found=found, positives=60, cleared=cleared, negatives=120), 0.2)

    def spot_checks(r: np.random.Generator, *, population: bool) -> bool:
        bad = r.random(2_000) < 0.2
        chances = np.where(r.random(2_000) < np.where(bad, 0.7, 0.1), 0.25, 0.03)
        seen = r.random(2_000) < chances
        options = {"population": 2_000} if population else {}
        estimate = s.weighted_mean(bad[seen].astype(float).tolist(), chances[seen].tolist(), **options)
        return misses(estimate, float(bad.mean()))

    return {
        "prediction_powered.n60": powered,
        "rogan_gladen.n60+120": corrected,
        "hajek.n150": lambda r: spot_checks(r, population=False),
        "horvitz_thompson.n150": lambda r: spot_checks(r, population=True),
    }


def passes_at_a_look(decide: Callable[[list[float], int], str]) -> Trial:
    """Whether a change that is worse by exactly the margin passes at one of five looks at up to 400 items."""

    def trial(r: np.random.Generator) -> bool:
        moves = r.choice([1.0, -1.0, 0.0], 400, p=[0.075, 0.125, 0.8]).tolist()
        for look in range(1, 6):
            decision = decide(moves[: 80 * look], look)
            if decision != "undecided":
                return decision == "pass"
        return False

    return trial


def sequential() -> dict[str, Trial]:
    """Looking more than once."""
    return {
        "looks.obrien_fleming_5": passes_at_a_look(lambda d, look: s.sequential_non_inferiority(d, 0.05, look=look)[0]),
        "looks.pocock_5": passes_at_a_look(lambda d, look: s.sequential_non_inferiority(d, 0.05, look=look, spending="pocock")[0]),
        "looks.anytime_5": passes_at_a_look(lambda d, _: s.anytime_non_inferiority(d, 0.05)[0]),
        "confidence_sequence.at_each_of_200": lambda r: misses(s.confidence_sequence((r.random(200) < 0.1).astype(float).tolist()), 0.1),
    }


RIVALS: dict[str, dict[str, Trial]] = {
    "t interval that ignores clusters": {
        "clustered_mean.12x6": lambda r: misses(s.mean(in_clusters(r, (6,) * 12)[0]), 0.6),
        "clustered_mean.unequal": lambda r: misses(s.mean(in_clusters(r, UNEQUAL)[0]), 0.6),
    },
    "plain test at every look": {"looks.obrien_fleming_5": passes_at_a_look(lambda d, _: s.non_inferiority(d, 0.05)[0])},
    "five tests unadjusted": {
        "holm.any_of_5": lambda r: min(s.sign_test(r.normal(size=40).tolist()).p for _ in range(5)) < NOMINAL,
    },
}


def rate(name: str, trial: Trial, draws: int) -> Estimate:
    """The share of draws in which a method erred; each method has a stream of its own."""
    chooser = np.random.default_rng([ord(letter) for letter in name])
    return s.proportion(sum(trial(chooser) for _ in range(draws)), draws)


def main() -> None:
    """Simulate, order by how far they err, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 draws each")
    parser.add_argument("--draws", type=int, default=2_000, help="draws for each method (default 2000)")
    parser.add_argument("--data", type=Path, help="not used: all data is simulated")
    arguments = parser.parse_args()
    started = begin()
    draws = 40 if arguments.quick else arguments.draws
    groups = (shares_and_means, paired, clustered, resampled, agreements, associations, preferences, from_samples, sequential)
    rates = {name: rate(name, trial, draws) for group in groups for name, trial in group().items()}
    print("errs, where 5 % is promised; the worst first")
    for name, found in sorted(rates.items(), key=lambda item: -item[1].value):
        mark = "  above 5 %" if found.low > NOMINAL else ""
        print(f"{name:<36}{100 * found.value:5.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]{mark}")
    gate = {f"gate.{key}": found for key, found in simulate((0.1, 0.2), draws)["groundwork"].items()}
    above = [name for name, found in rates.items() if found.low > NOMINAL]
    beside_t = widths(draws // 10)
    everything = rates | gate
    report(
        benchmark="tests",
        figures={name: found.value for name, found in everything.items()}
        | beside_t
        | {"methods": len(rates), "above_nominal": len(above), "worst": max(found.value for found in rates.values())},
        intervals={name: [round(found.low, 4), round(found.high, 4)] for name, found in everything.items()},
        n=draws,
        rivals={name: {key: rate(f"{name} {key}", trial, draws).value for key, trial in trials.items()} for name, trials in RIVALS.items()},
        data="simulated",
        versions=("numpy",),
        started=started,
    )


if __name__ == "__main__":
    main()
