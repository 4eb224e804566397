"""From nothing to the first cited answer: how long it takes, and how much is installed.

    python -m benchmarks.setup [--quick]

A clean clone of this checkout's HEAD goes into a temporary folder; `make demo` runs there without a terminal and with pip's cache off, until
its output shows the first cited answer and then to its end. The wheel is built and installed into a fresh environment, whose size is taken.
The rival is `litellm[proxy]`, installed side by side. `--quick` leaves out the clone's demo and the rival. Seconds are wall time here, by
nature: they hold the network's and the disk's speed. CPU seconds stand beside them.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import Number, Rival, begin, report
from benchmarks.rivals import Absent, Installed, install, modules_after

ROOT = Path(__file__).resolve().parent.parent
CITED = re.compile(r"\[\d+\]")
RIVAL = "litellm[proxy]"
LIMIT = 900


class Demo(NamedTuple):
    """What `make demo` took."""

    first: float
    """Seconds until a cited answer stood in its output."""
    total: float
    cpu: float
    sentence: str


def dependencies() -> list[str]:
    """What we name in pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]


def cold_demo(folder: Path) -> Demo:
    """`make demo` in a clean clone. Raises RuntimeError where it fails or shows no cited answer."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    found: list[tuple[float, str]] = []
    lines: list[str] = []
    process = subprocess.Popen(
        ["make", "demo", f"PYTHON={sys.executable}"],
        cwd=clone,
        env=os.environ | {"PIP_NO_CACHE_DIR": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(LIMIT, process.kill)
    watchdog.start()
    for line in process.stdout or ():
        lines.append(line)
        if not found and CITED.search(line):
            found.append((time.perf_counter() - started, line.strip()))
    code = process.wait()
    watchdog.cancel()
    total = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code or not found:
        raise RuntimeError(f"make demo ended with {code} and {'a' if found else 'no'} cited answer:\n{''.join(lines[-30:])}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Demo(found[0][0], total, cpu, found[0][1])


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout's tracked and new files, built away from its build folders."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--wheel-dir",
            str(folder),
            str(ROOT),
        ],
        check=True,
    )
    return next(folder.glob("*.whl"))


def measure_wheel(folder: Path) -> tuple[Installed, float]:
    """Build the wheel, install it into a fresh environment, and see that it answers its version and holds no torch."""
    wheel = build_wheel(folder)
    installed = install(folder / "ours", str(wheel), "groundwork-ai")
    if isinstance(installed, Absent):
        raise RuntimeError(installed.reason)  # noqa: TRY004  a failed installation is no wrong type
    done = subprocess.run([installed.python.parent / "groundwork", "--version"], capture_output=True, text=True, check=True)
    print(done.stdout.strip())
    if list((folder / "ours").rglob("site-packages/torch")):
        raise RuntimeError("the installation holds torch")
    if "torch" in modules_after("import groundwork", installed.python)[0]:
        raise RuntimeError("`import groundwork` loads torch")
    return installed, wheel.stat().st_size / 1e6


def measure_rival(folder: Path, *, quick: bool) -> tuple[str, Rival]:
    """What the rival's installation comes to."""
    if quick:
        return RIVAL, {"absent": "not installed in a quick run"}
    found = install(folder / "rival", RIVAL, "litellm")
    if isinstance(found, Absent):
        return RIVAL, {"absent": found.reason}
    return f"{RIVAL} {found.version}", {"distributions": found.distributions, "installed_mb": found.megabytes}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="no cold demo, no rival")
    arguments = parser.parse_args()
    started = begin()
    figures: dict[str, Number] = {}
    home = Path(tempfile.mkdtemp(prefix="groundwork-setup-"))
    try:
        if not arguments.quick:
            demo = cold_demo(home)
            print(f"first cited answer: {demo.sentence}")
            figures |= {"seconds_cold": round(demo.first, 1), "seconds_total": round(demo.total, 1), "cpu_s": round(demo.cpu, 1)}
        installed, wheel = measure_wheel(home)
        figures |= {
            "dependencies": len(dependencies()),
            "distributions": installed.distributions,
            "installed_mb": installed.megabytes,
            "wheel_mb": round(wheel, 1),
        }
        rival, theirs = measure_rival(home, quick=arguments.quick)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    report(
        benchmark="setup",
        figures=figures,
        intervals={},
        n=1,
        rivals={rival: theirs},
        data="a clean clone of HEAD; the wheel of the working tree",
        versions=("pip",),
        started=started,
    )


if __name__ == "__main__":
    main()
