"""Calls of the Linux kernel that Python does not offer, on x86_64 and aarch64. Each raises OSError with the call's name.

Standard library only: this runs inside the sandbox. The numbers are those of the kernel's user-space headers (`linux/sched.h`,
`linux/mount.h`, `linux/prctl.h`, `linux/seccomp.h`, `linux/landlock.h`, `asm/unistd.h`).
"""

import ctypes
import os
import platform
import struct
from typing import Any, NamedTuple

NEW_MOUNTS = 0x0002_0000
NEW_CGROUP = 0x0200_0000
NEW_UTS = 0x0400_0000
NEW_IPC = 0x0800_0000
NEW_USER = 0x1000_0000
NEW_PIDS = 0x2000_0000
NEW_NETWORK = 0x4000_0000

NO_SUID, NO_DEVICES, NO_EXEC = 2, 4, 8
BIND, RECURSIVE, PRIVATE = 4096, 16384, 1 << 18

_PRIVILEGES_OFF, _DEATH_SIGNAL, _DUMPABLE, _SECCOMP = 38, 1, 4, 22
_DETACH = 2
_AT_RECURSIVE = 0x8000
_READ_ONLY = 1
_CAPABILITIES_VERSION = 0x2008_0522
_OURSELVES, _NO_CAPABILITIES = struct.pack("Ii", _CAPABILITIES_VERSION, 0), bytes(24)
_RULE_PATH = 1

_PIVOT_ROOT, _CAPSET = {"x86_64": (155, 126), "aarch64": (41, 91)}.get(platform.machine(), (-1, -1))
_MOUNT_SETATTR, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 442, 444, 445, 446  # the same on both

# All of this happens in processes of one thread: none waits for the interpreter's lock, and to give it away would write to more pages
_libc = ctypes.PyDLL(None, use_errno=True)


def _prepared(function: str, *kinds: type[Any]) -> Any:
    """A function of the C library that takes arguments of these kinds. Made once: what a fork shares is copied where it is written to."""
    found = _libc[function]  # by item it is another object each time, with kinds of its own
    found.argtypes = kinds
    return found


_unshare = _prepared("unshare", ctypes.c_int)
_mount = _prepared("mount", ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_prctl = _prepared("prctl", ctypes.c_int, *[ctypes.c_ulong] * 4)
_setns = _prepared("setns", ctypes.c_int, ctypes.c_int)
_syscall_of_longs = _prepared("syscall", *[ctypes.c_long] * 5)
_syscall_of_texts = _prepared("syscall", ctypes.c_long, ctypes.c_char_p, ctypes.c_char_p)
_create_ruleset = _prepared("syscall", ctypes.c_long, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long)
_add_rule = _prepared("syscall", ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_long)
_set_attributes = _prepared("syscall", ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_long, ctypes.c_char_p, ctypes.c_size_t)


def _checked(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def fork() -> int:
    """Fork as the C library does it, without what Python does after a fork: that costs more than the fork, and is for threads.

    Only for a process of one thread, which goes on as that thread in the child. What is registered with `os.register_at_fork` does not
    run: whoever draws random numbers in the child must seed them.
    """
    return _checked("fork", _libc.fork())


def unshare(kinds: int) -> None:
    """Leave the given namespaces for new ones; new process ids hold for children only."""
    _checked("unshare", _unshare(kinds))


def set_namespace(descriptor: int, kind: int) -> None:
    """Join a namespace, here that of the process behind a pidfd."""
    _checked("setns", _setns(descriptor, kind))


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system, bind a folder, or change how mounts spread."""
    done = _mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)
    _checked(f"mount {target}", done)


def make_read_only(target: str, *, recursive: bool) -> None:
    """Forbid writing, setuid and devices on a mount (Linux 5.12). Flags that are set stay set, as a user namespace demands."""
    wanted = struct.pack("QQQQ", _READ_ONLY | NO_SUID | (NO_DEVICES if recursive else 0), 0, 0, 0)
    done = _set_attributes(_MOUNT_SETATTR, -1, target.encode(), _AT_RECURSIVE if recursive else 0, wanted, len(wanted))
    _checked(f"mount_setattr {target}", done)


def change_root(new: str, old: str) -> None:
    """Make `new` the root and hang the old one below it, at `old`."""
    _checked("pivot_root", _syscall_of_texts(_PIVOT_ROOT, new.encode(), old.encode()))


def detach(target: str) -> None:
    """Take a mount and all below it out of sight."""
    _checked(f"umount {target}", _libc.umount2(target.encode(), _DETACH))


def set_host_name(name: str) -> None:
    """Name the machine, in this namespace."""
    _checked("sethostname", _libc.sethostname(name.encode(), ctypes.c_size_t(len(name))))


def _control(name: str, option: int, *arguments: int) -> None:
    _checked(f"prctl {name}", _prctl(option, *(*arguments, 0, 0, 0, 0)[:4]))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however it ends. Undone by a change of user: call it last."""
    _control("PR_SET_PDEATHSIG", _DEATH_SIGNAL, 9)


def stay_dumpable() -> None:
    """Keep our own files in /proc ours after a change of user: the map of a user namespace is written there."""
    _control("PR_SET_DUMPABLE", _DUMPABLE, 1)


def drop_capabilities() -> None:
    """Give up every capability in this user namespace, and the chance to gain one by running a file."""
    _control("PR_SET_NO_NEW_PRIVS", _PRIVILEGES_OFF, 1)
    _checked("capset", _syscall_of_texts(_CAPSET, _OURSELVES, _NO_CAPABILITIES))


class Filter(NamedTuple):
    """A seccomp filter as the kernel reads it: its instructions, and a note of where they lie and how many they are."""

    instructions: Any
    note: Any


def prepare_filter(instructions: bytes) -> Filter:
    """Lay out classic BPF, 8 bytes an instruction. Done once and not in each child: it makes types, and so writes to many pages."""
    text = ctypes.create_string_buffer(instructions, len(instructions))
    return Filter(text, ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(instructions) // 8, ctypes.addressof(text)), 16))


def filter_calls(prepared: Filter) -> None:
    """Install a seccomp filter. For good, and for all children."""
    _control("PR_SET_SECCOMP", _SECCOMP, 2, ctypes.addressof(prepared.note))


def landlock_version() -> int:
    """The version of Landlock's interface; 0 where the kernel has none or it is off."""
    return max(0, _create_ruleset(_LANDLOCK_CREATE, None, 0, 1))


def landlock(rules: dict[str, int], handled: int, version: int) -> None:
    """Allow below each path the given accesses to files, of those `handled`, and nothing else; no TCP, no signals to the outside."""
    wanted = struct.pack("QQQ", handled, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked("landlock_create_ruleset", _create_ruleset(_LANDLOCK_CREATE, wanted, len(wanted), 0))
    for path, allowed in rules.items():
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", allowed & handled, folder)
        _checked("landlock_add_rule", _add_rule(_LANDLOCK_ADD, ruleset, _RULE_PATH, rule, 0))
        os.close(folder)
    _checked("landlock_restrict_self", _syscall_of_longs(_LANDLOCK_RESTRICT, ruleset, 0, 0, 0))
    os.close(ruleset)
