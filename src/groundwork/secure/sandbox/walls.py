"""The order in which processes are locked in. First the zygote's surroundings, once; then each child of it, before it sees any foreign text.

The root becomes an empty read-only tree that holds Python's library, the system's shared libraries and four devices: no /proc, no /etc,
no home. Standard library only: this runs inside the sandbox.
"""
# pathlib would be one more thing to copy with every fork
# ruff: noqa: PTH102, PTH103, PTH106, PTH110, PTH112, PTH117, PTH120, PTH207, PTH211

import glob
import os
import resource
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NamedTuple

from groundwork.secure.sandbox import filter as calls
from groundwork.secure.sandbox import kernel

NOBODY = 65534
SCRATCH = "/tmp"  # noqa: S108  the sandbox's own: a file system in memory, new for each program
DEVICES = ("null", "zero", "urandom", "full")
_OLD = "/old"
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache")
_APART = kernel.NEW_PIDS | kernel.NEW_NETWORK | kernel.NEW_IPC | kernel.NEW_UTS | kernel.NEW_CGROUP

# Landlock's accesses to files; the older a kernel, the fewer it handles
_READ = 1 << 2 | 1 << 3
_WRITE = 1 << 1 | 1 << 14
_CHANGE = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13  # remove folders and files; make folders, files, links; move
_HANDLED = {0: 0, 1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}


class Bounds(NamedTuple):
    """What one process may use, as plain numbers."""

    memory: int
    """Bytes of address space, what the warm interpreter has mapped included."""
    cpu: int
    """Whole seconds."""
    threads: int
    files: int
    """Bytes in the scratch folder, all files together."""


class Refused(OSError):
    """The system did not allow a step; `step` names it."""

    def __init__(self, step: str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.step = step


@contextmanager
def _step(name: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(name, error) from error


def surround() -> None:
    """Put this process into namespaces and a root of its own; its next child is the first process of the new process namespace.

    Real root builds the tree first and becomes nobody then: no program runs as a user that owns anything. Raises Refused.
    """
    folders, masked = _wanted()
    processes = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    user, group = os.geteuid(), os.getegid()
    if user == 0 and _may_mount():
        with _step("mount"):
            _build(folders, masked)
        with _step("user"):
            _become_nobody()
        user = group = NOBODY
        with _step("namespaces"):
            kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNTS | _APART)
        with _step("user"):
            _map(processes, user, group)
    else:
        with _step("namespaces"):
            kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNTS | _APART)
        with _step("user"):
            _map(processes, user, group)
        with _step("mount"):
            _build(folders, masked)
    os.close(processes)
    kernel.set_host_name("sandbox")


def fork_apart(home: int, child: Callable[[], None]) -> int:
    """Fork a process that is the first of a process namespace of its own, so that all it leaves behind dies with it.

    `home` is a pidfd of ourselves. `child` must not return. Raises OSError.
    """
    kernel.unshare(kernel.NEW_PIDS)
    try:
        pid = kernel.fork()
    except OSError:
        kernel.set_namespace(home, kernel.NEW_PIDS)
        raise
    if pid == 0:
        try:
            child()
        finally:
            os._exit(70)
    kernel.set_namespace(home, kernel.NEW_PIDS)
    return pid


def lock_in(bounds: Bounds) -> None:
    """The last walls, in the child itself: a scratch folder, limits, a user namespace without capabilities, Landlock, the filter."""
    kernel.unshare(kernel.NEW_MOUNTS)
    size = f"size={bounds.files},nr_inodes=1024,mode=700"
    kernel.mount("scratch", SCRATCH, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC, size)
    os.chdir(SCRATCH)
    kernel.unshare(kernel.NEW_USER)  # threads are counted per user namespace (Linux 5.14)
    _limit(bounds)
    kernel.drop_capabilities()
    if _LANDLOCK:
        kernel.landlock(_RULES, _HANDLED.get(_LANDLOCK, (1 << 16) - 1), _LANDLOCK)
    kernel.filter_calls(_FILTER)


# known before the first fork, so that no child finds it out again
_FILTER = kernel.prepare_filter(calls.call_filter() if calls.is_known() else b"")
_LANDLOCK = kernel.landlock_version()
_RULES = {"/": _READ, "/dev": _READ | _WRITE, SCRATCH: _READ | _WRITE | _CHANGE}
_HARD = {
    kind: hard
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE)
    if (hard := resource.getrlimit(kind)[1]) != resource.RLIM_INFINITY
}
"""What nobody may exceed anyway."""


def _limit(bounds: Bounds) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, bounds.memory),
        (resource.RLIMIT_CPU, bounds.cpu),
        (resource.RLIMIT_FSIZE, bounds.files),
        (resource.RLIMIT_NPROC, bounds.threads),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        least = min(most, _HARD.get(kind, most))
        resource.setrlimit(kind, (least, least))


def _may_mount() -> bool:
    """Whether we are root of the machine rather than of a container: then we leave the mounts of everybody else, and may go on."""
    try:
        kernel.unshare(kernel.NEW_MOUNTS)
    except PermissionError:
        return False
    return True


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    kernel.stay_dumpable()


def _map(processes: int, user: int, group: int) -> None:
    """Keep our own user in the new namespace; nobody else exists there."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        file = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=processes)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


def _wanted() -> tuple[dict[str, str], list[str]]:
    """What the root holds, each path with what it really is, and folders in there that are covered: other people's packages."""
    named = [*sys.path, f"{sys.base_prefix}/lib", *_LIBRARIES]
    folders = {path: os.path.realpath(path) for path in sorted(set(named)) if os.path.isabs(path) and os.path.exists(path)}
    masked = {found for path in folders.values() for part in ("", "python3*/") for found in glob.glob(f"{path}/{part}*-packages")}
    return folders, sorted(masked)


def _build(folders: dict[str, str], masked: list[str]) -> None:
    """Make the new root and change to it. The old one hangs below it meanwhile, so that nothing of it is hidden by the new."""
    kernel.mount("none", "/", flags=kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("root", SCRATCH, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "size=1m,mode=755")
    os.mkdir(SCRATCH + _OLD)
    kernel.change_root(SCRATCH, SCRATCH + _OLD)
    os.chdir("/")
    bound: list[str] = []
    for real in sorted(set(folders.values())):
        if not any(real.startswith(f"{above}/") for above in bound):
            _bind(real)
            bound.append(real)
    for path in masked:
        kernel.mount("none", path, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "size=4k,mode=755,ro")
    for path, real in folders.items():
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(real, path)
    os.mkdir("/dev")
    for name in DEVICES:
        _bind(f"/dev/{name}", device=True)
    os.makedirs(SCRATCH, exist_ok=True)
    kernel.detach(_OLD)
    os.rmdir(_OLD)
    kernel.make_read_only("/", recursive=False)


def _bind(path: str, *, device: bool = False) -> None:
    """Show what stands at `path` of the old root at the same place of the new one, read-only."""
    if os.path.isdir(_OLD + path):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    kernel.mount(_OLD + path, path, flags=kernel.BIND | kernel.RECURSIVE)
    if not device:
        kernel.make_read_only(path, recursive=True)
