"""How often the gate errs, beside a gate on point estimates.

    python -m benchmarks.gate [--quick] [--data FOLDER]

Paired runs are simulated: a share `d` of the items changes sides (the discordance), and the change is truly worse by the margin (0.05), equal, or
worse by three points more. Simulated rates come with Wilson's interval. The worst chance of a change that is worse by exactly the margin to pass is
also enumerated, without chance, over many n, margins and discordances: with the gate's correction and without it.

`--data` (or $GROUNDWORK_DATA) names a folder with runs in files `*.pairs.jsonl`, one item a line, whose discordance is then used as well:

    {"before": 1, "after": 0}
"""

import argparse
import json
import math
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.report import begin, report
from groundwork.core.measure import Estimate
from groundwork.core.statistics import CORRECTION, items_to_pass, non_inferiority, normal_quantile, proportion
from groundwork.core.statistics.distributions import last_where
from groundwork.core.statistics.tango import score_statistic

MARGIN = 0.05
CHANGES = {"worse_by_margin": -MARGIN, "equal": 0.0, "three_points_beyond": -MARGIN - 0.03}
ITEMS = (60, 80, 200)
Gate = Callable[[Sequence[float]], str]


def by_interval(differences: Sequence[float]) -> str:
    """groundwork's gate."""
    return non_inferiority(differences, MARGIN)[0]


def by_point_estimate(differences: Sequence[float]) -> str:
    """What people do without intervals: pass unless the figure itself is worse by more than the margin."""
    return "pass" if sum(differences) / len(differences) >= -MARGIN else "fail"


GATES: dict[str, Gate] = {"groundwork": by_interval, "point estimates": by_point_estimate}


def draws_of(n: int, discordance: float, difference: float, draws: int) -> list[list[int]]:
    """Simulated runs: differences of n paired items each; the same ones for every gate."""
    chooser = random.Random(f"{n} {discordance} {difference}")
    weights = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    return [chooser.choices([1, -1, 0], weights, k=n) for _ in range(draws)]


def simulate(discordances: Sequence[float], draws: int) -> dict[str, dict[str, Estimate]]:
    """For each gate, the share of simulated changes that pass, by kind of change, n and discordance; and the share that fail."""
    found: dict[str, dict[str, Estimate]] = {name: {} for name in GATES}
    for n in ITEMS:
        for discordance in discordances:
            for change, difference in CHANGES.items():
                if discordance < -difference:
                    continue
                runs = draws_of(n, discordance, difference, draws)
                for name, gate in GATES.items():
                    decisions = [gate(run) for run in runs]
                    for decision in ("pass", "fail"):
                        key = f"{decision}_{change}_n{n}_d{round(100 * discordance)}"
                        found[name][key] = proportion(decisions.count(decision), draws)
    return found


def most_lost(n: int, margin: float, correction: float) -> list[int]:
    """For each number of gained items, the most lost ones with which a change still passes; -1 where none does."""
    bound = normal_quantile(0.95)
    return [
        last_where(lambda lost, gained=gained: score_statistic(gained, lost - 1, n, -margin, correction) > bound, n - gained + 1) - 1
        for gained in range(n + 1)
    ]


def chance(n: int, limits: Sequence[int], up: float, down: float) -> float:
    """The exact chance to pass: the trinomial distribution summed over what passes."""
    gained, lost = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    inside = (gained + lost <= n) & (lost <= np.asarray(limits)[:, None])
    logs = np.array([math.lgamma(k + 1) for k in range(n + 1)])
    gained, lost = gained[inside], lost[inside]
    same = n - gained - lost
    weights = logs[n] - logs[gained] - logs[lost] - logs[same]
    for count, share in ((gained, up), (lost, down), (same, 1 - up - down)):
        weights = weights + np.where(count == 0, 0.0, count * math.log(max(share, 1e-300)))
    return float(np.exp(weights).sum())


def worst(ns: Sequence[int], margins: Sequence[float], correction: float) -> tuple[float, int, float, float]:
    """The highest chance to pass of a change worse by the margin, with the n, margin and discordance where it stands."""
    extras = (0.0, 0.005, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)
    return max(
        (chance(n, limits, extra / 2, margin + extra / 2), n, margin, round(margin + extra, 3))
        for n in ns
        for margin in margins
        for limits in [most_lost(n, margin, correction)]
        for extra in extras
        if margin + extra <= 1
    )


def discordance_of(folder: Path | None) -> list[float]:
    """The share of items that change sides in each pair of runs of a folder."""
    found: list[float] = []
    for path in sorted(folder.rglob("*.pairs.jsonl")) if folder else ():
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        found.append(sum(abs(row["after"] - row["before"]) for row in rows) / max(1, len(rows)))
    return found


def enumerated(*, quick: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Worst chances to pass, with the gate's correction and without."""
    ns = (20, 40, 52, 60, 80, 200) if quick else (*range(12, 121), *range(125, 305, 25))
    margins = (MARGIN,) if quick else (0.01, 0.02, 0.03, MARGIN, 0.08, 0.1)
    both: list[dict[str, float]] = []
    for correction in (CORRECTION, 0.0):
        rate, n, margin, discordance = worst(ns, margins, correction)
        print(f"correction {correction:g}: worst exact chance to pass {rate:.4f} (n {n}, margin {margin}, discordance {discordance})")
        both.append({"worst_pass_worse_by_margin": round(rate, 4)})
    return both[0], both[1]


def main() -> None:
    """Simulate, enumerate, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200 draws each and fewer sizes")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder with *.pairs.jsonl")
    arguments = parser.parse_args()
    started = begin()
    seen = discordance_of(Path(arguments.data) if arguments.data else None)
    draws = 200 if arguments.quick else 2_000
    rates = simulate(sorted({0.1, 0.2, *(round(share, 2) for share in seen)}), draws)
    for key in rates["groundwork"]:
        shown = "  ".join(
            f"{name} {100 * found[key].value:5.1f} % [{100 * found[key].low:.1f}, {100 * found[key].high:.1f}]"
            for name, found in rates.items()
        )
        print(f"{key:<38}{shown}")
    corrected, textbook = enumerated(quick=arguments.quick)
    figures = {key: rate.value for key, rate in rates["groundwork"].items()} | corrected
    figures |= {f"items_for_equal_d{round(100 * share)}": items_to_pass(share, MARGIN) for share in (0.05, 0.1, 0.2)}
    report(
        benchmark="gate",
        figures=figures,
        intervals={key: [round(rate.low, 4), round(rate.high, 4)] for key, rate in rates["groundwork"].items()},
        n=draws,
        rivals={
            "point estimates": {key: rate.value for key, rate in rates["point estimates"].items()},
            "Tango without correction": textbook,
        },
        data=f"simulated{f', discordance of {len(seen)} pairs of runs' if seen else ''}",
        versions=("numpy",),
        started=started,
    )


if __name__ == "__main__":
    main()
