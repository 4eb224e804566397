"""Why a system does not isolate, and what a person can do about it. Nothing runs where it does not."""

import errno
import platform
import sys
from pathlib import Path
from typing import NamedTuple

from groundwork.core.errors import ConfigError
from groundwork.secure.sandbox import filter as calls

_CONTAINER = (
    "in a container, allow user namespaces: `docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined`, or run groundwork outside of it"
)
_SWITCHES = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"),
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
)
_STEPS = {
    "namespaces": "new user, mount, process and network namespaces",
    "user": "a user of its own in a new namespace",
    "mount": "a root folder of its own",
    "start": "the start of its interpreter",
    "walls": "the walls around each program",
}


class Refusal(NamedTuple):
    """The step that the system refused, as the zygote says it."""

    refused: str
    errno: int
    said: str


class Unfit(NamedTuple):
    """What is missing, and what enables it."""

    what: str
    fix: str

    def error(self) -> ConfigError:
        return ConfigError(f"programs cannot be isolated on this system: {self.what}", fix=self.fix)


def not_linux(system: str = sys.platform, machine: str = "") -> Unfit | None:
    """Whether the sandbox is not made for this system at all."""
    machine = machine or platform.machine()
    if system != "linux":
        return Unfit(
            f"it is {system}, and the sandbox rests on Linux namespaces", "run groundwork on Linux, or in a Linux machine or container"
        )
    if not calls.is_known(machine):
        return Unfit(f"no list of system calls is known for {machine}", "run groundwork on x86_64 or aarch64")
    return None


def refused(refusal: Refusal, root: Path = Path("/")) -> Unfit:
    """What a refused step means here. `root` holds the system's files (a test brings its own)."""
    what = f"it refused {_STEPS.get(refusal.refused, refusal.refused)} ({refusal.said})"
    if refusal.errno == errno.ENOSYS:
        return Unfit(what, "use Linux 5.14 or newer")
    if refusal.refused == "start":
        return Unfit(what, f"check that `{sys.executable} -I -S -c pass` runs")
    for file, closed, command in _SWITCHES:
        if _holds(root / file.lstrip("/"), closed):
            return Unfit(f"{what}; {file} is {closed}", f"ask for it: `{command}`")
    if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists():
        return Unfit(f"{what}; this is a container", _CONTAINER)
    return Unfit(what, f"check that `unshare --user --map-root-user --mount --pid --net --fork true` works; {_CONTAINER}")


def _holds(file: Path, value: str) -> bool:
    try:
        return file.read_text(encoding="utf-8").strip() == value
    except OSError:
        return False
