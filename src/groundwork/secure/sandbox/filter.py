"""The system calls that are left to a program: a list of what Python needs, and everything else is refused.

No sockets but pairs inside the process, no new processes (threads only), no running of files, no mounts, namespaces, tracing, keys,
asynchronous rings or memory files. A refused call fails with EPERM, one newer than the list with ENOSYS (the C library then takes the
older way); a call in the format of another architecture kills the process.
Source of the format: linux/filter.h and linux/seccomp.h. Standard library only: this runs inside the sandbox.
"""

import errno
import platform
import struct
from collections.abc import Iterable, Iterator

# name, number on x86_64, number on aarch64 (`-`: it does not exist there)
_CALLS = """
read 0 63          write 1 64           open 2 -              close 3 57            stat 4 -              fstat 5 80
lstat 6 -          poll 7 -             lseek 8 62            mmap 9 222            mprotect 10 226       munmap 11 215
brk 12 214         rt_sigaction 13 134  rt_sigprocmask 14 135 rt_sigreturn 15 139   pread64 17 67         pwrite64 18 68
readv 19 65        writev 20 66         access 21 -           pipe 22 -             select 23 -           sched_yield 24 124
mremap 25 216      madvise 28 233       dup 32 23             dup2 33 -             pause 34 -            nanosleep 35 101
getitimer 36 102   alarm 37 -           setitimer 38 103      getpid 39 172         sendfile 40 71        sendto 44 206
recvfrom 45 207    shutdown 48 210      getsockname 51 204    getpeername 52 205    getsockopt 55 209     exit 60 93
wait4 61 260       kill 62 129          uname 63 160          fcntl 72 25           flock 73 32           fsync 74 82
fdatasync 75 83    truncate 76 45       ftruncate 77 46       getdents 78 -         getcwd 79 17          chdir 80 49
fchdir 81 50       rename 82 -          mkdir 83 -            rmdir 84 -            creat 85 -            link 86 -
unlink 87 -        symlink 88 -         readlink 89 -         chmod 90 -            fchmod 91 52          umask 95 166
gettimeofday 96 169 getrlimit 97 163    getrusage 98 165      sysinfo 99 179        times 100 153         getuid 102 174
getgid 104 176     geteuid 107 175      getegid 108 177       getppid 110 173       getpgrp 111 -         getpgid 121 155
getsid 124 156     rt_sigpending 127 136 rt_sigtimedwait 128 137 rt_sigsuspend 130 133 sigaltstack 131 132 utime 132 -
statfs 137 43      fstatfs 138 44       arch_prctl 158 -      gettid 186 178        tkill 200 130         time 201 -
futex 202 98       sched_getaffinity 204 123 epoll_create 213 - getdents64 217 61   set_tid_address 218 96 timer_create 222 107
timer_settime 223 110 timer_gettime 224 108 timer_getoverrun 225 109 timer_delete 226 111 clock_gettime 228 113
clock_getres 229 114 clock_nanosleep 230 115 exit_group 231 94 epoll_wait 232 -     epoll_ctl 233 21      tgkill 234 131
utimes 235 -       waitid 247 95        openat 257 56         mkdirat 258 34        futimesat 261 -       newfstatat 262 79
unlinkat 263 35    renameat 264 38      linkat 265 37         symlinkat 266 36      readlinkat 267 78     fchmodat 268 53
faccessat 269 48   pselect6 270 72      ppoll 271 73          set_robust_list 273 99 get_robust_list 274 100 utimensat 280 88
epoll_pwait 281 22 timerfd_create 283 85 fallocate 285 47     timerfd_settime 286 86 timerfd_gettime 287 87 eventfd2 290 19
epoll_create1 291 20 dup3 292 24        pipe2 293 59          preadv 295 69         pwritev 296 70        prlimit64 302 261
getcpu 309 168     renameat2 316 276    getrandom 318 278     membarrier 324 283    copy_file_range 326 285 statx 332 291
rseq 334 293       close_range 436 436  faccessat2 439 439    epoll_pwait2 441 441  futex_waitv 449 449   fchmodat2 452 452
"""
_LISTED_UP_TO = 424
"""Calls from here on are newer than the list: who meets ENOSYS takes the older way."""

_ARCHITECTURES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}
_CLONE, _SOCKETPAIR, _IOCTL, _PRCTL = (56, 220), (53, 199), (16, 29), (157, 167)
_THREAD = 0x0001_0000
_NAMESPACES = 0x7E02_0080
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # is it a terminal, its size, bytes waiting, non-blocking, close on exec
_PRCTLS = (15, 16)  # the name of a thread
_X32 = 0x4000_0000

_LOAD, _AND, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF_0000, 0x0005_0000 | errno.EPERM, 0x0005_0000 | errno.ENOSYS, 0x8000_0000

Instruction = tuple[int, int, int, int]
"""Code, jump where true, jump where false (both in instructions to skip), operand."""


def is_known(machine: str = "") -> bool:
    """Whether there is a list for this architecture."""
    return (machine or platform.machine()) in _ARCHITECTURES


def allowed(machine: str = "") -> frozenset[int]:
    """The numbers of the calls that are left without a condition. Raises KeyError for an architecture we do not know."""
    column = _ARCHITECTURES[machine or platform.machine()][0]
    words = _CALLS.split()
    numbers = [words[place + 1 + column] for place in range(0, len(words), 3)]
    return frozenset(int(number) for number in numbers if number != "-")


def call_filter(machine: str = "") -> bytes:
    """The filter as classic BPF for seccomp. Raises KeyError for an architecture we do not know."""
    column, token = _ARCHITECTURES[machine or platform.machine()]
    program: list[Instruction] = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, token), _end(_KILL), (_LOAD, 0, 0, 0)]
    program += [(_AT_LEAST, 0, 1, _X32), _end(_KILL)]
    program += _when(_CLONE[column], [*_argument(0), (_ANY_BIT, 0, 1, _NAMESPACES), _end(_REFUSE), (_ANY_BIT, 0, 1, _THREAD), _end(_ALLOW)])
    inside = [*_argument(0), (_EQUAL, 1, 0, 1), _end(_REFUSE), *_argument(1), (_AND, 0, 0, 0xF), (_EQUAL, 0, 1, 1), _end(_ALLOW)]
    program += _when(_SOCKETPAIR[column], inside)  # AF_UNIX, SOCK_STREAM: a pair that reaches nobody else
    program += _when(_IOCTL[column], [*_argument(1), *_one_of(_IOCTLS)])
    program += _when(_PRCTL[column], [*_argument(0), *_one_of(_PRCTLS)])
    ranges = list(_ranges(allowed(machine)))
    newer = [step for low, high in ranges if low >= _LISTED_UP_TO for step in _within(low, high, [_end(_ALLOW)])]
    program += [(_AT_LEAST, 0, len(newer) + 1, _LISTED_UP_TO), *newer, _end(_UNKNOWN)]
    program += _search([each for each in ranges if each[0] < _LISTED_UP_TO])
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def _search(ranges: list[tuple[int, int]]) -> list[Instruction]:
    """Find a number by halving: the kernel tries every number when a filter is installed, and a filter is installed for every program."""
    if len(ranges) == 1:
        return [*_within(*ranges[0], [_end(_ALLOW)]), _end(_REFUSE)]
    middle = len(ranges) // 2
    below = _search(ranges[:middle])
    return [(_AT_LEAST, len(below), 0, ranges[middle][0]), *below, *_search(ranges[middle:])]


def _within(low: int, high: int, body: list[Instruction]) -> list[Instruction]:
    """`body` for the numbers from low to high; the others fall through behind it."""
    return [(_AT_LEAST, 0, len(body) + 1, low), (_GREATER, len(body), 0, high), *body]


def _end(verdict: int) -> Instruction:
    return (_RETURN, 0, 0, verdict)


def _argument(place: int) -> tuple[Instruction]:
    """Load the lower half of an argument; those looked at have 32 bits."""
    return ((_LOAD, 0, 0, 16 + 8 * place),)


def _when(number: int, body: list[Instruction]) -> Iterator[Instruction]:
    """`body` for one call, refused where the body does not end."""
    yield (_EQUAL, 0, len(body) + 1, number)
    yield from body
    yield _end(_REFUSE)


def _one_of(values: Iterable[int]) -> Iterator[Instruction]:
    for value in values:
        yield (_EQUAL, 0, 1, value)
        yield _end(_ALLOW)


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of numbers without a gap, ascending."""
    low = high = -1
    for number in sorted(numbers):
        if number == high + 1 and low >= 0:
            high = number
            continue
        if low >= 0:
            yield low, high
        low = high = number
    yield low, high
