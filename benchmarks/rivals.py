"""Rivals in virtual environments of their own, so that nothing of theirs touches ours."""

import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple


class Installed(NamedTuple):
    """An environment that a package was installed into."""

    python: Path
    version: str
    distributions: int
    """Installed distributions, pip and what Python brings not counted."""
    megabytes: float
    """Of site-packages."""


class Absent(NamedTuple):
    """Why a rival is not there."""

    reason: str


def install(folder: Path, requirement: str, name: str, *options: str, timeout: float = 600) -> Installed | Absent:
    """Install `requirement` into a fresh environment in `folder`; `name` is the distribution whose version is reported."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    before = _distributions(python)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return Absent(f"not installed within {timeout:.0f} s")
    if done.returncode:
        return Absent(f"pip could not install {requirement}: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    found = _distributions(python)
    size = sum(file.stat().st_size for file in (folder / "lib").rglob("*") if file.is_file() and not file.is_symlink())
    pip = sum(
        file.stat().st_size
        for each in ("pip", "setuptools")
        for file in (folder / "lib").rglob(f"site-packages/{each}/**/*")
        if file.is_file()
    )
    return Installed(python, found.get(name.lower(), ""), len(found.keys() - before.keys()), round((size - pip) / 1e6, 1))


def _distributions(python: Path) -> dict[str, str]:
    code = "from importlib.metadata import distributions as d\nfor one in d(): print(one.metadata['Name'].lower(), one.version)"
    lines = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines)


def modules_after(statement: str, python: Path | str = sys.executable) -> tuple[set[str], float]:
    """The modules loaded after a statement in a fresh interpreter, and the CPU seconds of that process."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sorted(sys.modules)))\nimport time\nprint(time.process_time())"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True, timeout=300)
    *names, seconds = done.stdout.split()
    return set(names), float(seconds)
