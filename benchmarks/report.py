"""How a benchmark reports: lines for people, then one JSON object as the last line.

    {"benchmark", "figures": {name: number}, "intervals": {name: [low, high]}, "n", "rivals": {rival: {name: number}, or {"absent": why}},
     "data", "versions", "load": [before, after], "seconds"}

`versions` always names Python, groundwork and the machine; `load` is the one-minute load average before and after, so that a reader can
tell a quiet machine from a busy one.
"""

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import groundwork

Number = float | None
Rival = Mapping[str, Number] | Mapping[str, str]
"""Its figures, or `absent` with the reason."""


class Started(NamedTuple):
    """When a benchmark began, and how busy the machine was."""

    clock: float
    load: float


def begin() -> Started:
    """To be called first."""
    return Started(time.perf_counter(), load())


def load() -> float:
    """The one-minute load average; -1 where the system keeps none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else -1.0


def machine() -> str:
    """The processor's name and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of installed distributions; one that is missing is left out."""
    found: dict[str, str] = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def report(
    *,
    benchmark: str,
    figures: Mapping[str, Number],
    intervals: Mapping[str, Sequence[float]],
    n: int,
    rivals: Mapping[str, Rival],
    data: str,
    versions: Iterable[str],
    started: Started,
) -> None:
    """Print the figures for people, then the JSON object. `versions` names the distributions whose versions matter."""
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        bounds = intervals.get(name)
        print(f"{name:<{width}}  {_shown(value)}{f'  [{_shown(bounds[0])}, {_shown(bounds[1])}]' if bounds else ''}")
    for rival, found in rivals.items():
        print(f"{rival}: {', '.join(f'{name} {_shown(value)}' for name, value in found.items())}")
    content = {
        "benchmark": benchmark,
        "figures": dict(figures),
        "intervals": {name: list(bounds) for name, bounds in intervals.items()},
        "n": n,
        "rivals": {rival: dict(found) for rival, found in rivals.items()},
        "data": data,
        "versions": {
            "python": platform.python_version(),
            "groundwork": groundwork.__version__,
            **versions_of(versions),
            "machine": machine(),
        },
        "load": [started.load, load()],
        "seconds": round(time.perf_counter() - started.clock, 1),
    }
    print(json.dumps(content))


def _shown(value: Number | str) -> str:
    return "none" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
