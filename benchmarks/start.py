"""How light groundwork starts and stays: import, `--help`, a server until it is ready, and that server after 100 answers.

    python -m benchmarks.start [--quick]

The server is the sample application's, indexed beforehand, with the embedded reader; its questions are the suite's, each asked once, so the
answer cache never answers. CPU and memory are read from /proc: Linux only. Rivals are imported in environments of their own; `--quick` leaves
them out, takes six pages and asks 20 questions. Not covered: memory under concurrent load.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import Number, Rival, begin, report
from benchmarks.rivals import Absent, install, modules_after
from benchmarks.sample import copy_app, questions

COMMAND = Path(sys.executable).with_name("groundwork")
FORBIDDEN = ("numpy", "uvicorn", "onnxruntime", "asyncio", "torch", "transformers", "aiohttp", "starlette")
RIVALS = (("litellm", "import litellm"), ("inspect_ai", "import inspect_ai"))
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
WARM = 5
TICKS = os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """A running `groundwork up`."""

    pid: int
    port: int
    ready_cpu: float


def import_cost() -> tuple[int, float]:
    """Modules that `import groundwork` loads beyond bare Python, and its CPU seconds beyond it. Raises RuntimeError for a heavy one."""
    bare, bare_cpu = modules_after("pass")
    loaded, cpu = modules_after("import groundwork")
    heavy = loaded & set(FORBIDDEN)
    if heavy:
        raise RuntimeError(f"`import groundwork` loads {', '.join(sorted(heavy))}")
    return len(loaded - bare), max(0.0, cpu - bare_cpu)


def help_cpu(repeats: int = 7) -> list[float]:
    """CPU seconds of `groundwork --help`, once for each repeat."""
    seconds: list[float] = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([COMMAND, "--help"], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return seconds


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_of(pid: int) -> float:
    """Resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6


@contextlib.contextmanager
def serving(root: Path) -> Iterator[Server]:
    """The application's server as a process, until the block ends. Raises RuntimeError where it does not start."""
    command = [COMMAND, "up", "--port", "0", "--no-index", "--app", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        said: list[str] = []
        for line in process.stderr or ():
            said.append(line)
            if found := ADDRESS.search(line):
                watchdog.cancel()
                yield Server(process.pid, int(found[1]), cpu_of(process.pid))
                return
        raise RuntimeError(f"the server did not start: {''.join(said)}")
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def ask(port: int, model: str, question: str) -> None:
    """One question over HTTP. Raises RuntimeError for anything but an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": question}]})
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {text[:300]!r}")


def measure_server(root: Path, requests: int) -> dict[str, Number]:
    """CPU until ready, memory after the requests, CPU per answer once warm."""
    asked = list(itertools.islice(dict.fromkeys(questions(root)), requests))
    with serving(root) as server:
        start_rss = rss_of(server.pid)
        for question in asked[:WARM]:
            ask(server.port, "sqlite-helpdesk", question)
        before = cpu_of(server.pid)
        for question in asked[WARM:]:
            ask(server.port, "sqlite-helpdesk", question)
        spent = cpu_of(server.pid) - before
        return {
            "ready_cpu_s": round(server.ready_cpu, 2),
            "ready_rss_mb": round(start_rss, 1),
            "rss_mb": round(rss_of(server.pid), 1),
            "cpu_ms_per_answer": round(1000 * spent / len(asked[WARM:]), 1),
            "requests": len(asked),
        }


def measure_rivals(folder: Path, *, quick: bool) -> dict[str, Rival]:
    """Modules and CPU of the rivals' imports, the median of three, after one that compiles."""
    rivals: dict[str, Rival] = {}
    for name, statement in RIVALS:
        if quick:
            rivals[name] = {"absent": "not installed in a quick run"}
            continue
        found = install(folder / name, name, name)
        if isinstance(found, Absent):
            rivals[name] = {"absent": found.reason}
            continue
        bare = modules_after("pass", found.python)
        runs = [modules_after(statement, found.python) for _ in range(4)][1:]
        seconds = statistics.median(cpu for _, cpu in runs) - bare[1]
        rivals[f"{name} {found.version}"] = {"modules_import": len(runs[0][0] - bare[0]), "import_cpu_s": round(seconds, 3)}
    return rivals


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="six pages, 20 questions, no rivals")
    arguments = parser.parse_args()
    started = begin()
    modules, import_seconds = import_cost()
    helps = help_cpu()
    with tempfile.TemporaryDirectory(prefix="groundwork-start-") as folder:
        root = copy_app(Path(folder) / "app", quick=arguments.quick)
        server = measure_server(root, 20 if arguments.quick else 100)
        rivals = measure_rivals(Path(folder), quick=arguments.quick)
    report(
        benchmark="start",
        figures={
            "modules_import": modules,
            "import_cpu_s": round(import_seconds, 3),
            "help_cpu_s": round(statistics.median(helps), 3),
            **server,
        },
        intervals={"help_cpu_s": [round(min(helps), 3), round(max(helps), 3)]},
        n=len(helps),
        rivals=rivals,
        data="examples/sqlite-helpdesk",
        versions=("click", "uvicorn", "onnxruntime", "numpy"),
        started=started,
    )


if __name__ == "__main__":
    main()
