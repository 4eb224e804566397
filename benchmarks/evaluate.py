"""What an evaluation costs beside its requests: CPU for each sample, memory, and the time to resume.

    python -m benchmarks.evaluate [--quick] [--samples N] [--only NAME …]

A mock server of chat completions in a process of its own answers after 20 ms; every runner asks 1,000 short questions, 50 at a time, and
compares the answers exactly. CPU is that of the runner's whole process tree from its start to its end, divided by the samples; memory is its
largest process's peak. Beside groundwork stand a floor (asyncio, aiohttp and a file of JSON lines, no framework) and, each in an environment
of its own, Inspect, DeepEval (whose model calls are the floor's) and promptfoo.

`rss_mb_1m` is the peak of a run of 1,000,000 samples of which 990,000 are in the journal and the rest is asked over HTTP; `resume_s_200k` the
wall time of the whole command for 200,000 samples of which 50 are left. `--quick` leaves the rivals out, and takes 20,000 for both. `--only`
names what is run: `groundwork`, `floor`, `large`, `resume`, or a rival.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.report import Number, Rival, Started, begin, report
from benchmarks.rivals import Absent, install
from groundwork.core.measure import Result, Run, Score
from groundwork.evaluate.endpoint import TargetSection
from groundwork.evaluate.journal import save_run
from groundwork.evaluate.runner import new_run
from groundwork.evaluate.suite import load_suite

DELAY = 0.02
AT_ONCE = 50
MODEL = "mock"
REPEATS = 3
SUITE = f'cases = "cases.jsonl"\nmetrics = ["exact", "latency"]\nconcurrency = {AT_ONCE}\n'


class Spent(NamedTuple):
    """What a command took, its children included."""

    cpu: float
    wall: float
    megabytes: float
    output: str


# -- the mock server, and the floor; each runs in a process of its own


async def serve() -> None:
    """Answer after 20 ms with the last number of the question; print the port."""
    from aiohttp import web

    async def handle(request: web.Request) -> web.Response:
        question = (await request.json())["messages"][-1]["content"]
        await asyncio.sleep(DELAY)
        said = {"role": "assistant", "content": question.rpartition(" ")[2]}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
        return web.json_response(
            {"id": "c", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice], "usage": usage}
        )

    app = web.Application()
    app.router.add_post("/v1/chat/completions", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


FLOOR = """
import asyncio, json, sys
import aiohttp

async def main(url, cases, out):
    rows = iter([json.loads(line) for line in open(cases)])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        async def worker():
            for row in rows:
                body = {"model": "mock", "messages": [{"role": "user", "content": row["question"]}]}
                async with session.post(url + "/chat/completions", json=body) as response:
                    answer = (await response.json())["choices"][0]["message"]["content"]
                file.write(json.dumps({"id": row["id"], "answer": answer, "exact": answer == row["reference"]}) + "\\n")
                file.flush()
        with open(out, "w") as file:
            await asyncio.gather(*(worker() for _ in range(50)))

asyncio.run(main(*sys.argv[1:]))
"""

INSPECT = """
from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.scorer import exact
from inspect_ai.solver import generate

@task
def quiz():
    return Task(dataset=json_dataset("cases.jsonl", FieldSpec(input="question", target="reference", id="id")), solver=generate(), scorer=exact())
"""

DEEPEVAL = """
import asyncio, json, sys
import aiohttp
from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, DisplayConfig
from deepeval.metrics import ExactMatchMetric
from deepeval.test_case import LLMTestCase

async def ask(url):
    rows = [json.loads(line) for line in open("cases.jsonl")]
    waiting = iter(rows)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        async def worker():
            for row in waiting:
                body = {"model": "mock", "messages": [{"role": "user", "content": row["question"]}]}
                async with session.post(url + "/chat/completions", json=body) as response:
                    row["answer"] = (await response.json())["choices"][0]["message"]["content"]
        await asyncio.gather(*(worker() for _ in range(50)))
    return rows

rows = asyncio.run(ask(sys.argv[1]))
cases = [LLMTestCase(input=row["question"], actual_output=row["answer"], expected_output=row["reference"]) for row in rows]
result = evaluate(
    test_cases=cases,
    metrics=[ExactMatchMetric()],
    async_config=AsyncConfig(max_concurrent=50),
    display_config=DisplayConfig(print_results=False, show_indicator=False),
)
json.dump(sum(one.success for one in result.test_results), open("right", "w"))
"""


# -- measuring


@contextmanager
def mock_server() -> Generator[str]:
    """A running mock server's URL."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.evaluate", "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()


def spend(command: list[str | Path], folder: Path, **environment: str) -> Spent:
    """Run a command to its end. Raises RuntimeError with the end of its output where it fails."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=compiled() | environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read()
    if process.returncode:
        raise RuntimeError(f"{Path(str(command[0])).name} ended with {process.returncode}: {output[-600:]}")
    return Spent(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024 / 1e6, output)


def compiled() -> dict[str, str]:
    """The environment, with modules compiled once as an installation leaves them, whatever this checkout's shell says."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / f"pycache-of-{os.getpid()}")}


def write_cases(folder: Path, count: int) -> None:
    """Cases and their suite."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            row = {"id": f"case-{number}", "question": f"Repeat the number {number}", "reference": str(number)}
            file.write(json.dumps(row) + "\n")
    (folder / "quiz.toml").write_text(SUITE, encoding="utf-8")


def eval_command(url: str, *more: str) -> list[str | Path]:
    command = Path(sys.executable).with_name("groundwork")
    return [command, "eval", "quiz.toml", "--target", url, "--model", MODEL, "--json", *more]


def run_of(spent: Spent) -> Run:
    """The run that `groundwork eval --json` printed."""
    return msgspec.json.decode(next(line for line in spent.output.splitlines() if line.startswith('{"id"')), type=Run)


def check(spent: Spent, count: int) -> Spent:
    """Every answer has to be there, and right: a runner that drops samples is fast."""
    run = run_of(spent)
    if (run.n, run.errors, run.metrics["exact"].value) != (count, 0, 1.0):
        raise RuntimeError(f"the run came to {run.n} answers, {run.errors} errors, {run.metrics}")
    return spent


def begun(folder: Path, url: str, count: int, left: int) -> None:
    """A run of `count` samples that was broken off before the last `left`, as the runner leaves it."""
    write_cases(folder, count)
    suite = load_suite(folder / "quiz.toml", root=folder)
    section = TargetSection(url=url, model=MODEL)
    run = new_run(suite, target=section.shown, endpoint=section.endpoint)
    files = folder / ".groundwork" / "runs"
    save_run(files, run)
    encoder = msgspec.json.Encoder()
    with (files / f"{run.id}.jsonl").open("wb") as file:
        for place in range(count - left):
            scores = (Score(metric="exact", value=1.0), Score(metric="latency", value=0.02 + place % 97 / 10_000))
            line = Result(
                example=f"case-{place}",
                status="ok",
                place=place,
                answer=str(place),
                seconds=scores[1].value or 0.0,
                input_tokens=9,
                output_tokens=1,
                scores=scores,
            )
            file.write(encoder.encode(line) + b"\n")


# -- the runners


def groundwork(folder: Path, url: str, samples: int, repeats: int) -> list[Spent]:
    """The whole command, several times; the first one compiles, and is not counted."""
    write_cases(folder, samples)
    return [check(spend(eval_command(url), folder), samples) for _ in range(repeats + 1)][1:]


def floor(folder: Path, url: str, samples: int, repeats: int) -> list[Spent]:
    write_cases(folder, samples)
    (folder / "floor.py").write_text(FLOOR, encoding="utf-8")
    return [spend([sys.executable, "floor.py", url, "cases.jsonl", "out.jsonl"], folder) for _ in range(repeats + 1)][1:]


def inspect(folder: Path, url: str, samples: int) -> tuple[str, Spent] | Absent:
    write_cases(folder, samples)
    found = install(folder / "venv", "inspect-ai", "inspect_ai", "openai")
    if isinstance(found, Absent):
        return found
    (folder / "quiz.py").write_text(INSPECT, encoding="utf-8")
    command = [
        found.python.with_name("inspect"),
        "eval",
        "quiz.py",
        "--model",
        f"openai-api/mock/{MODEL}",
        "--max-connections",
        str(AT_ONCE),
    ]
    command += ["--max-samples", str(AT_ONCE), "--display", "none", "--log-dir", "logs", "--log-format", "json"]
    spent = spend(command, folder, MOCK_BASE_URL=url, MOCK_API_KEY="none")
    (log,) = (folder / "logs").glob("*.json")
    results = json.loads(log.read_text(encoding="utf-8"))["results"]
    return f"Inspect {found.version}", proved(spent, round(results["completed_samples"] * accuracy(results)), samples)


def deepeval(folder: Path, url: str, samples: int) -> tuple[str, Spent] | Absent:
    write_cases(folder, samples)
    found = install(folder / "venv", "deepeval", "deepeval", "aiohttp")
    if isinstance(found, Absent):
        return found
    (folder / "quiz.py").write_text(DEEPEVAL, encoding="utf-8")
    spent = spend([found.python, "quiz.py", url], folder, DEEPEVAL_TELEMETRY_OPT_OUT="YES", CI="1")
    return f"DeepEval {found.version}", proved(spent, json.loads((folder / "right").read_text()), samples)


def promptfoo(folder: Path, url: str, samples: int) -> tuple[str, Spent] | Absent:
    npm = shutil.which("npm")
    if npm is None:
        return Absent("npm is not installed")
    write_cases(folder, samples)
    done = subprocess.run([npm, "install", "--no-audit", "--no-fund", "promptfoo"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return Absent(f"npm could not install promptfoo: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    tests = [{"vars": {"question": row["question"]}, "assert": [{"type": "equals", "value": row["reference"]}]} for row in rows]
    provider = {"id": f"openai:chat:{MODEL}", "config": {"apiBaseUrl": url, "apiKey": "none"}}
    (folder / "quiz.json").write_text(json.dumps({"prompts": ["{{question}}"], "providers": [provider], "tests": tests}), encoding="utf-8")
    command = [folder / "node_modules" / ".bin" / "promptfoo", "eval", "-c", "quiz.json", "--no-cache", "--no-progress-bar", "--no-table"]
    command += ["-j", str(AT_ONCE), "-o", "out.json"]
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_CONFIG_DIR": str(folder / "state")}
    version = json.loads((folder / "node_modules" / "promptfoo" / "package.json").read_text(encoding="utf-8"))["version"]
    spent = spend(command, folder, **quiet)
    right = json.loads((folder / "out.json").read_text(encoding="utf-8"))["results"]["stats"]["successes"]
    return f"promptfoo {version}", proved(spent, right, samples)


def accuracy(results: dict[str, Any]) -> float:
    """What Inspect says of its first score."""
    metrics = results["scores"][0]["metrics"]
    return float((metrics.get("accuracy") or metrics["mean"])["value"])


def proved(spent: Spent, right: int, samples: int) -> Spent:
    """Raises RuntimeError for a rival that did not get every answer, and every answer right: then it did not do the same work."""
    if right != samples:
        raise RuntimeError(f"only {right} of {samples} answers were right")
    return spent


RIVALS: dict[str, Callable[[Path, str, int], "tuple[str, Spent] | Absent"]] = {
    "inspect": inspect,
    "deepeval": deepeval,
    "promptfoo": promptfoo,
}


def rival(name: str, folder: Path, url: str, samples: int) -> tuple[str, Rival]:
    """A rival's name with its version, and its figures; or why it is not there."""
    try:
        found = RIVALS[name](folder, url, samples)
    except (RuntimeError, OSError) as error:
        return name, {"absent": f"it did not run: {error}"[:400]}
    if isinstance(found, Absent):
        return name, {"absent": found.reason}
    shown, spent = found
    return shown, {"cpu_ms_per_sample": round(1000 * spent.cpu / samples, 3), "rss_mb_1k": round(spent.megabytes, 1)}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="no rivals, 20,000 samples for memory and resume")
    parser.add_argument("--data", help="not used: the questions are numbers")
    parser.add_argument("--samples", type=int, default=1_000, help="questions that every runner asks (default 1,000)")
    parser.add_argument("--only", nargs="+", default=[], help="groundwork, floor, large, resume, inspect, deepeval, promptfoo")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return
    started = begin()
    try:
        measure(arguments.samples, quick=arguments.quick, only=set(arguments.only), started=started)
    finally:
        shutil.rmtree(compiled()["PYTHONPYCACHEPREFIX"], ignore_errors=True)


def measure(samples: int, *, quick: bool, only: set[str], started: Started) -> None:
    """Run what is asked for, one after another, and report."""
    large, many = (20_000, 20_000) if quick else (1_000_000, 200_000)
    figures: dict[str, Number] = {}
    intervals: dict[str, list[float]] = {}
    rivals: dict[str, Rival] = {}
    with tempfile.TemporaryDirectory() as temporary, mock_server() as url:
        folder = Path(temporary)
        for name, runner in (("groundwork", groundwork), ("floor", floor)):
            if not only or name in only:
                found = runner(folder / name, url, samples, REPEATS)
                costs = sorted(1000 * spent.cpu / samples for spent in found)
                said = {
                    "cpu_ms_per_sample": round(statistics.median(costs), 3),
                    "rss_mb_1k": round(max(spent.megabytes for spent in found), 1),
                }
                print(f"{name}: {said}, {costs[0]:.3f} to {costs[-1]:.3f} ms")
                if name == "groundwork":
                    figures |= said
                    intervals["cpu_ms_per_sample"] = [round(costs[0], 3), round(costs[-1], 3)]
                else:
                    rivals["floor: asyncio, aiohttp, JSON lines"] = said
        if not only or "large" in only:
            begun(folder / "large", url, large, min(large // 2, 10_000))
            spent = check(spend(eval_command(url, "--resume"), folder / "large"), large)
            figures["rss_mb_1m" if not quick else "rss_mb_20k"] = round(spent.megabytes, 1)
            print(f"{large:,} samples, the last of them asked: {spent.megabytes:.1f} MB, {spent.wall:.1f} s")
        if not only or "resume" in only:
            begun(folder / "resume", url, many, 50)
            spent = check(spend(eval_command(url, "--resume"), folder / "resume"), many)
            size = "20k" if quick else "200k"
            figures |= {f"resume_s_{size}": round(spent.wall, 2), f"resume_cpu_s_{size}": round(spent.cpu, 2)}
            print(f"{many:,} samples, all but 50 done: {spent.wall:.2f} s, {spent.cpu:.2f} s of CPU, {spent.megabytes:.1f} MB")
        for name in RIVALS:
            if name in only or not (only or quick):
                shown, told = rival(name, folder / name, url, samples)
                rivals[shown] = told
                print(f"{shown}: {told}")
    report(
        benchmark="evaluate",
        figures=figures,
        intervals=intervals,
        n=samples,
        rivals=rivals,
        data=f"{samples:,} numbers to repeat; a mock server of {1000 * DELAY:.0f} ms, {AT_ONCE} at once",
        versions=("aiohttp", "msgspec"),
        started=started,
    )


if __name__ == "__main__":
    main()
